//! One connection after another: open, subscribe, read in bursts, keep alive, and back off when it is lost.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::SinkExt as _;
use market::Market;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::Batch;
use crate::backoff::Backoff;
use crate::feed::{Command, FeedError, Shared};
use crate::session::{End, Session};
use crate::stats::Counters;
use crate::transport::{DialError, Transport};

/// No message of any length may exhaust the memory; what is too long for a frame but shorter than this costs no connection.
const HARD_LIMIT: usize = 16 << 20;

/// Room for the frames of one read: large reads are what makes bursts.
const READ_BUFFER: usize = 256 << 10;

/// Microseconds since 1970-01-01 UTC by the local clock.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("no WebSocket: {0}")]
    Handshake(Box<tungstenite::Error>),
    #[error("no connection within {0:?}")]
    Late(Duration),
}

/// Runs until the feed has drained, is stopped, or cannot go on.
pub(crate) async fn run(
    shared: &Shared,
    mut commands: watch::Receiver<Command>,
    batches: mpsc::Sender<Batch>,
) -> Result<(), FeedError> {
    let config = &shared.config;
    let mut random = StdRng::from_rng(&mut rand::rng());
    let mut backoff = Backoff::new(config.backoff_min, config.backoff_max, config.jitter);
    let mut wait = Duration::ZERO;
    let mut last_attempt: Option<Instant> = None;
    loop {
        let spaced = last_attempt.map_or(Instant::now(), |at| at + config.connect_spacing);
        tokio::select! {
            () = stopped(&mut commands) => return Err(FeedError::Stopped),
            () = async {
                sleep_until(spaced.max(Instant::now() + wait)).await;
                // So many gaps wait for their repair that one long one is better than another short one.
                while shared.gaps().overloaded() {
                    let repaired = shared.repaired.notified();
                    repaired.await;
                }
            } => {}
        }
        let began = Instant::now();
        last_attempt = Some(began);
        let opened = tokio::select! {
            () = stopped(&mut commands) => return Err(FeedError::Stopped),
            opened = timeout(config.connect_limit, open(shared)) => opened.unwrap_or(Err(OpenError::Late(config.connect_limit))),
        };
        match opened {
            Ok(socket) => {
                let gap = Counters::bump(&shared.counters.connections) > 1;
                Counters::add(&shared.counters.gaps, u64::from(gap));
                shared.gaps().subscribed(now_us() / 1000);
                shared.counters.connected.store(true, Relaxed);
                tracing::info!(url = %config.ws, markets = config.markets.len(), "subscribed");
                let end = Session::new(shared, socket, commands.clone(), batches.clone())
                    .run()
                    .await;
                shared.counters.connected.store(false, Relaxed);
                match end {
                    End::Drained => return Ok(()),
                    End::Stopped => return Err(FeedError::Stopped),
                    End::ConsumerGone => return Err(FeedError::ConsumerGone),
                    End::Refused { name, message } => return Err(FeedError::Refused { name, message }),
                    End::Lost(why) => {
                        shared.gaps().lost();
                        wait = backoff.lost(began.elapsed(), config.stable_after, &mut random);
                        tracing::warn!(%why, ?wait, "the connection is lost");
                        shared.counters.failed(&why);
                    }
                }
            }
            Err(OpenError::Dial(error @ DialError::Untrusted(..)))
                if shared.counters.connections.load(Relaxed) == 0 =>
            {
                return Err(FeedError::Untrusted(error.to_string()));
            }
            Err(error) => {
                wait = backoff.next(&mut random);
                tracing::warn!(%error, failures = backoff.failures(), ?wait, "no connection");
                shared.counters.failed(&error);
            }
        }
    }
}

/// Resolves when the feed is to stop at once, or its handle is gone.
async fn stopped(commands: &mut watch::Receiver<Command>) {
    let _ = commands.wait_for(|command| *command == Command::Stop).await;
}

/// Connects and subscribes: a transport to the exchange, the WebSocket handshake on it, and one text message that asks for all
/// markets, sent and not only queued, under a ticket that no other connection has, of this process or of any other: 16 characters or more,
/// by chance and not counted. The caller sets the time limit.
///
/// Large reads are what makes bursts ([`READ_BUFFER`]). A message may have [`HARD_LIMIT`] bytes, and so may a frame: one that is longer
/// than the configuration allows is a bad frame of the exchange's and must not cost the connection, as a lower limit here would.
///
/// # Errors
/// [`OpenError::Dial`] for what the dialer says, [`OpenError::Handshake`] for everything after it.
async fn open(shared: &Shared) -> Result<WebSocketStream<Transport>, OpenError> {
    todo!("task 1: dial, shake hands, subscribe")
}

/// What asks for the trades of these markets, in the short format: an array of a ticket, one type with all codes, and a format.
///
/// One message for all markets: a second one would replace the first. There is no answer to it; the first frames are the data, and a
/// code that the exchange does not know is passed over in silence.
///
/// ```json
/// [{"ticket":"…"},{"type":"trade","codes":["KRW-BTC","KRW-ETH"]},{"format":"SIMPLE"}]
/// ```
pub fn subscription(ticket: &str, markets: &[Market]) -> String {
    todo!("task 1: one message for all markets")
}
