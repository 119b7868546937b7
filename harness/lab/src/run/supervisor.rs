//! The supervisor's rule: a worker that dies is replaced, and without the ingest there is no run.

use std::time::{Duration, Instant};

use super::child::Ended;
use super::crew::INGEST;
use super::live::{Live, Step};
use super::not_built::NotBuilt;
use super::setup::last_words;

/// Workers that die more often than this within [`QUICK`] are not worth starting again.
const DEATHS: usize = 5;
const QUICK: Duration = Duration::from_secs(10);

impl Live<'_> {
    /// A process has ended: the supervisor's rule.
    ///
    /// # Errors
    /// It met a task of a lab that is not built yet: whoever took its place would meet it too.
    pub(super) fn ended(&mut self, ended: &Ended) -> Result<(), NotBuilt> {
        self.ready.crew.ended(ended);
        if let Some(unbuilt) = &ended.unbuilt {
            return Err(NotBuilt(unbuilt.clone()));
        }
        self.replaced(ended);
        Ok(())
    }

    fn replaced(&mut self, ended: &Ended) {
        let well = ended.status.is_some_and(|status| status.success());
        if ended.was_told && well {
            return;
        }
        let how = ended
            .status
            .map_or_else(|| "ended".into(), |status| format!("ended with {status}"));
        if ended.name == INGEST {
            let words = last_words(&self.ready, INGEST);
            self.broken.get_or_insert(format!(
                "the ingest {how}; its last words: {}",
                words.replace('\n', " | ")
            ));
            self.happened(format!("the ingest {how}: the run ends"), true);
            if matches!(self.step, Step::Running | Step::Pausing) {
                self.step = Step::Settling;
            }
            return;
        }
        if ended.was_told {
            self.happened(format!("{} was leaving and {how}", ended.name), true);
            return;
        }
        self.deaths.push(Instant::now());
        self.deaths.retain(|death| death.elapsed() < QUICK);
        if self.deaths.len() > DEATHS {
            let words = last_words(&self.ready, &ended.name).replace('\n', " | ");
            self.broken.get_or_insert(format!(
                "workers die as soon as they are started; the last words: {words}"
            ));
            if matches!(self.step, Step::Running | Step::Pausing) {
                self.step = Step::Settling;
            }
            return;
        }
        match self.ready.crew.start_worker() {
            Ok(next) => self.happened(format!("{} {how}; {} takes its place", ended.name, next.name()), true),
            Err(error) => {
                self.broken
                    .get_or_insert(format!("no worker can be started any more: {error}"));
            }
        }
    }
}
