//! The candles of a partition, against an independent computation over the whole log.

use std::collections::BTreeMap;

use market::{Candle, Decimal, EventTime, Interval, Market, Side, Trade};
use proptest::prelude::*;
use windows::{CandleConfig, CandleOperator, SnapshotError};

use super::seeded;

const BOUND: i64 = 1_000;
const CONFIG: CandleConfig = CandleConfig {
    allowed_lateness_ms: 5_000,
    early_every_ms: 1_000,
};

fn trade(market: &str, id: u64, time: i64, price: i64, volume: i64) -> Trade {
    Trade {
        market: market.parse().expect("a market code"),
        sequential_id: id,
        event_time: EventTime::from_millis(time),
        sent_time: EventTime::from_millis(time),
        price: Decimal::from_units(i128::from(price)).expect("small"),
        volume: Decimal::from_units(i128::from(volume)).expect("small"),
        side: Side::Bid,
    }
}

/// The operator with the watermark of its partition, as the worker drives it.
struct Partition {
    candles: CandleOperator,
    newest: i64,
}

impl Partition {
    fn new() -> Self {
        Self {
            candles: CandleOperator::new(3, CONFIG).expect("valid"),
            newest: i64::MIN,
        }
    }

    fn take(&mut self, trade: &Trade, offset: i64) -> windows::Outcome {
        let outcome = self.candles.on_trade(trade, offset).expect("no overflow");
        self.newest = self.newest.max(trade.event_time.millis());
        self.candles
            .on_watermark(EventTime::from_millis(self.newest - BOUND - 1));
        outcome
    }

    fn drain(&mut self) -> Vec<Candle> {
        let mut drained = Vec::new();
        self.candles.drain(|candle| drained.push(candle));
        drained
    }
}

#[test]
fn task5_open_and_close_go_by_time_and_number_not_by_arrival() {
    let mut partition = Partition::new();
    for (offset, (id, time, price)) in [(5, 500, 50), (3, 500, 30), (9, 700, 90), (1, 700, 10)]
        .into_iter()
        .enumerate()
    {
        partition.take(&trade("KRW-BTC", id, time, price, 1), offset as i64);
    }
    partition.candles.on_watermark(EventTime::from_millis(999));
    let second = partition
        .drain()
        .into_iter()
        .find(|candle| candle.interval == Interval::S1)
        .expect("fired");
    let units = |decimal: Decimal| decimal.units();
    assert_eq!(units(second.open), 30, "of two trades at 500 the lower number is first");
    assert_eq!(
        units(second.close),
        90,
        "of two trades at 700 the higher number is last"
    );
    assert_eq!((units(second.high), units(second.low), second.trades), (90, 10, 4));
    assert_eq!((second.version.partition, second.version.offset), (3, 3));
}

#[test]
fn task5_a_batch_holds_the_newest_version_of_a_candle_only_and_no_version_comes_twice() {
    let mut partition = Partition::new();
    partition.take(&trade("KRW-BTC", 1, 0, 5, 1), 0);
    partition.take(&trade("KRW-BTC", 2, 3_000, 6, 1), 1);
    partition.take(&trade("KRW-BTC", 3, 10, 7, 1), 2);
    let drained = partition.drain();
    let first: Vec<_> = drained
        .iter()
        .filter(|c| c.interval == Interval::S1 && c.start.millis() == 0)
        .collect();
    assert_eq!(
        first.len(),
        1,
        "fired at its end and again for the late trade, but drained once"
    );
    assert_eq!((first[0].trades, first[0].version.offset), (2, 2));
    partition.candles.on_watermark(EventTime::from_millis(5_500));
    partition.candles.on_watermark(EventTime::from_millis(59_999));
    let again = partition.drain();
    let repeated = again.iter().find(|candle| drained.contains(candle));
    assert_eq!(repeated, None, "see Early::ChangedEvery");
}

