//! Writes to one connection what waits for it, in order, with the faults that are on.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::framer::{Framer, spelling};
use super::subscription::{Format, Subscription};
use super::{bad, websocket};
use crate::BadFrame;
use crate::counters::add;
use crate::hub::{Batch, Hub, Line, Outgoing};
use crate::journal::ConnectionEnd;
use crate::source::{Execution, OWN_SPELLING};

/// Bytes that are framed before they are written: they stay in the processor's cache, and a write still costs little.
const CHUNK: usize = 128 * 1024;

/// How long after an error the connection is closed.
const REFUSED_AFTER: Duration = Duration::from_millis(150);

/// How long a trade waits for a neighbour to change places with, before it is sent all the same.
const HELD_AT_MOST: Duration = Duration::from_secs(1);

/// The writing side of a connection.
pub(super) struct Writer<'a, W> {
    hub: &'a Hub,
    line: &'a Line,
    sink: W,
    framer: Framer,
    out: Vec<u8>,
    frames: u64,
    scratch: Vec<u8>,
    last: Option<Execution>,
    /// A trade that waits for a neighbour to change places with.
    held: Option<Execution>,
}

impl<'a, W: AsyncWrite + Unpin> Writer<'a, W> {
    pub(super) fn new(hub: &'a Hub, line: &'a Line, sink: W) -> Self {
        let framer = Framer::new(Format::default());
        Self {
            hub,
            line,
            sink,
            framer,
            out: Vec::with_capacity(CHUNK + 1024),
            frames: 0,
            scratch: Vec::new(),
            last: None,
            held: None,
        }
    }

