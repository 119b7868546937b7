//! The seeded generator: which market trades next, at what price, how much, and how late the news of it comes.
//!
//! * Activity: market `k` of the list has weight 1/(k + 1), Zipf's law; in a burst one market takes half of all trades for
//!   10 to 1,000 trades, the long bursts being the rare ones.
//! * Prices walk on the market's tick grid, one tick up or down or none, and are turned back at half and at twice the
//!   start, so that a long run ends nowhere near zero.
//! * Volumes: the traded value is spread evenly over the powers of ten from 5,000 to 50 million won, 8 decimal places.
//! * Lateness: a trade is published 2 to 33 ms after its execution; one in fifty, drawn among trades of one market that
//!   follow each other, up to a second later. Then its id is lower than that of the trade before it.
//! * The same seed gives the same trades. Their times follow from the send times, which at a fixed rate are the same
//!   relative to the start, and at the maximum rate are the clock's.

use market::Side;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::catalog::Listing;
use super::{Execution, Ids, OWN_SPELLING, tick_size};

struct Walk {
    quote: &'static str,
    start: i64,
    price: i64,
    /// Units of 10⁻⁸ base currency that one won buys at the start price.
    per_won: f64,
    newest_ms: i64,
    ids: Ids,
}

/// Draws trades from a seed.
pub(crate) struct Generator {
    random: ChaCha8Rng,
    /// Alias table: for a drawn column, the threshold below which it is the column itself, else the other market.
    columns: Vec<(u32, u16)>,
    walks: Vec<Walk>,
    burst_left: u32,
    burst_market: u16,
}

impl Generator {
    /// A generator over these markets; there must be 1 to 65,535.
    pub(crate) fn new(seed: u64, listings: &[Listing]) -> Self {
        let walk = |listing: &Listing| {
            let code = listing.market.as_str();
            let (quote, won) = match code.split('-').next() {
                Some("BTC") => ("BTC", 140_000_000.0),
                Some("USDT") => ("USDT", 1_400.0),
                _ => ("KRW", 1.0),
            };
            Walk {
                quote,
                start: listing.start_price,
                price: listing.start_price,
                per_won: 1e16 / (listing.start_price as f64 * won),
                newest_ms: i64::MIN,
                ids: Ids::new(),
            }
        };
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            columns: alias_table(listings.len()),
            walks: listings.iter().map(walk).collect(),
            burst_left: 0,
            burst_market: 0,
        }
    }

    #[inline]
    fn zipf(&mut self, draw: u64) -> u16 {
        let column = ((draw >> 32) * self.columns.len() as u64) >> 32;
        let (threshold, other) = self.columns[column as usize];
        if draw as u32 <= threshold { column as u16 } else { other }
    }

    #[inline]
    fn market(&mut self) -> u16 {
        let draw = self.random.next_u64();
        if self.burst_left > 0 {
            self.burst_left -= 1;
            if draw & 1 == 0 {
                return self.burst_market;
            }
        }
        let market = self.zipf(draw);
        if self.burst_left == 0 && draw & 0x3ff == 0x155 {
            // Pareto with exponent 1, cut at 1,000: most bursts are short, the long ones make the day.
            self.burst_left = (10 * 100 / (1 + self.random.next_u32() % 100)).max(10);
            self.burst_market = market;
        }
        market
    }

    /// The next trade, sent at `sent_ms`, which must not fall.
    #[inline]
    pub(crate) fn next(&mut self, sent_ms: i64) -> Execution {
        let market = self.market();
        let draw = self.random.next_u64();
        let value = self.random.next_u32();
        let walk = &mut self.walks[usize::from(market)];

        let tick = tick_size(walk.quote, walk.price);
        walk.price = match draw & 7 {
            0 | 1 if walk.price < walk.start.saturating_mul(2) => walk.price + tick,
            2 | 3 if walk.price > walk.start / 2 && walk.price > tick => walk.price - tick,
            _ => walk.price,
        };
        // A step down can leave a coarser grid for a finer one or the reverse; the lower edge is on both.
        walk.price -= walk.price % tick_size(walk.quote, walk.price);

        // 5 × 10³ … 5 × 10⁶ won, times 1.0 to 10.0: plain products of doubles, the same on every machine.
        let won = [5e3, 5e4, 5e5, 5e6][(draw >> 3) as usize & 3] * (1.0 + f64::from(value) * (9.0 / 4_294_967_296.0));
        let volume = ((won * walk.per_won) as i64).max(1);

        let age = 2 + ((draw >> 8) & 0x1f) as i64;
        let late = (draw >> 16).is_multiple_of(50) && walk.newest_ms > i64::MIN;
        let wanted = if late {
            // Behind the newest, not behind the clock: in a quiet market 900 ms of age would be in order all the same.
            (sent_ms - 1000).max(walk.newest_ms - 1 - ((draw >> 24) % 900) as i64)
        } else {
            (sent_ms - age).max(walk.newest_ms)
        };
        let (sequential_id, event_ms) = walk.ids.give(wanted.min(sent_ms));
        walk.newest_ms = walk.newest_ms.max(event_ms);
        Execution {
            sequential_id,
            event_ms,
            sent_ms,
            price: walk.price,
            volume,
            spelling: OWN_SPELLING,
            market,
            side: if draw >> 63 == 0 { Side::Bid } else { Side::Ask },
        }
    }
}

