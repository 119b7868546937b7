//! One line per second, for logs and for those who pipe.

use super::{Phase, View};
use crate::text;

/// The moment in one line of text.
pub fn line(view: &View) -> String {
    let rate = |rate: f64| text::grouped(rate.round().max(0.0) as u64);
    let stages: Vec<String> = view
        .stages
        .iter()
        .filter(|stage| stage.total.is_some())
        .map(|stage| format!("{} {:>5}/s", stage.name, rate(stage.rate)))
        .collect();
    let lag: u64 = view.partitions.iter().map(|partition| partition.lag).sum();
    let mut line = format!(
        "{}  {}  lag {:>5}",
        text::clock(view.elapsed),
        stages.join(" → "),
        text::grouped(lag)
    );
    if let Some(latency) = view.latency {
        line.push_str(&format!(
            "  p50 {:>6}  p99 {:>6}",
            text::millis(latency.p50),
            text::millis(latency.p99)
        ));
    }
    if let Phase::Draining(waiting) = &view.phase {
        line.push_str(&format!("  draining: {waiting}"));
    }
    line
}
