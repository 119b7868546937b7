//! Sums of a minute's trades in `f64` and as exact decimals: how often they differ, by how much, and what being exact costs.

use std::hint::black_box;

use market::{Amount, Decimal};
use measure::{Effort, Teller};
use windows::{Aggregate, Ohlcv, Tick};

use crate::figures::{Figures, Random, nanos_of, pick};

/// Trades of a minute, ten in each second.
const SECONDS: usize = 60;
const PER_SECOND: usize = 10;

/// A market: its price in units of 10⁻⁸ won, and the step of its price.
struct Market {
    name: &'static str,
    price: i64,
    tick: i64,
}

const ONE: i64 = 100_000_000;

const MARKETS: [Market; 3] = [
    Market {
        name: "BTC",
        price: 140_000_000 * ONE,
        tick: 1_000 * ONE,
    },
    Market {
        name: "XRP",
        price: 3_000 * ONE,
        tick: ONE,
    },
    Market {
        name: "SHIB",
        price: ONE / 50,
        tick: ONE / 100_000,
    },
];

/// A minute in the order of its times.
fn minute(market: &Market, random: &mut Random) -> Vec<Tick> {
    let mut price = market.price;
    let trade = |n: usize| {
        price += (random.below(3) - 1) * market.tick;
        // 5,000 won to 80 million, each doubling as frequent as the next.
        // In units of 10⁻⁸: sums of whole won would add up in any type.
        let won = (i128::from(5_000 * ONE) << random.below(14)) + i128::from(random.below(5_000 * ONE));
        let volume = won * i128::from(ONE) / i128::from(price);
        let units = |units| Decimal::from_units(units).expect("far below 38 digits");
        let (price, volume) = (units(i128::from(price)), units(volume));
        Tick {
            rank: (n as i64 * 1_000 / PER_SECOND as i64, n as u64),
            price,
            volume,
            amount: price.checked_mul(volume).expect("far below 38 digits"),
            offset: n as i64,
        }
    };
    (0..SECONDS * PER_SECOND).map(trade).collect()
}

/// What is added up: units of 10⁻¹⁶, so that both fit, and the number as a reader of JSON gets it.
#[derive(Clone, Copy)]
struct Addend {
    exact: i128,
    float: f64,
}

fn volume(tick: &Tick) -> Addend {
    Addend {
        exact: tick.volume.units() * i128::from(ONE),
        float: parsed(tick.volume),
    }
}

/// The product of the two doubles, as a program has it that has read both as such.
fn turnover(tick: &Tick) -> Addend {
    Addend {
        exact: tick.amount.units(),
        float: parsed(tick.price) * parsed(tick.volume),
    }
}

/// The double nearest to what the text says.
fn parsed(decimal: Decimal) -> f64 {
    decimal.to_string().parse().expect("a number")
}

fn plain(addends: &[Addend]) -> f64 {
    addends.iter().fold(0.0, |sum, addend| sum + addend.float)
}

/// Keeps what each addition loses, and adds it at the end (Neumaier, 1974).
fn compensated(addends: &[Addend]) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for addend in addends {
        let next = sum + addend.float;
        lost += match sum.abs() >= addend.float.abs() {
            true => (sum - next) + addend.float,
            false => (addend.float - next) + sum,
        };
        sum = next;
    }
    sum + lost
}

/// Units of 10⁻¹⁶ of a double, to the last one.
fn units(float: f64) -> i128 {
    format!("{float:.16}")
        .parse::<Amount>()
        .expect("far below 38 digits")
        .units()
}

/// Of units of 10⁻¹⁶, those of 10⁻⁸ that are written.
fn shown(units: i128) -> i128 {
    (units + i128::from(ONE) / 2) / i128::from(ONE)
}

/// A sum by one of the ways.
type Way = fn(&[Addend]) -> Addend;

fn of_float(float: f64) -> Addend {
    Addend {
        exact: units(float),
        float,
    }
}

fn decimal(addends: &[Addend]) -> Addend {
    let exact = addends.iter().map(|addend| addend.exact).sum();
    Addend {
        exact,
        float: nearest(exact),
    }
}

/// The double nearest to so many units of 10⁻¹⁶.
fn nearest(units: i128) -> f64 {
    let amount = Amount::from_units(units).expect("far below 38 digits");
    amount.to_string().parse().expect("a number")
}

const WAYS: [(&str, Way); 3] = [
    ("f64", |addends| of_float(plain(addends))),
    ("compensated", |addends| of_float(compensated(addends))),
    ("decimal", decimal),
];

