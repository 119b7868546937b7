//! One connection from the subscription to its end: reads in bursts, judges, hands over, keeps alive, drains.

use std::task::Poll;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use market::{Frame, Reason, Undecodable};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::connection::now_us;
use crate::feed::{Command, Shared};
use crate::gaps::{Gaps, Verdict};
use crate::stats::Counters;
use crate::transport::Transport;
use crate::{BadFrame, Batch, Received};

/// How often clocks are looked at. One timer for all of them: a timer per frame would cost more than the frame.
const TICK: Duration = Duration::from_millis(50);

/// How long a closing handshake may take; the connection is given up anyway.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A burst ends when its bad frames hold so many bytes: batches wait in memory.
const BAD_BYTES: usize = 1 << 20;

/// Errors that say that the request itself is wrong.
const REFUSALS: [&str; 6] = [
    "INVALID_AUTH",
    "WRONG_FORMAT",
    "NO_TICKET",
    "NO_TYPE",
    "NO_CODES",
    "INVALID_PARAM",
];

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Drained,
    Stopped,
    ConsumerGone,
    Lost(String),
    Refused { name: String, message: String },
}

/// How far a drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drain {
    /// Not asked for.
    Not,
    /// Snapshots may still come.
    Snapshots,
    /// The PING with this number is under way: what was sent before its PONG arrives before it.
    Pinged(u64, Instant),
    /// All that was sent is here; repairs go on.
    Repairs,
}

