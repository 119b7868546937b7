//! The line at the end of a terminal that says what goes on.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Whether standard error can show one.
pub(crate) fn fits() -> bool {
    std::io::stderr().is_terminal()
}

/// A line with how long it has been going on, and its message; hidden where it cannot be shown.
pub(crate) fn spinner() -> ProgressBar {
    let bar = ProgressBar::hidden();
    if fits() {
        show(&bar, "  {spinner} {elapsed}  {wide_msg}");
    }
    bar
}

/// Shows one that was hidden until now.
pub(crate) fn show(bar: &ProgressBar, template: &'static str) {
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // A constant template.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
}
