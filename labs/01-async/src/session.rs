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
use crate::pulse::{Beat, Pulse};
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
    /// Snapshots may still come.
    Snapshots,
    /// The PING with this number was sent then: what the exchange sent before its PONG arrives before it.
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
    pulse: Pulse,
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
            pulse: Pulse::new(shared.config.ping_every, shared.config.silence_limit, now),
            drain: Drain::Snapshots,
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
                            self.pulse.heard(Instant::now());
                            count.received_us = now_us();
                        }
                        count.messages += 1;
                        match message {
                            Message::Binary(bytes) => self.frame(bytes, &mut gaps, &mut count),
                            Message::Text(text) => self.frame(text.into(), &mut gaps, &mut count),
                            Message::Pong(payload) => self.pulse.pong(&payload),
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

    /// Hands the batch over, if there is anything in it.
    async fn hand_over(&mut self, tick: &mut Interval) -> Option<End> {
        if self.batch.trades.is_empty() && self.batch.bad.is_empty() {
            return None;
        }
        // The next burst is most likely as large as this one.
        let room = Vec::with_capacity(self.batch.trades.len());
        let trades = std::mem::replace(&mut self.batch.trades, room);
        let handed = trades.len() as u64;
        let bad = std::mem::take(&mut self.batch.bad);
        let full = match self.batches.try_send(Batch { trades, bad }) {
            Ok(()) => None,
            Err(TrySendError::Closed(_)) => return Some(End::ConsumerGone),
            Err(TrySendError::Full(batch)) => Some(batch),
        };
        let waits = full.is_some();
        if let Some(batch) = full {
            let ended = self.wait_for_room(batch, tick).await;
            if ended.is_some() {
                return ended;
            }
        }
        Counters::add(&self.shared.counters.trades, handed);
        // Who waits takes the ticks: a consumer that is always slow would leave none to the other clocks.
        if waits { self.look().await } else { None }
    }

    /// The channel is full: waits until it has taken this batch, whole and once, which is `None`.
    ///
    /// Each such wait is a stall of the statistics. Nothing is read from the socket meanwhile: its buffers fill, and TCP tells the
    /// exchange to wait. But the exchange counts silence, too: at each `tick` the pulse is looked at as one that is not reading, and a
    /// PING sent if it asks for one. Also at each tick: a feed that was told to stop ends with [`End::Stopped`]. A receiver that is gone
    /// ends it with [`End::ConsumerGone`], at once. When there is room, silence begins anew: nothing could be heard until now.
    ///
    /// The repairer waits for room in the same channel, and places are given in the order in which they were asked for. A tick must not
    /// cost this wait its place: however slow the consumer is, the two take turns.
    async fn wait_for_room(&mut self, batch: Batch, tick: &mut Interval) -> Option<End> {
        todo!("task 4: wait for room, with PINGs going on")
    }

    /// Looks at all clocks and at what the feed is told to do.
    async fn look(&mut self) -> Option<End> {
        if self.stopped() {
            return Some(End::Stopped);
        }
        if self.batches.is_closed() {
            return Some(End::ConsumerGone);
        }
        let now = Instant::now();
        if now >= self.pulse.due() {
            match self.pulse.beat(now, true) {
                Beat::Fine => {}
                Beat::Ping => {
                    self.ping().await;
                }
                Beat::Dead(silent) => {
                    return Some(End::Lost(format!("nothing arrived for {silent:.1?}, not even a pong")));
                }
            }
        }
        if !self.settled {
            let mut gaps = self.shared.gaps();
            if gaps.all_shown() || self.subscribed.elapsed() >= self.shared.config.snapshot_wait {
                self.settled = true;
                gaps.settle();
                self.shared.repair.notify_one();
            }
        }
        let command = *self.commands.borrow();
        match command {
            Command::Drain => self.drain().await,
            Command::Run | Command::Stop => None,
        }
    }

    /// A step of the drain, as far as it can go now; called at each look once the feed was told to drain. [`End::Drained`] when all that
    /// the exchange has sent so far is handed over and every gap is repaired.
    ///
    /// Three things, one after another, each of which may take any number of looks (`drain` holds how far it is). Snapshots must have
    /// had their time (`settled`): they say what the last gap left to be asked for. Then a PING is sent: a connection keeps its order,
    /// so what the exchange sent before it had read the PING arrives before the answer ([`Pulse::has_answered`]). A connection on which
    /// frames arrive and the answer does not, for more than three times `silence_limit`, is [`End::Lost`]. Last, no market may be
    /// in repair.
    async fn drain(&mut self) -> Option<End> {
        todo!("task 7: snapshots, a PING and its answer, repairs")
    }

    fn stopped(&self) -> bool {
        // An error means that the handle is gone.
        *self.commands.borrow() == Command::Stop || self.commands.has_changed().is_err()
    }

    /// Sends the next PING; its number. A failure shows when reading, or as silence.
    async fn ping(&mut self) -> u64 {
        let (number, payload) = self.pulse.ping(Instant::now());
        let ping = Message::Ping(Bytes::copy_from_slice(&payload));
        // With a limit: a peer that has stopped reading may leave no room for it, and silence will tell.
        let _ = timeout(CLOSE_LIMIT, self.socket.send(ping)).await;
        number
    }
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
