//! The row store: SQLite in a file, with the same trades, and every index that may serve the queries.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::Connection;

use crate::trades::{EVERY_MS, Trades};

/// Pages that a connection may keep, KiB: more than there are.
const CACHE_KIB: i64 = 2_000_000;

/// An open file.
pub(crate) struct Rows {
    connection: Connection,
}

fn open(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file).context("opening SQLite's file")?;
    // Nothing is written while it is measured, so the journal is nobody's cost: while it is filled there is none.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY; \
         PRAGMA threads = 0;"
    ))?;
    Ok(connection)
}

impl Rows {
    /// Fills a file: prices and volumes as integers (units of 10⁻⁸), markets as numbers with their names beside, all in one
    /// transaction; then the indexes, then ANALYZE.
    pub(crate) fn make(file: &Path, trades: &Trades, times: usize) -> anyhow::Result<Self> {
        let mut connection = open(file)?;
        connection.execute_batch(
            "CREATE TABLE markets (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
             CREATE TABLE trades (market INTEGER NOT NULL, sequential_id INTEGER NOT NULL, event_time INTEGER NOT NULL, \
             sent_time INTEGER NOT NULL, price INTEGER NOT NULL, volume INTEGER NOT NULL, side INTEGER NOT NULL, \
             kafka_partition INTEGER NOT NULL, kafka_offset INTEGER NOT NULL);",
        )?;
        let transaction = connection.transaction()?;
        {
            let mut market = transaction.prepare("INSERT INTO markets VALUES (?, ?)")?;
            for (number, name) in trades.names.iter().enumerate() {
                market.execute((number as i64, name.as_str()))?;
            }
            let mut row = transaction.prepare("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
            let count = trades.len() as i64;
            for copy in 0..times as i64 {
                let by = copy * EVERY_MS * count;
                for n in 0..trades.len() {
                    let trade = trades.stored(n);
                    row.execute((
                        i64::from(trades.markets[n]),
                        trade.sequential_id as i64 + by * 10_000,
                        trade.event_time + by,
                        trade.sent_time + by,
                        i64::try_from(trade.price).context("a price")?,
                        i64::try_from(trade.volume).context("a volume")?,
                        trade.side,
                        trade.kafka_partition,
                        trade.kafka_offset + copy * count,
                    ))?;
                }
            }
        }
        transaction.commit()?;
        connection.execute_batch(
            "CREATE UNIQUE INDEX identity ON trades (market, sequential_id);
             CREATE INDEX by_key ON trades (market, event_time, sequential_id);
             CREATE INDEX covering ON trades (market, event_time, sequential_id, price, volume);
             ANALYZE;",
        )?;
        Ok(Self { connection })
    }

    /// A new connection to the same file.
    pub(crate) fn again(self, file: &Path) -> anyhow::Result<Self> {
        drop(self.connection);
        Ok(Self {
            connection: open(file)?,
        })
    }

    /// Bytes of the file, indexes and all.
    pub(crate) fn bytes(&self) -> anyhow::Result<f64> {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let page: i64 = self.connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        Ok((pages * page) as f64)
    }

    /// All rows of an answer, each value as a number.
    pub(crate) fn ask(&self, sql: &str) -> anyhow::Result<Vec<Vec<f64>>> {
        let mut statement = self.connection.prepare(sql).with_context(|| format!("SQLite: {sql}"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let value = |at| match row.get_ref(at)? {
                rusqlite::types::ValueRef::Integer(value) => Ok(value as f64),
                rusqlite::types::ValueRef::Real(value) => Ok(value),
                other => anyhow::bail!("{other:?} is no number: {sql}"),
            };
            all.push((0..columns).map(value).collect::<anyhow::Result<Vec<f64>>>()?);
        }
        Ok(all)
    }
}
