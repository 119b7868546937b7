//! ClickHouse as the sink uses it: one HTTP client, a bound on every answer, and three kinds of failure.

use std::future::Future;
use std::time::Duration;

use clickhouse::Client;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::{Compression, SinkConfig, SinkError};

/// What `throwIf` answers when the guard fails. No other expression of the sink's statements throws it.
const FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: u32 = 395;

/// Why a request did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The guard refused: nothing was written.
    Fenced,
    /// Trying again cannot cure it.
    Fatal(SinkError),
    /// Anything else, first of all a lost answer: what the server did is unknown, and trying again makes sense.
    Unknown(String),
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        Self::Fatal(error)
    }
}

/// The client and its bounds.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) database: String,
    query_timeout: Duration,
}

impl Server {
    pub(crate) fn new(config: &SinkConfig) -> Self {
        let mut connector = HttpConnector::new();
        // The clickhouse crate's own connector leaves Nagle's algorithm on: the last, short segment of a request then waits
        // for the acknowledgement of the one before, 40 ms on Linux.
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.set_keepalive(Some(Duration::from_secs(60)));
        let http = HttpClient::builder(TokioExecutor::new())
            // Below any keep-alive of the server's, so that a request is not sent into a connection that is being closed.
            .pool_idle_timeout(Duration::from_secs(2))
            .build(connector);
        let mut client = Client::with_http_client(http)
            .with_url(&config.url)
            .with_database(&config.database)
            .with_compression(match config.compression {
                Compression::None => clickhouse::Compression::None,
                Compression::Lz4 => clickhouse::Compression::Lz4,
            })
            // A cached answer to "who owns this?" would be an old one.
            .with_setting("use_query_cache", "0");
        if let Some((user, password)) = &config.credentials {
            client = client.with_user(user).with_password(password);
        }
        Self {
            client,
            database: config.database.clone(),
            query_timeout: config.query_timeout,
        }
    }

    /// Waits for an answer, but not longer than the query timeout.
    pub(crate) async fn ask<T>(&self, query: impl Future<Output = clickhouse::error::Result<T>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.query_timeout, query).await {
            Ok(answer) => answer.map_err(|error| self.classify(&error)),
            Err(_) => Err(Failure::Unknown(format!("no answer within {:?}", self.query_timeout))),
        }
    }

    /// Sorts an error. Only codes that are known to be final count as final: a retry costs little, a wrong "final" stops a
    /// worker over a passing shortage of memory, parts, threads or disk.
    pub(crate) fn classify(&self, error: &clickhouse::error::Error) -> Failure {
        use clickhouse::error::Error;
        let server = error.to_string();
        match error {
            Error::BadResponse(text) => match code(text) {
                Some(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO) => Failure::Fenced,
                Some(code) if is_schema(code) => Failure::Fatal(SinkError::Schema {
                    database: self.database.clone(),
                    server,
                }),
                Some(code) if is_denied(code) => Failure::Fatal(SinkError::Denied { server }),
                Some(code) if is_final(code) => Failure::Fatal(SinkError::Refused { server }),
                _ => Failure::Unknown(server),
            },
            Error::Network(source) => Failure::Unknown(chain(source.as_ref())),
            Error::TimedOut => Failure::Unknown(server),
            Error::InvalidParams(_) | Error::Unsupported(_) => Failure::Fatal(SinkError::Config {
                setting: "url",
                why: server,
            }),
            // The client cannot read a row: another type than expected, or an answer that was cut.
            Error::SchemaMismatch(_) | Error::InvalidColumnsHeader(_) => Failure::Fatal(SinkError::Schema {
                database: self.database.clone(),
                server,
            }),
            _ => Failure::Unknown(server),
        }
    }
}

/// An error with what caused it: hyper's own words for a refused connection are "client error (Connect)".
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The number in `Code: 395. DB::Exception: …`.
fn code(answer: &str) -> Option<u32> {
    let digits = answer.strip_prefix("Code: ")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// No such database, table or column; other columns; other types.
const fn is_schema(code: u32) -> bool {
    matches!(code, 8 | 10 | 16 | 20 | 47 | 53 | 60 | 70 | 81 | 386)
}

/// Wrong user or password, no grant, a read-only user, a forbidden address.
const fn is_denied(code: u32) -> bool {
    matches!(code, 164 | 192 | 193 | 194 | 195 | 497 | 516)
}

/// Syntax, function, setting or argument that this server does not know: another version than the one this was written for.
const fn is_final(code: u32) -> bool {
    matches!(code, 36 | 42 | 43 | 44 | 46 | 48 | 62 | 115 | 452 | 456 | 457)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clickhouse::error::Error;

    fn sorted(text: &str) -> Failure {
        Server::new(&SinkConfig::new("http://127.0.0.1:1", "d", "w")).classify(&Error::BadResponse(text.into()))
    }

    #[test]
    fn an_error_is_final_only_if_its_code_says_so() {
        assert!(matches!(sorted("Code: 395. DB::Exception: fenced"), Failure::Fenced));
        assert!(matches!(
            sorted("Code: 60. DB::Exception: x"),
            Failure::Fatal(SinkError::Schema { .. })
        ));
        assert!(matches!(
            sorted("Code: 516. DB::Exception: x"),
            Failure::Fatal(SinkError::Denied { .. })
        ));
        assert!(matches!(
            sorted("Code: 115. DB::Exception: x"),
            Failure::Fatal(SinkError::Refused { .. })
        ));
        for passing in [
            "Code: 241. DB::Exception: MEMORY_LIMIT_EXCEEDED",
            "Code: 252. DB::Exception: TOO_MANY_PARTS",
            "Code: 202. DB::Exception: TOO_MANY_SIMULTANEOUS_QUERIES",
            "Code: 394. DB::Exception: QUERY_WAS_CANCELLED",
            "Code: 243. DB::Exception: NOT_ENOUGH_SPACE",
            "502 Bad Gateway",
            "Code: ",
            "",
        ] {
            assert!(
                matches!(sorted(passing), Failure::Unknown(_)),
                "{passing:?} must be tried again"
            );
        }
    }
}
