//! The ways one thinks of first, and what each loses. Nothing here calls the library: these tests are green from the start.

use std::collections::BTreeMap;

use super::{DAY, HOUR};

const MINUTE: i64 = 60_000;

/// A trade: event time in milliseconds, price, volume in units of 10⁻⁸.
type Trade = (i64, i64, i64);

/// `next` of a small generator: the same numbers in every run.
fn numbers() -> impl FnMut(i64) -> i64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as i64
    }
}

// ANCHOR: truncated
#[test]
fn a_division_makes_one_window_of_the_minutes_before_and_after_midnight() {
    let start = |time: i64| time / MINUTE * MINUTE;
    assert_eq!(
        (start(-59_999), start(59_999)),
        (0, 0),
        "119,999 ms in the window that begins at 0"
    );
    // 1970 is long ago; an offset makes it today. Days from 09:00 UTC on, by what of the day has passed:
    let day = |time: i64| time - (time % DAY - 9 * HOUR) % DAY;
    let new_year = 1_704_067_200_000; // 2024
    assert_eq!(
        (day(new_year + 8 * HOUR), day(new_year + 10 * HOUR)),
        (new_year + 9 * HOUR, new_year + 9 * HOUR),
        "8 o'clock is given a day that begins an hour after it"
    );
}
// ANCHOR_END: truncated

// ANCHOR: utc_day
#[test]
fn a_day_without_an_offset_gives_the_first_nine_hours_in_seoul_to_the_day_before() {
    // 2024-01-02 in Seoul, hour by hour: it began at 15:00 UTC of the first.
    let midnight_in_seoul = 1_704_121_200_000;
    let day = |time: i64| time / DAY * DAY;
    let of_yesterday = (0..24).filter(|hour| day(midnight_in_seoul + hour * HOUR) < midnight_in_seoul + 9 * HOUR);
    assert_eq!(of_yesterday.count(), 9, "a candle of 24 hours, and of the wrong ones");
}
// ANCHOR_END: utc_day

// ANCHOR: by_count
#[test]
fn a_window_of_so_many_records_is_another_one_after_a_single_record_more() {
    let candles = |trades: &[Trade]| -> Vec<i64> { trades.chunks(100).map(|chunk| chunk[chunk.len() - 1].1).collect() };
    let trades: Vec<Trade> = (0..10_000).map(|n| (n * 10, n % 977, 1)).collect();
    let mut repeated = trades.clone();
    repeated.insert(50, trades[49]); // a producer that repeats itself once
    let (once, twice) = (candles(&trades), candles(&repeated));
    let wrong = once.iter().zip(&twice).filter(|(one, other)| one != other).count();
    assert_eq!(
        (once.len(), wrong),
        (100, 100),
        "closing prices: every candle from there on is of other trades"
    );
}
// ANCHOR_END: by_count

/// Trades every 100 ms for an hour, one in ten of them up to 3 s late, as they arrive.
fn disordered() -> Vec<Trade> {
    let mut next = numbers();
    let mut arriving: Vec<(i64, Trade)> = (0..HOUR / 100)
        .map(|n| {
            let late = if next(10) == 0 { next(3_000) } else { 0 };
            (n * 100 + late, (n * 100, 10_000 + next(100), 1 + next(1_000_000)))
        })
        .collect();
    arriving.sort();
    arriving.into_iter().map(|(_, trade)| trade).collect()
}

// ANCHOR: last_closes
#[test]
fn the_last_to_arrive_closes_is_another_price_with_each_delay() {
    let (mut arrived, mut happened) = (BTreeMap::new(), BTreeMap::new());
    for (time, price, _) in disordered() {
        let minute = time / MINUTE;
        arrived.insert(minute, price);
        let last = happened.entry(minute).or_insert((time, price));
        *last = (*last).max((time, price));
    }
    let wrong = arrived
        .iter()
        .filter(|(minute, close)| happened[minute].1 != **close)
        .count();
    assert!(
        wrong > 30,
        "{wrong} of 60 closing prices are those of a trade that was held up, not of the last one"
    );
}
// ANCHOR_END: last_closes

