//! What is checked once, before the first block: settings, and the tables' columns.

use market::tables;

use crate::server::{Failure, Server};
use crate::{SinkConfig, SinkError};

/// Names go into query ids and comments, where nothing is quoted; so they are checked here, once.
pub(crate) fn check(config: &SinkConfig) -> Result<(), SinkError> {
    let fits = |text: &str, longest: usize, marks: &[u8]| {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte));
        plain && (1..=longest).contains(&text.len())
    };
    if !fits(&config.worker, 64, b"-_.") {
        return Err(SinkError::Config {
            setting: "worker",
            why: format!("{:?} is not 1 to 64 letters, digits, -, _ or .", config.worker),
        });
    }
    if !fits(&config.database, 128, b"_") {
        return Err(SinkError::Config {
            setting: "database",
            why: format!("{:?} is not 1 to 128 letters, digits or _", config.database),
        });
    }
    Ok(())
}

impl Server {
    /// Whether the tables have the columns that the statements state.
    pub(crate) async fn check_tables(&self) -> Result<(), Failure> {
        #[derive(clickhouse::Row, serde::Deserialize)]
        struct ColumnRow {
            table: String,
            name: String,
            kind: String,
        }
        let wanted: [(&str, &[tables::Column]); 3] = [
            (tables::TRADES, &tables::TRADES_COLUMNS),
            (tables::CANDLES, &tables::CANDLES_COLUMNS),
            (tables::OWNERS, &tables::OWNERS_COLUMNS),
        ];
        let query = self
            .client
            .query_raw("SELECT table, name, type AS kind FROM system.columns WHERE database = {database: String}")
            .param("database", &self.database)
            .fetch_all::<ColumnRow>();
        let found = self.ask(query).await?;
        for (table, columns) in wanted {
            for (name, kind) in columns {
                let there = found
                    .iter()
                    .find(|column| column.table == table && column.name == *name);
                if there.is_none_or(|column| column.kind != *kind) {
                    let is = there.map_or("missing", |column| column.kind.as_str());
                    return Err(Failure::Fatal(SinkError::Schema {
                        database: self.database.clone(),
                        server: format!("column {table}.{name} is {is}, not {kind}"),
                    }));
                }
            }
        }
        Ok(())
    }
}