/// Vose's alias method for weights 1/(k + 1): one draw, one look-up, whatever the number of markets.
fn alias_table(markets: usize) -> Vec<(u32, u16)> {
    let sum: f64 = (0..markets).map(|k| 1.0 / (k + 1) as f64).sum();
    let mut share: Vec<f64> = (0..markets).map(|k| markets as f64 / ((k + 1) as f64 * sum)).collect();
    let mut columns = vec![(u32::MAX, 0u16); markets];
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..markets).partition(|k| share[*k] < 1.0);
    while let (Some(low), Some(high)) = (small.pop(), large.pop()) {
        columns[low] = ((share[low] * f64::from(u32::MAX)) as u32, high as u16);
        share[high] -= 1.0 - share[low];
        if share[high] < 1.0 {
            small.push(high)
        } else {
            large.push(high)
        }
    }
    for (k, column) in columns.iter_mut().enumerate() {
        if column.0 == u32::MAX {
            column.1 = k as u16;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::catalog;
    use super::*;

    fn drawn(seed: u64, trades: usize) -> Vec<Execution> {
        let mut generator = Generator::new(seed, &catalog::listings(120).unwrap());
        (0..trades)
            .map(|n| generator.next(1_700_000_000_000 + n as i64 / 2))
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_trades_and_another_seed_others() {
        assert_eq!(drawn(1, 10_000), drawn(1, 10_000));
        assert_ne!(drawn(1, 100), drawn(2, 100));
    }

    #[test]
    fn ids_are_unique_in_their_market_and_say_the_execution_time() {
        let mut seen = HashSet::new();
        for trade in drawn(3, 200_000) {
            assert!(
                seen.insert((trade.market, trade.sequential_id)),
                "{trade:?} repeats an id: see source/ids.rs"
            );
            assert_eq!(trade.sequential_id / 10_000, trade.event_ms as u64);
            assert!(
                trade.event_ms <= trade.sent_ms,
                "{trade:?} is sent before it is executed"
            );
            assert!(
                trade.sent_ms - trade.event_ms <= 1_000,
                "{trade:?} is more than a second late"
            );
        }
    }

    #[test]
    fn about_one_trade_in_fifty_comes_after_a_later_one_of_its_market() {
        let mut newest = [0u64; 120];
        let trades = drawn(4, 200_000);
        let late = trades.iter().filter(|trade| {
            let newest = &mut newest[usize::from(trade.market)];
            let late = trade.sequential_id < *newest;
            *newest = trade.sequential_id.max(*newest);
            late
        });
        let share = late.count() as f64 / trades.len() as f64;
        assert!(
            (0.015..0.025).contains(&share),
            "{share} of the trades are out of order, measured on Upbit: 0.02"
        );
    }

    #[test]
    fn activity_has_a_heavy_tail_and_prices_keep_to_their_grid() {
        let mut count = [0u32; 120];
        let listings = catalog::listings(120).unwrap();
        for trade in drawn(5, 200_000) {
            count[usize::from(trade.market)] += 1;
            let listing = &listings[usize::from(trade.market)];
            let quote = listing.market.as_str().split('-').next().unwrap();
            assert_eq!(
                trade.price % tick_size(quote, trade.price),
                0,
                "{trade:?} is off its tick grid"
            );
            assert!(trade.price > 0 && trade.volume > 0);
        }
        assert!(
            count[0] > 20_000,
            "the busiest market must stand out, has {} of 200,000",
            count[0]
        );
        assert!(
            count.iter().all(|count| *count > 50),
            "the quietest market must trade too: {count:?}"
        );
    }
}
