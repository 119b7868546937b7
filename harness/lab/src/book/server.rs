//! The site over HTTP, for browsers of this machine only.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::html::escape;
use super::site::Site;

/// Where a page hears of changes; no page of the book begins with a dash.
const CHANGES: &str = "/-/changes";
const SCRIPT: &str = "/-/reload.js";
/// Reloads when the site is another one than the page's: also after the server was started again.
const RELOAD: &str = include_str!("reload.js");
/// Scripts and styles of the site alone: a page cannot ask anybody else for anything.
const POLICY: &str = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'";

/// What is served now.
#[derive(Clone, Debug)]
pub(crate) struct Now {
    /// Another one for each build, and for each start of the server.
    pub(crate) version: u64,
    /// Or why there is none, in sentences.
    pub(crate) site: Result<Arc<Site>, String>,
}

/// Answers for whatever is current.
pub(crate) fn router(now: watch::Receiver<Now>) -> Router {
    Router::new().fallback(answer).with_state(now)
}

async fn answer(State(now): State<watch::Receiver<Now>>, request: Request) -> Response {
    let mut response = if !is_ours(request.headers(), request.uri()) {
        let text = "This server answers to this machine's own names only, such as 127.0.0.1 and localhost.\n";
        (StatusCode::FORBIDDEN, text).into_response()
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = (
            StatusCode::METHOD_NOT_ALLOWED,
            "Pages are read here, and nothing else.\n",
        )
            .into_response();
        refused
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else {
        match request.uri().path() {
            CHANGES => changes(now),
            SCRIPT => typed("text/javascript; charset=utf-8", Bytes::from_static(RELOAD.as_bytes())),
            path => page(&now.borrow().clone(), path),
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Whether the browser was led here by a name of this machine. A stranger's name that is made to point here would let the
/// stranger's pages read what is served.
fn is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = uri.authority().map(|authority| authority.as_str()).or(named) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours))
}

fn page(now: &Now, path: &str) -> Response {
    let site = match &now.site {
        Ok(site) => site,
        Err(why) => {
            return whole(
                StatusCode::INTERNAL_SERVER_ERROR,
                now.version,
                "The book cannot be built",
                why,
            );
        }
    };
    match site.find(path) {
        Some((kind, bytes)) if kind.starts_with("text/html") => typed(kind, with_script(&bytes, now.version)),
        Some((kind, bytes)) => typed(kind, bytes),
        None => match site.find("/404.html") {
            Some((kind, bytes)) => {
                (StatusCode::NOT_FOUND, typed(kind, with_script(&bytes, now.version))).into_response()
            }
            None => whole(
                StatusCode::NOT_FOUND,
                now.version,
                "There is no such page",
                "The book begins at /",
            ),
        },
    }
}

fn typed(kind: &'static str, bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}

/// A page of our own, for what the site cannot say itself.
fn whole(status: StatusCode, version: u64, title: &str, text: &str) -> Response {
    let lines: String = text.lines().map(|line| format!("<p>{}</p>\n", escape(line))).collect();
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; overflow-wrap: anywhere }}</style></head>\n\
         <body><h1>{title}</h1>\n{lines}</body></html>\n"
    );
    (
        status,
        typed("text/html; charset=utf-8", with_script(page.as_bytes(), version)),
    )
        .into_response()
}

/// The page with the script that reloads it: put in here, so that the site's files are the same as without a server.
fn with_script(page: &[u8], version: u64) -> Bytes {
    let script = format!("<script src=\"{SCRIPT}\" data-version=\"{version}\"></script>\n");
    let end = page
        .windows(7)
        .rposition(|window| window == b"</body>")
        .unwrap_or(page.len());
    [&page[..end], script.as_bytes(), &page[end..]].concat().into()
}

/// The version, and each that follows, as long as the page is open.
fn changes(now: watch::Receiver<Now>) -> Response {
    let versions = stream::unfold((now, true), |(mut now, first)| async move {
        if !first {
            now.changed().await.ok()?;
        }
        let version = now.borrow_and_update().version;
        Some((
            Ok::<_, Infallible>(Event::default().data(version.to_string())),
            (now, false),
        ))
    });
    Sse::new(versions).keep_alive(KeepAlive::default()).into_response()
}
