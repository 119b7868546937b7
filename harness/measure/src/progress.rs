//! What the two ends of the pipeline report while they run: one JSON object per line on standard output, a few times a
//! second. All counters count from the start of the process, so that a lost line loses nothing.

use crate::{Latency, Unbuilt};

/// One line.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "part", rename_all = "lowercase")]
pub enum Progress {
    /// From the socket to the topic.
    Ingest(IngestProgress),
    /// From the topic to the tables.
    Worker(WorkerProgress),
    /// A task of a lab is not built yet: the process has met it, says nothing more, and ends.
    Unbuilt(Unbuilt),
}

/// The feed, the wire and the producer.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct IngestProgress {
    /// Whether a socket is open and subscribed.
    pub connected: bool,
    /// Connections made; more than one means that the socket was lost.
    pub connections: u64,
    /// Frames received.
    pub frames: u64,
    /// Bytes of those frames.
    pub bytes: u64,
    /// Trades handed to the producer, repaired ones included.
    pub trades: u64,
    /// Trades that the feed knew already (snapshots and overlap after a reconnect) and did not hand over again.
    pub repeats: u64,
    /// Frames that could not be read.
    pub bad_frames: u64,
    /// Dead letters that the broker acknowledged.
    pub dead_letters: u64,
    /// Gaps: intervals without a connection.
    pub gaps: u64,
    /// Trades repaired over REST.
    pub repaired: u64,
    /// Markets whose gap is still being repaired.
    pub repairing: u64,
    /// Time spent on repair so far, milliseconds.
    pub repair_ms: u64,
    /// Trades that the broker acknowledged.
    pub acked: u64,
    /// Trades handed to the producer and not acknowledged yet.
    pub in_flight: u64,
    /// Deliveries that failed for good.
    pub failed: u64,
    /// Whether all is flushed and the process is about to end.
    pub done: bool,
    /// Processor time of the process, milliseconds.
    pub cpu_ms: u64,
    /// Resident memory of the process, bytes.
    pub memory: u64,
}

/// The consumer, the windows and the sink.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct WorkerProgress {
    /// Name of the worker, unique within the group.
    pub worker: String,
    /// The partitions that it owns now.
    pub partitions: Vec<LagOf>,
    /// Records read, replayed ones not counted.
    pub records: u64,
    /// Records replayed to restore state.
    pub replayed: u64,
    /// Trades acknowledged by ClickHouse.
    pub acked: u64,
    /// Repeats dropped in log order.
    pub repeats: u64,
    /// Records that could not be read; they are dead letters.
    pub undecodable: u64,
    /// Trades behind their partition's watermark.
    pub late: u64,
    /// Trades too late for at least one of their candles.
    pub too_late: u64,
    /// Candle rows acknowledged by ClickHouse.
    pub candles: u64,
    /// Blocks acknowledged by ClickHouse.
    pub epochs: u64,
    /// Blocks refused because a newer owner of a partition exists.
    pub fenced: u64,
    /// Inserts of unknown outcome that were read back.
    pub read_back: u64,
    /// Partitions taken over.
    pub takeovers: u64,
    /// Open windows held.
    pub open_windows: u64,
    /// Whether the worker has left its group and is about to end.
    pub done: bool,
    /// From the exchange's send time to the acknowledgement of the row, since the last line.
    pub latency: Latency,
    /// Processor time of the process, milliseconds.
    pub cpu_ms: u64,
    /// Resident memory of the process, bytes.
    pub memory: u64,
}

/// Where a worker stands in one partition.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct LagOf {
    /// The partition.
    pub partition: i32,
    /// Offset of the next record to apply.
    pub position: i64,
    /// Offset of the first record that is not acknowledged by ClickHouse.
    pub acked: i64,
    /// End of the partition as the broker last told it.
    pub end: i64,
    /// The partition's watermark, milliseconds; absent before the first trade.
    pub watermark: Option<i64>,
    /// Whether the partition counts as idle.
    pub idle: bool,
}
