//! Markets that exist on Upbit, the busiest first, with a price to start a random walk from.
//!
//! Codes are facts of the exchange's `market/all` at various times between 2021 and 2026; not all are listed today. Prices
//! are orders of magnitude, nothing more: a walk has to begin somewhere.

use market::Market;

/// A market to generate trades of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its code.
    pub market: Market,
    /// Where its price begins, in units of 10⁻⁸ of the quote currency.
    pub start_price: i64,
}

const BTC_KRW: f64 = 140_000_000.0;
const USDT_KRW: f64 = 1_400.0;

/// Base currency and rough price in won.
const KRW: [(&str, f64); 140] = [
    ("BTC", 140_000_000.0),
    ("ETH", 5_200_000.0),
    ("XRP", 3_300.0),
    ("SOL", 260_000.0),
    ("DOGE", 290.0),
    ("USDT", 1_400.0),
    ("ADA", 1_050.0),
    ("SHIB", 0.0168),
    ("TRX", 470.0),
    ("SUI", 4_600.0),
    ("XLM", 520.0),
    ("LINK", 29_000.0),
    ("AVAX", 38_000.0),
    ("HBAR", 320.0),
    ("BCH", 760_000.0),
    ("DOT", 5_300.0),
    ("PEPE", 0.0134),
    ("ETC", 27_000.0),
    ("NEAR", 3_600.0),
    ("APT", 6_400.0),
    ("SAND", 380.0),
    ("STX", 860.0),
    ("ARB", 620.0),
    ("SEI", 400.0),
    ("BONK", 0.0295),
    ("NEO", 8_700.0),
    ("QTUM", 3_900.0),
    ("EOS", 780.0),
    ("BTT", 0.00089),
    ("GAS", 4_400.0),
    ("BSV", 36_000.0),
    ("XTZ", 1_050.0),
    ("ATOM", 6_100.0),
    ("MTL", 1_000.0),
    ("OMG", 330.0),
    ("SNT", 37.0),
    ("WAVES", 1_500.0),
    ("XEM", 4.6),
    ("LSK", 530.0),
    ("STEEM", 190.0),
    ("ARDR", 120.0),
    ("ARK", 590.0),
    ("STORJ", 370.0),
    ("GRS", 420.0),
    ("SBD", 1_600.0),
    ("POWR", 240.0),
    ("BTG", 9_000.0),
    ("ICX", 200.0),
    ("SC", 4.7),
    ("ONT", 180.0),
    ("ZIL", 17.0),
    ("ZRX", 360.0),
    ("LOOM", 60.0),
    ("BAT", 220.0),
    ("IOST", 5.0),
    ("CVC", 130.0),
    ("IQ", 5.2),
    ("IOTA", 270.0),
    ("ONG", 250.0),
    ("ELF", 300.0),
    ("KNC", 530.0),
    ("THETA", 1_100.0),
    ("QKC", 11.0),
    ("MOC", 85.0),
    ("ENJ", 95.0),
    ("TFUEL", 50.0),
    ("MANA", 420.0),
    ("ANKR", 21.0),
    ("AERGO", 140.0),
    ("TT", 4.1),
    ("CRE", 8.0),
    ("MBL", 3.3),
    ("WAXP", 28.0),
    ("MED", 5.9),
    ("MLK", 210.0),
    ("STPT", 90.0),
    ("ORBS", 30.0),
    ("VET", 34.0),
    ("CHZ", 57.0),
    ("STMX", 7.2),
    ("DKA", 22.0),
    ("HIVE", 300.0),
    ("KAVA", 540.0),
    ("AHT", 6.0),
    ("BORA", 110.0),
    ("JST", 47.0),
    ("CRO", 290.0),
    ("SXP", 260.0),
    ("HUNT", 330.0),
    ("PLA", 250.0),
    ("MVL", 4.0),
    ("STRAX", 62.0),
    ("AQT", 1_500.0),
    ("GLM", 340.0),
    ("META", 34.0),
    ("FCT2", 75.0),
    ("CBK", 800.0),
    ("HUM", 40.0),
    ("STRK", 190.0),
    ("PUNDIX", 430.0),
    ("FLOW", 560.0),
    ("DAWN", 300.0),
    ("AXS", 3_400.0),
    ("XEC", 0.028),
    ("SOLVE", 15.0),
    ("AAVE", 420_000.0),
    ("ALGO", 320.0),
    ("IMX", 780.0),
    ("GRT", 125.0),
    ("CELO", 430.0),
    ("EGLD", 19_000.0),
    ("T", 22.0),
    ("GMT", 60.0),
    ("MINA", 240.0),
    ("BLUR", 130.0),
    ("ASTR", 35.0),
    ("ID", 220.0),
    ("MASK", 1_750.0),
    ("ACS", 1.5),
    ("CTC", 900.0),
    ("STG", 240.0),
    ("ZETA", 260.0),
    ("POL", 340.0),
    ("ONDO", 1_300.0),
    ("JUP", 680.0),
    ("ENS", 31_000.0),
    ("UNI", 13_500.0),
    ("VTHO", 2.8),
    ("PYTH", 210.0),
    ("TAIKO", 580.0),
    ("ATH", 75.0),
    ("BIGTIME", 80.0),
    ("UXLINK", 430.0),
    ("CARV", 420.0),
    ("SONIC", 270.0),
    ("LAYER", 800.0),
    ("KAITO", 1_600.0),
    ("BERA", 3_500.0),
    ("MOVE", 190.0),
    ("ME", 900.0),
];

