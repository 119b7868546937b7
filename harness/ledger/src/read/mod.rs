//! Reads the copies where they are: a topic from start to end, the tables.

pub(crate) mod tables;
pub(crate) mod topic;
