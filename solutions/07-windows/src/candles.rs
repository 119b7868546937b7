//! The pipeline's window operator: the candles of one partition, in four lengths.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use market::{Candle, EventTime, Interval, Market, Position, Trade};

use crate::encoding::SnapshotError;
use crate::ohlcv::{Ohlcv, Tick};
use crate::{
    Accumulation, Assigner, Config, Early, Firing, OperatorError, Overflow, Placed, TimeDomain, Trigger, WindowOperator,
};

/// What the candles of a partition go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CandleConfig {
    /// How long after its end a candle still takes trades, in milliseconds of event time.
    pub allowed_lateness_ms: i64,
    /// How often an open candle that changed is shown, in milliseconds of event time.
    pub early_every_ms: i64,
}

impl Default for CandleConfig {
    /// 60 s, so that trades repaired after a gap still reach their candles; shown every second.
    fn default() -> Self {
        Self {
            allowed_lateness_ms: 60_000,
            early_every_ms: 1_000,
        }
    }
}

/// A set of intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Intervals(u8);

impl Intervals {
    /// How many.
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it holds this one.
    pub const fn contains(self, interval: Interval) -> bool {
        self.0 & (1 << interval as u8) != 0
    }
}

/// What became of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Its event time is at or behind the watermark.
    pub late: bool,
    /// The candles that no longer took it.
    pub too_late: Intervals,
}

/// What has been counted since the beginning of the log, restored snapshots included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counters {
    /// Trades that came, those that no candle took included.
    pub trades: u64,
    /// Trades at or behind the watermark.
    pub late: u64,
    /// Candles that no longer took their trade, by interval: 1 s, 1 m, 5 m, 15 m.
    pub too_late: [u64; 4],
    /// Trades that no candle took.
    pub lost_to_all: u64,
    /// Candle versions fired.
    pub fired: u64,
}

impl Counters {
    /// Counts a trade, and what became of it; lane *i* is the *i*th interval. Everything but `fired`.
    #[inline]
    fn count(&mut self, late: bool, placed: Placed) {
        // TASK 5: count a trade, and what became of it
        self.trades += 1;
        self.late += u64::from(late);
        if placed.too_late > 0 {
            for (lane, count) in self.too_late.iter_mut().enumerate() {
                *count += u64::from(placed.too_late_lanes >> lane & 1);
            }
            self.lost_to_all += u64::from(placed.taken == 0);
        }
        // END TASK 5
    }
}

/// Fired candles that wait to be drained: of each candle, the newest version.
#[derive(Debug, Default)]
struct Pending {
    candles: Vec<Candle>,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Pending {
    fn put(&mut self, candle: Candle) {
        let same =
            |one: &Candle| (one.start, one.interval, one.market) == (candle.start, candle.interval, candle.market);
        let (candles, hasher) = (&mut self.candles, &self.hasher);
        let hash = |one: &Candle| hasher.hash_one(HashedCandle(one));
        let found = self.index.entry(
            hash(&candle),
            |at| same(&candles[*at as usize]),
            |at| hash(&candles[*at as usize]),
        );
        match found {
            hashbrown::hash_table::Entry::Occupied(at) => candles[*at.get() as usize] = candle,
            hashbrown::hash_table::Entry::Vacant(vacant) => {
                vacant.insert(candles.len() as u32);
                candles.push(candle);
            }
        }
    }
}

struct HashedCandle<'a>(&'a Candle);

impl Hash for HashedCandle<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.market.hash(state);
        // The length fits into the low bits: every start is a multiple of a thousand.
        state.write_i64(self.0.start.millis() ^ self.0.interval as i64);
    }
}

/// The candles of one partition. The partition's watermark goes in; nothing else does but its trades, in log order.
#[derive(Debug)]
pub struct CandleOperator {
    partition: i32,
    windows: WindowOperator<Market, Ohlcv>,
    pending: Pending,
    counters: Counters,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Snapshot {
    partition: i32,
    counters: Counters,
    windows: Vec<u8>,
}

const VERSION: u8 = 1;

fn operator_config(config: CandleConfig) -> Result<Config, OperatorError> {
    Ok(Config {
        assigner: Assigner::multi_tumbling(&Interval::ALL.map(Interval::millis))?,
        domain: TimeDomain::Event,
        trigger: Trigger {
            accumulation: Accumulation::Accumulating,
            early: Early::ChangedEvery(config.early_every_ms),
        },
        allowed_lateness: config.allowed_lateness_ms,
    })
}

impl CandleOperator {
    /// Candles of a partition read from its beginning.
    ///
    /// # Errors
    /// [`OperatorError`] for a negative lateness or a cadence below 1 ms.
    pub fn new(partition: i32, config: CandleConfig) -> Result<Self, OperatorError> {
        Ok(Self {
            partition,
            windows: WindowOperator::new(operator_config(config)?)?,
            pending: Pending::default(),
            counters: Counters::default(),
        })
    }

