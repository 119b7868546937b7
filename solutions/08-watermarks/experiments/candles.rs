//! Candles by a plain fold, as the truth against which others are held; no operator, no watermark.

use std::collections::HashMap;

use market::{Amount, Decimal, EventTime, Interval, Market, Trade};

/// Where a trade stands among those of its candle: open and close are the first and the last by it.
type Place = (EventTime, u64);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Candle {
    open: (Place, Decimal),
    high: Decimal,
    low: Decimal,
    close: (Place, Decimal),
    volume: Decimal,
    quote_volume: Amount,
    trades: u64,
}

/// Candles of one length.
#[derive(Clone, Debug)]
pub(crate) struct Candles {
    interval: Interval,
    candles: HashMap<(Market, EventTime), Candle>,
}

impl Candles {
    pub(crate) fn new(interval: Interval) -> Self {
        let candles = HashMap::new();
        Self { interval, candles }
    }

    /// Of these trades by their event times, in whatever order they come.
    pub(crate) fn of<'a>(interval: Interval, trades: impl Iterator<Item = &'a Trade>) -> Self {
        let mut candles = Self::new(interval);
        trades.for_each(|trade| candles.add(trade));
        candles
    }

    /// A trade, by its event time.
    pub(crate) fn add(&mut self, trade: &Trade) {
        self.add_at((trade.event_time, trade.sequential_id), trade);
    }

    /// A trade, at the time and the place among its neighbours that somebody else gives it.
    pub(crate) fn add_at(&mut self, place: Place, trade: &Trade) {
        let amount = trade.amount().expect("a valid trade has an amount");
        let this = (place, trade.price);
        let key = (trade.market, self.interval.start_of(place.0));
        let candle = self.candles.entry(key).or_insert_with(|| Candle {
            open: this,
            high: trade.price,
            low: trade.price,
            close: this,
            volume: Decimal::ZERO,
            quote_volume: Amount::ZERO,
            trades: 0,
        });
        if place < candle.open.0 {
            candle.open = this;
        }
        if place >= candle.close.0 {
            candle.close = this;
        }
        candle.high = candle.high.max(trade.price);
        candle.low = candle.low.min(trade.price);
        candle.volume = candle.volume.checked_add(trade.volume).expect("a sum of valid trades");
        candle.quote_volume = candle.quote_volume.checked_add(amount).expect("a sum of valid trades");
        candle.trades += 1;
    }

    pub(crate) fn len(&self) -> u64 {
        self.candles.len() as u64
    }

    /// How many candles of either one are not in the other with the same open, high, low, close, volumes and count.
    pub(crate) fn differing(&self, other: &Self) -> u64 {
        let shown = |candle: &Candle| {
            let (open, close) = (candle.open.1, candle.close.1);
            let prices = (open, candle.high, candle.low, close);
            (prices, candle.volume, candle.quote_volume, candle.trades)
        };
        let missing = |key| !other.candles.contains_key(key);
        let differs = |(key, candle): &(&(Market, EventTime), &Candle)| {
            other.candles.get(key).is_some_and(|same| shown(same) != shown(candle))
        };
        let here = self.candles.keys().filter(|key| missing(key)).count();
        let there = other
            .candles
            .keys()
            .filter(|key| !self.candles.contains_key(key))
            .count();
        (here + there + self.candles.iter().filter(differs).count()) as u64
    }
}

/// Holds the fold against a case made by hand: whatever is said to be wrong is wrong against it.
pub(crate) fn check() {
    let decimal = |text: &str| text.parse::<Decimal>().expect("a decimal");
    let trade = |time, id, price, volume| Trade {
        market: Market::new(b"KRW-BTC").expect("a market"),
        sequential_id: id,
        event_time: EventTime::from_millis(time),
        sent_time: EventTime::from_millis(time),
        price: decimal(price),
        volume: decimal(volume),
        side: market::Side::Ask,
    };
    // Two of one millisecond, the later first; one of the next minute's first millisecond.
    let trades = [
        trade(119_999, 8, "101", "0.2"),
        trade(119_999, 7, "105", "0.1"),
        trade(60_000, 3, "103", "0.5"),
        trade(61_000, 4, "99.5", "0.00000001"),
        trade(120_000, 9, "200", "1"),
    ];
    let candles = Candles::of(Interval::M1, trades.iter());
    let start = EventTime::from_millis(60_000);
    let first = candles.candles.get(&(trades[0].market, start));
    let want = Candle {
        open: ((start, 3), decimal("103")),
        high: decimal("105"),
        low: decimal("99.5"),
        close: ((EventTime::from_millis(119_999), 8), decimal("101")),
        volume: decimal("0.80000001"),
        quote_volume: "82.200000995".parse().expect("an amount"),
        trades: 4,
    };
    assert_eq!(first, Some(&want), "the fold that everything is held against is wrong");
    let mut other = Candles::of(Interval::M1, trades[1..].iter());
    assert_eq!(
        candles.differing(&other),
        1,
        "a trade is missing from one of two candles"
    );
    assert_eq!(other.differing(&candles), 1, "and as many the other way round");
    other.add(&trades[0]);
    assert_eq!(
        candles.differing(&other),
        0,
        "the order in which trades come must not matter"
    );
    other.add(&trade(200_000, 10, "1", "1"));
    assert_eq!(candles.differing(&other), 1, "a candle that only the other one has");
}
