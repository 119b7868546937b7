//! Repairs gaps over REST while the socket goes on: page after page, market after market, never giving up.
//!
//! Pages come newest first. A goal's trades are held back and handed over oldest first, so that they are as little late as
//! can be; from [`FeedConfig::repair_buffer`](crate::FeedConfig::repair_buffer) trades on, bounded memory wins, and a long
//! gap is handed over in stretches, the newest stretch first, each oldest first.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use market::{Market, Trade};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::backoff::{Backoff, Jitter};
use crate::connection::now_us;
use crate::feed::{FeedError, Shared};
use crate::gaps::Next;
use crate::rest::{Rest, RestError};
use crate::stats::Counters;
use crate::{Batch, Origin, Received};

/// The first wait after a refusal for asking too often: the limits are counted per second.
const THROTTLED_MIN: Duration = Duration::from_millis(500);
/// The first wait after another failure.
const FAILED_MIN: Duration = Duration::from_millis(200);
/// The bound of any wait, until a market counts as unrepaired.
const WAIT_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Repairer<'a> {
    shared: &'a Shared,
    rest: Rest<'a>,
    batches: mpsc::Sender<Batch>,
    random: StdRng,
    throttled: Backoff,
    /// Since when something is being repaired, and how much of it is counted.
    since: Option<Instant>,
}

impl<'a> Repairer<'a> {
    pub(crate) fn new(shared: &'a Shared, rest: Rest<'a>, batches: mpsc::Sender<Batch>) -> Self {
        Self {
            shared,
            rest,
            batches,
            random: StdRng::from_rng(&mut rand::rng()),
            throttled: Backoff::new(THROTTLED_MIN, WAIT_MAX, Jitter::Full),
            since: None,
        }
    }

    /// Never ends but by an error. It may be dropped at any `await`.
    pub(crate) async fn run(mut self) -> FeedError {
        loop {
            let next = self.shared.gaps().next(Instant::now());
            self.count();
            match next {
                Next::Nothing => self.shared.repair.notified().await,
                Next::Wait(until) => {
                    tokio::select! {
                        () = sleep_until(until) => {}
                        () = self.shared.repair.notified() => {}
                    }
                }
                Next::Page { market, cursor } => {
                    if let Err(ended) = self.page(market, cursor).await {
                        return ended;
                    }
                    self.count();
                    self.shared.repaired.notify_waiters();
                }
            }
        }
    }

    /// Asks for one page and does what it asks for.
    ///
    /// An error of the request is [`failed`](Self::failed)'s; so is a page that the gaps refuse, as [`RestError::Broken`] with their
    /// sentence. A page that came ends the throttling, also an empty one and one that is refused. Known trades are counted as repeats.
    /// What is held back is handed over when the goal is reached, or when there is as much of it as `repair_buffer` allows. Only then,
    /// with everything handed over, is a goal that was reached [`finished`](crate::gaps::Gaps::finished): a drain ends when nothing is in
    /// repair, and must not end before.
    ///
    /// The lock of the gaps is never held over an `await`.
    async fn page(&mut self, market: Market, cursor: Option<u64>) -> Result<(), FeedError> {
        // TASK 6: ask, merge, hand over, and finish in this order
        let trades = match self.rest.ticks(market, cursor).await {
            Ok(trades) => trades,
            Err(error) => return self.failed(market, error).await,
        };
        self.throttled.reset();
        // A guard that lives in a `match` is held to its end: take the result out first.
        let taken = self.shared.gaps().page(market, &trades);
        let page = match taken {
            Ok(page) => page,
            Err(why) => return self.failed(market, RestError::Broken(why.into())).await,
        };
        Counters::add(&self.shared.counters.repeats, page.repeats);
        if page.finished || page.held >= self.shared.config.repair_buffer {
            self.hand_over(market).await?;
        }
        if page.finished {
            self.shared.gaps().finished(market);
        }
        Ok(())
        // END TASK 6
    }

    /// Hands over what is held back of a market's first goal, oldest first.
    async fn hand_over(&mut self, market: Market) -> Result<(), FeedError> {
        let held = self.shared.gaps().take_held(market);
        for trades in held.chunks(self.shared.config.batch_frames) {
            let received_us = now_us();
            let received = |&trade: &Trade| Received {
                trade,
                origin: Origin::Repair,
                received_us,
            };
            let batch = Batch {
                trades: trades.iter().map(received).collect(),
                bad: Vec::new(),
            };
            self.batches.send(batch).await.map_err(|_| FeedError::ConsumerGone)?;
            Counters::add(&self.shared.counters.repaired, trades.len() as u64);
            Counters::add(&self.shared.counters.trades, trades.len() as u64);
        }
        Ok(())
    }

    /// A page was not had: waits longer each time, and lets other markets go first, unless the exchange asks for patience.
    async fn failed(&mut self, market: Market, error: RestError) -> Result<(), FeedError> {
        self.shared.counters.failed(&error);
        if let RestError::TooMany(_) = error {
            let wait = THROTTLED_MIN + self.throttled.next(&mut self.random);
            tracing::warn!(%market, %error, ?wait, "the repair is asked to slow down");
            self.rest.pause_until(Instant::now() + wait);
            return Ok(());
        }
        // What is held back would otherwise stay in memory for every market that fails.
        self.hand_over(market).await?;
        let config = &self.shared.config;
        let failures = self.shared.gaps().failed(market);
        let wait = if failures >= config.repair_tries {
            config.repair_retry
        } else {
            let mut backoff = Backoff::new(FAILED_MIN, WAIT_MAX, Jitter::Full);
            for _ in 1..failures {
                backoff.next(&mut self.random);
            }
            backoff.next(&mut self.random)
        };
        tracing::warn!(%market, %error, failures, ?wait, "a page of the repair was not had");
        self.shared.gaps().postpone(market, Instant::now() + wait);
        Ok(())
    }

    /// Brings the statistics up to date.
    fn count(&mut self) {
        let counters = &self.shared.counters;
        let (repairing, failing) = {
            let gaps = self.shared.gaps();
            (gaps.repairing(), gaps.failing(self.shared.config.repair_tries))
        };
        counters.repairing.store(repairing as u64, Relaxed);
        counters.unrepaired.store(failing as u64, Relaxed);
        let now = Instant::now();
        if let Some(since) = self.since {
            let ms = now.duration_since(since).as_millis() as u64;
            Counters::add(&counters.repair_ms, ms);
            self.since = Some(since + Duration::from_millis(ms));
        }
        self.since = match repairing {
            0 => None,
            _ => self.since.or(Some(now)),
        };
    }
}