/// Base currencies that are traded against BTC as well.
const BTC: [&str; 62] = [
    "ETH", "XRP", "ADA", "DOGE", "TRX", "XLM", "LINK", "BCH", "DOT", "ETC", "NEAR", "SAND", "STX", "QTUM", "EOS",
    "BSV", "XTZ", "ATOM", "MTL", "OMG", "SNT", "WAVES", "XEM", "LSK", "STEEM", "ARDR", "ARK", "STORJ", "GRS", "SBD",
    "POWR", "SC", "ZIL", "ZRX", "LOOM", "BAT", "IOST", "CVC", "IQ", "ELF", "MOC", "ENJ", "MANA", "ANKR", "AERGO",
    "MED", "MLK", "STPT", "ORBS", "VET", "CHZ", "STMX", "DKA", "HIVE", "KAVA", "JST", "CRO", "SXP", "HUNT", "ALGO",
    "GRT", "UNI",
];

/// Base currencies that are traded against USDT as well.
const USDT: [&str; 14] = [
    "BTC", "ETH", "XRP", "DOGE", "ADA", "TRX", "BCH", "ETC", "OMG", "SC", "ZRX", "BAT", "SOL", "AVAX",
];

/// How many markets there are to choose from.
pub const LISTED: usize = KRW.len() + BTC.len() + USDT.len();

/// The first `count` markets, KRW markets first; `None` if there are not so many.
pub fn listings(count: usize) -> Option<Vec<Listing>> {
    let won = |base: &str| {
        KRW.iter()
            .find(|(name, _)| *name == base)
            .map_or(1_000.0, |(_, won)| *won)
    };
    let krw = KRW.iter().map(|(base, won)| listing("KRW", base, *won));
    let btc = BTC.iter().map(|base| listing("BTC", base, won(base) / BTC_KRW));
    let usdt = USDT.iter().map(|base| listing("USDT", base, won(base) / USDT_KRW));
    let all: Vec<Listing> = krw.chain(btc).chain(usdt).flatten().take(count).collect();
    (all.len() == count).then_some(all)
}

fn listing(quote: &str, base: &str, price: f64) -> Option<Listing> {
    let market = format!("{quote}-{base}").parse().ok()?;
    let units = ((price * 1e8) as i64).max(1);
    let tick = super::tick_size(quote, units);
    Some(Listing {
        market,
        start_price: (units / tick * tick).max(tick),
    })
}

/// What people call a market's base currency: Korean and English. Where no name is known here, its code.
pub(crate) fn names(market: Market) -> (String, String) {
    let code = market.as_str();
    let base = code.split_once('-').map_or(code, |(_, base)| base);
    let (korean, english) = match base {
        "BTC" => ("비트코인", "Bitcoin"),
        "ETH" => ("이더리움", "Ethereum"),
        "XRP" => ("리플", "XRP"),
        "SOL" => ("솔라나", "Solana"),
        "DOGE" => ("도지코인", "Dogecoin"),
        "USDT" => ("테더", "Tether"),
        "ADA" => ("에이다", "Cardano"),
        "SHIB" => ("시바이누", "Shiba Inu"),
        "TRX" => ("트론", "TRON"),
        "SUI" => ("수이", "Sui"),
        "XLM" => ("스텔라루멘", "Stellar Lumens"),
        "LINK" => ("체인링크", "Chainlink"),
        "AVAX" => ("아발란체", "Avalanche"),
        "BCH" => ("비트코인캐시", "Bitcoin Cash"),
        "ETC" => ("이더리움클래식", "Ethereum Classic"),
        other => (other, other),
    };
    (korean.into(), english.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_two_hundred_markets_and_more_each_once_won_first() {
        let all = listings(LISTED).unwrap();
        assert!(all.len() >= 200, "source/catalog.rs lists {}", all.len());
        let mut codes: Vec<_> = all.iter().map(|listing| listing.market).collect();
        assert_eq!(codes[0].as_str(), "KRW-BTC");
        assert!(codes[..KRW.len()].iter().all(|code| code.as_str().starts_with("KRW-")));
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), all.len(), "a market stands twice in source/catalog.rs");
        assert_eq!(listings(LISTED + 1), None, "there are no more markets than are listed");
        for listing in &all {
            let quote = listing.market.as_str().split('-').next().unwrap();
            let tick = super::super::tick_size(quote, listing.start_price);
            assert!(
                listing.start_price > 0 && listing.start_price % tick == 0,
                "{listing:?} is off its tick grid"
            );
        }
    }
}
