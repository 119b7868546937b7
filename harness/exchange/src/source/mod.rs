//! Where trades come from: a seeded generator, or a capture whose times are moved to now.
//!
//! Both give every trade the id `execution time in ms × 10,000 + n`, as Upbit does today: unique within its market, and
//! higher for a later execution. That it does not ascend in the order of arrival is part of the picture: about one trade in
//! fifty is published up to a second late.

pub mod catalog;
mod generator;
mod ids;
mod replay;
mod schedule;
mod text;
mod ticks;

pub(crate) use generator::Generator;
pub(crate) use ids::Ids;
pub(crate) use replay::Replay;
pub(crate) use schedule::Schedule;
pub(crate) use text::{Spelling, TradeText};
pub(crate) use ticks::tick_size;

use market::Side;

/// How many ids a millisecond has.
pub(crate) const IDS_PER_MS: u64 = 10_000;

/// [`Execution::spelling`] of a trade that is spelled the exchange's own way.
pub(crate) const OWN_SPELLING: u32 = u32::MAX;

/// An executed trade, before it is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Execution {
    pub(crate) sequential_id: u64,
    pub(crate) event_ms: i64,
    /// When it is meant to be sent.
    pub(crate) sent_ms: i64,
    /// Units of 10⁻⁸.
    pub(crate) price: i64,
    /// Units of 10⁻⁸.
    pub(crate) volume: i64,
    /// Which recorded spelling its numbers have, or [`OWN_SPELLING`].
    pub(crate) spelling: u32,
    pub(crate) market: u16,
    pub(crate) side: Side,
}

/// What a source is made of.
pub(crate) enum Feedstock {
    Generated(Box<Generator>),
    Replayed(Replay),
}

impl Feedstock {
    /// The next trade, sent at `sent_ms`; `None` when a capture has come to its end.
    #[inline]
    pub(crate) fn next(&mut self, sent_ms: i64) -> Option<Execution> {
        match self {
            Self::Generated(generator) => Some(generator.next(sent_ms)),
            Self::Replayed(replay) => replay.next(sent_ms),
        }
    }
}
