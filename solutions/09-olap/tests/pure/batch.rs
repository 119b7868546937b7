//! When a block is cut, by a clock that the tests hold.

use olap::{Batcher, Bounds, Cut};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds {
    rows: 3,
    delay_ms: 100,
    part_ms: 20,
    refused_ms: 150,
};

/// With `rows` rows of one day, all come at `now`.
fn filled(rows: u64, now: i64) -> Batcher {
    let mut batcher = Batcher::new(BOUNDS);
    fill(&mut batcher, rows, now);
    batcher
}

fn fill(batcher: &mut Batcher, rows: u64, now: i64) {
    for _ in 0..rows {
        batcher.push(now, 20_240_131);
    }
}

#[test]
fn task7_without_rows_nothing_is_due() {
    let mut batcher = Batcher::new(BOUNDS);
    assert_eq!(batcher.due(), None, "look at `Batcher::due`");
    assert_eq!(
        batcher.cut(i64::MAX),
        None,
        "no block of no rows; look at `Batcher::cut`"
    );
}

#[test]
fn task7_a_row_waits_for_the_delay_and_no_longer() {
    let mut batcher = filled(1, 1_000);
    batcher.push(1_090, 20_240_131);
    assert_eq!(
        batcher.due(),
        Some(1_100),
        "the oldest row counts, not the last; look at `Batcher::due`"
    );
    assert_eq!(batcher.cut(1_099), None, "look at `Batcher::cut`");
    assert_eq!(
        batcher.cut(1_100),
        Some(Cut { rows: 2, parts: 1 }),
        "exactly then; look at `Batcher::cut`"
    );
    assert_eq!(batcher.due(), None, "all rows went; look at `Batcher::cut`");
}

#[test]
fn task7_the_oldest_row_counts_also_where_times_go_back() {
    let mut batcher = filled(1, 1_000);
    batcher.push(950, 20_240_131);
    assert_eq!(batcher.due(), Some(1_050), "look at `Batcher::push`");
}

#[test]
fn task7_a_full_block_is_due_at_once_and_takes_all_that_is_there() {
    let mut batcher = filled(3, 1_000);
    assert_eq!(batcher.due(), Some(1_000), "look at `Batcher::due`");
    fill(&mut batcher, 2, 1_001);
    assert_eq!(
        batcher.cut(1_001),
        Some(Cut { rows: 5, parts: 1 }),
        "look at `Batcher::cut`"
    );
}

#[test]
fn task7_after_a_cut_there_is_a_pause_for_each_part_that_it_made() {
    let mut batcher = filled(2, 1_000);
    batcher.push(1_000, 20_240_201);
    assert_eq!(
        batcher.cut(1_010),
        Some(Cut { rows: 3, parts: 2 }),
        "a block over midnight is two parts; look at `Batcher::cut`"
    );
    fill(&mut batcher, 3, 1_011);
    assert_eq!(
        batcher.due(),
        Some(1_050),
        "20 ms for each of two parts; look at `Batcher::cut` and `due`"
    );
    assert_eq!(
        batcher.cut(1_049),
        None,
        "full, but the table needs its pause; look at `Batcher::due`"
    );
    assert_eq!(
        batcher.cut(1_050),
        Some(Cut { rows: 3, parts: 1 }),
        "the second day is forgotten; look at `Batcher::cut`"
    );
    fill(&mut batcher, 1, 1_051);
    assert_eq!(
        batcher.due(),
        Some(1_151),
        "the pause shortens no delay; look at `Batcher::due`"
    );
}

#[test]
fn task7_refused_it_pauses_twice_as_long_each_time_up_to_a_limit() {
    let mut batcher = filled(3, 1_000);
    for (now, until) in [
        (1_000, 1_020),
        (1_020, 1_060),
        (1_060, 1_140),
        (1_140, 1_290),
        (1_290, 1_440),
    ] {
        batcher.refused(now);
        assert_eq!(
            batcher.due(),
            Some(until),
            "refused at {now}; look at `Batcher::refused`"
        );
    }
    batcher.taken();
    batcher.refused(2_000);
    assert_eq!(
        batcher.due(),
        Some(2_020),
        "after a block that was taken it begins anew; look at `Batcher::refused`"
    );
}

#[test]
fn task7_a_refusal_does_not_shorten_a_pause() {
    let mut batcher = filled(2, 1_000);
    for day in 20_240_201..20_240_210 {
        batcher.push(1_000, day);
    }
    assert_eq!(
        batcher.cut(1_000),
        Some(Cut { rows: 11, parts: 10 }),
        "look at `Batcher::cut`"
    );
    fill(&mut batcher, 3, 1_001);
    batcher.refused(1_001);
    assert_eq!(batcher.due(), Some(1_200), "look at `Batcher::refused`");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, rng_seed: proptest::test_runner::RngSeed::Fixed(9), failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows come in any rhythm, and it is cut whenever something is due.
    #[test]
    fn task7_no_row_is_lost_and_the_table_never_gets_parts_faster_than_it_may(
        steps in prop::collection::vec((0..60_i64, 0..3_u32, any::<bool>()), 1..200)
    ) {
        let mut batcher = Batcher::new(BOUNDS);
        let (mut now, mut pushed, mut cut, mut parts, mut first) = (0, 0, 0, 0, None);
        for (wait, day, due) in steps {
            now += wait;
            batcher.push(now, 20_240_101 + day);
            pushed += 1;
            if let Some(block) = due.then(|| batcher.cut(now)).flatten() {
                if let Some(first) = first {
                    prop_assert!(now - first >= BOUNDS.part_ms * parts, "{parts} parts in {} ms; look at `Batcher::cut`", now - first);
                }
                first.get_or_insert(now);
                cut += block.rows;
                parts += block.parts as i64;
            }
        }
        let due = batcher.due();
        let rest = batcher.cut(due.unwrap_or(now)).map_or(0, |block| block.rows);
        prop_assert_eq!(cut + rest, pushed, "rows cut and rows pushed; look at `Batcher::cut`");
    }
}
