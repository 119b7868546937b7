//! What is measured while a pipeline runs: the progress that each of its processes reports, and latencies; and what a stage
//! of it costs by itself.

mod cost;
mod counting;
mod latency;
mod progress;
mod unbuilt;

pub use cost::{Cost, Spread, Stage, Whose, cpu_of};
pub use counting::Counting;
pub use latency::{Latency, LatencyError};
pub use progress::{IngestProgress, LagOf, Progress, WorkerProgress};
pub use unbuilt::Unbuilt;