    /// Writes until the connection ends; says how.
    pub(super) async fn run(mut self) -> ConnectionEnd {
        match self.write_all().await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn write_all(&mut self) -> Result<ConnectionEnd, ConnectionEnd> {
        let mut wakes = self.hub.faults.wakes();
        loop {
            match self.line.take() {
                Some(Outgoing::Trades(batch, subscription)) => {
                    self.trades(&batch, &subscription).await?;
                    self.hub.written(self.line, batch.trades.len());
                }
                Some(Outgoing::Frame(frame)) => {
                    self.release_held();
                    self.out.extend_from_slice(&frame);
                    self.write().await?;
                }
                Some(Outgoing::Refusal(frame)) => {
                    self.out.extend_from_slice(&frame);
                    self.flush().await?;
                    tokio::time::sleep(REFUSED_AFTER).await;
                    self.out.extend_from_slice(&websocket::close(1000));
                    self.flush().await?;
                    return Ok(ConnectionEnd::Refused);
                }
                Some(Outgoing::Close(frame)) => {
                    self.out.extend_from_slice(&frame);
                    self.flush().await?;
                    return Ok(ConnectionEnd::Left);
                }
                None => {
                    self.flush().await?;
                    if self.held.is_none() {
                        self.hub.idle(self.line);
                    }
                    if self.hub.faults.frames_pending() {
                        self.quiet_bad_frames().await?;
                    }
                    tokio::select! {
                        () = self.line.ready.notified() => {}
                        _ = wakes.changed() => {}
                        () = tokio::time::sleep(HELD_AT_MOST), if self.held.is_some() => self.release_held(),
                    }
                }
            }
        }
    }

    async fn trades(&mut self, batch: &Batch, subscription: &Arc<Subscription>) -> Result<(), ConnectionEnd> {
        if self.framer.format() != subscription.format {
            self.framer = Framer::new(subscription.format);
        }
        let wanted = |trade: &&Execution| subscription.wants(trade.market, batch.snapshot);
        let faulty = self.hub.faults.frames_pending() && !batch.snapshot;
        if batch.snapshot {
            self.release_held();
        }
        for trade in batch.trades.iter().filter(wanted) {
            if !faulty && self.held.is_none() {
                self.frame(trade, batch.snapshot);
            } else if let Some(earlier) = self.held.take() {
                self.faulty_frame(trade);
                self.faulty_frame(&earlier);
                add(&self.hub.counts.reordered, 1);
            } else if self.hub.faults.take_reorder() {
                self.held = Some(*trade);
            } else {
                self.faulty_frame(trade);
            }
            if self.out.len() >= CHUNK {
                self.write().await?;
            }
        }
        self.last = batch.trades.last().copied().or(self.last);
        if faulty {
            self.hub.faults.settle();
        }
        self.write().await
    }

    /// Sends the trade that waits for a neighbour: nothing may overtake a trade but one trade.
    fn release_held(&mut self) {
        if let Some(trade) = self.held.take() {
            self.faulty_frame(&trade);
        }
    }

    #[inline]
    fn frame(&mut self, trade: &Execution, snapshot: bool) {
        let spelled = spelling(trade, self.hub.spellings.as_deref());
        let face = &self.hub.faces[usize::from(trade.market)];
        self.framer.frame(&mut self.out, face, trade, spelled, snapshot);
        self.frames += 1;
    }

    /// A trade while faults of frames are on.
    fn faulty_frame(&mut self, trade: &Execution) {
        let faults = &self.hub.faults;
        if faults.take_unknown_key() {
            self.text(trade);
            let payload = bad::unknown_key(&self.scratch);
            websocket::append(&mut self.out, websocket::BINARY, &payload);
            self.frames += 1;
            add(&self.hub.counts.unknown_keys, 1);
        } else {
            self.frame(trade, false);
        }
        if faults.take_duplicate() {
            self.frame(trade, false);
            add(&self.hub.counts.duplicated, 1);
        }
        if let Some(kind) = faults.take_bad() {
            self.bad_frame(kind, trade);
        }
    }

    fn text(&mut self, trade: &Execution) {
        let spelled = spelling(trade, self.hub.spellings.as_deref());
        let face = &self.hub.faces[usize::from(trade.market)];
        self.scratch.clear();
        self.framer.text(&mut self.scratch, face, trade, spelled, false);
    }

    fn bad_frame(&mut self, kind: BadFrame, trade: &Execution) {
        self.text(trade);
        let n = self.hub.counts.bad_frames.fetch_add(1, Ordering::Relaxed) + 1;
        let payload = bad::make(kind, n, &self.scratch);
        self.hub.bad_frame(n, kind, self.line, &payload);
        websocket::append(&mut self.out, websocket::BINARY, &payload);
        websocket::append(&mut self.out, websocket::PING, &bad::question(n));
        self.frames += 1;
    }

    /// Bad frames for a connection on which nothing else happens.
    async fn quiet_bad_frames(&mut self) -> Result<(), ConnectionEnd> {
        if self
            .line
            .subscription()
            .is_none_or(|subscription| !subscription.realtime)
        {
            return Ok(());
        }
        let now_ms = crate::now_us() / 1000;
        let trade = self.last.unwrap_or(Execution {
            sequential_id: now_ms.unsigned_abs() * crate::source::IDS_PER_MS,
            event_ms: now_ms,
            sent_ms: now_ms,
            price: 100_000_000,
            volume: 100_000_000,
            spelling: OWN_SPELLING,
            market: 0,
            side: market::Side::Bid,
        });
        while let Some(kind) = self.hub.faults.take_bad() {
            self.bad_frame(kind, &trade);
            self.write().await?;
        }
        self.hub.faults.settle();
        self.flush().await
    }

    /// Hands what is framed to the socket.
    async fn write(&mut self) -> Result<(), ConnectionEnd> {
        let mut at = 0;
        while at < self.out.len() {
            match timeout(self.hub.limits.slow, self.sink.write(&self.out[at..])).await {
                Ok(Ok(0) | Err(_)) => return Err(ConnectionEnd::Gone),
                Ok(Ok(n)) => at += n,
                Err(_) => return Err(ConnectionEnd::Slow),
            }
        }
        add(&self.hub.counts.frames, std::mem::take(&mut self.frames));
        add(&self.hub.counts.bytes, self.out.len() as u64);
        self.out.clear();
        Ok(())
    }

    /// The same, and everything that TLS holds back.
    async fn flush(&mut self) -> Result<(), ConnectionEnd> {
        self.write().await?;
        match timeout(self.hub.limits.slow, self.sink.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ConnectionEnd::Gone),
            Err(_) => Err(ConnectionEnd::Slow),
        }
    }
}
