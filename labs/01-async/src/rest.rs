//! Pages of a market's history over REST, within the exchange's limit.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use market::{Market, Trade, Undecodable};
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use crate::feed::Shared;
use crate::stats::Counters;
use crate::transport::DialError;

/// Trades of one page: the exchange's maximum.
const PAGE: usize = 500;

/// No page is larger: 500 trades of 250 bytes are an eighth of it.
const MAX_BODY: usize = 1 << 20;

/// Why a page was not had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    /// Asked too often; nothing is wrong with the market.
    #[error("the exchange answers {0}: too many requests")]
    TooMany(StatusCode),
    #[error("the exchange answers {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the exchange's answer broke off: {0}")]
    Broken(String),
    #[error("the exchange did not answer within {0:?}")]
    Late(Duration),
    #[error("the page cannot be read: {0}")]
    Page(#[from] Undecodable),
}

/// One connection, one request at a time: with ten a second allowed, more would only wait.
pub(crate) struct Rest<'a> {
    shared: &'a Shared,
    sender: Option<SendRequest<Empty<Bytes>>>,
    /// The least time from one request to the next.
    spacing: Duration,
    not_before: Instant,
}

impl<'a> Rest<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            sender: None,
            // A twentieth slower than allowed: two clocks that agree on ten a second do not agree on when a second begins.
            spacing: Duration::from_secs(1).mul_f64(1.05) / shared.config.rest_per_second,
            not_before: Instant::now(),
        }
    }

    /// Not a request before then.
    pub(crate) fn pause_until(&mut self, until: Instant) {
        self.not_before = self.not_before.max(until);
    }

    /// The page of a market's trades behind a cursor, newest first; without a cursor the newest.
    pub(crate) async fn ticks(&mut self, market: Market, cursor: Option<u64>) -> Result<Vec<Trade>, RestError> {
        sleep_until(self.not_before).await;
        self.not_before = Instant::now() + self.spacing;
        Counters::add(&self.shared.counters.rest_requests, 1);
        let limit = self.shared.config.rest_limit;
        let body = match timeout(limit, self.get(&url(&self.shared.config.rest, market, cursor))).await {
            Ok(Ok(body)) => body,
            Ok(Err(error)) => {
                // Whatever is wrong, the next request begins on a fresh connection.
                self.sender = None;
                return Err(error);
            }
            Err(_) => {
                self.sender = None;
                return Err(RestError::Late(limit));
            }
        };
        Ok(self.shared.decode.ticks(&body)?)
    }

    async fn get(&mut self, url: &Url) -> Result<Bytes, RestError> {
        let broken = |error: &dyn std::fmt::Display| RestError::Broken(error.to_string());
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => {
                let transport = self.shared.dialer.dial(url).await?;
                let (sender, connection) = handshake(TokioIo::new(transport))
                    .await
                    .map_err(|error| broken(&error))?;
                // It ends when the sender is dropped or the server closes; what fails is seen by the request.
                tokio::spawn(connection);
                sender
            }
        };
        sender.ready().await.map_err(|error| broken(&error))?;
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        // No Origin header: with one the exchange allows a request in ten seconds.
        let request = Request::get(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .body(Empty::new())
            .map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        if remaining(response.headers()) == Some(0) {
            self.pause_until(Instant::now() + 2 * self.spacing);
        }
        match response.status() {
            StatusCode::OK => {}
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::IM_A_TEAPOT) => {
                return Err(RestError::TooMany(status));
            }
            status => return Err(RestError::Status(status)),
        }
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        let body = body.map_err(|error| RestError::Broken(error.to_string()))?.to_bytes();
        self.sender = Some(sender);
        Ok(body)
    }
}

fn url(root: &Url, market: Market, cursor: Option<u64>) -> Url {
    let mut url = root.clone();
    let path = format!("{}/trades/ticks", root.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut()
        .clear()
        .append_pair("market", market.as_str())
        .append_pair("count", &PAGE.to_string());
    if let Some(cursor) = cursor {
        url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
    }
    url
}

/// What `Remaining-Req: group=trades; min=600; sec=9` leaves for this second.
fn remaining(headers: &hyper::HeaderMap) -> Option<u32> {
    headers
        .get("remaining-req")?
        .to_str()
        .ok()?
        .split(';')
        .find_map(|part| part.trim().strip_prefix("sec="))?
        .parse()
        .ok()
}
