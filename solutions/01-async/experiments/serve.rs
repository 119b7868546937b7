//! The servers: one that answers late, one that ticks on many connections, and two that send trades, with and without WebSocket.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::run::{one_thread, shared_ns};

/// A tick: when it was due, in nanoseconds of the shared clock, and as many bytes as a trade has.
pub(crate) const TICK: usize = 8 + 250;

/// A request: its number, and after how many milliseconds it is to be answered with it.
pub(crate) const REQUEST: usize = 12;

/// Answers each request after the time that it asks for.
pub(crate) fn answer(listener: TcpListener) -> anyhow::Result<()> {
    one_thread()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (mut socket, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut request = [0; REQUEST];
                while socket.read_exact(&mut request).await.is_ok() {
                    let (number, after) = request.split_at(8);
                    let after = after.try_into().map(u32::from_be_bytes).unwrap_or(0);
                    tokio::time::sleep(Duration::from_millis(after.into())).await;
                    if socket.write_all(number).await.is_err() {
                        break;
                    }
                }
            });
        }
    })
}

/// Accepts so many connections, and then sends a tick a second over each for so many seconds, all of them evenly spread.
pub(crate) fn ticks(listener: TcpListener, connections: usize, seconds: usize) -> anyhow::Result<()> {
    crate::machine::allow_files();
    let mut sockets = Vec::with_capacity(connections);
    for _ in 0..connections {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    let first = shared_ns() + 300_000_000;
    let mut tick = [0; TICK];
    for n in 0..connections * seconds {
        let due = first + n as u64 * 1_000_000_000 / connections as u64;
        let wait = due.saturating_sub(shared_ns());
        if wait > 0 {
            std::thread::sleep(Duration::from_nanos(wait));
        }
        tick[..8].copy_from_slice(&due.to_be_bytes());
        let socket = &mut sockets[n % connections];
        socket.write_all(&tick).context("a client is gone")?;
    }
    // Until every client has read its last tick and gone.
    for mut socket in sockets {
        let _ = socket.read(&mut [0]);
    }
    Ok(())
}

/// A trade in the exchange's short format, whose times and id are the only digits that change.
const TRADE: &str = r#"{"ty":"trade","cd":"KRW-BTC","tms":0000000000000,"td":"2026-11-22","ttm":"12:00:00","ttms":0000000000000,"tp":140020000,"tv":0.02121627,"ab":"BID","pcp":139500000.00000000,"c":"RISE","cp":520000.00000000,"sid":00000000000000000,"bap":140030000,"bas":0.11872904,"bbp":140020000,"bbs":0.00437181,"st":"REALTIME"}"#;

/// Milliseconds since 1970 of the first trade.
const FIRST_MS: u64 = 1_795_000_000_000;

/// Trades of one millisecond.
const PER_MS: u64 = 20;

/// Makes trades one after another, each with a head before it.
pub(crate) struct Trades {
    one: Vec<u8>,
    head: usize,
    at: [usize; 3],
    next: u64,
}

impl Trades {
    /// With these bytes before each.
    fn new(head: &[u8]) -> Self {
        let place = |name: &str| head.len() + TRADE.find(name).map_or(0, |at| at + name.len());
        Self {
            one: [head, TRADE.as_bytes()].concat(),
            head: head.len(),
            at: [place(r#""tms":"#), place(r#""ttms":"#), place(r#""sid":"#)],
            next: 0,
        }
    }

    pub(crate) fn of_websocket() -> Self {
        let [high, low] = (TRADE.len() as u16).to_be_bytes();
        Self::new(&[0x82, 126, high, low])
    }

    pub(crate) fn prefixed() -> Self {
        Self::new(&(TRADE.len() as u32).to_be_bytes())
    }

    /// The next one without its head.
    pub(crate) fn text(&mut self) -> &[u8] {
        let head = self.head;
        &self.one()[head..]
    }

    fn one(&mut self) -> &[u8] {
        let ms = FIRST_MS + self.next / PER_MS;
        digits(&mut self.one[self.at[0]..], 13, ms + 5);
        digits(&mut self.one[self.at[1]..], 13, ms);
        digits(&mut self.one[self.at[2]..], 17, ms * 10_000 + self.next % PER_MS);
        self.next += 1;
        &self.one
    }

    fn block(&mut self, count: usize, to: &mut Vec<u8>) {
        to.clear();
        for _ in 0..count {
            to.extend_from_slice(self.one());
        }
    }
}

fn digits(to: &mut [u8], count: usize, mut value: u64) {
    for place in to[..count].iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Sends so many trades to each client, each behind its length in four bytes, as fast as it takes them.
pub(crate) fn prefixed(listener: TcpListener, count: usize) -> anyhow::Result<()> {
    loop {
        let (mut socket, _) = listener.accept()?;
        std::thread::spawn(move || send(&mut socket, Trades::prefixed(), count, 0));
    }
}

/// The same over WebSocket, `rate` a second; 0 is as fast as the client takes them.
pub(crate) fn frames(listener: TcpListener, count: usize, rate: usize) -> anyhow::Result<()> {
    loop {
        let (socket, _) = listener.accept()?;
        std::thread::spawn(move || {
            let mut socket = tokio_tungstenite::tungstenite::accept(socket).ok()?;
            send(socket.get_mut(), Trades::of_websocket(), count, rate)
        });
    }
}

fn send(socket: &mut TcpStream, mut trades: Trades, count: usize, rate: usize) -> Option<()> {
    let (mut block, mut sent, began) = (Vec::new(), 0, Instant::now());
    while sent < count {
        let now = match rate {
            0 => 1_000.min(count - sent),
            _ => {
                // One at a time, each when it is due: as a market does, and unlike a block.
                let due = began + Duration::from_secs_f64(sent as f64 / rate as f64);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                1
            }
        };
        trades.block(now, &mut block);
        socket.write_all(&block).ok()?;
        sent += now;
    }
    // Until the client goes.
    while socket.read(&mut [0; 512]).ok()? > 0 {}
    Some(())
}
