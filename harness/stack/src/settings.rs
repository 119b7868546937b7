//! What the servers are told, whoever runs them: one list for each, written down as each provider needs it.

pub(crate) mod clickhouse;
pub(crate) mod kafka;
