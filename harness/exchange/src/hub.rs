//! Where executions meet connections: trades enter the journal and the queues in one step.
//!
//! One lock, the floor, orders everything a client can observe: executing a batch (journal and queues), taking a snapshot
//! and switching a subscription, and queueing the answer to a ping. From that follow the two guarantees that a client can
//! build on:
//! * No trade falls between the snapshot of a subscription and its first realtime trade.
//! * **A pong comes after every trade that was executed before the ping was read**, because it goes through the same
//!   queue. After [`crate::Exchange::finish`], a pong therefore means: everything sent to this connection has been received.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use market::Market;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::counters::{Counters, Counts, add};
use crate::journal::{ConnectionEnd, ConnectionEntry, Journal, Logs, Record};
use crate::server::{Face, Subscription};
use crate::source::{Execution, OWN_SPELLING, Spelling};
use crate::{BadFrame, Faults, JournalError, Limits};

/// Trades that may wait for one connection. 65,536 of 64 bytes are 4 MB.
const OPEN_LOOP_QUEUE: usize = 65_536;
/// The same at the maximum rate: every queued trade is delay, and a few batches keep a connection busy.
const CLOSED_LOOP_QUEUE: usize = 8_192;

/// Trades that were executed together.
pub(crate) struct Batch {
    pub(crate) trades: Vec<Execution>,
    /// Whether they are the newest trades at the time of a subscription, not new ones.
    pub(crate) snapshot: bool,
}

/// What waits for a connection.
pub(crate) enum Outgoing {
    /// Trades, for those of them that were subscribed when they were executed.
    Trades(Arc<Batch>, Arc<Subscription>),
    /// A whole WebSocket frame.
    Frame(Bytes),
    /// A whole WebSocket frame with an error in it; the connection is closed a little later.
    Refusal(Bytes),
    /// A whole close frame; it is the last.
    Close(Bytes),
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Outgoing>,
    trades: usize,
    subscription: Option<Arc<Subscription>>,
    /// Something was taken out and is not on the socket yet.
    writing: bool,
    /// Half-open or ended: nothing goes in any more.
    dead: bool,
}

/// One WebSocket connection, as executions see it.
pub(crate) struct Line {
    pub(crate) id: u64,
    opened_us: i64,
    /// The last bad frame that the client has read for certain; 0 for none.
    confirmed: AtomicU64,
    queue: Mutex<Queue>,
    /// Told when something was put into the queue.
    pub(crate) ready: Notify,
}

impl Line {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next thing to write. From then on the line counts as busy, until [`Hub::idle`].
    pub(crate) fn take(&self) -> Option<Outgoing> {
        let mut queue = self.queue();
        let item = queue.items.pop_front();
        queue.writing |= item.is_some();
        item
    }

    /// The client has read everything up to the `n`th bad frame.
    pub(crate) fn confirm(&self, n: u64) {
        self.confirmed.fetch_max(n, Ordering::Relaxed);
    }

    /// What is subscribed now.
    pub(crate) fn subscription(&self) -> Option<Arc<Subscription>> {
        self.queue().subscription.clone()
    }
}

/// Everything that parts of the exchange share.
pub(crate) struct Hub {
    pub(crate) faces: Vec<Face>,
    pub(crate) index: HashMap<Market, u16, foldhash::fast::RandomState>,
    pub(crate) spellings: Option<Arc<[Spelling]>>,
    pub(crate) limits: Limits,
    pub(crate) journal: Arc<Mutex<Journal>>,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
    pub(crate) started: Instant,
    /// Told when a queue has more room or a connection came or went. The executor waits for it, after it `finish`.
    pub(crate) room: Notify,
    pub(crate) at_end: AtomicBool,
    /// Why the exchange does not do its part any more; the first cause stays.
    failure: OnceLock<String>,
    logs: Mutex<Logs>,
    floor: Mutex<Vec<Arc<Line>>>,
}

