//! What can go wrong for good. Everything that passes with time is retried inside and is not here.

use std::time::Duration;

/// Why a sink stopped trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A setting that cannot work.
    #[error("the sink's {setting} cannot be used: {why}")]
    Config {
        /// Which setting.
        setting: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The database, a table or a column is missing or of another type.
    #[error(
        "the tables of database {database:?} are not those of this program ({server}); create them anew with `pipeline tables`"
    )]
    Schema {
        /// The database.
        database: String,
        /// The server's words.
        server: String,
    },
    /// The user may not do this.
    #[error("ClickHouse refuses the user ({server}); check user, password and grants on the database")]
    Denied {
        /// The server's words.
        server: String,
    },
    /// The server refuses this for a reason that trying again does not change.
    #[error("ClickHouse refuses for good: {server}")]
    Refused {
        /// The server's words.
        server: String,
    },
    /// A block that contradicts itself: a caller's mistake. Nothing was written.
    #[error("this block cannot be written: {0}")]
    Block(String),
    /// Inserts under an older claim still run on the partitions. Nothing may be written to them; claim again.
    #[error(
        "after {waited:?}, inserts of a former owner still run on partitions {partitions:?}: {queries:?}; see system.processes"
    )]
    TakeoverTimeout {
        /// The partitions that are not free.
        partitions: Vec<i32>,
        /// Ids of the inserts that still run.
        queries: Vec<String>,
        /// How long it was waited.
        waited: Duration,
    },
    /// The server could not serve for longer than `give_up_after`. The rows may be there or not: deliver the block again,
    /// with its partitions in `recover`.
    #[error(
        "ClickHouse could not be written to for {waited:?}; last: {last}; look at its log, then deliver the block again"
    )]
    GaveUp {
        /// How long it was tried.
        waited: Duration,
        /// The last failure.
        last: String,
    },
}
