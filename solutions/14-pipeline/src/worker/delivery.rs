//! Writes one block at a time, beside the poll loop, and tells it what happened.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use measure::Latency;
use sink::{Block, Sink, SinkError};
use tokio::runtime::Handle;

use crate::process::now_ms;

/// What the poll loop hears from the tasks beside it.
pub(crate) enum Done {
    Written(Written),
    /// The block cannot be written, ever.
    Failed(anyhow::Error),
    /// Partitions (of the try with that number) are ready to begin, or why not.
    TakenOver(Vec<i32>, u64, anyhow::Result<Vec<super::partition::Start>>),
}

/// The block is in the tables, except the rows of partitions that a newer owner has claimed.
pub(crate) struct Written {
    pub(crate) block: Block,
    pub(crate) lost: Vec<i32>,
    /// Rows that were there before.
    pub(crate) found: u64,
    pub(crate) latency: Latency,
}

/// Writes the block on the runtime; the outcome comes over the channel.
pub(crate) fn write(runtime: &Handle, sink: Arc<Sink>, block: Block, done: Sender<Done>) {
    let writing = runtime.spawn(async move {
        let written = sink.write(&block).await?;
        let latency = latency(&block, &written.lost);
        Ok::<_, SinkError>(Written {
            block,
            lost: written.lost,
            found: written.found,
            latency,
        })
    });
    runtime.spawn(async move {
        let outcome = match writing.await {
            Ok(Ok(written)) => Done::Written(written),
            Ok(Err(error)) => Done::Failed(error.into()),
            // A panic is told like any other end, or the loop would wait for ever.
            Err(error) => Done::Failed(error.into()),
        };
        // The loop has ended when nobody listens; then there is nobody to tell.
        let _ = done.send(outcome);
    });
}

/// From the exchange's send time to the acknowledgement. A recovered row's latency includes the time without an owner:
/// that is what a reader of the table waited.
fn latency(block: &Block, lost: &[i32]) -> Latency {
    let now = now_ms();
    let mut latency = Latency::default();
    for row in block
        .trades
        .iter()
        .filter(|row| !lost.contains(&row.position.partition))
    {
        latency.record(
            u64::try_from((now - row.trade.sent_time.millis()) * 1_000).unwrap_or(0),
            1,
        );
    }
    latency
}
