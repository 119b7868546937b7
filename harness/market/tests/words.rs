//! Market codes, trades, intervals and times: what they accept and what they refuse.

use market::{Decimal, EventTime, Interval, Market, MarketError, Side, Trade, TradeError};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn trade() -> Trade {
    Trade {
        market: "KRW-BTC".parse().expect("a code"),
        sequential_id: 17_898_744_375_740_000,
        event_time: EventTime::from_millis(1_789_874_437_574),
        sent_time: EventTime::from_millis(1_789_874_437_600),
        price: "116539000".parse().expect("a number"),
        volume: "0.00006043".parse().expect("a number"),
        side: Side::Bid,
    }
}

#[test]
fn a_code_is_capitals_and_digits_around_one_dash() {
    for code in ["KRW-BTC", "BTC-1INCH", "A-B", "USDT-ABCDEFGHIJ"] {
        assert_eq!(
            code.parse::<Market>().map(|market| market.to_string()),
            Ok(code.to_owned())
        );
    }
    for code in [
        "",
        "-",
        "KRW",
        "KRW-",
        "-BTC",
        "krw-btc",
        "KRW-B-C",
        "KRW BTC",
        "KRW-비트",
        "USDT-ABCDEFGHIJK",
        "KRW_BTC",
    ] {
        assert_eq!(code.parse::<Market>(), Err(MarketError), "{code:?}");
    }
}

#[test]
fn a_trade_of_the_exchange_is_valid() {
    assert_eq!(trade().validate(), Ok(()));
    assert_eq!(
        trade().amount().map(|amount| amount.to_string()),
        Some("7042.45177".into())
    );
    assert_eq!(
        Trade {
            volume: Decimal::ZERO,
            ..trade()
        }
        .validate(),
        Ok(())
    );
}

#[test]
fn a_trade_that_a_later_stage_could_not_hold_is_refused_by_name() {
    let units = |units| Decimal::from_units(units).expect("in range");
    let addable = 10i128.pow(29);
    let refused = [
        (
            Trade {
                price: units(-1),
                ..trade()
            },
            TradeError::Negative("price"),
        ),
        (
            Trade {
                volume: units(-1),
                ..trade()
            },
            TradeError::Negative("volume"),
        ),
        (
            Trade {
                price: units(addable),
                volume: Decimal::ZERO,
                ..trade()
            },
            TradeError::TooLarge("price"),
        ),
        (
            Trade {
                volume: units(addable),
                price: Decimal::ZERO,
                ..trade()
            },
            TradeError::TooLarge("volume"),
        ),
        (
            Trade {
                price: units(addable - 1),
                volume: units(2),
                ..trade()
            },
            TradeError::TooLarge("amount"),
        ),
        (
            Trade {
                price: Decimal::MAX,
                volume: Decimal::MAX,
                ..trade()
            },
            TradeError::TooLarge("price"),
        ),
        (
            Trade {
                event_time: EventTime::from_millis(-1),
                ..trade()
            },
            TradeError::OutOfTime("execution time"),
        ),
        (
            Trade {
                event_time: EventTime::MAX,
                ..trade()
            },
            TradeError::OutOfTime("execution time"),
        ),
        (
            Trade {
                sent_time: EventTime::MIN,
                ..trade()
            },
            TradeError::OutOfTime("send time"),
        ),
    ];
    for (trade, error) in refused {
        assert_eq!(trade.validate(), Err(error), "{trade:?}");
    }
    let last = EventTime::from_millis(10_413_791_999_999);
    assert_eq!(
        Trade {
            event_time: last,
            sent_time: last,
            ..trade()
        }
        .validate(),
        Ok(()),
        "the end of 2299"
    );
    let after = last.saturating_add(1);
    assert!(
        Trade {
            event_time: after,
            ..trade()
        }
        .validate()
        .is_err()
    );
}

#[test]
fn a_billion_of_the_largest_valid_trades_still_add_up() {
    let largest = Decimal::from_units(10i128.pow(29) - 1).expect("in range");
    let valid = Trade {
        volume: largest,
        price: "0.00000001".parse().expect("a number"),
        ..trade()
    };
    assert_eq!(valid.validate(), Ok(()));
    let sum = largest.units() * 1_000_000_000;
    assert!(Decimal::from_units(sum).is_ok(), "see ADDABLE");
}

#[test]
fn times_stop_at_their_ends_instead_of_wrapping() {
    assert_eq!(EventTime::MAX.saturating_add(1), EventTime::MAX);
    assert_eq!(EventTime::MIN.saturating_sub(1), EventTime::MIN);
    assert_eq!(EventTime::MIN.saturating_add(-1), EventTime::MIN);
}

/// The same cases in every run.
fn seeded() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_000)
    }
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn a_code_reads_back_as_it_was_and_is_found_again_by_its_hash(code in "[A-Z0-9]{1,7}-[A-Z0-9]{1,7}") {
        let market: Market = code.parse().expect("a code");
        prop_assert_eq!(market.as_str(), &code);
        prop_assert_eq!(market.as_bytes(), code.as_bytes());
        let json = serde_json::to_string(&market).expect("text");
        prop_assert_eq!(serde_json::from_str::<Market>(&json).expect("its own text"), market);
        let set = std::collections::HashSet::from([market]);
        prop_assert!(set.contains(&Market::new(code.as_bytes()).expect("a code")));
    }

    #[test]
    fn codes_sort_as_their_texts(a in "[A-Z0-9]{1,7}-[A-Z0-9]{1,7}", b in "[A-Z0-9]{1,7}-[A-Z0-9]{1,7}") {
        let (x, y): (Market, Market) = (a.parse().expect("a code"), b.parse().expect("a code"));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x == y, a == b);
    }

    #[test]
    fn no_bytes_but_codes_make_a_market(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        if let Ok(market) = Market::new(&bytes) {
            prop_assert_eq!(market.as_bytes(), &bytes[..]);
            prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'-').count(), 1);
        }
    }

    #[test]
    fn what_validates_has_an_amount_and_fits_its_columns(
        price in 0..10i128.pow(32), volume in 0..10i128.pow(32), time in any::<i64>(),
    ) {
        let (price, volume) = (Decimal::from_units(price), Decimal::from_units(volume));
        let trade = Trade {
            price: price.expect("in range"),
            volume: volume.expect("in range"),
            event_time: EventTime::from_millis(time),
            ..trade()
        };
        if trade.validate().is_ok() {
            let amount = trade.amount();
            prop_assert!(amount.is_some_and(|amount| amount.units() < 10i128.pow(29)));
            prop_assert!(time >= 0);
        }
    }

    #[test]
    fn a_time_lies_in_the_candle_that_it_starts(time in -10_000_000_000..10_000_000_000i64) {
        for interval in Interval::ALL {
            let start = interval.start_of(EventTime::from_millis(time)).millis();
            prop_assert!(start <= time && time < start + interval.millis(), "{} {}", interval, time);
            prop_assert_eq!(start.rem_euclid(interval.millis()), 0);
            prop_assert_eq!(Interval::from_millis(interval.millis()), Some(interval));
        }
    }
}
