//! Servers that do one thing each, for what no exchange does on request.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use feed::FeedConfig;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

/// What it does with each connection.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Takes it and says nothing, for ever.
    Silent,
    /// Ends it at once.
    Ends,
    /// Shakes hands, and ends it then.
    ShakesHandsAndEnds,
    /// Shakes hands, keeps what it is sent, and sends this.
    Says(&'static str),
    /// Shakes hands, and sends this again and again. It never reads, so it answers no PING.
    Repeats(&'static str),
}

/// A server, and what it saw.
pub(crate) struct Scripted {
    url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// When each connection came.
    came: Vec<Instant>,
    /// What was sent over each, whole messages only.
    sent: Vec<Vec<String>>,
}

impl Scripted {
    pub(crate) async fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let into = seen.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let mut seen = into.lock().unwrap();
                seen.came.push(Instant::now());
                seen.sent.push(Vec::new());
                tokio::spawn(serve(tcp, manner, seen.came.len() - 1, into.clone()));
            }
        });
        Self { url, seen }
    }

    /// A feed's configuration for it.
    pub(crate) fn config(&self) -> FeedConfig {
        let markets = ["KRW-BTC", "KRW-ETH", "KRW-XRP"].map(|code| code.parse().unwrap());
        let rest = "http://127.0.0.1:9/v1".parse().unwrap();
        FeedConfig::new(self.url.parse().unwrap(), rest, markets.to_vec())
    }

    /// When each connection came.
    pub(crate) fn came(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().came.clone()
    }

    /// What was sent over each connection.
    pub(crate) fn sent(&self) -> Vec<Vec<String>> {
        self.seen.lock().unwrap().sent.clone()
    }
}

async fn serve(mut tcp: TcpStream, manner: Manner, connection: usize, seen: Arc<Mutex<Seen>>) -> Option<()> {
    match manner {
        Manner::Silent => {
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut tcp, &mut rest).await.ok()?;
        }
        Manner::Ends => {}
        Manner::ShakesHandsAndEnds => {
            tokio_tungstenite::accept_async(tcp).await.ok()?;
        }
        Manner::Repeats(words) => {
            let mut socket = tokio_tungstenite::accept_async(tcp).await.ok()?;
            loop {
                socket.send(Message::binary(words)).await.ok()?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Manner::Says(words) => {
            let mut socket = tokio_tungstenite::accept_async(tcp).await.ok()?;
            let mut said = false;
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                seen.lock().unwrap().sent[connection].push(text.to_string());
                if !std::mem::replace(&mut said, true) && !words.is_empty() {
                    socket.send(Message::binary(words)).await.ok()?;
                }
            }
        }
    }
    Some(())
}
