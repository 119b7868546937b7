//! The same trades by four kinds of time, under a reader that stands still now and then: which candles are wrong.

use market::{EventTime, Interval};
use measure::{Effort, Teller};
use watermarks::BoundedOutOfOrderness;

use crate::candles::Candles;
use crate::figures::{Figures, Size};
use crate::stream::{Feed, Logged, PARTITIONS, START_MS, backlog};

const BOUND_MS: i64 = 1_000;
const STALLS_S: [i64; 4] = [0, 10, 30, 90];
/// The reader stands still once in each block of so many minutes.
const BLOCK_MS: i64 = 10 * 60_000;
/// From then on in each block: 5 s before a minute ends.
const FROM_MS: i64 = 5 * 60_000 - 5_000;
/// What a reader that has fallen behind reads in a millisecond.
const CATCHES_UP: usize = 50;
/// The second reading begins so long after the stream's end.
const LATER_MS: i64 = 3_600_000;

/// By which time a trade is put into its minute, and by which a minute is over.
#[derive(Clone, Copy)]
enum Time {
    /// The trade's; over when the watermark of its partition says so.
    Event,
    /// The trade's; over when the reader's clock says so, less the bound.
    EventByClock,
    /// When it came to stand in the log.
    Arrival,
    /// The reader's clock while it reads.
    Processing,
}

impl Time {
    const ALL: [Self; 4] = [Self::Event, Self::EventByClock, Self::Arrival, Self::Processing];

    fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::EventByClock => "event-by-clock",
            Self::Arrival => "arrival",
            Self::Processing => "processing",
        }
    }
}

/// A trade, and the reader's clock when it reads it.
type Reading<'a> = Vec<(&'a Logged, i64)>;

/// As the trades come, but that the reader stands still for `stall_ms` in each block, and then reads as fast as it can.
fn live(trades: &[Logged], stall_ms: i64) -> Reading<'_> {
    let (mut block, mut behind) = (i64::MIN, 0);
    let clock = |logged: &Logged| {
        let start = logged.at_ms - (logged.at_ms - START_MS) % BLOCK_MS;
        if start != block {
            (block, behind) = (start, 0);
        }
        // The backlog first, then whatever has come meanwhile.
        let free = start + FROM_MS + stall_ms + (behind / CATCHES_UP) as i64;
        let waits = logged.at_ms >= start + FROM_MS && logged.at_ms < free;
        behind += usize::from(waits);
        if waits { free } else { logged.at_ms }
    };
    let clocks: Vec<i64> = trades.iter().map(clock).collect();
    trades.iter().zip(clocks).collect()
}

/// The log from its beginning, as fast as it can be read.
fn replay(trades: &[Logged], from: i64) -> Reading<'_> {
    let read = backlog(trades).into_iter().enumerate();
    read.map(|(n, logged)| (logged, from + (n / CATCHES_UP) as i64))
        .collect()
}

/// What a reading comes to.
struct Outcome {
    candles: Candles,
    /// Counted in another minute than theirs.
    moved: u64,
    /// Counted in none.
    lost: u64,
}

fn candles(reading: &Reading<'_>, time: Time) -> Outcome {
    let generator = BoundedOutOfOrderness::new(BOUND_MS).expect("a bound that is not below 0");
    let mut generators = [generator; PARTITIONS];
    let mut candles = Candles::new(Interval::M1);
    let (mut moved, mut lost) = (0, 0);
    let minute = |time| Interval::M1.start_of(time);
    for ((logged, now), order) in reading.iter().zip(0..) {
        let trade = &logged.trade;
        let now = EventTime::from_millis(*now);
        // Open and close are by event time and id only where somebody looks at these.
        let place = match time {
            Time::Event | Time::EventByClock => (trade.event_time, trade.sequential_id),
            Time::Arrival => (EventTime::from_millis(logged.at_ms), order),
            Time::Processing => (now, order),
        };
        let watermark = match time {
            Time::Event => generators[logged.partition].watermark(),
            Time::EventByClock => now.saturating_sub(BOUND_MS + 1),
            Time::Arrival | Time::Processing => EventTime::MIN,
        };
        if minute(place.0).saturating_add(Interval::M1.millis() - 1) <= watermark {
            lost += 1;
        } else {
            moved += u64::from(minute(place.0) != minute(trade.event_time));
            candles.add_at(place, trade);
        }
        if let Time::Event = time {
            generators[logged.partition].observe(trade.event_time);
        }
    }
    Outcome { candles, moved, lost }
}

pub(crate) fn run(effort: Effort) {
    let Size { seeds, minutes } = Size::of(effort, (7, 120), (3, 120), 6);
    let feed = Feed {
        minutes,
        reconnects: false,
    };
    let mut teller = Teller::new(seeds as usize);
    let mut figures = Figures::default();
    for seed in 1..=seeds {
        teller.step(&format!("stream {seed} of {seeds}, {minutes} min"));
        let trades = feed.trades(seed);
        let truth = Candles::of(Interval::M1, trades.iter().map(|logged| &logged.trade));
        let again = replay(&trades, feed.end_ms() + LATER_MS);
        for time in Time::ALL {
            let again = candles(&again, time);
            for stall_s in STALLS_S {
                let arm = format!("time={} stall_s={stall_s}", time.name());
                let first = candles(&live(&trades, stall_s * 1_000), time);
                let n = trades.len() as u64;
                figures.add(&arm, "wrong", truth.differing(&first.candles) as f64, truth.len());
                figures.add(&arm, "moved", first.moved as f64, n);
                figures.add(&arm, "lost", first.lost as f64, n);
                let differs = first.candles.differing(&again.candles);
                figures.add(&arm, "replay_differs", differs as f64, first.candles.len());
            }
        }
    }
    figures.tell(&teller);
}
