//! Lateness and candles, computed a second time from the topic in the order of its offsets: a batch computation over a
//! finished log, which can look ahead where the pipeline cannot.
//!
//! Two passes over each partition. The first finds the horizon: the record that moved the watermark into its last whole
//! second, and the watermark at the end. The second sums the candles. What the newest row of a candle contains follows
//! from the horizon alone, without replaying a single firing: see [`Horizon::contains`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use market::{Amount, Candle, Decimal, EventTime, Interval, Market, Position, Trade};

use crate::LedgerError;
use crate::codec::{Cursor, put, put_signed64, put64};
use crate::spill::Bits;

/// A partition's trades in offset order, being written: about 25 bytes each.
pub(crate) struct LogWriter {
    path: PathBuf,
    file: BufWriter<File>,
    before: Stamp,
    record: Vec<u8>,
    pub(crate) records: u64,
}

/// What the next record is written relative to.
#[derive(Clone, Copy, Default)]
struct Stamp {
    offset: i64,
    event: i64,
    id: u64,
}

/// A trade as the recomputation needs it.
#[derive(Clone, Copy)]
struct Logged {
    market: u32,
    offset: i64,
    event: i64,
    id: u64,
    price: Decimal,
    volume: Decimal,
}

impl LogWriter {
    pub(crate) fn create(folder: &Path, partition: i32) -> Result<Self, LedgerError> {
        let path = folder.join(format!("log-{partition}"));
        let file = File::create(&path).map_err(LedgerError::file(&path))?;
        Ok(Self {
            file: BufWriter::with_capacity(256 * 1024, file),
            path,
            before: Stamp::default(),
            record: Vec::with_capacity(64),
            records: 0,
        })
    }

    pub(crate) fn push(&mut self, market: u32, trade: &Trade, offset: i64) -> Result<(), LedgerError> {
        let stamp = Stamp {
            offset,
            event: trade.event_time.millis(),
            id: trade.sequential_id,
        };
        self.record.clear();
        self.record.push(0);
        put_signed64(&mut self.record, stamp.offset - self.before.offset);
        put64(&mut self.record, u64::from(market));
        put_signed64(&mut self.record, stamp.event.wrapping_sub(self.before.event));
        put_signed64(&mut self.record, stamp.id.wrapping_sub(self.before.id) as i64);
        put(&mut self.record, trade.price.units().unsigned_abs());
        put(&mut self.record, trade.volume.units().unsigned_abs());
        self.record[0] = (self.record.len() - 1) as u8; // at most 10+5+10+10+15+15
        self.before = stamp;
        self.records += 1;
        self.file.write_all(&self.record).map_err(LedgerError::file(&self.path))
    }

    pub(crate) fn finish(mut self) -> Result<Log, LedgerError> {
        self.file.flush().map_err(LedgerError::file(&self.path))?;
        Ok(Log {
            path: self.path,
            records: self.records,
        })
    }
}

/// A partition's trades in offset order; the file goes with it.
pub(crate) struct Log {
    path: PathBuf,
    records: u64,
}

impl Log {
    /// Calls `each` for every trade that is no repeat.
    fn each(
        &self,
        repeats: &Bits,
        mut each: impl FnMut(&Logged) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let file = File::open(&self.path).map_err(LedgerError::file(&self.path))?;
        let mut file = BufReader::with_capacity(256 * 1024, file);
        let mut record = [0; 256];
        let mut before = Stamp::default();
        for _ in 0..self.records {
            let mut length = [0];
            file.read_exact(&mut length).map_err(LedgerError::file(&self.path))?;
            let record = &mut record[..usize::from(length[0])];
            file.read_exact(record).map_err(LedgerError::file(&self.path))?;
            let mut cursor = Cursor::new(record, &self.path);
            let offset = before.offset + cursor.signed()?;
            let market = u32::try_from(cursor.short()?).map_err(|_| cursor.damaged())?;
            let event = before.event.wrapping_add(cursor.signed()?);
            let id = before.id.wrapping_add(cursor.signed()? as u64);
            let price = Decimal::from_units(cursor.long()? as i128).map_err(|_| cursor.damaged())?;
            let volume = Decimal::from_units(cursor.long()? as i128).map_err(|_| cursor.damaged())?;
            before = Stamp { offset, event, id };
            if !repeats.get(offset) {
                each(&Logged {
                    market,
                    offset,
                    event,
                    id,
                    price,
                    volume,
                })?;
            }
        }
        Ok(())
    }
}

/// The rules of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) bound_ms: i64,
    pub(crate) lateness_ms: i64,
}

impl Rules {
    /// The watermark after an event: Flink's bounded out-of-orderness.
    fn watermark(self, before: i64, event: i64) -> i64 {
        before.max(event.saturating_sub(self.bound_ms).saturating_sub(1))
    }
}

/// Where a finished partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Horizon {
    /// Offset of the record that moved the watermark into its last whole second: with it every changed candle was
    /// written.
    last_tick: i64,
    /// The watermark at the end.
    watermark: i64,
}

impl Horizon {
    fn of(log: &Log, repeats: &Bits, rules: Rules, mut done: impl FnMut()) -> Result<Self, LedgerError> {
        let mut horizon = Self {
            last_tick: -1,
            watermark: i64::MIN,
        };
        log.each(repeats, |trade| {
            let next = rules.watermark(horizon.watermark, trade.event);
            if next.div_euclid(1000) > horizon.watermark.div_euclid(1000) {
                horizon.last_tick = trade.offset;
            }
            horizon.watermark = next;
            done();
            Ok(())
        })?;
        Ok(horizon)
    }