    /// Takes one trade. The watermark that its event time brings about comes after it, with
    /// [`CandleOperator::on_watermark`].
    ///
    /// # Errors
    /// [`OperatorError::Overflow`], which [`Trade::validate`] rules out below 10⁹ trades in one candle. It is fatal:
    /// the operator must be thrown away.
    #[inline]
    pub fn on_trade(&mut self, trade: &Trade, offset: i64) -> Result<Outcome, OperatorError> {
        let time = trade.event_time.millis();
        let tick = Tick {
            rank: (time, trade.sequential_id),
            price: trade.price,
            volume: trade.volume,
            amount: trade.amount().ok_or(Overflow("amount"))?,
            offset,
        };
        let Self {
            partition,
            windows,
            pending,
            counters,
        } = self;
        let late = time <= windows.watermark();
        let placed = windows.on_event(&trade.market, &tick, time, |firing| {
            counters.fired += 1;
            pending.put(candle(*partition, &firing));
        })?;
        counters.count(late, placed);
        Ok(Outcome {
            late,
            too_late: Intervals(placed.too_late_lanes as u8),
        })
    }

    /// Moves the watermark on and fires what it reaches.
    #[inline]
    pub fn on_watermark(&mut self, watermark: EventTime) {
        let Self {
            partition,
            windows,
            pending,
            counters,
        } = self;
        windows.on_watermark(watermark.millis(), |firing| {
            counters.fired += 1;
            pending.put(candle(*partition, &firing));
        });
    }

    /// Hands over the candles fired since the last call: of each candle the newest version only. No version ever comes
    /// twice.
    pub fn drain(&mut self, mut take: impl FnMut(Candle)) {
        self.pending.index.clear();
        for candle in self.pending.candles.drain(..) {
            take(candle);
        }
    }

    /// How many candles wait to be drained.
    #[inline]
    pub fn fired(&self) -> usize {
        self.pending.candles.len()
    }

    /// Forgets the candles fired since the last call: for a replay whose output is already in the tables.
    pub fn discard_fired(&mut self) {
        self.drain(|_| {});
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// How far event time has come.
    pub fn watermark(&self) -> EventTime {
        EventTime::from_millis(self.windows.watermark())
    }

    /// How many candles are held, those kept for late trades included.
    pub fn open_windows(&self) -> usize {
        self.windows.open_windows()
    }

    /// How many markets have candles.
    pub fn markets(&self) -> usize {
        self.windows.keys()
    }

    /// What has been counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The state after all trades so far, as bytes. Drain first: a candle that has fired is not part of it.
    ///
    /// # Errors
    /// [`SnapshotError::Undrained`].
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        if self.fired() > 0 {
            return Err(SnapshotError::Undrained(self.fired()));
        }
        let snapshot = Snapshot {
            partition: self.partition,
            counters: self.counters,
            windows: self.windows.snapshot()?,
        };
        crate::encoding::encode(VERSION, &snapshot)
    }

    /// The operator as it was when the snapshot was taken.
    ///
    /// # Errors
    /// [`SnapshotError`] for anything but a snapshot of this partition under this configuration.
    pub fn restore(partition: i32, config: CandleConfig, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let snapshot: Snapshot = crate::encoding::decode(VERSION, bytes)?;
        let config = operator_config(config).map_err(|error| SnapshotError::Garbage(error.to_string()))?;
        if snapshot.partition != partition {
            return Err(SnapshotError::OtherConfiguration);
        }
        Ok(Self {
            partition,
            windows: WindowOperator::restore(config, &snapshot.windows)?,
            pending: Pending::default(),
            counters: snapshot.counters,
        })
    }
}

#[inline]
fn candle(partition: i32, firing: &Firing<'_, Market, Ohlcv>) -> Candle {
    let state = firing.state;
    Candle {
        market: *firing.key,
        interval: Interval::ALL[firing.lane],
        start: EventTime::from_millis(firing.window.start),
        open: state.open,
        high: state.high,
        low: state.low,
        close: state.close,
        volume: state.volume,
        quote_volume: state.quote_volume,
        trades: state.trades,
        version: Position {
            partition,
            offset: state.version,
        },
    }
}
