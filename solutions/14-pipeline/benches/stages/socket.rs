//! Receiving frames from a socket, batched by the server or one write each.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use market::{Decode, Trade};
use measure::{Cost, Stage, Whose};
use ref_01::FeedConfig;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

use crate::Size;
use crate::trades::{frame, trades};

pub(crate) fn costs(size: Size) -> Vec<Cost> {
    let mut costs = received(size, 1_000, "batched by the server");
    costs.extend(received(size, 1, "one write per frame"));
    costs
}

fn received(size: Size, batch: usize, how: &str) -> Vec<Cost> {
    let all = trades(size.of(400_000), 100);
    let count = all.len() as u64;
    let (bytes, url) = serve_frames(&all, batch, 1);
    let markets = trades(10_000, 100)
        .iter()
        .map(|trade| trade.market)
        .collect::<std::collections::BTreeSet<_>>();
    // The server's thread is not counted: the client's work is all on this one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    Stage::new("receive a frame", count, bytes)
        .counting(Whose::Thread)
        .floor(format!("tungstenite and decode, {how}"), || bare(&runtime, &url, count))
        .way(format!("feed and decode, {how}"), || {
            let mut config = FeedConfig::new(
                url.parse().unwrap(),
                "http://127.0.0.1:9/v1".parse().unwrap(),
                markets.iter().copied().collect(),
            );
            config.snapshot_wait = std::time::Duration::ZERO;
            runtime.block_on(async {
                let (feed, mut batches) = ref_01::connect(config, Arc::new(wire::FrameDecoder)).unwrap();
                let mut seen = 0;
                while seen < count {
                    let batch = batches.recv().await.unwrap();
                    seen += black_box(&batch.trades).len() as u64;
                }
                feed.stop();
            });
        })
        .run(size.rounds)
}

/// Appends a binary frame as a server writes it.
fn framed(payload: &[u8], to: &mut Vec<u8>) {
    to.push(0x82);
    if payload.len() < 126 {
        to.push(payload.len() as u8);
    } else {
        to.push(126);
        to.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    }
    to.extend_from_slice(payload);
}

/// Answers every subscription with a frame for each trade, `batch` of them in a write, all of them `times` over. Returns the
/// mean bytes of a frame, and where.
pub(crate) fn serve_frames(all: &[Trade], batch: usize, times: usize) -> (f64, String) {
    let write = |trades: &[Trade]| {
        let mut write = Vec::new();
        for trade in trades {
            framed(frame(trade).as_bytes(), &mut write);
        }
        write
    };
    let writes: Arc<Vec<Vec<u8>>> = Arc::new(all.chunks(batch).map(write).collect());
    let bytes = writes.iter().map(Vec::len).sum::<usize>() as f64 / all.len() as f64;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let writes = Arc::clone(&writes);
            std::thread::spawn(move || {
                socket.set_nodelay(true).ok()?;
                let mut socket = tungstenite_server(socket)?;
                for write in std::iter::repeat_n(&writes, times).flat_map(|writes| writes.iter()) {
                    socket.write_all(write).ok()?;
                }
                // Until the client goes.
                let mut rest = [0; 256];
                while socket.read(&mut rest).is_ok_and(|n| n > 0) {}
                Some(())
            });
        }
    });
    (bytes, url)
}

/// The handshake and the subscription; what comes after them is written by hand.
fn tungstenite_server(socket: std::net::TcpStream) -> Option<std::net::TcpStream> {
    let mut socket = tokio_tungstenite::tungstenite::accept(socket).ok()?;
    socket.read().ok()?;
    socket.get_ref().try_clone().ok()
}

fn bare(runtime: &Runtime, url: &str, count: u64) {
    runtime.block_on(async {
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        socket.send(Message::text("[]")).await.unwrap();
        for _ in 0..count {
            let frame = socket.next().await.unwrap().unwrap();
            black_box(wire::FrameDecoder.frame(&frame.into_data()).unwrap());
        }
    });
}