pub(crate) struct Session<'a> {
    shared: &'a Shared,
    socket: WebSocketStream<Transport>,
    commands: watch::Receiver<Command>,
    batches: mpsc::Sender<Batch>,
    batch: Batch,
    subscribed: Instant,
    settled: bool,
    last_traffic: Instant,
    last_ping: Instant,
    pings: u64,
    last_pong: Option<u64>,
    drain: Drain,
    /// What ended the connection, while frames before it are still to be handed over.
    end: Option<End>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        socket: WebSocketStream<Transport>,
        commands: watch::Receiver<Command>,
        batches: mpsc::Sender<Batch>,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            socket,
            commands,
            batches,
            batch: Batch::default(),
            subscribed: now,
            settled: false,
            last_traffic: now,
            last_ping: now,
            pings: 0,
            last_pong: None,
            drain: Drain::Not,
            end: None,
        }
    }

    pub(crate) async fn run(mut self) -> End {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                () = self.burst() => self.hand_over(&mut tick).await,
                _ = tick.tick() => self.look().await,
            };
            let Some(end) = end.or_else(|| self.end.take()) else {
                continue;
            };
            if end == End::Drained {
                // The exchange need not answer; all that it sent is here.
                let _ = timeout(CLOSE_LIMIT, self.socket.close(None)).await;
            }
            return end;
        }
    }

    /// Reads all frames that are there, up to a bound; waits for the first. May be dropped at the `await`: nothing read is
    /// outside `self`.
    async fn burst(&mut self) {
        std::future::poll_fn(|cx| {
            let shared = self.shared;
            let mut gaps = shared.gaps();
            let mut count = Count::default();
            while count.frames < shared.config.batch_frames as u64 && count.bad_bytes < BAD_BYTES && self.end.is_none()
            {
                match self.socket.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(message))) => {
                        if count.messages == 0 {
                            self.last_traffic = Instant::now();
                            count.received_us = now_us();
                        }
                        count.messages += 1;
                        match message {
                            Message::Binary(bytes) => self.frame(bytes, &mut gaps, &mut count),
                            Message::Text(text) => self.frame(text.into(), &mut gaps, &mut count),
                            Message::Pong(number) => self.last_pong = self.last_pong.max(number_of(&number)),
                            Message::Close(why) => {
                                let why = why
                                    .map(|why| format!(": {} {}", why.code, why.reason))
                                    .unwrap_or_default();
                                self.end = Some(End::Lost(format!("the exchange closed the connection{why}")));
                            }
                            Message::Ping(_) | Message::Frame(_) => {}
                        }
                    }
                    Poll::Ready(Some(Err(error))) => self.end = Some(End::Lost(error.to_string())),
                    Poll::Ready(None) => self.end = Some(End::Lost("the connection ended".into())),
                    Poll::Pending if count.messages == 0 => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            count.add_to(&shared.counters);
            if gaps.repairing() > 0 {
                shared.repair.notify_one();
            }
            Poll::Ready(())
        })
        .await;
    }

    #[inline]
    fn frame(&mut self, bytes: Bytes, gaps: &mut Gaps, count: &mut Count) {
        count.frames += 1;
        count.bytes += bytes.len() as u64;
        let config = &self.shared.config;
        if bytes.len() > config.max_frame_bytes {
            let detail = format!("{} bytes; a frame has at most {}", bytes.len(), config.max_frame_bytes);
            let reason = Reason::Oversized;
            return self.bad(
                &bytes[..bytes.len().min(config.oversized_kept)],
                Undecodable { reason, detail },
                count,
            );
        }
        match self.shared.decode.frame(&bytes) {
            Ok(Frame::Trade { trade, snapshot }) => match gaps.judge(&trade, snapshot, count.received_us / 1000) {
                Verdict::New(origin) => self.batch.trades.push(Received {
                    trade,
                    origin,
                    received_us: count.received_us,
                }),
                Verdict::Repeat => count.repeats += 1,
                Verdict::NotAsked => count.ignored += 1,
            },
            Ok(Frame::Other) => count.ignored += 1,
            Ok(Frame::Status) => {}
            Ok(Frame::Error { name, message }) => self.refused(name, message),
            Err(why) => self.bad(&bytes, why, count),
        }
    }

    #[cold]
    fn bad(&mut self, bytes: &[u8], why: Undecodable, count: &mut Count) {
        count.bad += 1;
        count.bad_bytes += bytes.len();
        self.batch.bad.push(BadFrame {
            // A copy: a slice would keep the whole read buffer alive for as long as the dead letter is under way.
            bytes: Bytes::copy_from_slice(bytes),
            why,
            source: "websocket".into(),
            received_us: count.received_us,
        });
    }

    #[cold]
    fn refused(&mut self, name: String, message: String) {
        Counters::add(&self.shared.counters.server_errors, 1);
        let error = format!("the exchange reports {name}: {message}");
        tracing::error!("{error}");
        self.shared.counters.failed(&error);
        if REFUSALS.contains(&name.as_str()) {
            self.end = Some(End::Refused { name, message });
        }
    }

    /// Hands the batch over. While nobody takes it, the socket is not read: TCP tells the exchange to wait. PINGs go on,
    /// because the exchange counts silence from both sides.
    async fn hand_over(&mut self, tick: &mut Interval) -> Option<End> {
        if self.batch.trades.is_empty() && self.batch.bad.is_empty() {
            return None;
        }
        // The next burst is most likely as large as this one.
        let room = Vec::with_capacity(self.batch.trades.len());
        let trades = std::mem::replace(&mut self.batch.trades, room);
        let handed = trades.len() as u64;
        let bad = std::mem::take(&mut self.batch.bad);
        match self.batches.try_send(Batch { trades, bad }) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => return Some(End::ConsumerGone),
            Err(TrySendError::Full(batch)) => {
                Counters::add(&self.shared.counters.stalls, 1);
                loop {
                    tokio::select! {
                        room = self.batches.reserve() => match room {
                            Ok(room) => {
                                room.send(batch);
                                break;
                            }
                            Err(_) => return Some(End::ConsumerGone),
                        },
                        _ = tick.tick() => {}
                    }
                    if self.stopped() {
                        return Some(End::Stopped);
                    }
                    self.keep_alive().await;
                }
                // Nothing was read meanwhile, so that the silence was ours.
                self.last_traffic = Instant::now();
            }
        }
        Counters::add(&self.shared.counters.trades, handed);
        None
    }

    /// Looks at all clocks and at what the feed is told to do.
    async fn look(&mut self) -> Option<End> {
        let config = &self.shared.config;
        if self.stopped() {
            return Some(End::Stopped);
        }
        if self.batches.is_closed() {
            return Some(End::ConsumerGone);
        }
        let silent = self.last_traffic.elapsed();
        if silent >= config.silence_limit {
            return Some(End::Lost(format!("nothing arrived for {silent:.1?}, not even a pong")));
        }
        if !self.settled {
            let mut gaps = self.shared.gaps();
            if gaps.all_shown() || self.subscribed.elapsed() >= config.snapshot_wait {
                self.settled = true;
                gaps.settle();
                self.shared.repair.notify_one();
            }
        }
        self.keep_alive().await;
        self.drain().await
    }

    async fn drain(&mut self) -> Option<End> {
        if self.drain == Drain::Not && *self.commands.borrow() == Command::Drain {
            self.drain = Drain::Snapshots;
        }
        if self.drain == Drain::Snapshots && self.settled {
            self.ping().await;
            self.drain = Drain::Pinged(self.pings, Instant::now());
        }
        if let Drain::Pinged(ping, at) = self.drain {
            if self.last_pong >= Some(ping) {
                self.drain = Drain::Repairs;
            } else if at.elapsed() > 3 * self.shared.config.silence_limit {
                return Some(End::Lost("frames arrive, but no pong".into()));
            }
        }
        (self.drain == Drain::Repairs && self.shared.gaps().repairing() == 0).then_some(End::Drained)
    }

    fn stopped(&self) -> bool {
        // An error means that the handle is gone.
        *self.commands.borrow() == Command::Stop || self.commands.has_changed().is_err()
    }

    async fn keep_alive(&mut self) {
        if self.last_ping.elapsed() >= self.shared.config.ping_every {
            self.ping().await;
        }
    }

    /// Sends a PING with the next number. A failure shows when reading, or as silence.
    async fn ping(&mut self) {
        self.pings += 1;
        self.last_ping = Instant::now();
        let ping = Message::Ping(Bytes::copy_from_slice(&self.pings.to_be_bytes()));
        let _ = timeout(CLOSE_LIMIT, self.socket.send(ping)).await;
    }
}

/// The number of the PING that a PONG answers.
fn number_of(payload: &[u8]) -> Option<u64> {
    payload.try_into().ok().map(u64::from_be_bytes)
}

/// What one burst brought.
#[derive(Default)]
struct Count {
    messages: u64,
    frames: u64,
    bytes: u64,
    repeats: u64,
    ignored: u64,
    bad: u64,
    bad_bytes: usize,
    received_us: i64,
}

impl Count {
    fn add_to(&self, counters: &Counters) {
        Counters::add(&counters.frames, self.frames);
        Counters::add(&counters.bytes, self.bytes);
        Counters::add(&counters.repeats, self.repeats);
        Counters::add(&counters.ignored, self.ignored);
        Counters::add(&counters.bad_frames, self.bad);
    }
}
