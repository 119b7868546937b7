//! REST quotation requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::accept::Peer;
use super::answer::{self, Group};
use super::limits::Limiter;
use super::{candles, handshake, ticks};
use crate::JournalError;
use crate::counters::add;
use crate::faults::RestFault;
use crate::hub::Hub;
use crate::source::catalog;

/// What every request needs.
#[derive(Clone)]
pub(super) struct App {
    pub(super) hub: Arc<Hub>,
    pub(super) stop: CancellationToken,
    limiters: Arc<Mutex<Limiters>>,
}

struct Limiters {
    requests: Limiter<(IpAddr, Group)>,
    connects: Limiter<IpAddr>,
    origin: Limiter<IpAddr>,
}

impl App {
    /// Counts a request against its limits; how many more this second allows.
    pub(super) fn admit(&self, group: Group, peer: IpAddr, headers: &HeaderMap) -> Result<u32, Box<Response>> {
        let now = Instant::now();
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = || {
            add(&self.hub.counts.refused, 1);
            Box::new(answer::too_many(group))
        };
        if headers.contains_key(header::ORIGIN) && limiters.origin.allow(peer, now).is_none() {
            return Err(refused());
        }
        let left = match group {
            Group::Websocket => limiters.connects.allow(peer, now),
            _ => limiters.requests.allow((peer, group), now),
        };
        left.ok_or_else(refused)
    }

    /// Answers with what `body` makes, unless a limit or a fault says otherwise. `body` reads files, so it runs where
    /// blocking is allowed.
    async fn answer<F>(&self, group: Group, peer: Peer, headers: &HeaderMap, body: F) -> Response
    where
        F: FnOnce(&Hub) -> Result<Vec<u8>, Wrong> + Send + 'static,
    {
        add(&self.hub.counts.requests, 1);
        let left = match self.admit(group, peer.0, headers) {
            Ok(left) => left,
            Err(refused) => return *refused,
        };
        let fault = self.hub.faults.rest_fault();
        match fault {
            Some(RestFault::TooMany) => {
                add(&self.hub.counts.refused, 1);
                return answer::too_many(group);
            }
            Some(RestFault::Unavailable) => return answer::unavailable(),
            Some(RestFault::Truncate) | None => {}
        }
        let hub = Arc::clone(&self.hub);
        match tokio::task::spawn_blocking(move || body(&hub)).await {
            Ok(Ok(body)) => answer::json(body, group, left, fault == Some(RestFault::Truncate)),
            Ok(Err(Wrong::Request(status, message))) => answer::error(status, &message),
            Ok(Err(Wrong::Journal(error))) => {
                tracing::error!("{error}");
                answer::error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Err(error) => {
                tracing::error!("a request failed: {error}");
                answer::error(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
        }
    }
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Wrong {
    Request(StatusCode, String),
    Journal(JournalError),
}

impl Wrong {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::Request(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<JournalError> for Wrong {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// The parameters of a request.
pub(super) type Params = HashMap<String, String>;

/// The market that a request names, in whatever case, and its number.
///
/// # Errors
/// [`Wrong`]: no market named, or one that is not listed.
pub(super) fn market(hub: &Hub, params: &Params) -> Result<u16, Wrong> {
    let code = params.get("market").ok_or_else(|| Wrong::bad("market is missing"))?;
    let market = code
        .to_ascii_uppercase()
        .parse()
        .ok()
        .and_then(|market| hub.index.get(&market).copied());
    market.ok_or_else(|| Wrong::Request(StatusCode::NOT_FOUND, "Code not found".into()))
}

/// How many elements a request wants: 1 if it does not say, never more than `most`, as Upbit cuts without a word.
///
/// # Errors
/// [`Wrong`]: not a number, or zero.
pub(super) fn count(params: &Params, most: usize) -> Result<usize, Wrong> {
    match params.get("count").map(|count| count.parse::<usize>()) {
        None => Ok(1),
        Some(Ok(count)) if count > 0 => Ok(count.min(most)),
        Some(_) => Err(Wrong::bad(format!("count must be a number from 1 to {most}"))),
    }
}

/// All paths.
pub(super) fn router(hub: Arc<Hub>, stop: CancellationToken) -> Router {
    let limits = hub.limits;
    let second = Duration::from_secs(1);
    let limiters = Limiters {
        requests: Limiter::new(limits.requests_per_second, second),
        connects: Limiter::new(limits.connects_per_second, second),
        origin: Limiter::new(1, limits.origin_every),
    };
    Router::new()
        .route("/websocket/v1", get(handshake::upgrade))
        .route("/v1/market/all", get(markets))
        .route("/v1/trades/ticks", get(trades))
        .route("/v1/candles/seconds", get(seconds))
        .route("/v1/candles/minutes/{unit}", get(minutes))
        .fallback(|| async { answer::error(StatusCode::NOT_FOUND, "no Route matched with those values") })
        .with_state(App {
            hub,
            stop,
            limiters: Arc::new(Mutex::new(limiters)),
        })
}

async fn markets(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    let details = params
        .get("is_details")
        .or_else(|| params.get("isDetails"))
        .is_some_and(|flag| flag == "true");
    let body = move |hub: &Hub| {
        let markets = hub.faces.iter().map(|face| {
            let (korean, english) = catalog::names(face.market);
            let mut market =
                serde_json::json!({ "market": face.market, "korean_name": korean, "english_name": english });
            if details {
                let caution = serde_json::json!({
                    "PRICE_FLUCTUATIONS": false,
                    "TRADING_VOLUME_SOARING": false,
                    "DEPOSIT_AMOUNT_SOARING": false,
                    "GLOBAL_PRICE_DIFFERENCES": false,
                    "CONCENTRATION_OF_SMALL_ACCOUNTS": false,
                });
                market["market_event"] = serde_json::json!({ "warning": false, "caution": caution });
            }
            market
        });
        Ok(serde_json::Value::Array(markets.collect()).to_string().into_bytes())
    };
    app.answer(Group::Market, peer, &headers, body).await
}

async fn trades(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    app.answer(Group::Trade, peer, &headers, move |hub| ticks::page(hub, &params))
        .await
}

async fn seconds(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    app.answer(Group::Candle, peer, &headers, move |hub| {
        candles::page(hub, &params, None)
    })
    .await
}

async fn minutes(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(unit): Path<String>,
    headers: HeaderMap,
    Query(params): Query<Params>,
) -> Response {
    let body = move |hub: &Hub| match unit.parse() {
        Ok(unit @ (1 | 3 | 5 | 10 | 15 | 30 | 60 | 240)) => candles::page(hub, &params, Some(unit)),
        _ => Err(Wrong::bad("unit must be one of 1, 3, 5, 10, 15, 30, 60, 240")),
    };
    app.answer(Group::Candle, peer, &headers, body).await
}
