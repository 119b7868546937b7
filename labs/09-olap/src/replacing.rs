//! Tables in which a newer row replaces an older one, and the ways to see only the newest.

use crate::name::identifier;
use crate::schema::candles;
use crate::{Engine, OlapError, Table};

/// How the newest version of each row is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Newest {
    /// Not at all: whatever merges have left.
    Plain,
    /// `FINAL`: the server merges while it reads. For a Replacing table only.
    Final,
    /// Rows in the order of key and version, of each key the first.
    LimitBy,
    /// Grouped by the key, the columns of the row with the highest version.
    ArgMax,
}

/// The table in which, of all rows of `versions` that have the same key but for the version, the one with the highest version stays.
///
/// It has the name `name`, the columns, the partition and the rest of `versions`. Its engine is `Replacing` with that version, and its
/// key is that of `versions` without the version: rows with different keys never replace each other.
///
/// # Errors
/// [`OlapError::Column`]: there is no such version. [`OlapError::Replacing`] where the rows of one key would stay apart for ever: the
/// key has no column but the version, or the partition is made of a column that is not in the key, so that two versions may lie in two
/// partitions, whose parts are never merged.
pub fn replacing(versions: &Table, version: &'static str, name: &'static str) -> Result<Table, OlapError> {
    todo!("task 4: another key and another engine, where rows can replace each other at all")
}

fn refused(table: &Table, why: &'static str) -> OlapError {
    OlapError::Replacing {
        table: table.name.into(),
        why,
    }
}

/// A query for all columns of a table (which [`replacing`] made), in their order, that gives of each key the row with the highest
/// version, as `how` says; `Plain` gives all rows there are. To be used as a subquery: a condition belongs outside, or an older version
/// would be shown where the newest does not meet it.
///
/// - `Plain`: `SELECT COLUMNS FROM DATABASE.NAME`. `Final`: the same, with `FINAL` behind it.
/// - `LimitBy`: the same, with `ORDER BY KEY…, VERSION DESC LIMIT 1 BY KEY…` behind it.
/// - `ArgMax`: grouped by the key. All other columns come out of one `argMax(tuple(COLUMN, …), VERSION) AS newest`, in their order, and not
///   each out of its own: that would skip NULLs, and of two rows with the same version each might take another one: a row would be
///   shown that was never written. For the columns' order it takes a query around it, with `tupleElement(newest, NUMBER) AS COLUMN`, numbers from 1.
///
/// # Errors
/// [`OlapError::Name`]. [`OlapError::Replacing`]: the table's engine is no `Replacing`.
pub fn newest(table: &Table, database: &str, how: Newest) -> Result<String, OlapError> {
    identifier(database, "database")?;
    let Engine::Replacing(version) = table.engine else {
        return Err(refused(table, "its engine is another one"));
    };
    todo!("task 4: the four queries")
}

fn names(table: &Table) -> Vec<&'static str> {
    table.columns.iter().map(|(name, _, _)| *name).collect()
}

/// The statement for a `ReplacingMergeTree` of candles, whose version is the offset: the usual way to keep the newest row
/// of a key. Until a merge (and across table partitions for ever) a plain `SELECT` shows the old versions too; `FINAL`
/// hides them and pays for it at each read.
///
/// # Errors
/// As [`replacing`] and [`Table::statement`].
pub fn replacing_candles(database: &str) -> Result<String, OlapError> {
    replacing(&candles()?, "kafka_offset", "candles_replacing")?.statement(database)
}
