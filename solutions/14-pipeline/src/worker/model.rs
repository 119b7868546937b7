//! Tests: the protocol of prepare, write and takeover as a model in memory, crashed and handed over at every step by seed.
//!
//! The tables, the group's committed ranges and the snapshots outlive a crash; the worker does not. Whatever the seed,
//! each trade must stand in the table once and the newest version of each candle must be that of a run without a crash.

use std::collections::{BTreeMap, HashMap};

use consumer::EARLIEST;
use market::{Candle, Decimal, EventTime, Interval, Market, Side, Trade};

use super::delivered::Delivered;
use super::partition::{Applied, Partition, Rules, Start};
use super::snapshot::{self, Snapshot};
use super::takeover::{prepared_end, prepared_text};

/// A small generator (xorshift64*), so that a seed means the same log on every machine and in every year.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

const RULES: Rules = Rules {
    bound_ms: 1_000,
    lateness_ms: 5_000,
    repeat_span_s: 3,
};

/// Trades with disorder, repeats inside the span, late ones, and records that cannot be read.
fn log(dice: &mut Dice, len: usize) -> Vec<Option<Trade>> {
    let markets: Vec<Market> = ["KRW-BTC", "KRW-ETH", "BTC-XRP"]
        .iter()
        .map(|code| code.parse().unwrap())
        .collect();
    let mut clock = 1_700_000_000_000i64;
    let mut log: Vec<Option<Trade>> = Vec::new();
    for n in 0..len {
        clock += dice.roll(120) as i64;
        let back = if dice.roll(10) == 0 {
            dice.roll(9_000)
        } else {
            dice.roll(800)
        } as i64;
        match dice.roll(12) {
            0 => log.push(None),
            1 if n > 0 => {
                // A repeat of something recent, as a producer's restart makes it.
                let again = log[n - 1 - dice.roll(n.min(20) as u64) as usize];
                log.push(again);
            }
            _ => log.push(Some(Trade {
                market: markets[dice.roll(3) as usize],
                sequential_id: n as u64,
                event_time: EventTime::from_millis(clock - back),
                sent_time: EventTime::from_millis(clock),
                price: Decimal::from_units(100_000_000 + i128::from(dice.roll(1_000_000))).unwrap(),
                volume: Decimal::from_units(1 + i128::from(dice.roll(1_000))).unwrap(),
                side: Side::Bid,
            })),
        }
    }
    log
}

type CandleKey = (Market, Interval, EventTime);

/// What outlives a worker.
#[derive(Default)]
struct World {
    trades: HashMap<i64, u32>,
    candles: HashMap<(CandleKey, i64), (Candle, u32)>,
    committed: Option<(i64, String)>,
    snapshots: Vec<Snapshot>,
    replayed: u64,
}

impl World {
    fn newest(&self) -> BTreeMap<CandleKey, Candle> {
        let mut newest: BTreeMap<CandleKey, Candle> = BTreeMap::new();
        for ((key, version), (candle, count)) in &self.candles {
            assert_eq!(*count, 1, "candle {key:?} has {count} rows of version {version}");
            let held = newest.entry(*key).or_insert(*candle);
            if held.version.offset < *version {
                *held = *candle;
            }
        }
        newest
    }

    fn takeover(&self) -> (Partition, Delivered) {
        let (first, metadata) = self.committed.clone().unwrap_or((EARLIEST, String::new()));
        let prepared = prepared_end(&metadata, first).unwrap();
        let snapshot = snapshot::choose(
            self.snapshots
                .iter()
                .map(|snapshot| Snapshot::decode(&snapshot.encode()).unwrap()),
            first,
        );
        let start = Start {
            partition: 0,
            snapshot,
            first,
            prepared,
        };
        (
            Partition::restore(start, RULES).unwrap(),
            Delivered::taken_over(first, prepared),
        )
    }

    /// Empties the committed range if it may be emptied, as before a partition is given back and in a quiet moment.
    fn tidy(&mut self, delivered: Delivered) {
        if let Some(offset) = delivered.settled() {
            self.committed = Some((offset, String::new()));
        }
    }

