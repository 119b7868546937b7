//! What is shown of a run while it goes on: a sample each second, the view at any moment, what the servers are asked for it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{Live, Step};
use crate::mine;
use crate::note;
use crate::run::charts;
use crate::view::{self, FaultState, Phase, View};

/// After how long without a row what waits is said to wait.
const STALLED: Duration = Duration::from_secs(1);

/// After how many plain lines the heads of their columns come again.
const LINES: u32 = 20;

impl Live<'_> {
    /// Once a second: a sample, a line, the ends of the topic, the charts.
    pub(super) fn second(&mut self, now: Duration) {
        let executed = self.executed();
        let (newest, waiting) = {
            let mut board = self.ready.crew.board();
            board.sample(now, executed);
            (board.newest_watermark(), board.on_the_way(executed))
        };
        if matches!(self.step, Step::Running) {
            self.backlog.push((now, waiting));
        }
        self.look_at_the_ends();
        if self.plain {
            let view = self.view(now);
            if self.lines.is_multiple_of(LINES) && view.phase == Phase::Running {
                note(&view::heads());
            }
            self.lines += 1;
            note(&view::line(&view));
        } else if let Some(newest) = newest {
            self.look_at_the_candles(now, newest);
        }
    }

    /// Asks the broker in the background, one question at a time.
    fn look_at_the_ends(&mut self) {
        if goes_on(self.looking.as_ref()) {
            return;
        }
        let (offsets, crew) = (Arc::clone(&self.offsets), Arc::clone(&self.ready.crew));
        self.looking = Some(tokio::spawn(async move {
            match offsets.ends().await {
                Ok(ends) => crew.board().ends(&ends),
                // No news for the reader: while no broker answers, its log does not grow.
                Err(error) => tracing::info!("Kafka did not say where the topic ends: {error}"),
            }
        }));
    }

    fn look_at_the_candles(&mut self, now: Duration, newest: i64) {
        if goes_on(self.charting.as_ref()) {
            return;
        }
        let client = self
            .ready
            .stack
            .clickhouse()
            .client()
            .with_database(&self.ready.names.database);
        let (place, again) = (Arc::clone(&self.charts), now.as_secs().is_multiple_of(5));
        self.charting = Some(tokio::spawn(async move {
            charts::draw(&client, &place, again, newest).await;
        }));
    }

    pub(super) fn view(&self, now: Duration) -> View {
        let board = self.ready.crew.board();
        let now_ms = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let executed = self.executed();
        let without_row = now.saturating_sub(self.last_row);
        View {
            title: self.plan.title(self.ready.markets.len()),
            mine: mine::folders(&self.plan.mine),
            elapsed: now,
            limit: self.plan.limit,
            phase: self.phase(),
            wished: self.wished,
            stages: board.stages(executed),
            rates_over: board.rates_over(),
            partitions: board.partitions(self.plan.args.partitions, now_ms),
            latency: board.recent_latency(),
            stalled: (without_row >= STALLED && board.on_the_way(executed) > 0).then_some(without_row),
            rows_per_second: board.rows_per_second(),
            candle_rows: board.sums().candles,
            charts: self.charts.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            faults: self.faults.clone(),
            events: self.events.clone(),
        }
    }

    fn phase(&self) -> Phase {
        match &self.step {
            Step::Running => Phase::Running,
            Step::Checking(_) => Phase::Auditing(self.rounds.len() + 1),
            Step::Pausing | Step::Settling if !self.striking.is_empty() => {
                let striking = self.faults.iter().filter(|fault| fault.state == FaultState::Striking);
                let names: Vec<&str> = striking.map(|fault| fault.name.as_str()).collect();
                Phase::Ending(format!("{} to end", names.join(" and ")))
            }
            Step::Pausing | Step::Settling | Step::Finishing(_) => {
                Phase::Draining("the exchange to empty its queues".into())
            }
            Step::Draining(drain) => Phase::Draining(drain.waiting()),
        }
    }
}

fn goes_on(task: Option<&JoinHandle<()>>) -> bool {
    task.is_some_and(|task| !task.is_finished())
}
