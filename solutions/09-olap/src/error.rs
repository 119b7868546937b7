//! Why a statement or a query did not work.

/// What olap's functions return when they fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OlapError {
    /// A name that would have to be quoted to be an identifier.
    #[error("{0:?} cannot name a {1}: use letters, digits and _, not beginning with a digit, at most 128")]
    Name(String, &'static str),
    /// A text that cannot stand between the quotes of a Kafka setting.
    #[error("{0:?} cannot be the Kafka {1}: use printable ASCII without quotes and backslashes")]
    Text(String, &'static str),
    /// A statement of the schema failed.
    #[error("ClickHouse did not take the statement that begins {statement:?}: {source}")]
    Statement {
        /// The statement's first line.
        statement: String,
        /// What the client says.
        source: clickhouse::error::Error,
    },
    /// A query failed.
    #[error("ClickHouse did not answer the query for {what}: {source}")]
    Query {
        /// What was asked.
        what: &'static str,
        /// What the client says.
        source: clickhouse::error::Error,
    },
    /// A row that is none of this program's: the table holds something else than its schema says.
    #[error("a row for {what} cannot be read: {why}")]
    Row {
        /// What was asked.
        what: &'static str,
        /// Which value, and what is wrong with it.
        why: String,
    },
}