    /// Whether the newest row of a candle that ends before `end` contains a trade at `offset`.
    ///
    /// Up to the last tick everything does. After it a candle is written only when its window fires, or has fired and
    /// gets a late trade; either way the window's last millisecond is at or behind the final watermark. And if it is, a
    /// trade after the last tick came either before that firing, which then wrote it, or after it, and fired again.
    fn contains(self, offset: i64, end: i64) -> bool {
        offset <= self.last_tick || end - 1 <= self.watermark
    }
}

/// A candle being summed.
#[derive(Clone, Copy)]
struct Bar {
    first: (i64, u64),
    last: (i64, u64),
    open: Decimal,
    high: Decimal,
    low: Decimal,
    close: Decimal,
    volume: Decimal,
    quote_volume: Amount,
    trades: u64,
    offset: i64,
}

impl Bar {
    fn of(trade: &Logged) -> Self {
        let at = (trade.event, trade.id);
        Self {
            first: at,
            last: at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.volume,
            quote_volume: amount(trade),
            trades: 1,
            offset: trade.offset,
        }
    }

    fn add(&mut self, trade: &Logged) {
        let at = (trade.event, trade.id);
        if at < self.first {
            (self.first, self.open) = (at, trade.price);
        }
        if at > self.last {
            (self.last, self.close) = (at, trade.price);
        }
        self.high = self.high.max(trade.price);
        self.low = self.low.min(trade.price);
        // A sum that leaves its column takes more than 10⁹ of the largest trades that pass validation. Should it: the
        // largest value, which no row holds, so that the candle is reported.
        self.volume = self.volume.checked_add(trade.volume).unwrap_or(Decimal::MAX);
        self.quote_volume = self.quote_volume.checked_add(amount(trade)).unwrap_or(Amount::MAX);
        self.trades += 1;
        self.offset = trade.offset;
    }
}

fn amount(trade: &Logged) -> Amount {
    trade.price.checked_mul(trade.volume).unwrap_or(Amount::MAX)
}

/// What the recomputation counts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Recomputed {
    pub(crate) late: u64,
    pub(crate) too_late: u64,
    pub(crate) reordered: u64,
    /// Expected candles whose window had not fired at the end.
    pub(crate) open: u64,
}

type Open = BTreeMap<i64, hashbrown::HashMap<u32, Bar, foldhash::fast::FixedState>>;

/// Recomputes one partition and hands every expected candle to `emit`, finished ones as they finish.
pub(crate) fn recompute(
    (partition, log, repeats): (i32, &Log, &Bits),
    rules: Rules,
    name: impl Fn(u32) -> Option<Market>,
    mut emit: impl FnMut(u32, &Candle) -> Result<(), LedgerError>,
    mut done: impl FnMut(),
) -> Result<Recomputed, LedgerError> {
    let horizon = Horizon::of(log, repeats, rules, &mut done)?;
    let mut counts = Recomputed::default();
    let mut newest: Vec<(i64, u64)> = Vec::new();
    let mut open: [Open; 4] = Default::default();
    let mut watermark = i64::MIN;
    let mut give = |interval: Interval, start: i64, bars: &mut dyn Iterator<Item = (u32, Bar)>| {
        for (number, bar) in bars {
            let market = name(number).ok_or_else(|| LedgerError::Spill(log.path.clone()))?;
            emit(number, &bar.candle(market, interval, start, partition))?;
        }
        Ok(())
    };
    log.each(repeats, |trade| {
        counts.late += u64::from(trade.event <= watermark);
        let market = trade.market as usize;
        if market >= newest.len() {
            newest.resize(market + 1, (i64::MIN, 0));
        }
        let at = (trade.event, trade.id);
        counts.reordered += u64::from(at < newest[market]);
        newest[market] = newest[market].max(at);

        let mut dropped = false;
        for (interval, open) in Interval::ALL.into_iter().zip(&mut open) {
            let start = interval.start_of(EventTime::from_millis(trade.event)).millis();
            let end = start + interval.millis();
            if (end - 1).saturating_add(rules.lateness_ms) <= watermark {
                dropped = true;
            } else if horizon.contains(trade.offset, end) {
                let bars = open.entry(start).or_default();
                bars.entry(trade.market)
                    .and_modify(|bar| bar.add(trade))
                    .or_insert_with(|| Bar::of(trade));
            }
        }
        counts.too_late += u64::from(dropped);

        let next = rules.watermark(watermark, trade.event);
        if next.div_euclid(1000) > watermark.div_euclid(1000) {
            for (interval, open) in Interval::ALL.into_iter().zip(&mut open) {
                while let Some(entry) = open.first_entry()
                    && (entry.key() + interval.millis() - 1).saturating_add(rules.lateness_ms) <= next
                {
                    let (start, bars) = entry.remove_entry();
                    give(interval, start, &mut bars.into_iter())?;
                }
            }
        }
        watermark = next;
        done();
        Ok(())
    })?;
    for (interval, open) in Interval::ALL.into_iter().zip(open) {
        for (start, bars) in open {
            if start + interval.millis() - 1 > horizon.watermark {
                counts.open += bars.len() as u64;
            }
            give(interval, start, &mut bars.into_iter())?;
        }
    }
    Ok(counts)
}

impl Bar {
    fn candle(&self, market: Market, interval: Interval, start: i64, partition: i32) -> Candle {
        Candle {
            market,
            interval,
            start: EventTime::from_millis(start),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            quote_volume: self.quote_volume,
            trades: self.trades,
            version: Position {
                partition,
                offset: self.offset,
            },
        }
    }
}
