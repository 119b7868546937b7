//! The handle: start, drain, stop, statistics.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use market::Decode;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use crate::connection;
use crate::gaps::Gaps;
use crate::repair::Repairer;
use crate::rest::Rest;
use crate::stats::{Counters, Stats};
use crate::transport::Dialer;
use crate::{Batch, ConfigError, FeedConfig};

/// What the feed was told to do, in the order in which one overrules the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Command {
    Run,
    Drain,
    Stop,
}

/// Why a feed ended otherwise than by [`Feed::drain`] or [`Feed::stop`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The exchange refuses what this feed asks for; asking again would change nothing.
    #[error("the exchange refuses the subscription: {name}: {message}")]
    Refused {
        /// The exchange's name of the error.
        name: String,
        /// Its message.
        message: String,
    },
    /// The exchange's certificate is not trusted, and no connection was ever made.
    #[error("{0}; name the authority to trust, or correct the URL")]
    Untrusted(String),
    /// The receiver of the batches was dropped.
    #[error("nobody takes the feed's batches any more")]
    ConsumerGone,
    /// The feed was stopped before it had drained.
    #[error("the feed was stopped before it had drained")]
    Stopped,
    /// The feed's task ended without saying why: it panicked, or its runtime was shut down.
    #[error("the feed's task ended without a result; see the log for a panic")]
    Died,
}

/// What all parts of a feed share.
pub(crate) struct Shared {
    pub(crate) config: FeedConfig,
    pub(crate) counters: Counters,
    pub(crate) decode: Arc<dyn Decode>,
    pub(crate) dialer: Dialer,
    gaps: Mutex<Gaps>,
    /// There is something to repair.
    pub(crate) repair: Notify,
    /// Something was repaired.
    pub(crate) repaired: Notify,
}

impl Shared {
    /// The memory of what was handed over. Never held over an `await`; one task uses it, so that it is never waited for.
    pub(crate) fn gaps(&self) -> MutexGuard<'_, Gaps> {
        self.gaps.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A running feed. Dropping it stops it.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    command: watch::Sender<Command>,
    outcome: watch::Receiver<Option<Result<(), FeedError>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// Starts a feed on the current Tokio runtime. Batches come out of the channel until the feed has drained, is stopped, or
/// fails; then the channel ends.
///
/// A consumer that stops receiving stops the reading of the socket. While it does, the feed goes on sending PINGs, so that
/// the exchange sees a live client; an exchange that gives up on the unread socket all the same causes a gap, which is
/// counted and repaired like any other.
///
/// # Errors
/// [`ConfigError`] for a configuration that cannot work. What fails later is retried, shown by [`Feed::stats`], and where
/// retrying is of no use returned by [`Feed::ended`].
pub fn connect(config: FeedConfig, decode: Arc<dyn Decode>) -> Result<(Feed, mpsc::Receiver<Batch>), ConfigError> {
    config.check()?;
    let dialer = Dialer::new(config.extra_ca_pem.as_deref())?;
    let (batches, receiver) = mpsc::channel(config.batches);
    let (command, commands) = watch::channel(Command::Run);
    let (result, outcome) = watch::channel(None);
    let shared = Arc::new(Shared {
        gaps: Mutex::new(Gaps::new(&config.markets, config.overlap)),
        counters: Counters::default(),
        config,
        decode,
        dialer,
        repair: Notify::new(),
        repaired: Notify::new(),
    });
    let feed = Feed {
        shared: shared.clone(),
        command,
        outcome,
    };
    tokio::spawn(async move {
        // Connection and repair are two futures of one task: they end together, and neither waits for the other's lock.
        let rest = Rest::new(&shared);
        let ended = tokio::select! {
            ended = connection::run(&shared, commands, batches.clone()) => ended,
            ended = Repairer::new(&shared, rest, batches.clone()).run() => Err(ended),
        };
        if let Err(error) = &ended {
            tracing::error!(%error, "the feed ends");
            shared.counters.failed(error);
        }
        drop(batches);
        result.send_replace(Some(ended));
    });
    Ok((feed, receiver))
}

impl Feed {
    /// Hands over everything that the exchange has sent so far, completes every repair, closes the connection and ends the
    /// channel. Batches must be received meanwhile, or this waits for ever.
    ///
    /// Without a connection it first makes one, so that the gap is found. It does not give up on its own: an exchange that
    /// stays away can be given up by [`Feed::stop`], and what is then missing stands in [`Stats::repairing`].
    ///
    /// # Errors
    /// [`FeedError`] when the feed ended otherwise.
    pub async fn drain(&self) -> Result<(), FeedError> {
        self.tell(Command::Drain);
        self.ended().await
    }

    /// [`drain`](Self::drain) with a deadline: what is not drained after `limit` is given up, and the feed stopped.
    ///
    /// When this returns, the feed has ended. A future that is dropped before takes nothing back: the feed goes on draining, without the
    /// deadline.
    ///
    /// # Errors
    /// [`FeedError::Stopped`] when the deadline came first: what is missing stands in [`Stats::repairing`], or is a gap that was not even
    /// found. Any other [`FeedError`] when the feed ended otherwise.
    pub async fn drain_within(&self, limit: Duration) -> Result<(), FeedError> {
        todo!("task 7: drain, and stop at the deadline")
    }

    /// Ends at once. What is not handed over is lost to this feed.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    /// Waits until the feed has ended.
    ///
    /// # Errors
    /// [`FeedError`] when it has not drained.
    pub async fn ended(&self) -> Result<(), FeedError> {
        let mut outcome = self.outcome.clone();
        match outcome.wait_for(Option::is_some).await {
            Ok(result) => result.clone().unwrap_or(Err(FeedError::Died)),
            Err(_) => Err(FeedError::Died),
        }
    }

    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        self.shared.counters.stats()
    }

    /// Tells the feed's task what to do. A command holds until a stronger one comes: a drain that is asked for after a stop does not make
    /// it run on. Whoever waits for a change is woken by a change only.
    fn tell(&self, command: Command) {
        todo!("task 7: the stronger command holds")
    }
}
