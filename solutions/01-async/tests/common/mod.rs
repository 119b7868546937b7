//! A feed against a real exchange on loopback, and the comparison of what arrived with what was executed.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exchange::{Exchange, ExchangeConfig, Rate, Source, journal};
use feed::{Batch, Feed, FeedConfig, Origin, Stats};
use market::{Decimal, Decode, EventTime, Frame, Identity, Market, Reason, Side, Trade, Undecodable};
use serde::Deserialize;
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;

/// No condition of a test takes longer; a test that waits so long has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Ten times what Upbit allows: most tests are not about waiting for a turn.
const REST_PER_SECOND: u32 = 100;

/// A plain reader of frames and pages: these tests are of the feed, so they do not depend on the wire's.
pub(crate) struct Plain;

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(alias = "ty", rename = "type")]
    kind: Option<&'a str>,
    #[serde(alias = "cd", alias = "market")]
    code: Option<Market>,
    #[serde(alias = "tms")]
    timestamp: Option<i64>,
    #[serde(alias = "ttms")]
    trade_timestamp: Option<i64>,
    #[serde(borrow, alias = "tp")]
    trade_price: Option<&'a RawValue>,
    #[serde(borrow, alias = "tv")]
    trade_volume: Option<&'a RawValue>,
    #[serde(alias = "ab")]
    ask_bid: Option<Side>,
    #[serde(alias = "sid")]
    sequential_id: Option<u64>,
    #[serde(alias = "st")]
    stream_type: Option<&'a str>,
    error: Option<HashMap<String, serde_json::Value>>,
}

fn bad(reason: Reason, detail: impl fmt::Display) -> Undecodable {
    Undecodable {
        reason,
        detail: detail.to_string(),
    }
}

impl Raw<'_> {
    fn trade(&self) -> Result<Trade, Undecodable> {
        let missing = |name: &str| bad(Reason::MissingField, name);
        let decimal = |raw: Option<&RawValue>| {
            let text = raw.ok_or_else(|| missing("number"))?.get();
            text.parse::<Decimal>().map_err(|error| bad(Reason::WrongType, error))
        };
        let sent = self.timestamp.ok_or_else(|| missing("timestamp"))?;
        Ok(Trade {
            market: self.code.ok_or_else(|| missing("code"))?,
            sequential_id: self.sequential_id.ok_or_else(|| missing("sequential_id"))?,
            event_time: EventTime::from_millis(self.trade_timestamp.unwrap_or(sent)),
            sent_time: EventTime::from_millis(sent),
            price: decimal(self.trade_price)?,
            volume: decimal(self.trade_volume)?,
            side: self.ask_bid.ok_or_else(|| missing("ask_bid"))?,
        })
    }
}

impl Decode for Plain {
    fn frame(&self, bytes: &[u8]) -> Result<Frame, Undecodable> {
        let raw: Raw<'_> = serde_json::from_slice(bytes).map_err(|error| bad(Reason::Malformed, error))?;
        if let Some(error) = raw.error {
            let part = |key| {
                error
                    .get(key)
                    .and_then(|text| text.as_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            return Ok(Frame::Error {
                name: part("name"),
                message: part("message"),
            });
        }
        match raw.kind {
            Some("trade") => Ok(Frame::Trade {
                trade: raw.trade()?,
                snapshot: raw.stream_type == Some("SNAPSHOT"),
            }),
            _ => Ok(Frame::Other),
        }
    }

    fn ticks(&self, body: &[u8]) -> Result<Vec<Trade>, Undecodable> {
        let page: Vec<Raw<'_>> = serde_json::from_slice(body).map_err(|error| bad(Reason::Malformed, error))?;
        page.iter().map(Raw::trade).collect()
    }
}

/// What came out of a feed.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) trades: Vec<feed::Received>,
    pub(crate) bad: Vec<feed::BadFrame>,
}

/// A feed that is being received from.
pub(crate) struct Running {
    pub(crate) feed: Feed,
    received: Arc<Mutex<Received>>,
    receiving: tokio::task::JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(config: FeedConfig) -> Self {
        let (feed, batches) = feed::connect(config, Arc::new(Plain)).unwrap();
        Self::of(feed, batches)
    }

