//! The ClickHouse of a stack: where it is, its server, and databases.

use std::sync::Arc;

use crate::client::clickhouse_client;
use crate::error::StackError;
use crate::made::Made;
use crate::server::Server;

/// ClickHouse, whoever runs it.
#[derive(Clone, Debug)]
pub struct ClickHouse {
    url: String,
    server: Server,
    /// Where it is noted what is made, if somebody is to remove it.
    made: Option<Arc<Made>>,
}

impl ClickHouse {
    pub(crate) fn new(url: String, server: Server) -> Self {
        Self {
            url,
            server,
            made: None,
        }
    }

    /// With a note of what is made.
    pub(crate) fn made(mut self, made: Arc<Made>) -> Self {
        self.made = Some(made);
        self
    }

    /// `http://HOST:PORT`, user `default`, no password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A new client with TCP_NODELAY; see [`clickhouse_client`] for why it is not the crate's own.
    pub fn client(&self) -> clickhouse::Client {
        clickhouse_client(&self.url)
    }

    /// The server process.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Creates a database (engine Atomic) if it is not there.
    ///
    /// # Errors
    /// The name is no name, or the server does not answer.
    pub async fn create_database(&self, name: &str) -> Result<(), StackError> {
        if let Some(made) = &self.made {
            made.database(name);
        }
        self.client()
            .query("CREATE DATABASE IF NOT EXISTS ?")
            .bind(clickhouse::sql::Identifier(name))
            .execute()
            .await
            .map_err(|source| StackError::ClickHouse {
                doing: format!("creating database {name}"),
                source: Box::new(source),
            })
    }
}
