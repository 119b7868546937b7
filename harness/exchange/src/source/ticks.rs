//! Price steps.

/// One unit: 10⁻⁸.
const ONE: i64 = 100_000_000;

/// KRW markets since 2025-07-31: from this price on (in won, as units), this step.
const KRW: [(i64, i64); 13] = [
    (1_000_000 * ONE, 1_000 * ONE),
    (500_000 * ONE, 500 * ONE),
    (100_000 * ONE, 100 * ONE),
    (50_000 * ONE, 50 * ONE),
    (10_000 * ONE, 10 * ONE),
    (5_000 * ONE, 5 * ONE),
    (100 * ONE, ONE), // 1,000 and 100 won share a step
    (10 * ONE, ONE / 10),
    (ONE, ONE / 100),
    (ONE / 10, ONE / 1_000),
    (ONE / 100, ONE / 10_000),
    (ONE / 1_000, ONE / 100_000),
    (ONE / 10_000, ONE / 1_000_000),
];

/// USDT markets since 2024-08-19.
const USDT: [(i64, i64); 6] = [
    (10 * ONE, ONE / 100),
    (ONE, ONE / 1_000),
    (ONE / 10, ONE / 10_000),
    (ONE / 100, ONE / 100_000),
    (ONE / 1_000, ONE / 1_000_000),
    (ONE / 10_000, ONE / 10_000_000),
];

/// The step of prices of a market with this quote currency at this price, both in units of 10⁻⁸. BTC markets have one step,
/// 10⁻⁸, at every price.
///
/// As Upbit documents it (`docs.upbit.com`, order price units of the KRW, BTC and USDT markets); exceptions for single
/// markets (USDT and USDC against KRW) are left out. Below the last row of the KRW table steps go on shrinking with the
/// price until 10⁻⁸.
#[inline]
pub(crate) fn tick_size(quote: &str, price: i64) -> i64 {
    let table: &[(i64, i64)] = match quote {
        "KRW" => &KRW,
        "USDT" => &USDT,
        _ => return 1,
    };
    table
        .iter()
        .find(|(from, _)| price >= *from)
        .map_or_else(|| if price >= 1_000 { 10 } else { 1 }, |(_, tick)| *tick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_the_documented_table_says_on_both_sides_of_each_limit() {
        for (price, tick) in [
            (106_691_000 * ONE, 1_000 * ONE),
            (1_000_000 * ONE, 1_000 * ONE),
            (999_500 * ONE, 500 * ONE),
            (499_900 * ONE, 100 * ONE),
            (99_950 * ONE, 50 * ONE),
            (49_990 * ONE, 10 * ONE),
            (9_995 * ONE, 5 * ONE),
            (4_999 * ONE, ONE),
            (100 * ONE, ONE),
            (99 * ONE, ONE / 10),
            (9 * ONE, ONE / 100),
        ] {
            assert_eq!(
                tick_size("KRW", price),
                tick,
                "the KRW table in source/ticks.rs, price {price}"
            );
        }
        assert_eq!(tick_size("BTC", 12_221), 1, "BTC markets have one step");
        assert_eq!(
            tick_size("USDT", 9 * ONE),
            ONE / 1_000,
            "the USDT table in source/ticks.rs"
        );
    }
}