#[test]
fn task5_a_late_trade_is_said_to_be_late_and_the_candles_that_lost_it_are_named() {
    let mut partition = Partition::new();
    assert_eq!(
        partition.take(&trade("KRW-BTC", 1, 100_000, 5, 1), 0),
        windows::Outcome::default()
    );
    let outcome = partition.take(&trade("KRW-BTC", 2, 91_000, 5, 1), 1);
    assert!(outcome.late);
    assert!(
        outcome.too_late.contains(Interval::S1) && outcome.too_late.count() == 1,
        "{outcome:?}"
    );
    let outcome = partition.take(&trade("KRW-BTC", 3, 10_000, 5, 1), 2);
    assert!(
        outcome.too_late.contains(Interval::M1) && !outcome.too_late.contains(Interval::M5),
        "{outcome:?}"
    );
    let outcome = partition.take(&trade("KRW-BTC", 4, 98_500, 5, 1), 3);
    assert!(
        outcome.late && outcome.too_late.is_empty(),
        "behind the watermark, and every candle takes it: {outcome:?}"
    );
    let counters = partition.candles.counters();
    assert_eq!(
        (counters.trades, counters.late, counters.too_late, counters.lost_to_all),
        (4, 3, [2, 1, 0, 0], 0),
        "see Counters::count: late is not too late"
    );
    partition.take(&trade("KRW-BTC", 5, 1_000_000, 5, 1), 4);
    let outcome = partition.take(&trade("KRW-BTC", 6, 10_000, 5, 1), 5);
    assert_eq!(outcome.too_late.count(), 4, "{outcome:?}");
    let counters = partition.candles.counters();
    assert_eq!(
        (counters.trades, counters.late, counters.too_late, counters.lost_to_all),
        (6, 4, [3, 2, 1, 1], 1),
        "see Counters::count: a trade that no candle took has come all the same"
    );
}

#[test]
fn task5_candles_are_held_for_the_allowed_lateness_and_no_longer() {
    let mut partition = Partition::new();
    partition.take(&trade("KRW-BTC", 1, 0, 5, 1), 0);
    assert_eq!(partition.candles.open_windows(), 4);
    partition.candles.on_watermark(EventTime::from_millis(999 + 5_000));
    assert_eq!(partition.candles.open_windows(), 3, "the second is gone");
    partition.candles.on_watermark(EventTime::from_millis(899_999 + 5_000));
    assert_eq!((partition.candles.open_windows(), partition.candles.markets()), (0, 0));
}

#[test]
fn task5_a_snapshot_with_fired_candles_inside_is_refused_and_so_is_another_partitions() {
    let mut partition = Partition::new();
    partition.take(&trade("KRW-BTC", 1, 0, 5, 1), 0);
    assert!(
        matches!(partition.candles.snapshot(), Err(SnapshotError::Undrained(4))),
        "the first watermark is a beat"
    );
    partition.drain();
    let bytes = partition.candles.snapshot().expect("drained");
    let other = CandleOperator::restore(4, CONFIG, &bytes).err();
    assert_eq!(other, Some(SnapshotError::OtherConfiguration));
    let other = CandleOperator::restore(3, CandleConfig::default(), &bytes).err();
    assert_eq!(other, Some(SnapshotError::OtherConfiguration));
    assert!(matches!(
        CandleOperator::restore(3, CONFIG, b"nonsense"),
        Err(SnapshotError::Garbage(_))
    ));
}

fn log() -> impl Strategy<Value = Vec<Trade>> {
    let one = (
        0..3u8,
        0..200_000i64,
        1..1_000_000i64,
        1..1_000_000i64,
        0..4_000i64,
        0..30u8,
    );
    prop::collection::vec(one, 1..120).prop_map(|raw| {
        let mut clock = 0;
        let number = |(i, (market, jump, price, volume, behind, rare)): (usize, (u8, i64, i64, i64, i64, u8))| {
            // Mostly small steps on and a little disorder; now and then a long quiet, or something very old.
            clock += if rare == 0 { jump } else { jump % 700 };
            let time = clock - if rare == 1 { jump } else { behind };
            trade(&format!("KRW-M{market}"), i as u64, time.max(0), price, volume)
        };
        raw.into_iter().enumerate().map(number).collect()
    })
}

