//! Experiments and what was measured: the progress that a part reports while it runs, and records.

mod latency;
mod progress;

pub use latency::{Latency, LatencyError};
pub use progress::{IngestProgress, LagOf, Progress, WorkerProgress};
