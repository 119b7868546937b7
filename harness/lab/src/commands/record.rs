//! `record`: raw frames with the time of their arrival, as a capture.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use exchange::capture::{self, Writer};
use exchange::{Exchange, ExchangeConfig};
use futures_util::{SinkExt, StreamExt};
use market::Market;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::cli::{From, RecordArgs};
use crate::note;
use crate::run::stop::Stop;
use crate::text;
use crate::upbit::Upbit;
use crate::values::{Markets, Rate};

/// Upbit closes a connection that is silent for two minutes.
const PING_EVERY: Duration = Duration::from_secs(20);

pub(crate) fn run(args: &RecordArgs) -> anyhow::Result<ExitCode> {
    ensure!(
        !args.file.exists(),
        "{} exists, and a recording cannot be made again: give another name, or remove it",
        args.file.display()
    );
    if let Some(foreign) = &args.import {
        let frames = capture::import(foreign, &args.file)?;
        note(&format!(
            "{} in {}",
            text::plural(frames, "frame", "frames"),
            args.file.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = super::runtime()?;
    let done = runtime.block_on(async {
        let stop = Stop::listen()?;
        match args.from {
            From::Upbit => from_upbit(args, &stop).await,
            From::Exchange => from_exchange(args, &stop).await,
        }
    });
    runtime.shutdown_background();
    done.map(|()| ExitCode::SUCCESS)
}

async fn from_upbit(args: &RecordArgs, stop: &Stop) -> anyhow::Result<()> {
    let upbit = Upbit(&args.upbit);
    let markets = upbit.markets(&args.markets).await?;
    let url = upbit.urls().ws;
    let stream = upbit.connect().await?;
    let mut writer = Writer::create(&args.file, &url, &markets)?;
    record(stream, &url, &markets, &mut writer, args.length, stop).await?;
    finish(writer, &args.file)
}

async fn from_exchange(args: &RecordArgs, stop: &Stop) -> anyhow::Result<()> {
    let Markets::Count(markets) = args.markets else {
        bail!("--from exchange takes a number of markets, such as --markets 120");
    };
    let rate = match args.rate {
        Rate::PerSecond(rate) => exchange::Rate::PerSecond(rate),
        Rate::Max => exchange::Rate::Max,
    };
    // The exchange remembers what it sent; nobody will ask.
    let journal =
        tempfile::tempdir().context("no temporary folder can be made; set TMPDIR to one that can be written")?;
    let source = exchange::Source::Generate {
        seed: args.seed,
        markets,
        rate,
    };
    let exchange = Exchange::start(ExchangeConfig::new(source, journal.path().join("journal"))).await?;
    let (url, markets) = (exchange.ws_url(), exchange.markets().to_vec());
    let address = url
        .strip_prefix("ws://")
        .and_then(|rest| rest.split('/').next())
        .context("an address without a host")?;
    let stream = TcpStream::connect(address).await?;
    // The address of a moment tells a reader nothing; how to make the same recording does.
    let source = format!("generator, seed {}, {}", args.seed, args.rate);
    let mut writer = Writer::create(&args.file, &source, &markets)?;
    exchange.begin();
    record(stream, &url, &markets, &mut writer, args.length, stop).await?;
    finish(writer, &args.file)
}

fn finish(mut writer: Writer, file: &Path) -> anyhow::Result<()> {
    writer.flush()?;
    note(&format!(
        "{} in {}",
        text::plural(writer.frames(), "frame", "frames"),
        file.display()
    ));
    note(&format!(
        "replay: ./lab up --source capture --capture {}",
        file.display()
    ));
    Ok(())
}

/// Subscribes and writes every frame until the time is over or an end is wished for.
async fn record(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    url: &str,
    markets: &[Market],
    writer: &mut Writer,
    length: Duration,
    stop: &Stop,
) -> anyhow::Result<()> {
    let (mut socket, _) = client_async(url, stream)
        .await
        .with_context(|| format!("{url} refused the connection"))?;
    socket
        .send(Message::text(capture::subscription("tickbook-record", markets)))
        .await?;
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let (begun, end) = (Instant::now(), tokio::time::sleep(length));
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return Ok(()),
            () = stop.wished(1) => return Ok(()),
            _ = ping.tick() => socket.send(Message::Ping(Vec::new().into())).await?,
            _ = second.tick() => {
                let frames = text::plural(writer.frames(), "frame", "frames");
                note(&format!("{} / {}  {frames}", text::clock(begun.elapsed()), text::clock(length)));
            }
            message = socket.next() => match message {
                Some(Ok(Message::Binary(frame))) => writer.write(now_us(), &frame)?,
                Some(Ok(Message::Text(frame))) => writer.write(now_us(), frame.as_bytes())?,
                Some(Ok(Message::Close(_))) | None => {
                    writer.flush()?;
                    bail!("{url} closed the connection after {}; what came before is in the file", text::clock(begun.elapsed()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    writer.flush()?;
                    bail!("the connection to {url} broke ({error}); what came before is in the file");
                }
            },
        }
    }
}

fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
