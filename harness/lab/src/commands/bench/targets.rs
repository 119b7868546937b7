//! What the figures are held against. Verdicts are computed, each from a figure of the same run.

use market::Encoding;
use measure::Cost;

use super::programme::Figures;
use super::tables::{Table, to_floor};
use crate::text;

/// 350,000 trades/s beside 488,000.
const BESIDE_BARE: f64 = 0.72;

/// One figure and its bound.
struct Target {
    part: &'static str,
    bound: String,
    /// As it is shown, and whether it is met; absent when it was not measured.
    measured: Option<(String, bool)>,
}

/// Every target.
pub(super) fn table(figures: &Figures) -> Table {
    let rows = targets(figures).into_iter().map(|target| {
        let (figure, verdict) = match target.measured {
            Some((figure, met)) => (figure, if met { "met" } else { "not met" }),
            None => ("–".into(), "not measured"),
        };
        vec![target.part.into(), target.bound, figure, verdict.into()]
    });
    Table {
        title: "Targets",
        head: vec!["part", "target", "measured", "verdict"],
        rows: rows.collect(),
    }
}

fn targets(figures: &Figures) -> Vec<Target> {
    let costs = &figures.stages;
    let of = |stage: &str, way: &str| {
        costs
            .iter()
            .find(|cost| cost.stage == stage && cost.way.starts_with(way))
    };
    let mut all = Vec::new();
    let mut most = |part, bound: f64, unit: &str, value: Option<f64>| {
        all.push(Target {
            part,
            bound: format!("≤ {bound} {unit}").trim_end().to_owned(),
            measured: value.map(|value| (format!("{value:.2} {unit}").trim_end().to_owned(), value <= bound)),
        });
    };
    let cpu = |cost: &Cost| cost.cpu_us.median;
    let ratio = |stage, way| of(stage, way).and_then(|cost| to_floor(costs, cost));
    most(
        "decode a frame, exact decimals",
        0.45,
        "µs",
        of("decode a frame", "exact").map(cpu),
    );
    most(
        "its allocations",
        0.0,
        "per frame",
        of("decode a frame", "exact").map(|cost| cost.allocations),
    );
    for (part, way) in [
        ("receive, frames batched by the server", "feed and decode, batched"),
        ("receive, one write per frame", "feed and decode, one write"),
    ] {
        most(part, 1.3, "× the library", ratio("receive a frame", way));
    }
    for (part, way) in [
        ("produce, JSON", "producer, json"),
        ("produce, Protobuf", "producer, protobuf"),
    ] {
        most(part, 1.15, "× librdkafka", ratio("produce", way));
    }
    for (part, way) in [
        ("consume and decode, JSON", "member, json"),
        ("consume and decode, Protobuf", "member, protobuf"),
    ] {
        most(part, 1.2, "× librdkafka", ratio("consume and decode", way));
    }
    most(
        "insert, 100,000 rows, ClickHouse's CPU per row",
        0.7,
        "µs",
        of("insert a row", "guarded")
            .and_then(|cost| cost.servers_us)
            .map(|us| us.median),
    );
    let grows = |stage, less: &str, more: &str| Some(cpu(of(stage, more)?) / cpu(of(stage, less)?));
    most(
        "window operator, 1,000 markets against 10",
        1.2,
        "×",
        grows("windows", "one minute, 10 m", "one minute, 1000 m"),
    );
    most(
        "window operator, 16 open windows against 1",
        1.2,
        "×",
        grows("open windows", "1 open", "16 open"),
    );
    let at_10k = figures.latency.iter().find(|run| run.rate == Some(10_000.0));
    most(
        "p99 to a readable row, at 10,000 trades/s",
        100.0,
        "ms",
        at_10k.map(|run| run.latency_ms[1]),
    );

    let mut least = |part, bound: f64, unit: &str, value: Option<f64>| {
        let shown = |value: f64| match value >= 1e6 {
            true => format!("{:.1} M {unit}", value / 1e6),
            false => format!("{} {unit}", text::grouped(value.round() as u64)),
        };
        all.push(Target {
            part,
            bound: format!("≥ {}", shown(bound)),
            measured: value.map(|value| (shown(value), value >= bound)),
        });
    };
    let per_core = |cost: &Cost| 1e6 / cost.cpu_us.median;
    least(
        "window operator, one minute",
        30e6,
        "events/s and core",
        of("windows", "one minute, 100 m").map(per_core),
    );
    let chain = "Kafka → decode → windows";
    least(
        "Kafka to windows, JSON",
        1e6,
        "events/s and core",
        of(chain, "one minute, json").map(per_core),
    );
    least(
        "Kafka to windows, Protobuf",
        1.5e6,
        "events/s and core",
        of(chain, "one minute, protobuf").map(per_core),
    );
    // What was tried and not kept up with is a figure, too: none.
    let kept_up = |encoding| {
        let mut runs = figures.whole.iter();
        let run = runs.find(|run| run.encoding == encoding && run.rate.is_some())?;
        Some(if run.kept_up() { run.per_second } else { 0.0 })
    };
    for (part, encoding) in [
        ("end to end, kept up with, audited, JSON", Encoding::Json),
        ("end to end, kept up with, audited, Protobuf", Encoding::Protobuf),
    ] {
        least(part, 350e3, "trades/s", kept_up(encoding));
    }
    // What the rate above is of that of the bare path on the machine where both were set; machines differ, this less.
    let bare = of(
        "the whole, without a guarantee",
        "one process, the exchange's thread in it, json",
    );
    let share = kept_up(Encoding::Json).zip(bare);
    let share = share.map(|(rate, bare)| rate / bare.per_second.median);
    all.push(Target {
        part: "the same, JSON, beside a pipeline without any guarantee",
        bound: format!("≥ {BESIDE_BARE} × its rate"),
        measured: share.map(|share| (format!("{share:.2} × its rate"), share >= BESIDE_BARE)),
    });
    all
}
