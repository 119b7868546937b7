//! A candle, trade by trade.

use market::{Amount, Decimal};
use proptest::prelude::*;
use windows::{Aggregate, Ohlcv, Overflow, Tick};

use super::seeded;

/// A trade at `time` with number `id`, its price and volume in units, at `offset` of the log.
fn tick((time, id): (i64, u64), price: i64, volume: i64, offset: i64) -> Tick {
    let decimal = |units: i64| Decimal::from_units(i128::from(units)).expect("small");
    Tick {
        rank: (time, id),
        price: decimal(price),
        volume: decimal(volume),
        amount: decimal(price).checked_mul(decimal(volume)).expect("small"),
        offset,
    }
}

fn candle(ticks: &[Tick]) -> Ohlcv {
    let (first, rest) = ticks.split_first().expect("a candle begins with a trade");
    let mut candle = Ohlcv::first(first);
    for tick in rest {
        candle.add(tick).expect("small");
    }
    candle
}

/// Open, high, low, close in units.
fn prices(candle: &Ohlcv) -> [i128; 4] {
    [candle.open, candle.high, candle.low, candle.close].map(Decimal::units)
}

#[test]
fn task2_open_and_close_are_the_first_and_the_last_by_time_whatever_comes_first() {
    let made = candle(&[
        tick((500, 1), 50, 1, 0),
        tick((900, 2), 30, 1, 1),
        tick((100, 3), 70, 1, 2),
    ]);
    assert_eq!(
        prices(&made),
        [70, 70, 30, 30],
        "the trade at 100 opens, the one at 900 closes"
    );
}

#[test]
fn task2_of_two_trades_in_one_millisecond_the_lower_number_opens_and_the_higher_one_closes() {
    for [a, b] in [[3, 5], [5, 3]] {
        let made = candle(&[tick((500, a), a as i64, 1, 0), tick((500, b), b as i64, 1, 1)]);
        assert_eq!(prices(&made), [3, 5, 3, 5], "{a} came first");
    }
}

#[test]
fn task2_of_two_trades_with_one_time_and_number_the_first_to_come_opens_and_the_last_one_closes() {
    let made = candle(&[tick((500, 7), 20, 1, 0), tick((500, 7), 10, 1, 1)]);
    assert_eq!(prices(&made), [20, 20, 10, 10]);
}

#[test]
fn task2_an_old_trade_in_a_candle_of_one_opens_and_the_candle_still_closes_as_before() {
    let made = candle(&[tick((500, 2), 20, 1, 0), tick((400, 1), 10, 1, 1)]);
    assert_eq!(prices(&made), [10, 20, 10, 20]);
}

#[test]
fn task2_sums_are_exact_where_floating_point_is_not() {
    let ticks: Vec<Tick> = (0..10)
        .map(|i| tick((i, i as u64), 100_000_000, 10_000_000, i))
        .collect();
    let made = candle(&ticks);
    assert_eq!(made.volume.units(), 100_000_000, "ten times 0.1 is 1");
    assert_eq!(made.quote_volume, Amount::from_units(10_i128.pow(16)).expect("1"));
    assert_eq!(made.trades, 10);
    let float: f64 = (0..10).map(|_| 0.1).sum();
    assert_ne!(float, 1.0, "and in f64 it is not");
}

#[test]
fn task2_the_version_is_the_offset_of_the_trade_that_came_last_and_not_of_the_one_that_closes() {
    let made = candle(&[tick((900, 2), 20, 1, 7), tick((100, 1), 10, 1, 9)]);
    assert_eq!(
        made.version, 9,
        "the row with both trades must replace the row with one"
    );
}

#[test]
fn task2_a_sum_that_leaves_its_type_is_an_error_and_not_another_number() {
    let mut huge = tick((0, 0), 0, 1, 0);
    huge.volume = Decimal::MAX;
    let mut made = Ohlcv::first(&huge);
    assert_eq!(made.add(&huge), Err(Overflow("volume")));
    let mut huge = tick((0, 0), 0, 1, 0);
    huge.amount = Amount::MAX;
    let mut made = Ohlcv::first(&huge);
    assert_eq!(made.add(&huge), Err(Overflow("quote volume")));
    let mut made = Ohlcv::first(&huge);
    assert_eq!(made.merge(Ohlcv::first(&huge)), Err(Overflow("quote volume")));
}

#[test]
fn task2_candles_that_lie_one_after_the_other_merge_into_the_candle_of_all_trades() {
    let ticks = [
        tick((100, 1), 50, 1, 0),
        tick((200, 2), 90, 2, 1),
        tick((300, 3), 10, 4, 2),
        tick((400, 4), 60, 8, 3),
    ];
    let mut merged = candle(&ticks[..2]);
    merged.merge(candle(&ticks[2..])).expect("small");
    assert_eq!(merged, candle(&ticks));
    assert_eq!(prices(&merged), [50, 90, 10, 60]);
}

#[test]
fn task2_where_ranks_are_equal_what_was_here_opens_and_the_other_closes() {
    let mut merged = candle(&[tick((500, 7), 20, 1, 4)]);
    merged.merge(candle(&[tick((500, 7), 10, 1, 2)])).expect("small");
    assert_eq!(prices(&merged), [20, 20, 10, 10]);
    assert_eq!(merged.version, 4, "the larger offset");
}

prop_compose! {
    /// Trades of different ranks, in an order of arrival.
    fn ticks()(ranks in prop::collection::btree_set((0..20i64, 0..5u64), 1..30))
        (raw in Just(ranks.into_iter().collect::<Vec<_>>()).prop_shuffle(),
         amounts in prop::collection::vec((1..1_000i64, 1..1_000i64), 30)) -> Vec<Tick> {
        let tick = |(offset, (rank, (price, volume)))| tick(rank, price, volume, offset as i64);
        raw.into_iter().zip(amounts).enumerate().map(tick).collect()
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task2_a_candle_does_not_depend_on_the_order_of_arrival(ticks in ticks()) {
        let mut sorted = ticks.clone();
        sorted.sort_by_key(|tick| tick.rank);
        let (made, by_rank) = (candle(&ticks), candle(&sorted));
        prop_assert_eq!(prices(&made), prices(&by_rank));
        prop_assert_eq!(
            (made.volume, made.quote_volume, made.trades),
            (by_rank.volume, by_rank.quote_volume, by_rank.trades)
        );
        let (open, close) = (sorted[0].price, sorted[sorted.len() - 1].price);
        prop_assert_eq!((made.open, made.close), (open, close));
    }

    #[test]
    fn task2_merging_two_candles_is_adding_the_trades_of_both(ticks in ticks(), at in any::<prop::sample::Index>()) {
        let at = at.index(ticks.len());
        prop_assume!(at > 0);
        let mut merged = candle(&ticks[..at]);
        merged.merge(candle(&ticks[at..])).expect("small");
        prop_assert_eq!(merged, candle(&ticks), "cut at {}", at);
    }
}
