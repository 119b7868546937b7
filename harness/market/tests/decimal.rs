//! Decimals are exact from the text to the units, or an error: never rounded.

use std::str::FromStr;

use market::{Amount, Decimal, DecimalError};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn units(text: &str) -> Result<i128, DecimalError> {
    text.parse::<Decimal>().map(Decimal::units)
}

#[test]
fn every_spelling_of_the_exchange_is_read_exactly() {
    assert_eq!(units("1.16539E8"), Ok(11_653_900_000_000_000));
    assert_eq!(units("7.9276E-4"), Ok(79_276));
    assert_eq!(units("0E-8"), Ok(0));
    assert_eq!(units("91154000.00000000"), Ok(9_115_400_000_000_000));
    assert_eq!(units("8.428e-05"), Ok(8_428));
    assert_eq!(units("6.043E-5"), Ok(6_043));
    assert_eq!(units("1e+2"), Ok(10_000_000_000));
    assert_eq!(units("-0.5"), Ok(-50_000_000));
    assert_eq!(units("0"), Ok(0));
    assert_eq!(units("-0"), Ok(0));
    assert_eq!(units("0.00000001"), Ok(1));
}

#[test]
fn zeros_past_the_last_place_are_a_spelling_and_other_digits_an_error() {
    assert_eq!(units("1.500000000000"), Ok(150_000_000));
    assert_eq!(units("0.000000010000000000000000000000000000000000000000"), Ok(1));
    assert_eq!(units("0.000000001"), Err(DecimalError::TooPrecise(8)));
    assert_eq!(units("1.123456789"), Err(DecimalError::TooPrecise(8)));
    assert_eq!(units("1E-9"), Err(DecimalError::TooPrecise(8)));
    assert_eq!(units("1E-1000000000000"), Err(DecimalError::TooPrecise(8)));
    assert_eq!(units("10E-9"), Ok(1), "ten billionths are one hundred-millionth");
    assert_eq!(units("0E-1000000000000"), Ok(0), "nothing is nothing at any scale");
    assert_eq!(units("0E99999999999999"), Ok(0));
}

#[test]
fn more_than_38_digits_are_an_error() {
    assert_eq!(units("999999999999999999999999999999.99999999"), Ok(10i128.pow(38) - 1));
    assert_eq!(units("1000000000000000000000000000000"), Err(DecimalError::TooLarge));
    assert_eq!(units("-1000000000000000000000000000000"), Err(DecimalError::TooLarge));
    assert_eq!(units("1E30"), Err(DecimalError::TooLarge));
    assert_eq!(units("1E29"), Ok(10i128.pow(37)));
    assert_eq!(units("1E1000000000000"), Err(DecimalError::TooLarge));
    assert_eq!(units(&"9".repeat(400)), Err(DecimalError::TooLarge));
    assert_eq!(Decimal::from_units(10i128.pow(38)), Err(DecimalError::TooLarge));
    assert_eq!(Decimal::from_units(i128::MIN), Err(DecimalError::TooLarge));
}

#[test]
fn what_is_no_json_number_is_an_error() {
    let wrong = [
        "", "-", "+1", ".", "1.", ".5", "01", "-01", "1e", "1e+", "1e-", "e5", "1.e5", "1.5.5", "0x10", "1_000", " 1",
        "1 ", "NaN", "Infinity", "1,5", "--1", "1e5.5", "٣", "1\0",
    ];
    for text in wrong {
        assert_eq!(units(text), Err(DecimalError::NotANumber), "{text:?}");
    }
}

#[test]
fn a_product_is_exact_or_none_and_a_sum_too() {
    let decimal = |text: &str| text.parse::<Decimal>().expect(text);
    let amount = decimal("116539000")
        .checked_mul(decimal("0.00006043"))
        .expect("in range");
    assert_eq!(amount.to_string(), "7042.45177");
    assert_eq!(amount.units(), 70_424_517_700_000_000_000);
    assert_eq!(Decimal::MAX.checked_mul(Decimal::MAX), None);
    assert_eq!(Decimal::MAX.checked_add(decimal("0.00000001")), None);
    assert_eq!((-Decimal::MAX).checked_add(-Decimal::MAX), None);
    assert_eq!(Decimal::MAX.checked_add(-Decimal::MAX), Some(Decimal::ZERO));
}

