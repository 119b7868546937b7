//! receive: how many trades a second come through the feed, what reading them adds, and how much of a thread a market takes.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use feed::FeedConfig;
use futures_util::StreamExt as _;
use market::Decode;
use measure::Teller;

use crate::decode::{Numbering, Plain};
use crate::part::Part;
use crate::python::Python;
use crate::run::{Figures, Run, cpu, one_thread};

/// Who receives, what is read of each trade, and how many come a second; 0 is as many as are taken.
const ARMS: [(&str, &str, usize); 11] = [
    ("bare", "no", 0),
    ("feed", "no", 0),
    ("feed", "json", 0),
    ("asyncio-streams", "no", 0),
    ("asyncio-streams", "json", 0),
    ("asyncio-protocol", "no", 0),
    ("asyncio-protocol", "json", 0),
    ("feed", "json", 100),
    ("feed", "json", 2_000),
    ("asyncio-streams", "json", 100),
    ("asyncio-streams", "json", 2_000),
];

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let python = Python::find();
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(rounds * ARMS.len());
    let mut figures = Figures::default();
    for _ in 0..rounds {
        for (client, parse, rate) in ARMS {
            let shown = if rate == 0 { "max".to_owned() } else { rate.to_string() };
            teller.step(&format!("{client}, parse: {parse}, {shown} a second"));
            let count = match (client, rate) {
                ("bare" | "feed", 0) => run.pick(1_000_000, 400_000, 500),
                (_, 0) => run.pick(200_000, 60_000, 500),
                _ => run.pick(rate * 5, rate * 2, rate / 20),
            };
            let server = Part::start(&format!("frames {count} {rate}"))?;
            let address = server.address()?.to_string();
            let (began, used) = (Instant::now(), cpu());
            let python_seen = match client {
                "bare" => one_thread()?.block_on(bare(&address, count)).map(|()| None)?,
                "feed" => one_thread()?
                    .block_on(through_the_feed(&address, parse, count))
                    .map(|()| None)?,
                _ => match &python {
                    Ok(python) => {
                        let port = address.rsplit(':').next().context("a port")?;
                        let words = [client, parse, port, &count.to_string(), "websocket"];
                        Some(python.run(include_str!("python/feed.py"), &words)?)
                    }
                    Err(why) => {
                        figures.lacks(why.clone());
                        continue;
                    }
                },
            };
            let told = |name: &str| python_seen.as_ref().and_then(|seen| seen.get(name)?.as_f64());
            let seconds = told("seconds").unwrap_or(began.elapsed().as_secs_f64());
            let used = told("cpu").unwrap_or((cpu() - used).as_secs_f64());
            if let Some(came) = told("count") {
                anyhow::ensure!(came as usize == count, "{came} trades of {count} came to {client}");
            }
            let arm = format!("client={client} parse={parse} rate={shown}");
            if rate == 0 {
                figures.add(&arm, "rate", count as f64 / seconds, count as u64);
            }
            figures.add(&arm, "cpu", used * 1e6 / count as f64, count as u64);
            figures.add(&arm, "busy", 100.0 * used / seconds, count as u64);
        }
    }
    if python.is_ok() {
        figures.lacks(
            "Python's frames are read by hand here, with the standard library: a client library does more for each of them, and is slower.".into(),
        );
    }
    figures.tell(&teller);
    Ok(())
}

/// The floor: a client that reads frames, and does nothing else.
async fn bare(address: &str, count: usize) -> anyhow::Result<()> {
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/")).await?;
    for _ in 0..count {
        let message = socket.next().await.context("the server is gone")??;
        std::hint::black_box(message);
    }
    Ok(())
}

async fn through_the_feed(address: &str, parse: &str, count: usize) -> anyhow::Result<()> {
    let decode: Arc<dyn Decode> = match parse {
        "json" => Arc::new(Plain),
        _ => Arc::new(Numbering::new()?),
    };
    let config = FeedConfig::new(
        format!("ws://{address}/").parse()?,
        "http://127.0.0.1:9/v1".parse()?,
        vec!["KRW-BTC".parse()?],
    );
    let (feed, mut batches) = feed::connect(config, decode)?;
    let mut came = 0;
    while came < count {
        let batch = batches.recv().await.context("the feed has ended")?;
        anyhow::ensure!(
            batch.bad.is_empty(),
            "a frame could not be read: {:?}",
            batch.bad.first()
        );
        came += batch.trades.len();
    }
    anyhow::ensure!(came == count, "{came} trades of {count} came");
    drop(feed);
    Ok(())
}