    /// One life of a worker: until the log ends, the dice crash it, or the group gives its partition to another.
    fn live(&mut self, log: &[Option<Trade>], dice: &mut Dice, crash: bool) -> bool {
        let (mut partition, mut delivered) = self.takeover();
        let mut held: Option<Snapshot> = None;
        let dies = |dice: &mut Dice| crash && dice.roll(12) == 0;
        loop {
            for _ in 0..=dice.roll(40) {
                let offset = partition.next().max(0);
                let Some(record) = log.get(offset as usize) else { break };
                if partition.apply(offset, record.as_ref()).unwrap() == Applied::Replayed {
                    self.replayed += 1;
                }
            }
            // At any moment, also in the middle of what the one before left behind.
            if crash && dice.roll(12) == 0 {
                self.tidy(delivered);
                return false;
            }
            let at_end = partition.next() as usize == log.len();
            let Some(part) = partition.cut() else {
                if at_end {
                    return true;
                }
                continue;
            };
            let taken = (dice.roll(3) == 0).then(|| partition.snapshot().unwrap()).flatten();
            if dies(dice) {
                return false;
            }
            self.committed = Some((part.range.first, prepared_text(part.range.first, part.range.last)));
            delivered.prepare(part.range.last);
            if let Some(snapshot) = held.take_if(|snapshot| snapshot.offset <= part.range.first) {
                self.snapshots.push(snapshot);
            }
            held = held.or(taken);
            if dies(dice) {
                return false;
            }
            for (n, row) in part.trades.iter().enumerate() {
                // Blocks are atomic; a block over two table partitions is not, which half a loop stands for.
                if n == part.trades.len() / 2 && dies(dice) {
                    return false;
                }
                if !(part.recover && self.trades.contains_key(&row.position.offset)) {
                    *self.trades.entry(row.position.offset).or_default() += 1;
                }
            }
            if dies(dice) {
                return false;
            }
            for candle in &part.candles {
                let key = ((candle.market, candle.interval, candle.start), candle.version.offset);
                let entry = self.candles.entry(key).or_insert((*candle, 0));
                if !(part.recover && entry.1 > 0) {
                    entry.1 += 1;
                }
            }
            if dies(dice) {
                return false;
            }
            delivered.written(part.range.last);
            // A quiet moment: the range is emptied, so that the next owner has nothing to read back.
            if dice.roll(3) == 0 {
                self.tidy(delivered);
            }
        }
    }
}

#[test]
fn a_worker_that_crashes_or_hands_over_anywhere_writes_what_one_that_never_crashes_writes() {
    for seed in 1..=300u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let log = log(&mut dice, 600);
        let (mut calm, mut stormy) = (World::default(), World::default());
        assert!(calm.live(&log, &mut dice, false));
        let mut lives = 1;
        while !stormy.live(&log, &mut dice, true) {
            lives += 1;
            assert!(
                lives < 5_000,
                "seed {seed}: the worker never gets to the end of the log"
            );
        }
        for (offset, count) in &stormy.trades {
            assert_eq!(*count, 1, "seed {seed}: the trade at offset {offset} has {count} rows");
        }
        let mut expected: Vec<_> = calm.trades.keys().collect();
        let mut found: Vec<_> = stormy.trades.keys().collect();
        expected.sort();
        found.sort();
        assert_eq!(
            found, expected,
            "seed {seed}: other trades than without a crash (after {lives} lives)"
        );
        assert_eq!(
            stormy.newest(),
            calm.newest(),
            "seed {seed}: other candles than without a crash"
        );
    }
}

#[test]
fn a_restart_replays_seconds_of_the_log_and_not_all_of_it() {
    let mut dice = Dice(7);
    let log = log(&mut dice, 20_000);
    let mut world = World::default();
    assert!(world.live(&log, &mut dice, false));
    world.replayed = 0;
    let (restored, _) = world.takeover();
    let replay = log.len() as i64 - restored.next().max(0);
    // 20,000 records are about 20 minutes of event time here; span and snapshots together are some seconds.
    assert!(
        replay < 1_500,
        "a restart at the end of {} records replays {replay}",
        log.len()
    );
}

#[test]
fn a_stale_writers_snapshot_is_older_but_never_wrong() {
    let mut dice = Dice(11);
    let log = log(&mut dice, 2_000);
    let mut world = World::default();
    assert!(world.live(&log, &mut dice, false));
    let expected = world.newest();
    // A zombie writes its old snapshot again, and the compacted topic keeps only that one.
    let old = world.snapshots[world.snapshots.len() / 2].clone();
    world.snapshots = vec![old];
    assert!(world.live(&log, &mut dice, false));
    assert_eq!(world.newest(), expected);
}
