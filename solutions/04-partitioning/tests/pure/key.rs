//! What a key is made of, and what that costs.

use market::Identity;
use placement::{Consequences, KeyOf, NoPartitions, Partitioner};
use proptest::prelude::*;

use crate::{seeded, trade};

const MARKETS: [&str; 8] = [
    "KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL", "BTC-ETH", "BTC-XRP", "USDT-BTC", "USDT-ETH",
];

fn key(of: KeyOf, exchange: &str, trade: &Identity) -> String {
    let mut key = b"what another trade left".to_vec();
    of.write(exchange, trade, &mut key);
    String::from_utf8(key).expect("keys of letters and digits")
}

/// Each market in turn, with the exchange's ids.
fn trades(count: u64) -> Vec<Identity> {
    (0..count)
        .map(|n| trade(MARKETS[n as usize % MARKETS.len()], 16_186_782_630_000_000 + n * 10_000))
        .collect()
}

fn count(of: KeyOf, partitions: i32, trades: &[Identity]) -> Consequences {
    Consequences::count(of, "upbit", Partitioner::Murmur2, partitions, trades).expect("partitions")
}

#[test]
fn task2_a_key_holds_what_it_is_made_of_and_nothing_of_the_trade_before_it() {
    let btc = trade("KRW-BTC", 17_000_000_000_000_001);
    for (of, expected) in [
        (KeyOf::Exchange, "upbit"),
        (KeyOf::Quote, "KRW"),
        (KeyOf::Market, "KRW-BTC"),
        (KeyOf::Trade, "KRW-BTC/17000000000000001"),
    ] {
        assert_eq!(key(of, "upbit", &btc), expected, "{of:?}; look at `KeyOf::write`");
    }
    assert_eq!(
        key(KeyOf::Quote, "upbit", &trade("USDT-BTC", 1)),
        "USDT",
        "look at `KeyOf::write`"
    );
}

#[test]
fn task2_no_two_trades_have_one_key_of_their_own() {
    // The id alone is unique per market only, and digits set end to end could be read twice.
    let pairs = [
        (trade("KRW-A", 11), trade("KRW-A1", 1)),
        (trade("KRW-BTC", 7), trade("KRW-ETH", 7)),
    ];
    for (one, other) in pairs {
        assert_ne!(
            key(KeyOf::Trade, "upbit", &one),
            key(KeyOf::Trade, "upbit", &other),
            "{one:?} and {other:?}; look at `KeyOf::write`"
        );
    }
}

#[test]
fn task2_by_market_every_market_is_whole() {
    let found = count(KeyOf::Market, 12, &trades(8_000));
    assert_eq!((found.records, found.keys, found.markets), (8_000, 8, 8), "{found:?}");
    assert_eq!(
        (found.split, found.parted, found.holds()),
        (0, 0, true),
        "(split, parted, holds) by market; look at `Consequences::count`"
    );
    assert_eq!(found.loads.iter().sum::<u64>(), 8_000, "{found:?}");
}

#[test]
fn task2_by_trade_the_load_is_even_and_every_market_is_in_pieces() {
    let found = count(KeyOf::Trade, 12, &trades(12_000));
    assert_eq!((found.keys, found.markets, found.split), (12_000, 8, 8), "{found:?}");
    let share = found.parted as f64 / 12_000.0;
    assert!(
        (share - 11.0 / 12.0).abs() < 0.02,
        "{share} of the trades lie elsewhere than the one before them of their market; eleven in twelve should; look at \
         `Consequences::count`"
    );
    assert!(
        !found.holds() && found.used() == 12 && found.skew() < 1.2,
        "nothing holds together, and all partitions are used alike: {found:?}"
    );
}

#[test]
fn task2_by_exchange_or_quote_all_is_whole_and_little_is_used() {
    let trades = trades(800);
    let exchange = count(KeyOf::Exchange, 12, &trades);
    assert_eq!(
        (exchange.keys, exchange.used(), exchange.holds()),
        (1, 1, true),
        "(keys, used, holds) by exchange; look at `Consequences::count`"
    );
    assert!(
        (exchange.skew() - 12.0).abs() < 1e-9,
        "all in one of twelve: {exchange:?}"
    );
    let quote = count(KeyOf::Quote, 12, &trades);
    assert!(
        quote.keys == 3 && quote.used() <= 3 && quote.holds(),
        "three currencies: {quote:?}"
    );
}

#[test]
fn task2_a_trade_is_held_against_the_one_before_it_of_its_own_market() {
    // By trade, on two partitions: the two of KRW-ETH stay together, those of KRW-BTC part once and come back.
    let places = |id| {
        let mut key = Vec::new();
        KeyOf::Trade.write("upbit", &trade("KRW-BTC", id), &mut key);
        placement::partition_for(&key, 2).expect("partitions")
    };
    let ids: Vec<u64> = (0..100).collect();
    let here = *ids.iter().find(|id| places(**id) == 0).expect("one of a hundred");
    let there = *ids.iter().find(|id| places(**id) == 1).expect("one of a hundred");
    let course = [
        trade("KRW-BTC", here),
        trade("KRW-ETH", 5),
        trade("KRW-BTC", there),
        trade("KRW-ETH", 5),
        trade("KRW-BTC", here),
        trade("KRW-BTC", here),
    ];
    let found = count(KeyOf::Trade, 2, &course);
    assert_eq!(
        (found.parted, found.split, found.markets),
        (2, 1, 2),
        "(parted, split, markets): away and back are two, and a market that has come back is split all the same; look at \
         `Consequences::count`"
    );
}

#[test]
fn task2_no_partitions_are_an_error_even_without_trades() {
    for none in [0, -3] {
        assert_eq!(
            Consequences::count(KeyOf::Market, "upbit", Partitioner::Murmur2, none, &[]),
            Err(NoPartitions(none)),
            "look at `Consequences::count`"
        );
    }
    let nothing = count(KeyOf::Market, 3, &[]);
    assert_eq!(
        (nothing.records, nothing.loads.len(), nothing.holds()),
        (0, 3, true),
        "{nothing:?}"
    );
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn task2_a_key_that_is_the_markets_or_coarser_holds_on_any_number_of_partitions(
        course in prop::collection::vec((0..8usize, 0..50u64), 0..60),
        partitions in 1..40,
    ) {
        let course: Vec<Identity> = course.iter().map(|(market, id)| trade(MARKETS[*market], *id)).collect();
        for of in [KeyOf::Exchange, KeyOf::Quote, KeyOf::Market] {
            let found = count(of, partitions, &course);
            prop_assert!(found.holds() && found.parted == 0, "{of:?}: {found:?}; look at `Consequences::count`");
        }
        let found = count(KeyOf::Trade, partitions, &course);
        prop_assert_eq!(found.split == 0, found.parted == 0, "{:?}; look at `Consequences::count`", found);
        prop_assert_eq!(found.loads.iter().sum::<u64>(), course.len() as u64);
    }
}
