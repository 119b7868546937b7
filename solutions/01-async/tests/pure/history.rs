//! Whatever the order in which sockets, losses, snapshots and pages come: every trade is handed over, and none twice.
//!
//! An exchange in miniature: trades are published late and out of order, connections are lost at any moment with frames in flight,
//! snapshots come late or not at all, and pages are read while the socket goes on. All of it from a seed, on a clock that is counted.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use feed::gaps::{Gaps, Next, Verdict};
use market::{EventTime, Identity, Market, Trade};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::gaps::trade;

const SPAN_MS: i64 = 1_000;
const END_MS: i64 = 20_000;
const CODES: [&str; 3] = ["KRW-BTC", "KRW-ETH", "KRW-XRP"];

/// A trade, and when the exchange publishes it.
#[derive(Clone, Copy)]
struct Executed {
    trade: Trade,
    published: i64,
}

enum Event {
    Lose,
    Subscribe,
    Realtime(Trade),
    Snapshot(Trade, u32),
    Settle(u32),
    Page(Market, Vec<Trade>),
    Ask,
}

struct World {
    random: StdRng,
    gaps: Gaps,
    executed: Vec<Executed>,
    /// What happens when; of one moment, in the order in which it was planned.
    agenda: BTreeMap<(i64, usize), Event>,
    planned: usize,
    connected: bool,
    connection: u32,
    /// Whether history shows a trade when it is executed, or when it is published.
    early_history: bool,
    handed: HashMap<Identity, u32>,
    asking: bool,
    settled: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let markets: Vec<Market> = CODES.iter().map(|code| code.parse().unwrap()).collect();
        let mut executed = Vec::new();
        for (code, every) in CODES.iter().zip([20, 150, 6_000]) {
            let mut at = random.random_range(1..2 * every);
            while at < END_MS {
                let late = match random.random_range(0..10) {
                    0 => random.random_range(0..SPAN_MS),
                    _ => random.random_range(0..30),
                };
                let published = at + late;
                let mut one = trade(code, at);
                one.sent_time = EventTime::from_millis(published);
                executed.push(Executed { trade: one, published });
                at += random.random_range(1..2 * every);
            }
        }
        Self {
            gaps: Gaps::new(&markets, Duration::from_millis(SPAN_MS as u64)),
            early_history: random.random(),
            random,
            executed,
            agenda: BTreeMap::new(),
            planned: 0,
            connected: false,
            connection: 0,
            handed: HashMap::new(),
            asking: false,
            settled: true,
        }
    }

    fn plan(&mut self, at: i64, event: Event) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), event);
    }

    fn run(mut self) -> Result<(), String> {
        self.plan(0, Event::Subscribe);
        let mut at = 0;
        while at < END_MS {
            at += self.random.random_range(500..8_000);
            self.plan(at, Event::Lose);
            at += self.random.random_range(10..4_000);
            self.plan(at, Event::Subscribe);
        }
        while let Some(((now, _), event)) = self.agenda.pop_first() {
            self.happen(now, event);
            if !self.asking && self.gaps.repairing() > 0 {
                self.asking = true;
                let wait = self.random.random_range(1..400);
                self.plan(now + wait, Event::Ask);
            }
        }
        self.verdict()
    }

    fn happen(&mut self, now: i64, event: Event) {
        match event {
            Event::Lose => {
                // What was published and has not arrived is gone with the connection.
                self.agenda.retain(|_, event| !matches!(event, Event::Realtime(_)));
                self.connected = false;
                self.gaps.lost();
            }
            Event::Subscribe => self.subscribe(now),
            Event::Realtime(trade) => self.judge(&trade, false, now),
            Event::Snapshot(trade, of) if self.connected && of == self.connection => {
                self.judge(&trade, true, now);
                self.settle(self.gaps.all_shown());
            }
            Event::Settle(of) => self.settle(self.connected && of == self.connection),
            Event::Page(market, page) => {
                let page = self.gaps.page(market, &page).expect("a page that can be");
                if page.finished || page.held > 50 {
                    for trade in self.gaps.take_held(market) {
                        *self.handed.entry(trade.identity()).or_default() += 1;
                    }
                }
                if page.finished {
                    self.gaps.finished(market);
                }
                self.asking = false;
            }
            Event::Ask => self.ask(now),
            Event::Snapshot(..) => {}
        }
    }

    fn subscribe(&mut self, now: i64) {
        self.connection += 1;
        self.connected = true;
        self.settled = false;
        self.gaps.subscribed(now);
        let of = self.connection;
        for code in CODES {
            let of_market = |one: &&Executed| one.trade.market.as_str() == code && one.published <= now;
            let newest = self.executed.iter().filter(of_market).max_by_key(|one| one.published);
            if let Some(newest) = newest.map(|one| one.trade) {
                let wait = self.random.random_range(0..300);
                self.plan(now + wait, Event::Snapshot(newest, of));
            }
        }
        let mut live = self.executed.clone();
        live.retain(|one| one.published > now);
        live.sort_by_key(|one| one.published);
        // The same for all of a connection: it keeps its order.
        let flight = self.random.random_range(1..60);
        for one in live {
            self.plan(one.published + flight, Event::Realtime(one.trade));
        }
        self.plan(now + 2_000, Event::Settle(of));
    }

    fn settle(&mut self, now: bool) {
        if now && !self.settled {
            self.settled = true;
            self.gaps.settle();
        }
    }

    fn judge(&mut self, trade: &Trade, snapshot: bool, now: i64) {
        if let Verdict::New(_) = self.gaps.judge(trade, snapshot, now) {
            *self.handed.entry(trade.identity()).or_default() += 1;
        }
    }

    fn ask(&mut self, now: i64) {
        let Next::Page { market, cursor } = self.gaps.next(Instant::now()) else {
            self.asking = false;
            return;
        };
        let shown = |one: &&Executed| match self.early_history {
            true => one.trade.event_time.millis() <= now,
            false => one.published <= now,
        };
        let mut page: Vec<Trade> = self
            .executed
            .iter()
            .filter(shown)
            .map(|one| one.trade)
            .filter(|trade| trade.market == market && cursor.is_none_or(|cursor| trade.sequential_id < cursor))
            .collect();
        page.sort_by_key(|trade| std::cmp::Reverse(trade.sequential_id));
        page.truncate(self.random.random_range(1..60));
        let wait = self.random.random_range(1..200);
        self.plan(now + wait, Event::Page(market, page));
    }

    fn verdict(self) -> Result<(), String> {
        let of = |one: &Executed| self.handed.get(&one.trade.identity()).copied().unwrap_or(0);
        let wrong = |times: fn(u32) -> bool| self.executed.iter().filter(|one| times(of(one))).collect::<Vec<_>>();
        let (lost, doubled) = (wrong(|times| times == 0), wrong(|times| times > 1));
        let first = lost.first().or(doubled.first());
        match first {
            None if self.gaps.repairing() == 0 => Ok(()),
            None => Err(format!("{} markets are in repair for ever", self.gaps.repairing())),
            Some(first) => Err(format!(
                "of {} trades {} are lost and {} doubled; the first is {} of {} ms, published at {}",
                self.executed.len(),
                lost.len(),
                doubled.len(),
                first.trade.market,
                first.trade.event_time.millis(),
                first.published
            )),
        }
    }
}

#[test]
fn task6_whatever_happens_when_every_trade_is_handed_over_and_none_twice() {
    for seed in 0..100 {
        if let Err(what) = World::new(seed).run() {
            panic!("seed {seed}: {what}; look at State::merge, and at what it is told by the others");
        }
    }
}
