//! The end of a run, step by step: faults over, exchange empty, ingest drained, tables complete, workers gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Verdict;
use tokio::task::JoinError;

use super::audit;
use super::drain::{Drain, Order, Seen};
use super::live::{Live, Outcome, Step};
use super::rounds::{Check, Round};

impl Live<'_> {
    /// Moves the end of the run on.
    pub(super) async fn advance(&mut self, now: Duration) -> Order {
        match &mut self.step {
            Step::Running => {}
            Step::Pausing | Step::Settling if !self.striking.is_empty() => {}
            Step::Pausing => self.check(now),
            Step::Checking(task) => {
                if task.is_finished() {
                    let round = task.await;
                    self.checked(now, round);
                }
            }
            Step::Settling => {
                let exchange = self.ready.exchange.clone();
                self.step = Step::Finishing(tokio::spawn(async move {
                    if let Some(exchange) = exchange {
                        exchange.finish().await;
                    }
                }));
            }
            Step::Finishing(task) => {
                if task.is_finished() {
                    match self.ready.crew.ingest() {
                        Some(ingest) => ingest.drain().await,
                        None => self.ingest_gone = Some(Instant::now()),
                    }
                    self.step = Step::Draining(Drain::new(now));
                }
            }
            Step::Draining(drain) => {
                let ingest = self.ready.crew.ingest();
                if ingest.is_none() && self.ingest_gone.is_none() {
                    self.ingest_gone = Some(Instant::now());
                }
                let (ingest_left, repairing) = {
                    let board = self.ready.crew.board();
                    (board.ingest().in_flight, board.ingest().repairing)
                };
                let seen = Seen {
                    ingest_runs: ingest.is_some(),
                    ingest_left,
                    repairing,
                    // An answer to a question from before the ingest's end may have missed its last records.
                    undelivered: match (*self.undelivered.borrow(), self.ingest_gone) {
                        (Some((asked, left)), Some(gone)) if asked > gone => Some(left),
                        _ => None,
                    },
                    workers: self.ready.crew.workers().len() + self.joined.count(),
                };
                let order = drain.see(now, seen);
                if order == Order::DismissWorkers {
                    self.dismiss_workers().await;
                } else {
                    self.ask();
                }
                return order;
            }
        }
        Order::Wait
    }

    /// Begins the audit of a round.
    fn check(&mut self, now: Duration) {
        let Some(exchange) = self.ready.exchange.clone() else {
            self.round_ends = None;
            self.pace.go_on(now);
            self.step = Step::Running;
            return;
        };
        let outcome = Outcome {
            duration: now,
            faults: self.outcomes(),
            pipeline_failed: self.broken.clone(),
            not_drained: None,
            rounds: Vec::new(),
            backlog: Vec::new(),
        };
        let faults = outcome.faults.iter().filter(|fault| fault.struck).count();
        let check = Check {
            number: self.rounds.len() + 1,
            at: now,
            faults,
            exchange,
            stack: Arc::clone(&self.ready.stack),
            crew: Arc::clone(&self.ready.crew),
            offsets: Arc::clone(&self.offsets),
            input: audit::input(self.plan, &self.ready, outcome),
        };
        self.step = Step::Checking(tokio::spawn(check.run()));
    }

    /// A round has been audited: the next one begins, unless there is nothing to learn from it.
    fn checked(&mut self, now: Duration, round: Result<Round, JoinError>) {
        let failed = match round {
            Ok(round) => {
                self.happened(round.line(), round.verdict != Verdict::Pass);
                let failed = round.verdict == Verdict::Fail;
                self.rounds.push(round);
                failed
            }
            Err(error) => {
                self.happened(format!("a round could not be audited: {error}"), true);
                self.rounds.push(Round::not_audited(self.rounds.len() + 1, now, &error));
                true
            }
        };
        let over = failed || self.wished || self.broken.is_some() || self.plan.limit.is_some_and(|limit| now >= limit);
        self.step = if over { Step::Settling } else { Step::Running };
        self.pace.go_on(now);
        if let (Some(round), Some(end)) = (self.plan.round, &mut self.round_ends) {
            *end += round;
        }
    }

    async fn dismiss_workers(&mut self) {
        for worker in self.ready.crew.workers() {
            worker.drain().await;
        }
        if let Some((held, current)) = &mut self.ready.place {
            current.leaving = true;
            if let Err(error) = held.tell(current) {
                tracing::warn!("workers of other terminals are not told to leave: {error}");
            }
        }
    }

    /// Asks Kafka in the background what is left, one question at a time.
    fn ask(&mut self) {
        if self.asking.as_ref().is_some_and(|asking| !asking.is_finished()) {
            return;
        }
        let (offsets, answer) = (Arc::clone(&self.offsets), self.undelivered.clone());
        self.asking = Some(tokio::spawn(async move {
            let asked = Instant::now();
            match offsets.undelivered().await {
                Ok(left) => drop(answer.send_replace(Some((asked, left)))),
                Err(error) => tracing::warn!("Kafka did not say what is left: {error}"),
            }
        }));
    }
}
