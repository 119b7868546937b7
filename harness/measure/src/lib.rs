//! What is measured: the progress that a pipeline's processes report, and latencies; what a stage costs by itself; and experiments,
//! with their records, what was expected of them, and what they say of a claim.

pub mod claim;
mod cost;
mod counting;
mod experiment;
mod figure;
mod latency;
pub mod lines;
mod machine;
mod prediction;
mod progress;
mod record;
mod teller;
mod unbuilt;

pub use claim::{Claim, Verdict};
pub use cost::{Cost, Spread, Stage, Whose, cpu_of};
pub use counting::Counting;
pub use experiment::{Chart, Experiment, Kind, Predict};
pub use figure::{Figure, FigureName, NoFigureName, factors, shown, shown_in, shown_of};
pub use latency::{Latency, LatencyError};
pub use machine::Machine;
pub use prediction::{Calibration, Outcome, Prediction};
pub use progress::{IngestProgress, LagOf, Progress, WorkerProgress};
pub use record::{BrokenLine, Code, Mode, Record, Records, Stale, Today};
pub use teller::{Asked, Effort, Teller, Told, tell_of_what_is_unbuilt};
pub use unbuilt::Unbuilt;
