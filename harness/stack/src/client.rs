//! A ClickHouse client that does not wait for the kernel: the `clickhouse` crate never sets TCP_NODELAY.

use std::time::Duration;

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Idle connections are closed after this: below the server's own 10 s (`keep_alive_timeout`), so that a request is
/// never written into a connection that the server is just closing.
const POOL_IDLE: Duration = Duration::from_secs(2);

/// A client for `url` (`http://HOST:PORT`), user `default` without a password. Without TCP_NODELAY an insert of a
/// thousand rows waits about 40 ms for a delayed acknowledgement; the crate's own default client leaves it so.
///
/// Its connections belong to the async runtime that first uses them: make one per runtime, it is cheap.
pub fn clickhouse_client(url: &str) -> clickhouse::Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(60)));
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    let http = HyperClient::builder(TokioExecutor::new())
        .pool_idle_timeout(POOL_IDLE)
        .build(connector);
    clickhouse::Client::with_http_client(http).with_url(url)
}
