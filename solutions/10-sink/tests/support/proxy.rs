//! A TCP proxy between the sink and ClickHouse that loses answers, cuts and stalls bodies, and delivers late, on demand.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What happens to the next request that contains a needle.
#[derive(Clone)]
pub enum Fault {
    /// The server gets and does it; the answer never comes back, the connection is cut instead.
    LoseAnswer,
    /// The connection is cut when so many bytes have passed since the needle.
    CutAfter(usize),
    /// Nothing more passes after so many bytes, until the gate opens; then everything does.
    StallAfter(usize, Arc<Notify>),
    /// The client is cut off at once; the request reaches the server when the gate opens.
    DeliverLate(Arc<Notify>),
}

type Answer = Arc<Mutex<String>>;
type Armed = Arc<Mutex<Option<(&'static str, Fault)>>>;

pub struct Proxy {
    pub url: String,
    armed: Armed,
    /// Rings when a late request has been delivered and answered.
    pub delivered: Arc<Notify>,
    /// What the server answered to it.
    pub answer: Answer,
}

impl Proxy {
    pub async fn to(url: &str) -> Self {
        let server = url
            .strip_prefix("http://")
            .unwrap_or(url)
            .trim_end_matches('/')
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let armed = Armed::default();
        let delivered = Arc::new(Notify::new());
        let answer = Answer::default();
        let (faults, rings, heard) = (Arc::clone(&armed), Arc::clone(&delivered), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, faults) = (server.clone(), Arc::clone(&faults));
                let (rings, heard) = (Arc::clone(&rings), Arc::clone(&heard));
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(server).await {
                        // An error here is a closed connection: what a proxy passes on by closing the other one.
                        let _ = pass(client, server, faults, rings, heard).await;
                    }
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            armed,
            delivered,
            answer,
        }
    }

    pub fn arm(&self, needle: &'static str, fault: Fault) {
        *self.armed.lock().unwrap() = Some((needle, fault));
    }

    /// Whether the armed fault has struck.
    pub fn struck(&self) -> bool {
        self.armed.lock().unwrap().is_none()
    }
}

async fn pass(
    client: TcpStream,
    server: TcpStream,
    armed: Armed,
    delivered: Arc<Notify>,
    answer: Answer,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    let mut lose_answer = false;
    loop {
        tokio::select! {
            read = from_client.read(&mut up) => {
                let n = read?;
                if n == 0 { return Ok(()); }
                let Some((at, fault)) = strike(&armed, &up[..n]) else {
                    to_server.write_all(&up[..n]).await?;
                    continue;
                };
                match fault {
                    Fault::LoseAnswer => {
                        lose_answer = true;
                        to_server.write_all(&up[..n]).await?;
                    }
                    Fault::CutAfter(bytes) | Fault::StallAfter(bytes, _) => {
                        let mut left = at + bytes;
                        let mut have = n;
                        loop {
                            let take = have.min(left);
                            to_server.write_all(&up[..take]).await?;
                            left -= take;
                            if left == 0 {
                                let Fault::StallAfter(_, gate) = fault else { return Ok(()) };
                                gate.notified().await;
                                to_server.write_all(&up[take..have]).await?;
                                break;
                            }
                            have = from_client.read(&mut up).await?;
                            if have == 0 { return Ok(()); }
                        }
                    }
                    Fault::DeliverLate(gate) => {
                        let mut request = up[..n].to_vec();
                        while !request.ends_with(b"\r\n0\r\n\r\n") {
                            let n = from_client.read(&mut up).await?;
                            if n == 0 { break; }
                            request.extend_from_slice(&up[..n]);
                        }
                        drop((from_client, to_client));
                        gate.notified().await;
                        to_server.write_all(&request).await?;
                        let mut head = Vec::new();
                        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                            let n = from_server.read(&mut down).await?;
                            if n == 0 {
                                break;
                            }
                            head.extend_from_slice(&down[..n]);
                        }
                        *answer.lock().unwrap() = String::from_utf8_lossy(&head).into_owned();
                        delivered.notify_one();
                        return Ok(());
                    }
                }
            }
            read = from_server.read(&mut down) => {
                let n = read?;
                if n == 0 || lose_answer { return Ok(()); }
                to_client.write_all(&down[..n]).await?;
            }
        }
    }
}

fn strike(armed: &Armed, bytes: &[u8]) -> Option<(usize, Fault)> {
    let mut armed = armed.lock().unwrap();
    let (needle, _) = armed.as_ref()?;
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle.as_bytes())?;
    armed.take().map(|(_, fault)| (at, fault))
}
