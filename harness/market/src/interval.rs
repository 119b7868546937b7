//! The lengths of candles.

use std::fmt;

use crate::EventTime;

/// How long a candle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Interval {
    /// One second.
    #[serde(rename = "1s")]
    S1,
    /// One minute.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    M15,
}

impl Interval {
    /// Every length, shortest first.
    pub const ALL: [Self; 4] = [Self::S1, Self::M1, Self::M5, Self::M15];

    /// Its length in milliseconds.
    #[inline]
    pub const fn millis(self) -> i64 {
        match self {
            Self::S1 => 1_000,
            Self::M1 => 60_000,
            Self::M5 => 300_000,
            Self::M15 => 900_000,
        }
    }

    /// The interval of that length, if there is one.
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis {
            1_000 => Some(Self::S1),
            60_000 => Some(Self::M1),
            300_000 => Some(Self::M5),
            900_000 => Some(Self::M15),
            _ => None,
        }
    }

    /// Start of the candle that `time` falls in. Euclidean: `%` would round times before 1970 the wrong way.
    #[inline]
    pub const fn start_of(self, time: EventTime) -> EventTime {
        EventTime::from_millis(time.millis() - time.millis().rem_euclid(self.millis()))
    }

    /// Its name: `1s`, `1m`, `5m`, `15m`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::S1 => "1s",
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
