//! `bench pipeline`: each stage beside its floor, the whole at full speed and at a rate that it keeps up with, and latency
//! under a load that does not wait for answers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use ledger::Verdict;
use market::Encoding;
use measure::Cost;
use serde::{Deserialize, Serialize};
use stack::Provider;

use crate::cli::{self, UpArgs};
use crate::commands::up::{self, Audited};
use crate::run::plan::Plan;
use crate::run::used::Used;
use crate::values::{Length, Rate};
use crate::{cargo, note, text};

/// The rates at which latency is measured, trades per second.
const RATES: [f64; 3] = [1_000.0, 10_000.0, 50_000.0];

/// What part of the full speed is tried as a rate that is kept up with, one after the other.
const SHARES: [f64; 3] = [0.95, 0.85, 0.75];

/// At what rate, and with what linger of the ingest and what least time between blocks, milliseconds, it is looked how soon a
/// row can be there, and what that costs.
const SOONER: (f64, [(u64, u64); 2]) = (10_000.0, [(5, 10), (0, 0)]);

/// How long each kind of run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lengths {
    pub(crate) full: Duration,
    pub(crate) sustained: Duration,
    pub(crate) latency: Duration,
}

impl Lengths {
    /// For a look.
    pub(crate) const SHORT: Self = Self {
        full: Duration::from_secs(30),
        sustained: Duration::from_secs(60),
        latency: Duration::from_secs(20),
    };
    /// All alike.
    pub(crate) fn all(length: Duration) -> Self {
        Self {
            full: length,
            sustained: length,
            latency: length,
        }
    }

    /// For the reference figures.
    pub(crate) const REFERENCE: Self = Self {
        full: Duration::from_secs(60),
        sustained: Duration::from_secs(300),
        latency: Duration::from_secs(45),
    };
}

/// One run of the whole pipeline.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// How a trade was written in the topic.
    pub(crate) encoding: Encoding,
    /// Trades per second asked for; absent at full speed.
    pub(crate) rate: Option<f64>,
    /// How long the ingest let a batch wait at most, milliseconds.
    pub(crate) linger_ms: u64,
    /// Least time between two blocks of a worker, milliseconds.
    pub(crate) epoch_ms: u64,
    /// Seconds of trading.
    pub(crate) seconds: f64,
    /// The audit's.
    pub(crate) verdict: Verdict,
    /// Trades.
    pub(crate) trades: u64,
    /// From the first trade to the last row.
    pub(crate) per_second: f64,
    /// Latency from the moment at which the exchange was to send to the readable row: p50, p99, p99.9, milliseconds. Without
    /// the run's first seconds, unless there are no others.
    pub(crate) latency_ms: [f64; 3],
    /// Processor time of the ingest and of the workers, milliseconds.
    pub(crate) cpu_ms: (u64, u64),
    /// What the servers and the exchange used.
    pub(crate) used: Used,
    /// How much the trades on the way grew, from the second third of the run to the last, in seconds of the rate.
    pub(crate) growth_s: f64,
}

/// What part of the trades that were due a run must have sent.
const DUE: f64 = 0.99;

/// Growth of the trades on the way, in seconds of the rate, that is noise and no trend.
const NOISE_S: f64 = 0.25;

impl Run {
    /// Whether it kept up: all trades that were due came, and those on the way did not grow. Full queues hold the exchange
    /// back, and then nothing grows either.
    pub(crate) fn kept_up(&self) -> bool {
        let due = self.rate.unwrap_or(0.0) * self.seconds;
        self.growth_s <= NOISE_S && self.trades as f64 >= DUE * due
    }
}

/// Everything that the programme measures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// The stages.
    pub(crate) stages: Vec<Cost>,
    /// For each encoding: at full speed, then at the highest rate that was kept up with, or the lowest tried if none was.
    pub(crate) whole: Vec<Run>,
    /// At the rates of the latencies, then with less waiting.
    pub(crate) latency: Vec<Run>,
    /// Versions of the servers.
    pub(crate) versions: BTreeMap<String, String>,
}

/// Measures everything.
///
/// # Errors
/// Something cannot be built or run, or a run did not pass its audit: what loses trades is not fast.
pub(crate) fn measure(provider: Provider, lengths: Lengths) -> anyhow::Result<Figures> {
    let stages = stages(provider)?;
    let mut measured = Measured {
        provider,
        versions: BTreeMap::new(),
    };
    let mut whole = Vec::new();
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        whole.extend(measured.whole(encoding, lengths)?);
    }
    let mut latency = Vec::new();
    let as_it_is = measured.asked(lengths.latency)?;
    for rate in RATES {
        note(&format!("\nLatency at {} trades/s:", text::grouped(rate as u64)));
        latency.push(measured.run(&as_it_is, Some(rate))?);
    }
    let (rate, waits) = SOONER;
    for (linger_ms, epoch_ms) in waits {
        note(&format!(
            "\nLatency at {} trades/s, --linger-ms {linger_ms} --epoch-ms {epoch_ms}:",
            text::grouped(rate as u64)
        ));
        let sooner = UpArgs {
            linger_ms,
            epoch_ms,
            ..as_it_is.clone()
        };
        latency.push(measured.run(&sooner, Some(rate))?);
    }
    Ok(Figures {
        stages,
        whole,
        latency,
        versions: measured.versions,
    })
}

