//! The ClickHouse of a stack: where it is, its server, and databases.

use crate::client::clickhouse_client;
use crate::error::StackError;
use crate::server::Server;

/// ClickHouse, whoever runs it.
#[derive(Clone, Debug)]
pub struct ClickHouse {
    url: String,
    server: Server,
}

impl ClickHouse {
    pub(crate) fn new(url: String, server: Server) -> Self {
        Self { url, server }
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
