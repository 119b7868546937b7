//! Compares the candles that were recomputed with the rows of the table, one bucket at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use market::{Amount, Candle, Decimal, EventTime, Interval, Market, Position};

use crate::LedgerError;
use crate::codec::{Cursor, put_signed, put_signed64, put64};
use crate::copies::Markets;
use crate::examples::LIMIT;
use crate::report::{CandleExample, Candles};
use crate::spill::{Buckets, mix, take};

/// Buckets of candles. 64, because a market has at most four rows a second, however many trades.
const BUCKETS: usize = 64;

/// Candles on their way to the comparison.
pub(crate) struct CandleSpill {
    buckets: Buckets,
    record: Vec<u8>,
}

impl CandleSpill {
    pub(crate) fn create(folder: &std::path::Path) -> Result<Self, LedgerError> {
        Ok(Self {
            buckets: Buckets::create(folder, "candles", BUCKETS)?,
            record: Vec::with_capacity(128),
        })
    }

    /// Appends an expected candle, or a row that was `found`.
    pub(crate) fn push(&mut self, market: u32, candle: &Candle, found: bool) -> Result<(), LedgerError> {
        let out = &mut self.record;
        out.clear();
        out.push(candle.interval as u8 | u8::from(found) << 2);
        put64(out, u64::from(market));
        put_signed64(out, candle.start.millis());
        for price in [candle.open, candle.high, candle.low, candle.close, candle.volume] {
            put_signed(out, price.units());
        }
        put_signed(out, candle.quote_volume.units());
        put64(out, candle.trades);
        put_signed64(out, i64::from(candle.version.partition));
        put_signed64(out, candle.version.offset);
        let key = mix(u64::from(market), candle.start.millis() as u64);
        self.buckets.write(key, out)
    }

    pub(crate) fn finish(self) -> Result<Vec<PathBuf>, LedgerError> {
        self.buckets.finish()
    }
}

fn read(cursor: &mut Cursor<'_>, markets: &Markets) -> Result<(bool, Candle), LedgerError> {
    let flags = cursor.byte()?;
    let number = u32::try_from(cursor.short()?).map_err(|_| cursor.damaged())?;
    let start = cursor.signed()?;
    let mut numbers = [Decimal::ZERO; 5];
    for number in &mut numbers {
        *number = Decimal::from_units(cursor.signed_long()?).map_err(|_| cursor.damaged())?;
    }
    let [open, high, low, close, volume] = numbers;
    let candle = Candle {
        market: markets.name(number).ok_or_else(|| cursor.damaged())?,
        interval: Interval::ALL[usize::from(flags & 3)],
        start: EventTime::from_millis(start),
        open,
        high,
        low,
        close,
        volume,
        quote_volume: Amount::from_units(cursor.signed_long()?).map_err(|_| cursor.damaged())?,
        trades: cursor.short()?,
        version: Position {
            partition: i32::try_from(cursor.signed()?).map_err(|_| cursor.damaged())?,
            offset: cursor.signed()?,
        },
    };
    Ok((flags & 4 != 0, candle))
}

/// Reads all buckets, removing each, and counts into `candles`.
pub(crate) fn compare(
    buckets: &[PathBuf],
    markets: &Markets,
    candles: &mut Candles,
    mut done: impl FnMut(usize),
) -> Result<(), LedgerError> {
    let mut bytes = Vec::new();
    let mut rows: Vec<(bool, Candle)> = Vec::new();
    let mut examples = First::default();
    for (i, path) in buckets.iter().enumerate() {
        take(path, &mut bytes)?;
        rows.clear();
        let mut cursor = Cursor::new(&bytes, path);
        while !cursor.is_empty() {
            rows.push(read(&mut cursor, markets)?);
        }
        let key = |c: &Candle| (c.market, c.start, c.interval);
        rows.sort_unstable_by_key(|(found, c)| (key(c), *found, c.version.offset, c.version.partition));
        for rows in rows.chunk_by(|a, b| key(&a.1) == key(&b.1)) {
            one(rows, candles, &mut examples);
        }
        done(i + 1);
    }
    candles.examples = examples.0.into_values().flat_map(BTreeMap::into_values).collect();
    Ok(())
}

/// One candle: first the expected one, then its rows by version.
fn one(rows: &[(bool, Candle)], candles: &mut Candles, examples: &mut First) {
    let (expected, found) = rows.split_at(rows.partition_point(|(found, _)| !found));
    candles.rows += found.len() as u64;
    for version in found.chunk_by(|a, b| a.1.version == b.1.version) {
        if let [first, _, ..] = version {
            candles.doubled += 1;
            let count = vec![format!("{} rows of one version", version.len())];
            examples.add(Kind::Doubled, None, Some(first.1), count);
        }
    }
    // Several expected ones only when a market stands in several partitions, which is reported for itself.
    match (expected.last(), found.last()) {
        (Some((_, expected)), Some((_, found))) => {
            candles.expected += 1;
            let columns = differing(expected, found);
            if columns.is_empty() {
                candles.equal += 1;
                return;
            }
            candles.differing += 1;
            candles.stale += u64::from(found.version.offset < expected.version.offset);
            examples.add(Kind::Differing, Some(*expected), Some(*found), columns);
        }
        (Some((_, expected)), None) => {
            candles.expected += 1;
            candles.missing += 1;
            examples.add(Kind::Missing, Some(*expected), None, Vec::new());
        }
        (None, Some((_, found))) => {
            candles.unexpected += 1;
            examples.add(Kind::Unexpected, None, Some(*found), Vec::new());
        }
        (None, None) => {}
    }
}

/// Names of the columns in which two versions differ.
fn differing(expected: &Candle, found: &Candle) -> Vec<String> {
    let columns = [
        ("open", expected.open != found.open),
        ("high", expected.high != found.high),
        ("low", expected.low != found.low),
        ("close", expected.close != found.close),
        ("volume", expected.volume != found.volume),
        ("quote_volume", expected.quote_volume != found.quote_volume),
        ("trades", expected.trades != found.trades),
        ("kafka_partition", expected.version.partition != found.version.partition),
        ("kafka_offset", expected.version.offset != found.version.offset),
    ];
    let differing = columns.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| name.to_owned()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Differing,
    Missing,
    Unexpected,
    Doubled,
}

/// The earliest few of each kind.
#[derive(Default)]
struct First(BTreeMap<Kind, BTreeMap<Order, CandleExample>>);

/// The order of examples.
type Order = (EventTime, Market, Interval, i64);

impl First {
    fn add(&mut self, kind: Kind, expected: Option<Candle>, found: Option<Candle>, columns: Vec<String>) {
        let Some(candle) = expected.or(found) else { return };
        let key = (candle.start, candle.market, candle.interval, candle.version.offset);
        let kept = self.0.entry(kind).or_default();
        if kept.len() >= LIMIT && kept.last_key_value().is_some_and(|(last, _)| *last <= key) {
            return;
        }
        let example = CandleExample {
            expected,
            found,
            columns,
        };
        kept.insert(key, example);
        if kept.len() > LIMIT {
            kept.pop_last();
        }
    }
}