/// What the newest row of each candle must be, worked out from the log at once: for each trade, whether its candle still
/// took it, and whether a firing came after it.
fn batch(log: &[Trade]) -> BTreeMap<(Market, Interval, i64), Candle> {
    let mut marks = Vec::new(); // the watermark before each trade
    let mut mark = i64::MIN;
    for trade in log {
        marks.push(mark);
        mark = mark.max(trade.event_time.millis() - BOUND - 1);
    }
    marks.push(mark);
    let second = |mark: i64| mark.div_euclid(1000);
    let last_beat = (0..log.len()).rev().find(|i| second(marks[i + 1]) > second(marks[*i]));
    let mut expected = BTreeMap::new();
    for interval in Interval::ALL {
        let mut members: BTreeMap<(Market, i64), Vec<usize>> = BTreeMap::new();
        for (i, trade) in log.iter().enumerate() {
            let start = interval.start_of(trade.event_time).millis();
            let end = start + interval.millis();
            let held = end - 1 + CONFIG.allowed_lateness_ms > marks[i];
            let shown = last_beat.is_some_and(|beat| i <= beat) || end - 1 <= marks[i + 1];
            if held && shown {
                members.entry((trade.market, start)).or_default().push(i);
            }
        }
        for ((market, start), inside) in members {
            let by_rank = |i: &&usize| (log[**i].event_time, log[**i].sequential_id);
            let first = &log[*inside.iter().min_by_key(by_rank).expect("not empty")];
            let last = &log[*inside.iter().max_by_key(by_rank).expect("not empty")];
            let prices = || inside.iter().map(|i| log[*i].price);
            let sum = |of: fn(&Trade) -> i128| inside.iter().map(|i| of(&log[*i])).sum::<i128>();
            let candle = Candle {
                market,
                interval,
                start: EventTime::from_millis(start),
                open: first.price,
                high: prices().max().expect("not empty"),
                low: prices().min().expect("not empty"),
                close: last.price,
                volume: Decimal::from_units(sum(|trade| trade.volume.units())).expect("small"),
                quote_volume: market::Amount::from_units(sum(|t| t.price.units() * t.volume.units())).expect("small"),
                trades: inside.len() as u64,
                version: market::Position {
                    partition: 3,
                    offset: *inside.iter().max().expect("not empty") as i64,
                },
            };
            expected.insert((market, interval, start), candle);
        }
    }
    expected
}

fn newest(rows: impl IntoIterator<Item = Candle>) -> BTreeMap<(Market, Interval, i64), Candle> {
    let mut newest: BTreeMap<_, Candle> = BTreeMap::new();
    for row in rows {
        let key = (row.market, row.interval, row.start.millis());
        let older = newest.get(&key).is_none_or(|old| old.version < row.version);
        assert!(older, "a version came twice or went back: {row:?}");
        newest.insert(key, row);
    }
    newest
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task5_the_newest_rows_are_what_the_whole_log_comes_to(log in log(), every in 1..20usize) {
        let mut partition = Partition::new();
        let mut rows = Vec::new();
        for (offset, trade) in log.iter().enumerate() {
            partition.take(trade, offset as i64);
            if offset % every == 0 {
                rows.extend(partition.drain());
            }
        }
        rows.extend(partition.drain());
        prop_assert_eq!(newest(rows), batch(&log));
    }

    #[test]
    fn task5_a_restart_at_any_offset_gives_the_same_rows(log in log(), at in any::<prop::sample::Index>()) {
        let at = at.index(log.len());
        let (mut whole, mut cut) = (Partition::new(), Partition::new());
        for (offset, trade) in log.iter().enumerate() {
            if offset == at {
                let bytes = cut.candles.snapshot().expect("drained after every trade");
                cut.candles = CandleOperator::restore(3, CONFIG, &bytes).expect("its own snapshot");
            }
            prop_assert_eq!(whole.take(trade, offset as i64), cut.take(trade, offset as i64));
            let by_place = |row: &Candle| (row.market, row.interval, row.start);
            let (mut a, mut b) = (whole.drain(), cut.drain());
            a.sort_by_key(by_place);
            b.sort_by_key(by_place);
            prop_assert_eq!(a, b, "at offset {}", offset);
            prop_assert_eq!(whole.candles.open_windows(), cut.candles.open_windows());
        }
        prop_assert_eq!(whole.candles.counters(), cut.candles.counters());
    }
}
