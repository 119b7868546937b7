//! The ways one thinks of first, and how each fails. Nothing here calls the library: these tests are green from the start.

use std::collections::{BTreeMap, BTreeSet};

// ANCHOR: signed
#[test]
fn a_negative_hash_gives_a_partition_that_does_not_exist_or_one_that_java_does_not_mean() {
    // murmur2 of "21" as Java holds it, from the tests of Kafka.
    let hash = -973_932_308i32;
    assert_eq!(hash % 7, -6, "there is no partition -6");
    assert_eq!(hash.abs() % 7, 6, "there is a 6, and it is the wrong one");
    assert_eq!((hash & 0x7fff_ffff) % 7, 3, "where every Java producer puts it");
    assert_eq!(
        i32::MIN.checked_abs(),
        None,
        "and one hash has no absolute value at all"
    );
}
// ANCHOR_END: signed

// ANCHOR: first_letter
#[test]
fn ranges_by_the_first_letter_put_all_that_is_traded_in_won_into_one_partition() {
    let partition = |market: &str| usize::from(market.as_bytes()[0] >= b'N');
    let mut loads = [0; 2];
    for market in ["KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL", "KRW-DOGE", "BTC-ETH"] {
        loads[partition(market)] += 1;
    }
    assert_eq!(
        loads,
        [6, 0],
        "A–M has every market, because each code begins with its currency"
    );
}
// ANCHOR_END: first_letter

// ANCHOR: by_trade
#[test]
fn keyed_by_the_trade_the_load_is_even_and_the_last_price_is_that_of_whoever_was_read_last() {
    // Prices 0, 1, 2, … of one market; by number they go to three partitions in turn.
    let mut partitions = [const { Vec::new() }; 3];
    for price in 0..300 {
        partitions[price % 3].push(price);
    }
    assert!(partitions.iter().all(|log| log.len() == 100), "as even as can be");
    let last_price = |order: [usize; 3]| {
        let read = order.into_iter().flat_map(|partition| partitions[partition].clone());
        read.last()
    };
    assert_eq!(last_price([0, 1, 2]), Some(299), "by luck");
    assert_eq!(
        last_price([2, 1, 0]),
        Some(297),
        "the same three logs, and another close"
    );
}
// ANCHOR_END: by_trade

// ANCHOR: again
#[test]
fn what_is_sent_again_is_appended_again_and_behind_what_was_not() {
    let (mut log, mut in_flight) = (Vec::new(), vec![1, 2, 3]);
    // The leader cannot take the first one now; the other two are on their way already.
    let rejected = in_flight.remove(0);
    log.append(&mut in_flight);
    log.push(rejected);
    assert_eq!(log, [2, 3, 1], "one partition, one producer, and not in order");
    // The answer to the last one was lost: it is sent again.
    log.push(1);
    assert_eq!(log, [2, 3, 1, 1], "and not once");
}
// ANCHOR_END: again

// ANCHOR: counter
#[test]
fn a_sub_key_by_a_counter_sends_a_repeat_where_nobody_knows_it() {
    // Trade 7 comes again after a reconnect. Each partition drops what it has seen.
    let trades = [5, 6, 7, 8, 9, 7];
    let mut seen = [const { BTreeSet::new() }; 2];
    let taken = trades.into_iter().enumerate().filter(|(count, trade)| {
        let sub = count % 2;
        seen[sub].insert(*trade)
    });
    assert_eq!(
        taken.count(),
        6,
        "five trades, counted as six: both sevens were the first of their partition"
    );
    let mut seen = [const { BTreeSet::new() }; 2];
    let taken = trades
        .into_iter()
        .filter(|trade| seen[*trade as usize % 2].insert(*trade));
    assert_eq!(taken.count(), 5, "by the trade itself they meet");
}
// ANCHOR_END: counter

#[test]
fn a_sub_key_by_the_remainder_of_the_id_leaves_everything_where_it_was() {
    // As the exchange makes them: milliseconds, and four digits that are nearly always 0.
    let ids = (0..1_000u64).map(|n| (1_618_678_263_000 + n * 3) * 10_000);
    let used: BTreeSet<u64> = ids.map(|id| id % 8).collect();
    assert_eq!(used.len(), 1, "eight sub-keys, and one of them has all: {used:?}");
}

// ANCHOR: one_by_one
#[test]
fn producers_that_follow_the_topic_one_by_one_leave_a_key_in_two_partitions_at_once() {
    // The key's hash is 7. Producer A has seen the fourth partition, producer B sees it five minutes later.
    let (of_a, of_b) = (7 % 4, 7 % 3);
    let mut partitions: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for trade in 0..10 {
        let partition = if trade % 2 == 0 { of_a } else { of_b };
        partitions.entry(partition).or_default().push(trade);
    }
    assert_eq!(
        partitions.len(),
        2,
        "no offset parts old from new, so no reader can wait for the right moment"
    );
    let read: Vec<i32> = partitions.into_values().flatten().collect();
    assert!(!read.is_sorted(), "{read:?}");
}
// ANCHOR_END: one_by_one

// ANCHOR: remainder
#[test]
fn a_remainder_by_one_more_moves_nearly_everything() {
    let moved = (0..100_000u64).filter(|hash| hash % 12 != hash % 13).count();
    assert_eq!(moved, 92_304, "12 of 13 move, where 1 of 13 would have to");
    let moved = (0..100_000u64).filter(|hash| hash % 12 != hash % 24).count();
    assert_eq!(
        moved, 49_996,
        "to twice as many it is half, and that half would have to"
    );
}
// ANCHOR_END: remainder
