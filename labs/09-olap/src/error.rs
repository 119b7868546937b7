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
    /// So many columns make no key.
    #[error("queries that name {0} columns, with what makes rows distinct, make no order key: it takes one, and at most {max} can be tried", max = crate::COLUMNS)]
    Key(usize),
    /// A table is made of a column that it has not.
    #[error(
        "table {table} has no column {column}, which its key, an index, a projection, its partition, its version or its TTL is made of"
    )]
    Column {
        /// The table.
        table: String,
        /// What it has not.
        column: String,
    },
    /// Rows that should replace each other never would.
    #[error("the rows of {table} cannot replace each other: {why}")]
    Replacing {
        /// The table of versions.
        table: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// A limit of 0, which the server takes for none.
    #[error("a limit of 0 on {0} is none at all to the server; give the least that the queries need")]
    Unlimited(&'static str),
    /// A plan that cannot be read.
    #[error("this is no plan of EXPLAIN json = 1, indexes = 1: {0}")]
    Plan(String),
    /// What the query log holds is no evidence.
    #[error("no evidence of query {query}: {why}")]
    Evidence {
        /// The query's id.
        query: String,
        /// What is in the log instead.
        why: String,
    },
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
