//! A soak, round by round: the exchange pauses, what is on its way arrives, everything since the beginning is audited, and
//! trading goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::Exchange;
use ledger::{AuditInput, Verdict};
use serde::Serialize;
use stack::Stack;

use super::crew::Crew;
use super::offsets::Offsets;
use super::resources::{Taken, taken};
use crate::text;

/// How long what is on its way may take to arrive; what has not by then is for the audit to name.
const ARRIVE_LIMIT: Duration = Duration::from_secs(120);

/// How long nothing may be left anywhere until all is taken to have arrived: reports are as old as half a second.
const STILL: Duration = Duration::from_millis(1_200);

/// A round that has been audited.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Round {
    /// From 1.
    pub(crate) number: usize,
    /// Seconds since the first trade, at its end.
    pub(crate) at_s: f64,
    /// Of everything since the beginning.
    pub(crate) verdict: Verdict,
    /// Trades since the beginning.
    pub(crate) sent: u64,
    /// Faults that struck, since the beginning.
    pub(crate) faults: usize,
    /// How long the pipeline took to empty, milliseconds.
    pub(crate) arrived_ms: f64,
    /// How long the audit took, milliseconds.
    pub(crate) audit_ms: f64,
    /// What the processes took when everything had arrived.
    pub(crate) taken: BTreeMap<String, Taken>,
    /// The audit's report, where it is not PASS.
    pub(crate) report: Option<String>,
}

impl Round {
    /// One whose audit came to no end: it proved nothing, and a soak with it proved less than it should.
    pub(crate) fn not_audited(number: usize, at: Duration, why: &impl ToString) -> Self {
        Self {
            number,
            at_s: at.as_secs_f64(),
            verdict: Verdict::Inconclusive,
            sent: 0,
            faults: 0,
            arrived_ms: 0.0,
            audit_ms: 0.0,
            taken: BTreeMap::new(),
            report: Some(format!("it could not be audited: {}\n", why.to_string())),
        }
    }

    /// In a line.
    pub(crate) fn line(&self) -> String {
        let mib = |taken: &Taken| taken.memory >> 20;
        let taken: Vec<String> = self
            .taken
            .iter()
            .map(|(name, taken)| format!("{name} {} MiB", mib(taken)))
            .collect();
        format!(
            "round {}: {} · {} · {} struck · emptied in {} · audit {} · {}",
            self.number,
            self.verdict.name(),
            text::plural(self.sent, "trade", "trades"),
            text::plural(self.faults as u64, "fault", "faults"),
            text::millis(self.arrived_ms),
            text::millis(self.audit_ms),
            taken.join(", ")
        )
    }
}

/// What an audit in the middle of a run needs.
pub(super) struct Check {
    pub(super) number: usize,
    pub(super) at: Duration,
    pub(super) faults: usize,
    pub(super) exchange: Arc<Exchange>,
    pub(super) stack: Arc<Stack>,
    pub(super) crew: Arc<Crew>,
    pub(super) offsets: Arc<Offsets>,
    pub(super) input: AuditInput,
}

impl Check {
    /// Pauses, waits, audits; the exchange trades again afterwards.
    pub(super) async fn run(self) -> Round {
        let from = Instant::now();
        let executed = self.exchange.pause().await.executed;
        let arrived = tokio::time::timeout(ARRIVE_LIMIT, self.arrived(executed)).await;
        let late = match arrived {
            Ok(()) => None,
            Err(_) => Some(self.on_the_way().await),
        };
        let (arrived_ms, taken) = (millis(from), self.taken().await);
        let from = Instant::now();
        let input = self.input;
        let audit = move || {
            ledger::audit(&input, &mut |_, _, _| {}).unwrap_or_else(|error| ledger::inconclusive(&input, &error))
        };
        let audited = tokio::task::spawn_blocking(audit).await;
        self.exchange.resume();
        let (verdict, sent, report) = match audited {
            Ok(report) if report.verdict == Verdict::Pass => (Verdict::Pass, report.sent, None),
            Ok(report) => {
                let late = late.map(|late| format!("{late}\n")).unwrap_or_default();
                (report.verdict, report.sent, Some(late + &report.render()))
            }
            Err(error) => (
                Verdict::Inconclusive,
                executed,
                Some(format!("the audit broke off: {error}")),
            ),
        };
        Round {
            number: self.number,
            at_s: self.at.as_secs_f64(),
            verdict,
            sent,
            faults: self.faults,
            arrived_ms,
            audit_ms: millis(from),
            taken,
            report,
        }
    }

    /// Waits until nothing is on its way.
    async fn arrived(&self, executed: u64) {
        let client = self.stack.clickhouse().client().with_database(&self.input.database);
        let mut still = Instant::now();
        loop {
            let rows = client.query("SELECT count() FROM trades").fetch_one::<u64>().await;
            let left = self.offsets.undelivered().await;
            let waits = {
                let board = self.crew.board();
                let ingest = board.ingest();
                !ingest.connected || ingest.in_flight > 0 || ingest.repairing > 0
            };
            if waits || rows.is_err() || rows.is_ok_and(|rows| rows < executed) || !matches!(left, Ok(0)) {
                still = Instant::now();
            }
            if still.elapsed() > STILL {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Why the audit of a round is one of a pipeline that still works.
    async fn on_the_way(&self) -> String {
        let left = match self.offsets.undelivered().await {
            Ok(left) => format!("{left} records of the topic are no rows yet"),
            Err(error) => format!("how many records are no rows yet cannot be asked: {error:#}"),
        };
        let board = self.crew.board();
        let ingest = board.ingest();
        format!(
            "Not everything had arrived {} s after the exchange paused: {left}, {} trades wait in the ingest and {} markets \
             for their repair. What is said to be lost may be on its way.",
            ARRIVE_LIMIT.as_secs(),
            ingest.in_flight,
            ingest.repairing
        )
    }

    async fn taken(&self) -> BTreeMap<String, Taken> {
        let (stack, crew) = (Arc::clone(&self.stack), Arc::clone(&self.crew));
        // The engine of a container is asked for its process, which may take its time; the exchange must not wait for it.
        let asked = tokio::task::spawn_blocking(move || {
            let kafka = stack.kafka();
            let servers = kafka.brokers().iter().chain(kafka.controller());
            let servers: Vec<(&str, u32)> = servers
                .chain([stack.clickhouse().server()])
                .filter_map(|server| Some((server.name(), server.pid()?)))
                .collect();
            // Workers come and go, and their names with them.
            let workers = crew.workers();
            let pipeline = workers.iter().map(|worker| ("workers", worker.pid()));
            let ingest = crew.ingest();
            let pipeline = pipeline.chain(ingest.iter().map(|ingest| ("ingest", ingest.pid())));
            // The exchange runs in this process.
            taken(pipeline.chain(servers).chain([("exchange", std::process::id())]))
        });
        asked.await.unwrap_or_default()
    }
}

fn millis(from: Instant) -> f64 {
    from.elapsed().as_secs_f64() * 1e3
}
