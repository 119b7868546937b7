//! What is measured while a pipeline runs: the progress that each of its processes reports, and latencies.

mod latency;
mod progress;

pub use latency::{Latency, LatencyError};
pub use progress::{IngestProgress, LagOf, Progress, WorkerProgress};
