//! Trades made from a seed, with the disorder of a market feed, as they come to stand in the log of six partitions.

use market::{Decimal, EventTime, Interval, Market, Side, Trade};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// When a stream begins; a whole minute.
pub(crate) const START_MS: i64 = 28_333_334 * Interval::M1.millis();

/// Market k of the list is in partition k mod 6, and has weight 1/(k + 1).
pub(crate) const PARTITIONS: usize = 6;

const MARKETS: [&[u8]; 12] = [
    b"KRW-BTC",
    b"KRW-XRP",
    b"KRW-ETH",
    b"KRW-SOL",
    b"KRW-DOGE",
    b"KRW-ADA",
    b"KRW-SUI",
    b"KRW-LINK",
    b"KRW-AVAX",
    b"KRW-SHIB",
    b"KRW-DOT",
    b"KRW-TRX",
];

/// Each millisecond has an order with one in this many chances; an order makes 1 to 4 trades, all in that millisecond.
const MS_PER_ORDER: u64 = 25;
/// One trade in this many is published late.
const LATE_ONE_IN: u64 = 50;
/// The least that such a trade is late; half of them are up to twice as late, and so on.
const LATE_MS: u64 = 20;
const LATEST_MS: u64 = 10_000;
/// The connection is lost once in each block of so many minutes.
const MINUTES_PER_LOSS: i64 = 5;
/// What was missed is asked for after the reconnect, and comes this much later.
const BACKFILL_MS: i64 = 1_000;

/// What a stream is like.
#[derive(Clone, Copy)]
pub(crate) struct Feed {
    pub(crate) minutes: i64,
    /// Whether the connection is lost now and then.
    pub(crate) reconnects: bool,
}

/// A trade in the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) trade: Trade,
    pub(crate) partition: usize,
    /// When it came to stand there, ms since 1970: a reader that keeps up has it then.
    pub(crate) at_ms: i64,
}

impl Feed {
    /// When its last trade may be executed, ms since 1970.
    pub(crate) fn end_ms(self) -> i64 {
        START_MS + self.minutes * Interval::M1.millis()
    }

    /// Its trades in the order in which they come to stand in the log.
    pub(crate) fn trades(self, seed: u64) -> Vec<Logged> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut walks: Vec<Walk> = MARKETS.iter().zip(0..).map(|(code, k)| Walk::new(code, k)).collect();
        let lost = match self.reconnects {
            true => self.losses(&mut random),
            false => Vec::new(),
        };
        let mut trades: Vec<Logged> = Vec::new();
        for now in START_MS..self.end_ms() {
            if random.next_u64().is_multiple_of(MS_PER_ORDER) {
                order(&mut random, &mut walks, now, &mut trades);
            }
        }
        for logged in &mut trades {
            if let Some((_, back)) = lost.iter().find(|(from, back)| (*from..*back).contains(&logged.at_ms)) {
                logged.at_ms = back + BACKFILL_MS;
            }
        }
        trades.sort_by_key(|logged| logged.at_ms); // stable: what comes at once comes in the order of execution
        trades
    }

    /// When the connection is lost and when it is back. Of twelve in a row each begins in another twelfth of its minute, and
    /// lasts another twelfth of what lies between 0.5 and 4 s: drawn freely, the few that span the end of a minute would make
    /// one hour wrong and leave another one right.
    fn losses(self, random: &mut ChaCha8Rng) -> Vec<(i64, i64)> {
        let mut twelfth = random.next_u64() % 12;
        let blocks = (0..self.minutes).step_by(MINUTES_PER_LOSS as usize);
        let loss = |block: i64| {
            let mut within = |range: i64| (random.next_u64() % range as u64) as i64;
            let minute = block + within(MINUTES_PER_LOSS.min(self.minutes - block));
            let from = START_MS + minute * 60_000 + 5_000 * twelfth as i64 + within(5_000);
            let lasts = 500 + (3_500 * (twelfth * 5 % 12) as i64 + within(3_500)) / 12;
            twelfth = (twelfth + 5) % 12;
            (from, from + lasts)
        };
        blocks.map(loss).collect()
    }
}

/// One market.
struct Walk {
    market: Market,
    partition: usize,
    /// In units of 10⁻⁸.
    price: i128,
    /// When the newest trade that was not late was published: a market's engine publishes in order.
    published_ms: i64,
}

impl Walk {
    fn new(code: &[u8], k: usize) -> Self {
        Self {
            market: Market::new(code).expect("a market's code"),
            partition: k % PARTITIONS,
            price: 1_000_000_000_000, // 10,000 won; a step is one won
            published_ms: i64::MIN,
        }
    }
}

/// An order that trades at `now`.
fn order(random: &mut ChaCha8Rng, walks: &mut [Walk], now: i64, out: &mut Vec<Logged>) {
    let k = zipf(random, walks.len());
    let walk = &mut walks[k];
    let fills = 1 + random.next_u64() % 4;
    walk.published_ms = walk.published_ms.max(now + 2 + (random.next_u64() % 32) as i64);
    for fill in 0..fills {
        walk.price += (i128::from(random.next_u64() % 3) - 1) * 100_000_000;
        let volume = 1 + i128::from(random.next_u64() % 1_000_000_000);
        let late = match random.next_u64().is_multiple_of(LATE_ONE_IN) {
            // Pareto with exponent 1, in whole numbers: doubles would need a logarithm or not be the same everywhere.
            true => ((LATE_MS << 32) / (1 + u64::from(random.next_u32()))).min(LATEST_MS) as i64,
            false => 0,
        };
        let units = |units| Decimal::from_units(units).expect("far below 38 digits");
        out.push(Logged {
            trade: Trade {
                market: walk.market,
                sequential_id: now as u64 * 10_000 + fill,
                event_time: EventTime::from_millis(now),
                sent_time: EventTime::from_millis(walk.published_ms + late),
                price: units(walk.price),
                volume: units(volume),
                side: Side::Bid,
            },
            partition: walk.partition,
            at_ms: walk.published_ms + late,
        });
    }
}

/// Which of the first `n`, by weights 1, 1/2, 1/3, …
fn zipf(random: &mut ChaCha8Rng, n: usize) -> usize {
    // Weights in whole numbers, for the same reason.
    let weight = |k: usize| 27_720 / (k as u64 + 1);
    let mut left = random.next_u64() % (0..n).map(weight).sum::<u64>();
    for k in 0..n {
        match left.checked_sub(weight(k)) {
            Some(rest) => left = rest,
            None => return k,
        }
    }
    0
}

/// As a reader with a backlog gets them: so many records of each partition in turn.
pub(crate) fn backlog(trades: &[Logged]) -> Vec<&Logged> {
    const FETCHED: usize = 500;
    let mut partitions: [Vec<&Logged>; PARTITIONS] = Default::default();
    for logged in trades {
        partitions[logged.partition].push(logged);
    }
    let mut fetches: Vec<_> = partitions.iter().map(|log| log.chunks(FETCHED)).collect();
    let mut read = Vec::with_capacity(trades.len());
    while read.len() < trades.len() {
        for fetch in &mut fetches {
            read.extend(fetch.next().unwrap_or_default());
        }
    }
    read
}
