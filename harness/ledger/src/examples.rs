//! The first few of each kind of finding: the earliest by event time, so that two audits of one run name the same ones.

use std::collections::BTreeMap;

use market::{Market, Side, Trade};

use crate::report::{Example, Finding};

/// How many of each kind a report names.
pub(crate) const LIMIT: usize = 5;

/// Event time, market if there is one, number: the order of examples.
type Key = (i64, Option<Market>, u64);

/// Keeps the smallest [`LIMIT`] of each kind.
#[derive(Default)]
pub(crate) struct Examples(BTreeMap<Finding, BTreeMap<Key, String>>);

impl Examples {
    /// Keeps the finding if it is among the first; only then is the sentence made.
    pub(crate) fn add(&mut self, finding: Finding, key: Key, detail: impl FnOnce() -> String) {
        let kept = self.0.entry(finding).or_default();
        if kept.len() >= LIMIT && kept.last_key_value().is_some_and(|(last, _)| *last <= key) {
            return;
        }
        kept.insert(key, detail());
        if kept.len() > LIMIT {
            kept.pop_last();
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Example> {
        let of = |(finding, kept): (Finding, BTreeMap<Key, String>)| {
            kept.into_values().map(move |detail| Example { finding, detail })
        };
        self.0.into_iter().flat_map(of).collect()
    }
}

/// `2021-04-17T06:53:04.123Z`.
pub(crate) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| format!("{millis} ms"), |time| format!("{time:.3}"))
}

/// `KRW-BTC 16186423840000001 of 2021-04-17T06:53:04.123Z`.
pub(crate) fn name(trade: &Trade) -> String {
    format!(
        "{} {} of {}",
        trade.market,
        trade.sequential_id,
        time(trade.event_time.millis())
    )
}

/// `price 1 → 2, side BID → ASK`: in which values `after` differs from `before`. `sent` says whether both have a send
/// time; the journal has none. Empty when they are equal.
pub(crate) fn difference(before: &Trade, after: &Trade, sent: bool) -> String {
    let mut parts = Vec::new();
    if before.price != after.price {
        parts.push(format!("price {} → {}", before.price, after.price));
    }
    if before.volume != after.volume {
        parts.push(format!("volume {} → {}", before.volume, after.volume));
    }
    if before.side != after.side {
        parts.push(format!("side {} → {}", Side::name(before.side), after.side.name()));
    }
    if before.event_time != after.event_time {
        let (before, after) = (before.event_time.millis(), after.event_time.millis());
        parts.push(format!("event time {} → {}", time(before), time(after)));
    }
    if sent && before.sent_time != after.sent_time {
        let (before, after) = (before.sent_time.millis(), after.sent_time.millis());
        parts.push(format!("send time {} → {}", time(before), time(after)));
    }
    parts.join(", ")
}