    pub(crate) fn of(feed: Feed, mut batches: Receiver<Batch>) -> Self {
        let received = Arc::new(Mutex::new(Received::default()));
        let into = received.clone();
        let receiving = tokio::spawn(async move {
            while let Some(batch) = batches.recv().await {
                let mut into = into.lock().unwrap();
                into.trades.extend(batch.trades);
                into.bad.extend(batch.bad);
            }
        });
        Self {
            feed,
            received,
            receiving,
        }
    }

    /// Waits until the statistics say so; fails at once when the feed ends without.
    pub(crate) async fn until(&self, what: &str, condition: impl Fn(&Stats) -> bool) {
        let waiting = async {
            while !condition(&self.feed.stats()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            biased;
            () = waiting => {}
            ended = self.feed.ended() => {
                let stats = self.feed.stats();
                assert!(condition(&stats), "the feed has ended ({ended:?}) before {what}: {stats:?}");
            }
            () = tokio::time::sleep(LIMIT) => panic!("waited in vain for {what}: {:?}", self.feed.stats()),
        }
    }

    /// Lets time pass that the feed has to live through.
    pub(crate) async fn lives_through(&self, time: Duration) {
        tokio::select! {
            biased;
            ended = self.feed.ended() => panic!("the feed has ended: {ended:?}; {:?}", self.feed.stats()),
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Waits for the connection and so many trades.
    pub(crate) async fn trades(&self, count: u64) {
        self.until(&format!("{count} trades"), |stats| {
            stats.connected && stats.trades >= count
        })
        .await;
    }

    /// Drains, and gives what was received.
    pub(crate) async fn drained(self) -> (Received, Stats) {
        match tokio::time::timeout(LIMIT, self.feed.drain()).await {
            Ok(result) => {
                result.unwrap_or_else(|error| panic!("the feed did not drain: {error}; {:?}", self.feed.stats()))
            }
            Err(_) => panic!("the feed did not drain: {:?}", self.feed.stats()),
        }
        self.ended().await
    }

    /// Waits for the end of the channel, and gives what was received.
    pub(crate) async fn ended(self) -> (Received, Stats) {
        tokio::time::timeout(LIMIT, self.receiving)
            .await
            .expect("the channel of a feed that has ended ends, too")
            .unwrap();
        let stats = self.feed.stats();
        (std::mem::take(&mut *self.received.lock().unwrap()), stats)
    }

    fn count(&self) -> u64 {
        self.received.lock().unwrap().trades.len() as u64
    }
}

/// An exchange with its journal.
pub(crate) struct Venue {
    pub(crate) exchange: Exchange,
    journal: TempDir,
}

impl Venue {
    pub(crate) async fn open(markets: usize, rate: f64) -> Self {
        Self::with(markets, rate, |_| {}).await
    }

    pub(crate) async fn with(markets: usize, rate: f64, change: impl FnOnce(&mut ExchangeConfig)) -> Self {
        let journal = tempfile::tempdir().unwrap();
        let source = Source::Generate {
            seed: 11,
            markets,
            rate: Rate::PerSecond(rate),
        };
        let mut config = ExchangeConfig::new(source, journal.path().join("journal"));
        config.limits.requests_per_second = 2 * REST_PER_SECOND;
        change(&mut config);
        let exchange = Exchange::start(config).await.unwrap();
        Self { exchange, journal }
    }

    /// A feed's configuration for it, with times that suit a test.
    pub(crate) fn config(&self) -> FeedConfig {
        let url = |url: String| url.parse().unwrap();
        let exchange = &self.exchange;
        FeedConfig {
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_millis(200),
            snapshot_wait: Duration::from_millis(300),
            repair_retry: Duration::from_millis(500),
            rest_per_second: REST_PER_SECOND,
            ..FeedConfig::new(
                url(exchange.ws_url()),
                url(exchange.rest_url()),
                exchange.markets().to_vec(),
            )
        }
    }

    /// The same on a connection whose snapshots never have had their time: gaps are found, and nothing is asked for.
    pub(crate) fn config_without_repair(&self) -> FeedConfig {
        FeedConfig {
            snapshot_wait: Duration::from_secs(3_600),
            ..self.config()
        }
    }

    /// Connects a feed, begins to trade, and waits for the first trades.
    pub(crate) async fn feed(&self) -> Running {
        self.feed_with(self.config()).await
    }

    pub(crate) async fn feed_with(&self, config: FeedConfig) -> Running {
        let running = Running::start(config);
        self.subscribed(&running).await;
        self.exchange.begin();
        running.trades(200).await;
        running
    }

    /// Waits until the exchange has the subscription: nothing before it is owed.
    pub(crate) async fn subscribed(&self, running: &Running) {
        running
            .until("the exchange sees a subscription", |stats| {
                stats.connected && self.exchange.counters().subscribed > 0
            })
            .await;
    }

    /// Ends the trading, waits until everything that was executed has arrived and nothing is in repair, and compares: nothing arrived
    /// more than once, but for `repeats` of the exchange's own making. Stops the feed, and nothing is drained.
    pub(crate) async fn complete(&self, running: Running, repeats: u64) -> (Received, Stats) {
        let executed = self.exchange.finish().await.executed;
        let arrived = async {
            loop {
                let (stats, count) = (running.feed.stats(), running.count());
                // What was handed over is counted a moment later.
                if count >= executed + repeats && stats.trades == count && stats.repairing == 0 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            biased;
            () = arrived => {}
            ended = running.feed.ended() => panic!("the feed has ended ({ended:?}): {:?}", running.feed.stats()),
            // The comparison says what is missing.
            () = tokio::time::sleep(LIMIT) => {}
        }
        let stats = running.feed.stats();
        let received = std::mem::take(&mut *running.received.lock().unwrap());
        assert_eq!(stats.repairing, 0, "a market is in repair for ever: {stats:?}");
        audit(self.journal(), &received, repeats, &stats);
        (received, stats)
    }

    /// Ends the trading, drains the feed, and compares: everything that was executed arrived, and nothing more than once,
    /// but for `repeats` of the exchange's own making.
    pub(crate) async fn audit(&self, running: Running, repeats: u64) -> (Received, Stats) {
        self.exchange.finish().await;
        let (received, stats) = running.drained().await;
        audit(self.journal(), &received, repeats, &stats);
        (received, stats)
    }

    pub(crate) fn journal(&self) -> std::path::PathBuf {
        self.journal.path().join("journal")
    }
}

fn audit(journal: impl AsRef<Path>, received: &Received, repeats: u64, stats: &Stats) {
    let mut executed: HashMap<Identity, (u64, Trade)> = journal::Reader::open(journal.as_ref())
        .unwrap()
        .map(|entry| entry.unwrap().trade)
        .map(|trade| (trade.identity(), (0, trade)))
        .collect();
    assert!(
        !executed.is_empty(),
        "the exchange executed nothing: the test shows nothing"
    );
    for got in &received.trades {
        let Some((times, trade)) = executed.get_mut(&got.trade.identity()) else {
            panic!("{:?} was never executed", got);
        };
        *times += 1;
        let same = |trade: &Trade| (trade.event_time, trade.price, trade.volume, trade.side);
        assert_eq!(
            same(&got.trade),
            same(trade),
            "another trade under the same identity, by {:?}",
            got.origin
        );
    }
    let mut missing: Vec<&Trade> = executed
        .values()
        .filter(|(times, _)| *times == 0)
        .map(|(_, trade)| trade)
        .collect();
    missing.sort_by_key(|trade| trade.event_time);
    assert!(
        missing.is_empty(),
        "{} of {} trades are missing, the first {:?}, the last {:?}; look at src/gaps/state.rs; {stats:?}",
        missing.len(),
        executed.len(),
        missing.first(),
        missing.last()
    );
    let extra: u64 = executed.values().map(|(times, _)| times - 1).sum();
    assert_eq!(
        extra, repeats,
        "trades were handed over more than once; look at src/gaps/state.rs; {stats:?}"
    );
    assert_eq!(
        received.trades.len() as u64,
        stats.trades,
        "the statistics count what was handed over"
    );
    let repaired = received
        .trades
        .iter()
        .filter(|got| got.origin == Origin::Repair)
        .count();
    assert_eq!(
        repaired as u64, stats.repaired,
        "the statistics count what was repaired"
    );
}
