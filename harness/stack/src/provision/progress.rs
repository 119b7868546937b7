//! What a person sees while something is being fetched.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Between two lines when standard error is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Where progress is shown.
pub(crate) struct Progress {
    shown: bool,
    bars: Option<MultiProgress>,
}

impl Progress {
    /// Bars on a terminal, a line every few seconds elsewhere, nothing unless `shown`.
    pub(crate) fn new(shown: bool) -> Self {
        Self {
            shown,
            bars: (shown && io::stderr().is_terminal()).then(MultiProgress::new),
        }
    }

    /// A piece of work of `total` bytes; 0 where nobody can say.
    pub(crate) fn task(&self, what: &str, total: u64) -> Task {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(if total == 0 {
                ProgressBar::new_spinner()
            } else {
                ProgressBar::new(total)
            });
            let template = if total == 0 {
                "  {msg:28} {elapsed} {spinner}"
            } else {
                "  {msg:28} {wide_bar} {decimal_bytes:>9} of {decimal_total_bytes}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar
        });
        let task = Task {
            what: what.to_owned(),
            total,
            bar,
            lines: self.shown && self.bars.is_none(),
            last: Mutex::new(Instant::now()),
            started: Instant::now(),
        };
        task.line("started");
        task
    }
}

/// One piece of work.
pub(crate) struct Task {
    what: String,
    total: u64,
    bar: Option<ProgressBar>,
    lines: bool,
    last: Mutex<Instant>,
    started: Instant,
}

impl Task {
    /// So many bytes are there.
    pub(crate) fn at(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(bytes.min(self.total));
            bar.tick();
        } else if let Ok(mut last) = self.last.lock()
            && last.elapsed() >= LINE_EVERY
        {
            *last = Instant::now();
            match (bytes.min(self.total) * 100).checked_div(self.total) {
                Some(percent) => self.line(&format!("{percent} % of {} MB", self.total / 1_000_000)),
                None => self.line(&format!("{} s", self.started.elapsed().as_secs())),
            }
        }
    }

    /// It is done.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
        self.line(&format!("done in {:.1} s", self.started.elapsed().as_secs_f64()));
    }

    fn line(&self, text: &str) {
        if self.lines {
            // A closed standard error is no reason to stop.
            let _ = writeln!(io::stderr(), "{}: {text}", self.what);
        }
    }
}
