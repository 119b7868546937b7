//! The WebSocket handshake (RFC 6455, section 4.2).

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::accept::Peer;
use super::answer::{self, Group};
use super::connection;
use super::rest::App;
use super::transport::Transport;
use crate::journal::ConnectionEnd;

/// `GET /websocket/v1`.
pub(super) async fn upgrade(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
) -> Response {
    let remaining = match app.admit(Group::Websocket, peer.0, request.headers()) {
        Ok(remaining) => remaining,
        Err(refused) => return *refused,
    };
    let Some(accept) = accept_key(request.headers()) else {
        return answer::error(StatusCode::BAD_REQUEST, "this is the address of a WebSocket");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let (hub, stop) = (app.hub.clone(), app.stop.clone());
    tokio::spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!("a handshake came to nothing: {error}"),
        };
        let Ok(parts) = upgraded.downcast::<TokioIo<Transport>>() else {
            return tracing::error!("an upgraded connection is none of ours");
        };
        let (end, transport) = connection::serve(&hub, parts.io.into_inner(), parts.read_buf.to_vec(), &stop).await;
        if matches!(end, ConnectionEnd::Cut | ConnectionEnd::HalfOpen | ConnectionEnd::Slow) {
            transport.reset();
        }
    });
    let mut response = (StatusCode::SWITCHING_PROTOCOLS, Body::empty()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    if let Ok(accept) = accept.parse() {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer::remaining(headers, Group::Websocket, remaining);
    response
}

/// What proves that the request was understood; `None` if it asks for no WebSocket of version 13.
fn accept_key(headers: &HeaderMap) -> Option<String> {
    let has = |name: header::HeaderName, token: &str| {
        let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    let wanted = has(header::UPGRADE, "websocket")
        && has(header::CONNECTION, "upgrade")
        && has(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?;
    wanted.then(|| derive_accept_key(key.as_bytes()))
}
