//! REST answers: groups, limits in headers, errors, and bodies that break off.

use std::io;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;

/// Requests that share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Group {
    Market,
    Candle,
    Trade,
    Websocket,
}

impl Group {
    const fn name(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Candle => "candle",
            Self::Trade => "trade",
            Self::Websocket => "websocket",
        }
    }
}

/// Adds `Remaining-Req`; its `min` is deprecated at Upbit, and constant.
pub(super) fn remaining(headers: &mut HeaderMap, group: Group, left: u32) {
    let per_minute = if group == Group::Websocket { 300 } else { 600 };
    let text = format!("group={}; min={per_minute}; sec={left}", group.name());
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert("remaining-req", value);
    }
}

/// An error with the number as its name, as quotation requests give it.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "error": { "name": status.as_u16(), "message": message } }).to_string();
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response()
}

/// Too many requests. The body is no JSON.
pub(super) fn too_many(group: Group) -> Response {
    let mut response = (StatusCode::TOO_MANY_REQUESTS, "Too many API requests.").into_response();
    remaining(response.headers_mut(), group, 0);
    response
}

/// The exchange is not there for the moment.
pub(super) fn unavailable() -> Response {
    error(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
}

/// A JSON answer; with `cut`, the connection breaks off in the middle of it.
pub(super) fn json(body: Vec<u8>, group: Group, left: u32, cut: bool) -> Response {
    let body = if cut {
        let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
        let broken = io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault");
        // The pause lets the first half go out: an error right behind it would take head and all with it.
        let rest = futures_util::stream::once(async {
            tokio::task::yield_now().await;
            Err(broken)
        });
        Body::from_stream(futures_util::stream::iter([Ok(half)]).chain(rest))
    } else {
        Body::from(body)
    };
    let mut response = ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body).into_response();
    remaining(response.headers_mut(), group, left);
    response
}
