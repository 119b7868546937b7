//! One line per second, for logs and for those who pipe: columns that stand still, on 80 columns.

use super::{Phase, View};
use crate::text;

/// What the columns of `line` are.
pub fn heads() -> String {
    let stages: String = ["exchange", "ingest", "topic", "worker", "table"]
        .iter()
        .map(|stage| format!("{stage:>9}"))
        .collect();
    format!("{:<6}{stages}{:>9}{:>8}{:>8}", "", "lag", "p50", "p99")
}

/// The moment in one line of text.
pub fn line(view: &View) -> String {
    let clock = format!("{:<6}", text::clock(view.elapsed));
    match &view.phase {
        Phase::Running => {}
        Phase::Ending(waiting) => return format!("{clock} waiting for {waiting}; trades still flow"),
        Phase::Auditing(round) => return format!("{clock} the exchange pauses: round {round} is audited"),
        Phase::Draining(waiting) => return format!("{clock} draining: waiting for {waiting}"),
    }
    let unknown = || "–".to_owned();
    let rates: String = view
        .stages
        .iter()
        .map(|stage| match (stage.total, stage.rate) {
            (Some(_), Some(rate)) => format!("{}/s", short(rate)),
            _ => unknown(),
        })
        .map(|rate| format!("{rate:>9}"))
        .collect();
    let lag: Option<u64> = view.partitions.iter().map(|partition| partition.lag).sum();
    let lag = lag.map_or_else(unknown, |lag| short(lag as f64));
    let latency = match (view.stalled, view.latency) {
        (Some(since), _) => format!("{:>16}", format!("no row for {:.0} s", since.as_secs_f64())),
        (None, Some(latency)) => format!("{:>8}{:>8}", text::millis(latency.p50), text::millis(latency.p99)),
        (None, None) => format!("{:>8}{:>8}", "–", "–"),
    };
    format!("{clock}{rates}{lag:>9}{latency}")
}

/// A count in six characters at most: `9,999`, `12.3k`, `184k`, `1.84M`.
fn short(count: f64) -> String {
    match count.max(0.0) {
        v if v < 9_999.5 => text::grouped(v.round() as u64),
        v if v < 99_950.0 => format!("{:.1}k", v / 1e3),
        v if v < 999_500.0 => format!("{:.0}k", v / 1e3),
        v if v < 9_995_000.0 => format!("{:.2}M", v / 1e6),
        v => format!("{:.0}M", v / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short_and_never_seem_to_fall() {
        assert_eq!(
            [
                0.0,
                2_003.4,
                9_999.4,
                9_999.6,
                12_340.0,
                99_960.0,
                184_000.0,
                999_900.0,
                1_840_000.0,
                25e6
            ]
            .map(short),
            [
                "0", "2,003", "9,999", "10.0k", "12.3k", "100k", "184k", "1.00M", "1.84M", "25M"
            ]
        );
    }
}
