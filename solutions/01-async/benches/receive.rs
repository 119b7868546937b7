//! How fast frames are received: by a bare tungstenite loop (the floor), and by the feed, which also decodes (here: with a
//! decoder that costs nothing), judges, and hands over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feed::FeedConfig;
use futures_util::{SinkExt, StreamExt};
use market::{Decode, EventTime, Frame, Side, Trade, Undecodable};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;

const FRAMES: u64 = 200_000;

/// As long as a SIMPLE trade frame.
const FRAME: &[u8; 290] = &[b' '; 290];

/// Numbers the frames: what a frame holds is not the question.
struct Numbering(Trade, AtomicU64);

impl Decode for Numbering {
    fn frame(&self, _: &[u8]) -> Result<Frame, Undecodable> {
        let id = self.1.fetch_add(1, Relaxed);
        let event_time = EventTime::from_millis(id as i64 / 100);
        let trade = Trade {
            sequential_id: id,
            event_time,
            ..self.0
        };
        Ok(Frame::Trade { trade, snapshot: false })
    }

    fn ticks(&self, _: &[u8]) -> Result<Vec<Trade>, Undecodable> {
        Ok(Vec::new())
    }
}

/// A server that answers every subscription with all frames.
async fn server() -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    let mut one = vec![0x82, 126, 1, 34]; // binary, whole, 290 bytes
    one.extend_from_slice(FRAME);
    let block: Arc<[u8]> = one.repeat(1000).into();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let block = block.clone();
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(tcp).await.ok()?;
                socket.next().await?.ok()?;
                for _ in 0..FRAMES / 1000 {
                    socket.get_mut().write_all(&block).await.ok()?;
                }
                while socket.next().await.is_some() {}
                Some(())
            });
        }
    });
    Ok(url)
}

async fn bare(url: &str) -> Option<Duration> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.ok()?;
    socket.send(Message::text("[]")).await.ok()?;
    let began = Instant::now();
    for _ in 0..FRAMES {
        std::hint::black_box(socket.next().await?.ok()?);
    }
    Some(began.elapsed())
}

async fn feed(url: &str) -> Option<Duration> {
    let trade = Trade {
        market: "KRW-BTC".parse().ok()?,
        sequential_id: 0,
        event_time: EventTime::from_millis(0),
        sent_time: EventTime::from_millis(0),
        price: "1".parse().ok()?,
        volume: "1".parse().ok()?,
        side: Side::Bid,
    };
    let config = FeedConfig::new(
        url.parse().ok()?,
        "http://127.0.0.1:9/v1".parse().ok()?,
        vec![trade.market],
    );
    let (feed, mut batches) = feed::connect(config, Arc::new(Numbering(trade, AtomicU64::new(0)))).ok()?;
    let first = batches.recv().await?;
    let began = Instant::now();
    let mut count = first.trades.len() as u64;
    while count < FRAMES {
        count += batches.recv().await?.trades.len() as u64;
    }
    feed.stop();
    Some(began.elapsed())
}

fn receive(criterion: &mut Criterion) {
    let Ok(runtime) = Runtime::new() else {
        panic!("no runtime");
    };
    let Ok(url) = runtime.block_on(server()) else {
        panic!("no free port");
    };
    let mut group = criterion.benchmark_group("solution-01-async/receive");
    group.throughput(Throughput::Elements(FRAMES)).sample_size(10);
    let sum = |times: u64, one: &dyn Fn() -> Option<Duration>| {
        (0..times)
            .map(|_| one().unwrap_or_else(|| panic!("the connection broke")))
            .sum()
    };
    group.bench_function("floor-bare-tungstenite", |bencher| {
        bencher.iter_custom(|times| sum(times, &|| runtime.block_on(bare(&url))));
    });
    group.bench_function("feed", |bencher| {
        bencher.iter_custom(|times| sum(times, &|| runtime.block_on(feed(&url))));
    });
    group.finish();
}

criterion_group!(benches, receive);
criterion_main!(benches);