/// One minute's sums by one way.
#[derive(Default)]
struct Tally {
    wrong: u64,
    unequal: u64,
    order: u64,
    parts: u64,
    off: i128,
}

impl Tally {
    fn add(&mut self, way: Way, addends: &[Addend], arrived: &[Addend], exact: i128) {
        let sum = way(addends);
        let equal = |other: &[Addend]| {
            let other = way(other);
            other.exact == sum.exact && other.float.to_bits() == sum.float.to_bits()
        };
        // A minute of seconds that were added up before.
        let seconds: Vec<Addend> = addends.chunks(PER_SECOND).map(way).collect();
        self.wrong += u64::from(shown(sum.exact) != shown(exact));
        self.unequal += u64::from(sum.float.to_bits() != nearest(exact).to_bits());
        self.order += u64::from(!equal(arrived));
        self.parts += u64::from(!equal(&seconds));
        self.off = self.off.max((sum.exact - exact).abs());
    }
}

/// What the candle says that this library makes of the trades, whatever the order: units of 10⁻¹⁶ of both sums.
fn candle(ticks: &[Tick]) -> [i128; 2] {
    let mut candle = Ohlcv::first(&ticks[0]);
    for tick in &ticks[1..] {
        candle.add(tick).expect("far below 38 digits");
    }
    [candle.volume.units() * i128::from(ONE), candle.quote_volume.units()]
}

fn judged(figures: &mut Figures, minutes: u64, seed: u64) {
    let random = &mut Random::new(seed);
    for market in &MARKETS {
        let mut tallies: [[Tally; WAYS.len()]; 2] = Default::default();
        for _ in 0..minutes {
            let ticks = minute(market, random);
            let mut arrived = ticks.clone();
            random.shuffle(&mut arrived);
            let of = [volume as fn(&Tick) -> Addend, turnover];
            for ((of, tallies), exact) in of.into_iter().zip(&mut tallies).zip(candle(&arrived)) {
                let [addends, arrived] = [&ticks, &arrived].map(|ticks| ticks.iter().map(of).collect::<Vec<_>>());
                for ((_, way), tally) in WAYS.iter().zip(tallies) {
                    tally.add(*way, &addends, &arrived, exact);
                }
            }
        }
        for (sum, tallies) in ["volume", "turnover"].into_iter().zip(tallies) {
            for ((way, _), tally) in WAYS.iter().zip(tallies) {
                let arm = format!("way={way} sum={sum} market={}", market.name);
                figures.share(&arm, "wrong", tally.wrong, minutes);
                figures.share(&arm, "unequal", tally.unequal, minutes);
                figures.share(&arm, "order", tally.order, minutes);
                figures.share(&arm, "parts", tally.parts, minutes);
                figures.add(&arm, "off", tally.off as f64 / ONE as f64, minutes);
            }
        }
    }
}

/// Nanoseconds for an addition, from a list of them.
fn timed(figures: &mut Figures, times: usize, seed: u64) {
    let ticks = minute(&MARKETS[0], &mut Random::new(seed));
    let exact: Vec<Decimal> = ticks.iter().map(|tick| tick.volume).collect();
    let addends: Vec<Addend> = ticks.iter().map(volume).collect();
    let mut add = |way, course: &dyn Fn()| {
        let n = times * ticks.len();
        let nanos = nanos_of(|| (0..times).for_each(|_| course()));
        figures.add(
            &format!("way={way} sum=volume market=BTC"),
            "time",
            nanos / n as f64,
            n as u64,
        );
    };
    add("f64", &|| {
        black_box(plain(black_box(&addends)));
    });
    add("compensated", &|| {
        black_box(compensated(black_box(&addends)));
    });
    add("decimal", &|| {
        let sum = black_box(&exact)
            .iter()
            .try_fold(Decimal::ZERO, |sum, volume| sum.checked_add(*volume));
        assert!(black_box(sum).is_some(), "a sum of a minute's volumes leaves its type");
    });
}

pub(crate) fn run(effort: Effort) {
    let repetitions = pick(effort, 9, 3, 1);
    let minutes = pick(effort, 600, 200, 5);
    let mut teller = Teller::new(repetitions as usize);
    let mut figures = Figures::default();
    for seed in 1..=repetitions {
        teller.step(&format!("{minutes} minutes of each market, {seed} of {repetitions}"));
        judged(&mut figures, minutes, seed);
        timed(&mut figures, pick(effort, 2_000, 500, 1), seed);
    }
    figures.tell(&teller);
}
