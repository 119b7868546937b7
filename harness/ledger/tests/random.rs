//! Random runs with random corruption: the report counts exactly what was broken, and nothing else.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use ledger::Verdict;
use proptest::prelude::*;
use support::{Random, Run, run};

/// What was broken.
#[derive(Debug, Default, PartialEq, Eq)]
struct Broken {
    lost_ingest: u64,
    lost_worker: u64,
    duplicated: u64,
    altered_worker: u64,
    unexpected_ingest: u64,
    unexpected_worker: u64,
    doubled: u64,
}

/// Breaks `count` things in a run, each on a trade of its own.
fn corrupt(run: &mut Run, random: &mut Random, count: u64) -> Broken {
    let mut broken = Broken::default();
    let mut touched = BTreeSet::new();
    let mut removed = Vec::new();
    for n in 0..count {
        let at = random.below(run.sent.len() as u64) as usize;
        let trade = run.sent[at];
        if !touched.insert(trade.identity()) {
            continue;
        }
        let row = run.rows.iter().position(|(_, row)| row.identity() == trade.identity());
        let row = row.expect("each trade has a row");
        match random.below(7) {
            0 => {
                let mut never = trade;
                never.sequential_id = n; // below every generated id
                run.sent.push(never);
                touched.insert(never.identity());
                broken.lost_ingest += 1;
            }
            1 => {
                run.rows.remove(row);
                broken.lost_worker += 1;
            }
            2 => {
                let copies = 1 + random.below(3);
                (0..copies).for_each(|_| run.rows.push(run.rows[row]));
                broken.duplicated += 1;
            }
            3 => {
                let (_, trade) = &mut run.rows[row];
                trade.volume = trade.volume.checked_add("1".parse().unwrap()).unwrap();
                broken.altered_worker += 1;
            }
            4 => {
                removed.push(trade.identity());
                broken.unexpected_ingest += 1;
            }
            5 => {
                let (position, mut foreign) = run.rows[row];
                foreign.sequential_id = n;
                run.rows.push((position, foreign));
                broken.unexpected_worker += 1;
            }
            _ => {
                let candle = run.candles[random.below(run.candles.len() as u64) as usize];
                let twice = run.candles.iter().filter(|other| **other == candle).count();
                run.candles.push(candle);
                broken.doubled += u64::from(twice == 1);
            }
        }
    }
    run.sent.retain(|trade| !removed.contains(&trade.identity()));
    broken
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_was_broken_is_counted_exactly(
        seed in 0u64..1 << 32,
        trades in 1u64..900,
        spacing in prop::sample::select(vec![1u64, 10, 60, 400, 3_000]),
        breaks in 0u64..12,
        lateness in prop::sample::select(vec![0i64, 999, 1_000, 5_000, 60_000]),
        bound in prop::sample::select(vec![0i64, 1, 1_000, 2_500]),
    ) {
        let mut run = run(seed, trades, spacing);
        run.terms.lateness_ms = lateness;
        run.terms.bound_ms = bound;
        run.pipe();
        let broken = corrupt(&mut run, &mut Random(seed | 1), breaks);
        let report = run.audit();
        let found = Broken {
            lost_ingest: report.lost_by_stage.ingest,
            lost_worker: report.lost_by_stage.worker,
            duplicated: report.duplicated,
            altered_worker: report.altered.worker,
            unexpected_ingest: report.unexpected.ingest,
            unexpected_worker: report.unexpected.worker,
            doubled: report.candles.doubled,
        };
        let verdict = match broken == Broken::default() {
            true => Verdict::Pass,
            false => Verdict::Fail,
        };
        prop_assert_eq!(&found, &broken, "{}", report.render());
        prop_assert_eq!(report.verdict, verdict, "{}", report.render());
        prop_assert_eq!(report.sent, report.once + report.lost + report.duplicated + report.dead_lettered);
        prop_assert_eq!(report.candles.equal, report.candles.expected, "{:#?}", report.candles.examples);
    }
}
