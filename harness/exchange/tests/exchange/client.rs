//! A small client: a WebSocket, a REST connection, and waiting for a condition with a limit.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use exchange::{Exchange, ExchangeConfig, Limits, Rate, Source};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// What anything may take before a test gives up.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Limits that are in nobody's way.
pub(crate) fn generous() -> Limits {
    Limits {
        requests_per_second: 1_000_000,
        connects_per_second: 1_000_000,
        ..Limits::default()
    }
}

pub(crate) fn generated(markets: usize, rate: Rate) -> Source {
    Source::Generate {
        seed: 42,
        markets,
        rate,
    }
}

/// A journal folder and the exchange that writes it; the folder goes last.
pub(crate) struct Running {
    pub(crate) exchange: Exchange,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) async fn start(source: Source) -> Running {
    start_with(source, |config| config.limits = generous()).await
}

pub(crate) async fn start_with(source: Source, change: impl FnOnce(&mut ExchangeConfig)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let mut config = ExchangeConfig::new(source, dir.path());
    change(&mut config);
    Running {
        exchange: Exchange::start(config).await.expect("the exchange must start"),
        dir,
    }
}

pub(crate) struct Ws(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

pub(crate) async fn connect(exchange: &Exchange) -> Ws {
    let connected = tokio_tungstenite::connect_async(exchange.ws_url()).await;
    Ws(connected.expect("the handshake in server/handshake.rs must succeed").0)
}

/// Connects and subscribes to trades of everything.
pub(crate) async fn subscribed(exchange: &Exchange) -> Ws {
    let mut ws = connect(exchange).await;
    ws.send(&exchange::capture::subscription("test", exchange.markets()))
        .await;
    eventually("the subscription is known", || exchange.counters().subscribed > 0).await;
    ws
}

impl Ws {
    pub(crate) async fn send(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("the connection must take a message");
    }

    /// The next message but a ping, which the library answers with the next read; an error is the end.
    pub(crate) async fn message(&mut self) -> Result<Message, Error> {
        loop {
            let next = timeout(LIMIT, self.0.next())
                .await
                .expect("no frame came: see server/writer.rs");
            match next.unwrap_or(Err(Error::ConnectionClosed)) {
                Ok(Message::Ping(_)) => {}
                message => return message,
            }
        }
    }

    /// The next data frame; it must be binary.
    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        match self.message().await {
            Ok(Message::Binary(bytes)) => bytes.to_vec(),
            other => panic!("want a binary frame, got {other:?}"),
        }
    }

    pub(crate) async fn json(&mut self) -> Value {
        let frame = self.frame().await;
        serde_json::from_slice(&frame).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&frame)))
    }

    /// Pings, and returns all data frames that come before the pong.
    pub(crate) async fn frames_until_pong(&mut self) -> Vec<Vec<u8>> {
        self.0
            .send(Message::Ping("barrier".into()))
            .await
            .expect("the connection must take a ping");
        let mut frames = Vec::new();
        loop {
            match self.message().await.expect("the connection must live until the pong") {
                Message::Binary(bytes) => frames.push(bytes.to_vec()),
                Message::Pong(payload) if payload.as_ref() == b"barrier" => return frames,
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// Everything up to the end of the connection, and the close code if there was a close frame.
    pub(crate) async fn until_end(&mut self) -> (Vec<Vec<u8>>, Option<u16>) {
        let (mut frames, mut code) = (Vec::new(), None);
        loop {
            match self.message().await {
                Ok(Message::Binary(bytes)) => frames.push(bytes.to_vec()),
                Ok(Message::Close(close)) => code = close.map(|close| close.code.into()),
                Ok(_) => {}
                Err(_) => return (frames, code),
            }
        }
    }
}

/// Market and id of a trade frame; `None` if it is none that can be read.
pub(crate) fn identity(frame: &[u8]) -> Option<(String, u64)> {
    let value: Value = serde_json::from_slice(frame).ok()?;
    let code = value.get("code").or_else(|| value.get("cd"))?.as_str()?.to_owned();
    let price = value.get("trade_price").or_else(|| value.get("tp"))?;
    let id = value.get("sequential_id").or_else(|| value.get("sid"))?.as_u64()?;
    price.is_number().then_some((code, id))
}

/// How often each trade occurs.
pub(crate) fn counted<'a>(frames: impl IntoIterator<Item = &'a Vec<u8>>) -> HashMap<(String, u64), usize> {
    let mut counts = HashMap::new();
    for identity in frames.into_iter().filter_map(|frame| identity(frame)) {
        *counts.entry(identity).or_insert(0) += 1;
    }
    counts
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) remaining: String,
    /// `Err` if the body broke off.
    pub(crate) body: Result<Vec<u8>, String>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let body = self.body.as_ref().expect("the body must be whole");
        serde_json::from_slice(body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
    }
}

/// `GET` of a path under `/v1`.
pub(crate) async fn get(exchange: &Exchange, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = hyper::Request::get(format!("{}{path}", exchange.rest_url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let http: Http<_, Empty<bytes::Bytes>> = Http::builder(TokioExecutor::new()).build_http();
    let response = http
        .request(request.body(Empty::new()).unwrap())
        .await
        .expect("the exchange must answer");
    let remaining = response
        .headers()
        .get("remaining-req")
        .map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: response.status().as_u16(),
        remaining: remaining.unwrap_or_default(),
        body: response
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes().to_vec())
            .map_err(|e| e.to_string()),
    }
}

/// Waits for a condition.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within(what, waiting).await;
}

/// Waits for a future, at most for [`LIMIT`].
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}
