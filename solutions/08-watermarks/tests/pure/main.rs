//! What needs neither a clock nor a cluster. One program and not one per file: each is linked anew at every save.

mod alignment;
mod combiner;
mod completeness;
mod generator;
mod idleness;
mod naive;

use market::EventTime;

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}