// ANCHOR: next_closes
#[test]
fn a_minute_that_the_next_one_closes_loses_what_is_late_and_the_last_never_closes() {
    let trades = disordered();
    let (mut open, mut closed, mut lost) = (i64::MIN, Vec::new(), 0);
    for (time, _, _) in &trades {
        let minute = time / MINUTE;
        if minute > open {
            closed.push(open);
            open = minute;
        }
        lost += usize::from(minute < open);
    }
    assert!(lost > 10, "{lost} trades came to a minute that was closed already");
    assert!(
        !closed.contains(&59),
        "and nobody trades at night: the last minute of the day is never said"
    );
}
// ANCHOR_END: next_closes

// ANCHOR: forgotten
#[test]
fn a_state_dropped_when_it_fires_makes_a_candle_of_the_one_late_trade_and_puts_it_over_the_right_one() {
    // What a table keeps that replaces rows of the same key, as the pipeline's does.
    let mut table: BTreeMap<i64, usize> = BTreeMap::new();
    let mut windows: BTreeMap<i64, usize> = BTreeMap::new();
    let mut newest = i64::MIN;
    for (time, _, _) in disordered() {
        *windows.entry(time / MINUTE).or_default() += 1;
        newest = newest.max(time);
        // Fires and forgets every minute that ended a second ago.
        let still_open = windows.split_off(&((newest - 1_000).div_euclid(MINUTE)));
        table.extend(std::mem::replace(&mut windows, still_open));
    }
    let spoilt = table.values().filter(|trades| **trades < 10).count();
    assert!(
        spoilt > 10,
        "{spoilt} candles of a minute have less than ten of their 600 trades left"
    );
}
// ANCHOR_END: forgotten

// ANCHOR: kept
#[test]
fn a_state_that_is_never_dropped_grows_with_the_days_and_not_with_what_is_open() {
    let mut windows: BTreeMap<(usize, i64), u64> = BTreeMap::new();
    for minute in 0..7 * DAY / MINUTE {
        for market in 0..10 {
            *windows.entry((market, minute)).or_default() += 1;
        }
    }
    assert_eq!(
        windows.len(),
        100_800,
        "ten markets, a week of minutes: 20 of them are still of use"
    );
}
// ANCHOR_END: kept

// ANCHOR: floats
#[test]
fn floating_point_sums_depend_on_the_order_and_do_not_add_up() {
    let mut next = numbers();
    let (mut by_order, mut by_parts, mut inexact) = (0, 0, 0);
    for _ in 0..1_000 {
        let units: Vec<i64> = (0..600).map(|_| 1 + next(1_000_000_000)).collect();
        let volumes: Vec<f64> = units.iter().map(|units| *units as f64 / 1e8).collect();
        let sum: f64 = volumes.iter().sum();
        by_order += u32::from(sum != volumes.iter().rev().sum::<f64>());
        by_parts += u32::from(sum != volumes.chunks(60).map(|minute| minute.iter().sum::<f64>()).sum::<f64>());
        inexact += u32::from(sum != units.iter().sum::<i64>() as f64 / 1e8);
    }
    assert!(
        by_order > 500,
        "{by_order} of 1,000 sums are others when the trades come the other way round"
    );
    assert!(by_parts > 500, "{by_parts} are not the sum of their ten parts");
    assert!(
        inexact > 500,
        "{inexact} are not the double that is nearest to the exact sum"
    );
}
// ANCHOR_END: floats

// ANCHOR: last_session
#[test]
fn a_session_that_only_knows_its_last_time_is_never_joined_with_another() {
    const GAP: i64 = 1_000;
    let sessions = |times: &[i64]| {
        let (mut last, mut count) = (i64::MIN / 2, 0);
        for time in times {
            count += usize::from((time - last).abs() > GAP);
            last = *time;
        }
        count
    };
    assert_eq!(sessions(&[0, 900, 1_800]), 1);
    assert_eq!(
        sessions(&[0, 1_800, 900]),
        2,
        "the same three: the one that joins them came last"
    );
}
// ANCHOR_END: last_session

// ANCHOR: each_window
#[test]
fn a_minute_each_second_is_sixty_windows_to_look_at_for_every_record() {
    let (size, slide) = (MINUTE, 1_000);
    let mut windows: BTreeMap<i64, u64> = BTreeMap::new();
    let mut updates = 0;
    for time in (0..10 * MINUTE).step_by(100) {
        let newest = time / slide * slide;
        for start in (0..size / slide).map(|back| newest - back * slide) {
            *windows.entry(start).or_default() += 1;
            updates += 1;
        }
    }
    assert_eq!(updates, 60 * 6_000, "and what they share is added up sixty times");
}
// ANCHOR_END: each_window
