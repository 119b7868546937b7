//! Which test programs run now: a line that changes on a terminal, else a line for each that begins.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::note;

pub(super) struct Board {
    bar: ProgressBar,
    running: Vec<Running>,
}

struct Running {
    name: String,
    from: Instant,
    words: Option<PathBuf>,
}

impl Board {
    /// Of so many programs; `quiet` where they show their words as they come.
    pub(super) fn new(programs: usize, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(programs as u64), ProgressDrawTarget::hidden());
        if !quiet && crate::bar::fits() {
            crate::bar::show(
                &bar,
                "  {spinner} {pos}/{len} test programs, {elapsed}  {wide_msg:.dim}",
            );
        }
        Self {
            bar,
            running: Vec::new(),
        }
    }

    /// `words`: where it speaks, if nobody sees that now.
    pub(super) fn begins(&mut self, name: &str, words: Option<&Path>) {
        if self.bar.is_hidden() {
            note(&format!("--- {name}: begins"));
        }
        self.running.push(Running {
            name: name.to_owned(),
            from: Instant::now(),
            words: words.map(Path::to_path_buf),
        });
        self.show();
    }

    pub(super) fn ends<T>(&mut self, name: &str, show: impl FnOnce() -> T) -> T {
        let shown = self.bar.suspend(show);
        self.running.retain(|running| running.name != name);
        self.bar.inc(1);
        self.show();
        shown
    }

    /// Says of those that have run for so long where one can look.
    pub(super) fn still_running(&self, long: Duration) {
        for running in self.running.iter().filter(|running| running.from.elapsed() >= long) {
            if let Some(words) = &running.words {
                let (name, seconds) = (&running.name, running.from.elapsed().as_secs());
                self.bar.suspend(|| {
                    note(&format!(
                        "--- {name}: runs for {seconds} s; what it says is in {}",
                        words.display()
                    ));
                });
            }
        }
    }

    pub(super) fn over(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        let names: Vec<&str> = self.running.iter().map(|running| running.name.as_str()).collect();
        self.bar.set_message(names.join(", "));
    }
}