/// The stages, each measured by itself by the pipeline's own bench.
fn stages(provider: Provider) -> anyhow::Result<Vec<Cost>> {
    let mut command = cargo::cargo("bench");
    command
        // Together with this package: see `cargo::pipeline`.
        .args(["--package", cargo::PIPELINE.0, "--package", "lab"])
        .args(["--bench", "stages", "--quiet"])
        .env("LAB_STACK", provider.name())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut child = command
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let lines = BufReader::new(child.stdout.take().context("no output")?);
    note("Stages (building first, if anything has changed):");
    let mut costs: Vec<Cost> = Vec::new();
    for line in lines.lines() {
        let line = line?;
        let Ok(cost) = serde_json::from_str::<Cost>(&line) else {
            continue;
        };
        note(&format!(
            "  {:<28}{:<52}{:>9.3} µs",
            cost.stage, cost.way, cost.cpu_us.median
        ));
        costs.push(cost);
    }
    let status = child.wait()?;
    ensure!(
        status.success() && !costs.is_empty(),
        "the stages could not be measured; the words of the bench are above"
    );
    Ok(costs)
}

/// Runs of the whole pipeline on one provider's servers.
struct Measured {
    provider: Provider,
    versions: BTreeMap<String, String>,
}

impl Measured {
    fn asked(&self, length: Duration) -> anyhow::Result<UpArgs> {
        let mut args: UpArgs = cli::up_with(&[])?;
        args.length = Length::For(length);
        args.stack = self.provider;
        args.plain = true;
        Ok(args)
    }

    /// At full speed, and at the highest rate that is kept up with.
    fn whole(&mut self, encoding: Encoding, lengths: Lengths) -> anyhow::Result<Vec<Run>> {
        note(&format!("\nThe whole pipeline, {encoding}, at full speed:"));
        let mut args = self.asked(lengths.full)?;
        args.encoding = encoding;
        let full = self.run(&args, None)?;
        note(&format!("  {} trades/s", text::grouped(full.per_second.round() as u64)));
        let speed = full.per_second;
        let mut runs = vec![full];
        args.length = Length::For(lengths.sustained);
        for share in SHARES {
            let rate = (speed * share / 1e4).floor() * 1e4;
            if rate < 1e4 {
                break;
            }
            note(&format!("\nAt {} trades/s, {encoding}:", text::grouped(rate as u64)));
            let run = self.run(&args, Some(rate))?;
            let kept_up = run.kept_up();
            note(&match kept_up {
                true => "  kept up".into(),
                false => format!(
                    "  not kept up: {} trades, and what is on its way grew by {:.1} s",
                    text::grouped(run.trades),
                    run.growth_s
                ),
            });
            runs.truncate(1);
            runs.push(run);
            if kept_up {
                break;
            }
        }
        Ok(runs)
    }

    fn run(&mut self, args: &UpArgs, rate: Option<f64>) -> anyhow::Result<Run> {
        let mut args = args.clone();
        args.rate = Some(rate.map_or(Rate::Max, Rate::PerSecond));
        let mut plan = Plan::new(args.clone())?;
        (plan.brief, plan.measured) = (true, true);
        let done = up::carried_out(plan)?;
        ensure!(
            done.report.verdict == Verdict::Pass,
            "the run did not pass its audit: what loses trades is not fast"
        );
        self.versions.clone_from(&done.report.stack.versions);
        Ok(of(&done, &args))
    }
}

/// The figures of a run for which this was asked.
pub(crate) fn of(done: &Audited, args: &UpArgs) -> Run {
    let report = &done.report;
    let rate = match args.rate {
        Some(Rate::PerSecond(rate)) => Some(rate),
        _ => None,
    };
    Run {
        encoding: args.encoding,
        rate,
        linger_ms: args.linger_ms,
        epoch_ms: args.epoch_ms,
        // Without a limit it went on until it was stopped.
        seconds: args
            .length
            .limit()
            .map_or(report.duration_s, |length| length.as_secs_f64()),
        verdict: report.verdict,
        trades: report.once,
        per_second: report.trades_per_second,
        latency_ms: match done.steady.count() {
            // Shorter than its beginning.
            0 => [report.latency_ms.p50, report.latency_ms.p99, report.latency_ms.p999],
            _ => [0.5, 0.99, 0.999].map(|share| done.steady.millis_at(share)),
        },
        cpu_ms: done.cpu_ms,
        used: done.used,
        growth_s: growth(&done.backlog) / rate.unwrap_or(report.trades_per_second).max(1.0),
    }
}

/// By how many trades the backlog grew from the second third of a run to the last: their means, because single samples jump
/// with every block.
fn growth(backlog: &[(Duration, u64)]) -> f64 {
    let third = backlog.len() / 3;
    if third == 0 {
        return 0.0;
    }
    let mean = |part: &[(Duration, u64)]| part.iter().map(|(_, count)| *count as f64).sum::<f64>() / part.len() as f64;
    mean(&backlog[backlog.len() - third..]) - mean(&backlog[third..2 * third])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backlog(counts: impl IntoIterator<Item = u64>) -> Vec<(Duration, u64)> {
        let seconds = (0..).map(Duration::from_secs);
        seconds.zip(counts).collect()
    }

    #[test]
    fn a_backlog_that_jumps_does_not_grow_and_one_that_rises_does() {
        let jumps = backlog([0, 900, 100, 900, 100, 900, 100, 900, 100, 900, 100, 900]);
        assert!(growth(&jumps).abs() < 250.0, "{}", growth(&jumps));
        let rises = backlog((0..12).map(|second| second * 1_000));
        assert_eq!(growth(&rises), 4_000.0, "a thousand a second, a third apart");
        assert_eq!(growth(&backlog([5, 5])), 0.0, "too short to say");
    }
}
