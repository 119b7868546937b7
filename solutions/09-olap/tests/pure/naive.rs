//! The first ideas, and what each of them loses. Nothing here is the lab's: it is right as it stands, about what is wrong.

use std::collections::BTreeMap;

// ANCHOR: greedy
/// Column by column the one that leaves the least of all queries: each step is the best, and the whole is not.
fn greedy(queries: &[(&[&'static str], f64)], distinct: &BTreeMap<&'static str, f64>) -> Vec<&'static str> {
    let mut key = Vec::new();
    let mut rest: Vec<&str> = distinct.keys().copied().collect();
    while !rest.is_empty() {
        rest.sort_by(|one, other| {
            let with = |column: &&'static str| read(&[&key[..], &[*column]].concat(), queries, distinct);
            with(one).total_cmp(&with(other))
        });
        key.push(rest.remove(0));
    }
    key
}

fn read(key: &[&str], queries: &[(&[&str], f64)], distinct: &BTreeMap<&str, f64>) -> f64 {
    let served = |equal: &[&str]| -> f64 {
        key.iter()
            .take_while(|column| equal.contains(column))
            .map(|column| 1.0 / distinct[column])
            .product()
    };
    queries.iter().map(|(equal, weight)| weight * served(equal)).sum()
}

#[test]
fn the_best_column_first_makes_the_other_query_read_everything() {
    let distinct = BTreeMap::from([("market", 120.0), ("interval", 4.0)]);
    let queries: [(&[&str], f64); 2] = [(&["market", "interval"], 10.0), (&["interval"], 1.0)];
    let key = greedy(&queries, &distinct);
    assert_eq!(key, ["market", "interval"]);
    let (found, better) = (
        read(&key, &queries, &distinct),
        read(&["interval", "market"], &queries, &distinct),
    );
    assert!(
        found > 3.0 * better,
        "{found} against {better}: all markets of an interval are no stretch of this order"
    );
}
// ANCHOR_END: greedy

// ANCHOR: mean_of_means
#[test]
fn the_mean_of_two_means_is_not_the_mean() {
    let mean = |prices: &[f64]| prices.iter().sum::<f64>() / prices.len() as f64;
    let (one, other) = ([100.0, 100.0, 100.0], [200.0]);
    let all = [&one[..], &other[..]].concat();
    assert_eq!(
        (mean(&[mean(&one), mean(&other)]), mean(&all)),
        (150.0, 125.0),
        "a part of one row weighs as much as one of three"
    );
}
// ANCHOR_END: mean_of_means

// ANCHOR: column_by_column
#[test]
fn a_row_put_together_column_by_column_was_never_written() {
    // (version, close, trades): two rows have the highest version, as after a retry that was no repeat.
    let rows = [(7, 100, 4), (7, 101, 5)];
    let close = rows.iter().max_by_key(|row| row.0).map(|row| row.1);
    let trades = rows.iter().rev().max_by_key(|row| row.0).map(|row| row.2);
    let (Some(close), Some(trades)) = (close, trades) else {
        panic!("there are rows");
    };
    assert!(
        !rows.contains(&(7, close, trades)),
        "each column took another row of the two: {close} and {trades}"
    );
}
// ANCHOR_END: column_by_column

// ANCHOR: wrapped_ttl
#[test]
fn in_32_bits_the_year_2150_is_long_gone() {
    let in_2150: i64 = 5_680_281_600;
    let expires = (in_2150 + 7 * 86_400) as u32;
    let year = 1970 + expires / 31_556_952;
    assert_eq!(year, 2013, "a trade with a wrong clock expires at the first merge");
}
// ANCHOR_END: wrapped_ttl

// ANCHOR: newest_where
#[test]
fn a_condition_before_the_newest_is_chosen_shows_an_old_version() {
    // (version, close) of one candle: closed above 100 once, and was corrected.
    let versions = [(5, 120), (9, 80)];
    let before = versions.iter().filter(|row| row.1 > 100).max();
    let after = versions.iter().max().filter(|row| row.1 > 100);
    assert_eq!(
        (before, after),
        (Some(&(5, 120)), None),
        "the candle never closed above 100, as far as is known today"
    );
}
// ANCHOR_END: newest_where

// ANCHOR: pasted
#[test]
fn a_pasted_currency_is_a_statement() {
    let pasted = |quote: &str| format!("SELECT market FROM trades WHERE startsWith(market, '{quote}-')");
    assert!(
        pasted("KRW') OR startsWith(market, '").ends_with("OR startsWith(market, '-')"),
        "every market, whoever asks"
    );
}
// ANCHOR_END: pasted

// ANCHOR: every_row
#[test]
fn a_part_for_every_row_is_merged_many_times_over() {
    // Merges of ten parts into one: a row is written once for each level.
    let written = |rows: u64, block: u64| (rows / block).max(1).ilog10() + 1;
    assert_eq!(
        (written(1_000_000, 1), written(1_000_000, 100_000)),
        (7, 2),
        "times that each row is written"
    );
}
// ANCHOR_END: every_row
