//! Reads the copies where they are: a topic from start to end, the tables.

use std::time::Duration;

pub(crate) mod tables;
pub(crate) mod topic;

/// How long a server with something left to give may give nothing before the audit gives up.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);