impl Hub {
    pub(crate) fn new(
        faces: Vec<Face>,
        spellings: Option<Arc<[Spelling]>>,
        limits: Limits,
        journal: Journal,
        logs: Logs,
    ) -> Self {
        let index = (0..).zip(&faces).map(|(n, face)| (face.market, n)).collect();
        Self {
            faces,
            index,
            spellings,
            limits,
            journal: Arc::new(Mutex::new(journal)),
            counts: Counts::default(),
            faults: Faults::new(),
            started: Instant::now(),
            room: Notify::new(),
            at_end: AtomicBool::new(false),
            failure: OnceLock::new(),
            logs: Mutex::new(logs),
            floor: Mutex::new(Vec::new()),
        }
    }

    fn floor(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange cannot do its part any more. Kept and not only logged: a run that goes on without new trades, or
    /// whose journal misses lines, would look like one that is well.
    pub(crate) fn fail(&self, why: &dyn std::fmt::Display) {
        tracing::error!("the exchange has failed: {why}");
        let _ = self.failure.set(why.to_string()); // the first cause is the one to cure
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    fn listed(&self, written: Result<(), JournalError>) {
        if let Err(error) = written {
            self.fail(&format_args!("{error}; make room on the disk, and run again"));
        }
    }

    /// Lists a bad frame that is about to be written to a connection.
    pub(crate) fn bad_frame(&self, n: u64, kind: BadFrame, line: &Line, frame: &[u8]) {
        let written = self.logs().bad_frame(n, kind, line.id, crate::now_us(), frame);
        self.listed(written);
    }

    /// A connection opens.
    pub(crate) fn open(&self) -> Arc<Line> {
        let id = self.counts.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let line = Arc::new(Line {
            id,
            opened_us: crate::now_us(),
            confirmed: AtomicU64::new(0),
            queue: Mutex::default(),
            ready: Notify::new(),
        });
        let written = self.logs().connection(&ConnectionEntry {
            connection: id,
            opened_us: line.opened_us,
            ended_us: None,
            end: None,
            confirmed: None,
        });
        self.listed(written);
        self.floor().push(Arc::clone(&line));
        line
    }

    /// A connection can take nothing any more; what waits for it is lost to it.
    pub(crate) fn deaden(&self, line: &Line) {
        {
            let _floor = self.floor();
            let mut queue = line.queue();
            queue.dead = true;
            queue.items.clear();
            queue.trades = 0;
            queue.writing = false;
        }
        self.room.notify_one();
    }

    /// A connection has ended.
    pub(crate) fn close(&self, line: &Line, end: ConnectionEnd) {
        self.deaden(line);
        self.floor().retain(|other| other.id != line.id);
        if matches!(end, ConnectionEnd::Cut | ConnectionEnd::HalfOpen) {
            add(&self.counts.cut, 1);
        }
        let ended_us = Some(crate::now_us());
        let entry = ConnectionEntry {
            connection: line.id,
            opened_us: line.opened_us,
            ended_us,
            end: Some(end),
            confirmed: Some(line.confirmed.load(Ordering::Relaxed)).filter(|n| *n > 0),
        };
        let written = self.logs().connection(&entry);
        self.listed(written);
        self.room.notify_one();
    }

    /// Queues something that is no trade, after every trade executed so far.
    pub(crate) fn send(&self, line: &Line, item: Outgoing) {
        {
            let _floor = self.floor();
            let mut queue = line.queue();
            if queue.dead {
                return;
            }
            queue.items.push_back(item);
        }
        line.ready.notify_one();
    }

    /// Replaces a connection's subscription: first the newest trade of each market, then what is executed from now on.
    pub(crate) fn subscribe(&self, line: &Line, subscription: Subscription) {
        let subscription = Arc::new(subscription);
        {
            let _floor = self.floor();
            let mut queue = line.queue();
            if queue.dead {
                return;
            }
            if subscription.snapshot {
                let journal = self.journal();
                let newest = subscription.markets().filter_map(|market| journal.newest(market));
                let trades: Vec<Execution> = newest.map(execution).collect();
                drop(journal);
                if !trades.is_empty() {
                    queue.trades += trades.len();
                    let batch = Arc::new(Batch { trades, snapshot: true });
                    queue
                        .items
                        .push_back(Outgoing::Trades(batch, Arc::clone(&subscription)));
                }
            }
            queue.subscription = Some(subscription);
        }
        line.ready.notify_one();
        self.room.notify_one();
    }

    /// Executes trades: into the journal, and into the queue of every connection that wants them.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be written; the trades are sent to nobody then.
    pub(crate) fn execute(&self, batch: Batch) -> Result<(), JournalError> {
        let count = batch.trades.len();
        let batch = Arc::new(batch);
        let floor = self.floor();
        {
            let mut journal = self.journal();
            for trade in &batch.trades {
                journal.append(record(trade))?;
            }
        }
        for line in floor.iter() {
            let mut queue = line.queue();
            let Some(subscription) = queue.subscription.clone() else {
                continue;
            };
            if subscription.realtime && !queue.dead {
                queue
                    .items
                    .push_back(Outgoing::Trades(Arc::clone(&batch), subscription));
                queue.trades += count;
                drop(queue);
                line.ready.notify_one();
            }
        }
        drop(floor);
        add(&self.counts.executed, count as u64);
        Ok(())
    }

    /// That many trades were handed to the socket: there is room for others.
    pub(crate) fn written(&self, line: &Line, trades: usize) {
        {
            let mut queue = line.queue();
            queue.trades = queue.trades.saturating_sub(trades);
        }
        self.room.notify_one();
    }

    /// Everything that was taken is on the socket, past TLS too.
    pub(crate) fn idle(&self, line: &Line) {
        line.queue().writing = false;
        self.room.notify_one();
    }

    /// Whether a batch may be executed now: no connection has its queue full; in a closed loop also: somebody listens.
    pub(crate) fn has_room(&self, closed_loop: bool) -> bool {
        let limit = if closed_loop {
            CLOSED_LOOP_QUEUE
        } else {
            OPEN_LOOP_QUEUE
        };
        let mut listeners = 0;
        for line in self.floor().iter() {
            let queue = line.queue();
            if !queue.dead
                && queue
                    .subscription
                    .as_ref()
                    .is_some_and(|subscription| subscription.realtime)
            {
                listeners += 1;
                if queue.trades >= limit {
                    return false;
                }
            }
        }
        listeners > 0 || !closed_loop
    }

    /// Whether nothing waits for any connection that can still take something.
    pub(crate) fn is_empty(&self) -> bool {
        self.floor().iter().all(|line| {
            let queue = line.queue();
            queue.dead || (queue.items.is_empty() && !queue.writing)
        })
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut counters = self.counts.read();
        counters.at_end = self.at_end.load(Ordering::Relaxed);
        for line in self.floor().iter() {
            let queue = line.queue();
            counters.open += 1;
            counters.queued += queue.trades as u64;
            counters.subscribed += u64::from(!queue.dead && queue.subscription.is_some());
        }
        counters
    }
}

#[inline]
fn record(trade: &Execution) -> Record {
    Record {
        sequential_id: trade.sequential_id,
        event_ms: trade.event_ms,
        price: trade.price,
        volume: trade.volume,
        previous: 0,
        market: trade.market,
        side: trade.side,
        flags: 0,
        sent_delta_ms: u32::try_from(trade.sent_ms.saturating_sub(trade.event_ms)).unwrap_or(0),
    }
}

fn execution(record: Record) -> Execution {
    Execution {
        sequential_id: record.sequential_id,
        event_ms: record.event_ms,
        sent_ms: record.event_ms + i64::from(record.sent_delta_ms),
        price: record.price,
        volume: record.volume,
        spelling: OWN_SPELLING,
        market: record.market,
        side: record.side,
    }
}