/// The same cases in every run.
fn seeded() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::with_cases(2_000)
    }
}

fn any_units() -> impl Strategy<Value = i128> {
    let limit = 10i128.pow(38);
    prop_oneof![
        3 => -1_000_000_000_000_000_000..1_000_000_000_000_000_000i128,
        1 => 1 - limit..limit,
        1 => -1000..1000i128,
    ]
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn what_is_written_reads_back_the_same(units in any_units()) {
        let decimal = Decimal::from_units(units).expect("in range");
        let text = decimal.to_string();
        prop_assert_eq!(text.parse::<Decimal>(), Ok(decimal), "by way of {}", text);
        let shortest = !text.contains(['e', 'E', '.']) || text.contains('.') && !text.ends_with('0');
        prop_assert!(shortest, "{} is not the shortest", text);
        let amount = Amount::from_units(units).expect("in range");
        prop_assert_eq!(amount.to_string().parse::<Amount>(), Ok(amount));
        let json = serde_json::to_string(&decimal).expect("text");
        prop_assert_eq!(serde_json::from_str::<Decimal>(&json).expect("its own text"), decimal);
    }

    #[test]
    fn any_number_is_read_exactly_or_refused(
        negative in any::<bool>(), whole in "0|[1-9][0-9]{0,32}", fraction in prop::option::of("[0-9]{1,20}"),
        exponent in prop::option::of(-30..30i32), capital in any::<bool>(),
    ) {
        let mut text = format!("{}{whole}", if negative { "-" } else { "" });
        if let Some(fraction) = &fraction {
            text = format!("{text}.{fraction}");
        }
        if let Some(exponent) = exponent {
            text = format!("{text}{}{exponent}", if capital { 'E' } else { 'e' });
        }
        // On paper: all digits in a row, and where the unit digit stands.
        let digits = format!("{whole}{}", fraction.as_deref().unwrap_or_default());
        let places = fraction.as_deref().map_or(0, str::len) as i32 - exponent.unwrap_or(0);
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        let trailing = (digits.len() - digits.trim_end_matches('0').len()) as i32;
        let shift = 8 - places + trailing;
        let expected = if significant.is_empty() {
            Ok(0)
        } else if shift < 0 || significant.len() as i32 + shift > 38 {
            Err(())
        } else {
            let units: i128 = format!("{significant}{}", "0".repeat(shift as usize)).parse().expect("38 digits fit");
            Ok(if negative { -units } else { units })
        };
        prop_assert_eq!(units(&text).map_err(drop), expected, "{}", text);
    }

    #[test]
    fn it_agrees_with_rust_decimal_where_that_is_exact(whole in 0..100_000_000_000u64, fraction in "[0-9]{1,8}") {
        let text = format!("{whole}.{fraction}");
        let other = rust_decimal::Decimal::from_str(&text).expect("well within 28 digits");
        let scaled = other.mantissa() * 10i128.pow(8 - other.scale());
        prop_assert_eq!(units(&text), Ok(scaled));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![
        4 => prop::sample::select(b"0123456789.eE+-".to_vec()), 1 => any::<u8>(),
    ], 0..60)) {
        if let Ok(decimal) = Decimal::parse(&bytes) {
            prop_assert!(decimal.units().unsigned_abs() < 10u128.pow(38));
        }
    }

    #[test]
    fn products_and_sums_agree_with_arithmetic_on_units(a in any_units(), b in any_units()) {
        let limit = 10i128.pow(38);
        let (x, y) = (Decimal::from_units(a).expect("in range"), Decimal::from_units(b).expect("in range"));
        let fits = |units: &i128| units.abs() < limit;
        prop_assert_eq!(x.checked_mul(y).map(|amount| amount.units()), a.checked_mul(b).filter(fits));
        prop_assert_eq!(x.checked_add(y).map(Decimal::units), a.checked_add(b).filter(fits));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
    }
}
