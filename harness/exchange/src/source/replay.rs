//! Replays the trades of a capture, their times moved to now.
//!
//! What stays as recorded: the order of arrival, how long before its sending a trade was executed (so that late ones stay
//! late), whole-second execution times where the recording has them, and the spelling of prices and volumes. What is new:
//! send time, execution time, id. Ids are made anew, because a loop or a faster pace would otherwise repeat them.
//!
//! A capture is read whole before it begins: a disk that is slow now and then would be taken for a market that is, and a
//! line that is wrong is better known at once. So it must fit into memory: see [`MOST_TRADES`].

use std::path::Path;
use std::sync::Arc;

use market::Market;

use super::{Execution, Ids, Spelling, TradeText};
use crate::{CaptureError, capture};

/// Trades that are taken: about 300 bytes each, with the spelling of their numbers, are 600 MB. Two million trades are
/// a file of 1 GB, or five hours of a hundred and ten a second.
const MOST_TRADES: usize = 2_000_000;

struct Recorded {
    /// Microseconds from the first frame's reception.
    offset_us: u64,
    /// Send time − execution time; both cut to whole seconds if the execution time is.
    age_ms: i64,
    whole_seconds: bool,
    price: i64,
    volume: i64,
    market: u16,
    side: market::Side,
}

/// The trades of a capture, once or over and over.
pub(crate) struct Replay {
    trades: Vec<Recorded>,
    spellings: Arc<[Spelling]>,
    markets: Vec<Market>,
    ids: Vec<Ids>,
    /// From the first frame to the last, and a breath, so that a loop does not begin with its end.
    length_us: u64,
    next: usize,
    round: u64,
    looped: bool,
}

impl Replay {
    /// Reads the trades of the capture at `path`; other frames are passed over.
    ///
    /// # Errors
    /// [`CaptureError`] with the line where a trade is none or cannot be kept exactly, and if there is no trade at all or
    /// more than [`MOST_TRADES`].
    pub(crate) fn open(path: &Path, looped: bool) -> Result<Self, CaptureError> {
        Self::open_at_most(path, looped, MOST_TRADES)
    }

    fn open_at_most(path: &Path, looped: bool, most: usize) -> Result<Self, CaptureError> {
        let mut reader = capture::Reader::open(path)?;
        let mut markets = reader.header().markets.clone();
        markets.dedup();
        let (mut trades, mut spellings) = (Vec::new(), Vec::new());
        let (mut first_us, mut last_us) = (None, 0);
        while let Some(captured) = reader.next() {
            let captured = captured?;
            let parsed = TradeText::parse(&captured.frame);
            let parsed = parsed.map_err(|why| CaptureError::line(path, reader.line(), why))?;
            let Some(trade) = parsed else { continue };
            if trades.len() == most {
                return Err(CaptureError::TooLong {
                    path: path.into(),
                    most,
                });
            }
            let market = match markets.iter().position(|market| *market == trade.market) {
                Some(at) => at,
                None => {
                    markets.push(trade.market);
                    markets.len() - 1
                }
            };
            let market = u16::try_from(market)
                .map_err(|_| CaptureError::line(path, reader.line(), "more than 65,536 markets"))?;
            let first = *first_us.get_or_insert(captured.received_us);
            last_us = (captured.received_us - first).unsigned_abs();
            let whole_seconds = trade.event_ms % 1000 == 0;
            let sent_ms = if whole_seconds {
                trade.sent_ms - trade.sent_ms % 1000
            } else {
                trade.sent_ms
            };
            trades.push(Recorded {
                offset_us: last_us,
                age_ms: (sent_ms - trade.event_ms).max(0),
                whole_seconds,
                price: trade.price,
                volume: trade.volume,
                market,
                side: trade.side,
            });
            spellings.push(trade.spelling);
        }
        if trades.is_empty() {
            return Err(CaptureError::NoTrades { path: path.into() });
        }
        Ok(Self {
            trades,
            spellings: spellings.into(),
            ids: markets.iter().map(|_| Ids::new()).collect(),
            markets,
            length_us: last_us + 100_000,
            next: 0,
            round: 0,
            looped,
        })
    }

    /// The markets, in the order in which executions number them.
    pub(crate) fn markets(&self) -> &[Market] {
        &self.markets
    }

    /// The first recorded price of a market, in units of 10⁻⁸; 0 if it has none.
    pub(crate) fn first_price(&self, market: Market) -> i64 {
        let number = self.markets.iter().position(|other| *other == market);
        let first = self
            .trades
            .iter()
            .find(|trade| Some(usize::from(trade.market)) == number);
        first.map_or(0, |trade| trade.price)
    }

    /// How the numbers of each recorded trade are spelled.
    pub(crate) fn spellings(&self) -> Arc<[Spelling]> {
        Arc::clone(&self.spellings)
    }

    /// When the next trade is due at the recorded pace, in microseconds from the start; `None` at the end.
    pub(crate) fn due_us(&self) -> Option<u64> {
        Some(self.round * self.length_us + self.trades.get(self.next)?.offset_us)
    }

    /// Whether every trade has been executed.
    pub(crate) fn at_end(&self) -> bool {
        self.next >= self.trades.len()
    }

    /// The next trade, sent at `sent_ms`; `None` at the end.
    pub(crate) fn next(&mut self, sent_ms: i64) -> Option<Execution> {
        let recorded = self.trades.get(self.next)?;
        let spelling = self.next as u32;
        self.next += 1;
        if self.at_end() && self.looped {
            self.next = 0;
            self.round += 1;
        }
        let base_ms = if recorded.whole_seconds {
            sent_ms - sent_ms % 1000
        } else {
            sent_ms
        };
        let (sequential_id, event_ms) = self.ids[usize::from(recorded.market)].give(base_ms - recorded.age_ms);
        Some(Execution {
            sequential_id,
            event_ms,
            sent_ms,
            price: recorded.price,
            volume: recorded.volume,
            spelling,
            market: recorded.market,
            side: recorded.side,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_of_more_trades_than_memory_is_meant_for_is_refused_and_what_is_no_trade_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.capture.jsonl");
        let mut writer = capture::Writer::create(&path, "", &[]).unwrap();
        for n in 1..=3 {
            writer.write(n, b"{\"type\":\"ticker\"}").unwrap();
            let trade =
                format!(r#"{{"ty":"trade","cd":"KRW-BTC","tms":1,"ttms":1,"tp":5,"tv":1.0,"ab":"BID","sid":{n}}}"#);
            writer.write(n, trade.as_bytes()).unwrap();
        }
        writer.flush().unwrap();
        assert_eq!(Replay::open_at_most(&path, false, 3).unwrap().trades.len(), 3);
        let refused = Replay::open_at_most(&path, false, 2).err().unwrap().to_string();
        assert!(
            refused.contains("a.capture.jsonl") && refused.contains("more than 2 trades"),
            "{refused}"
        );
    }
}
