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
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::cli::{From, RecordArgs};
use crate::note;
use crate::run::stop::Stop;
use crate::text;
use crate::upbit::Upbit;
use crate::values::{Markets, Rate};

/// Upbit closes a connection that is silent for two minutes.
const PING_EVERY: Duration = Duration::from_secs(20);

/// How long an exchange may take to answer the request for a WebSocket.
const ANSWER: Duration = Duration::from_secs(10);

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
    let url = upbit.urls().ws;
    let connected = async {
        let markets = upbit.markets(&args.markets).await?;
        let socket = subscribe(upbit.connect().await?, &url, &markets).await?;
        anyhow::Ok((markets, socket))
    };
    let (markets, socket) = unless_stopped(connected, stop).await?;
    let mut writer = Writer::create(&args.file, &url, &markets)?;
    record(socket, &url, &mut writer, args.length, stop).await?;
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
    let connected = async { subscribe(TcpStream::connect(address).await?, &url, &markets).await };
    let socket = unless_stopped(connected, stop).await?;
    // The address of a moment tells a reader nothing; how to make the same recording does.
    let source = format!("generator, seed {}, {}", args.seed, args.rate);
    let mut writer = Writer::create(&args.file, &source, &markets)?;
    exchange.begin();
    record(socket, &url, &mut writer, args.length, stop).await?;
    if let Some(why) = exchange.failure() {
        writer.flush()?;
        bail!("{why}; what came before is in the file");
    }
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

/// What comes before there is anything to record: an end that is wished for ends it at once, and leaves no file behind.
async fn unless_stopped<T>(connecting: impl Future<Output = anyhow::Result<T>>, stop: &Stop) -> anyhow::Result<T> {
    tokio::select! {
        connected = connecting => connected,
        () = stop.wished(1) => bail!("stopped before the exchange had answered; nothing was recorded"),
    }
}

/// Opens a WebSocket on a stream, and asks for everything that a recording keeps.
async fn subscribe<S>(stream: S, url: &str, markets: &[Market]) -> anyhow::Result<WebSocketStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let subscribed = async {
        let (mut socket, _) = client_async(url, stream)
            .await
            .with_context(|| format!("{url} refused the connection; check the address"))?;
        let subscription = Message::text(capture::subscription("tickbook-record", markets));
        socket.send(subscription).await?;
        Ok(socket)
    };
    match tokio::time::timeout(ANSWER, subscribed).await {
        Ok(socket) => socket,
        Err(_) => bail!(
            "{url} took the connection and did not answer for {} s; check the address, or try again later",
            ANSWER.as_secs()
        ),
    }
}

/// Writes every frame until the time is over, an end is wished for, or the connection ends.
async fn record<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    url: &str,
    writer: &mut Writer,
    length: Duration,
    stop: &Stop,
) -> anyhow::Result<()> {
    // Around everything, pings too: a peer that takes nothing any more holds up neither the end nor a Ctrl-C.
    tokio::select! {
        ended = write_frames(socket, url, writer, length) => ended,
        () = tokio::time::sleep(length) => Ok(()),
        () = stop.wished(1) => Ok(()),
    }
}

async fn write_frames<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    url: &str,
    writer: &mut Writer,
    length: Duration,
) -> anyhow::Result<()> {
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let begun = Instant::now();
    loop {
        let message = tokio::select! {
            _ = ping.tick() => match socket.send(Message::Ping(Vec::new().into())).await {
                Ok(()) => continue,
                Err(error) => Some(Err(error)),
            },
            _ = second.tick() => {
                // So that a crash costs a second of what cannot be recorded again.
                writer.flush()?;
                let frames = text::plural(writer.frames(), "frame", "frames");
                note(&format!("{} / {}  {frames}", text::clock(begun.elapsed()), text::clock(length)));
                continue;
            }
            message = socket.next() => message,
        };
        match message {
            Some(Ok(Message::Binary(frame))) => writer.write(now_us(), &frame)?,
            Some(Ok(Message::Text(frame))) => writer.write(now_us(), frame.as_bytes())?,
            Some(Ok(Message::Close(_))) | None => {
                writer.flush()?;
                bail!(
                    "{url} closed the connection after {}; what came before is in the file",
                    text::clock(begun.elapsed())
                );
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                writer.flush()?;
                bail!("the connection to {url} broke ({error}); what came before is in the file");
            }
        }
    }
}

fn now_us() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use exchange::capture::Reader;
    use tokio::io::DuplexStream;
    use tokio_tungstenite::accept_async;

    use super::*;

    const URL: &str = "ws://peer.example/websocket/v1";

    fn markets() -> Vec<Market> {
        vec!["KRW-BTC".parse().unwrap()]
    }

    fn capture(dir: &tempfile::TempDir) -> (PathBuf, Writer) {
        let path = dir.path().join("a.capture.jsonl");
        let writer = Writer::create(&path, URL, &markets()).unwrap();
        (path, writer)
    }

    /// Both ends of a connection, subscribed.
    async fn connected(between: usize) -> (WebSocketStream<DuplexStream>, WebSocketStream<DuplexStream>) {
        let (near, far) = tokio::io::duplex(between);
        let accepted = async {
            let mut far = accept_async(far).await.unwrap();
            let asked = far.next().await.unwrap().unwrap().into_text().unwrap();
            assert!(asked.contains("KRW-BTC"), "{asked}");
            far
        };
        let markets = markets();
        let (near, far) = tokio::join!(subscribe(near, URL, &markets), accepted);
        (near.unwrap(), far)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_accepts_and_never_answers_is_given_up_in_ten_seconds() {
        let (near, _far) = tokio::io::duplex(1 << 16);
        let from = tokio::time::Instant::now();
        let told = subscribe(near, URL, &markets()).await.err().unwrap().to_string();
        assert_eq!(from.elapsed(), ANSWER);
        assert!(told.contains("did not answer for 10 s; check the address"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wish_to_end_is_heard_before_the_peer_has_answered() {
        let (near, _far) = tokio::io::duplex(1 << 16);
        let stop = Stop::listen().unwrap();
        stop.wish();
        let from = tokio::time::Instant::now();
        let markets = markets();
        let told = unless_stopped(subscribe(near, URL, &markets), &stop)
            .await
            .err()
            .unwrap();
        assert!(told.to_string().contains("nothing was recorded"), "{told}");
        assert!(from.elapsed() < ANSWER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_is_in_the_file_within_a_second_while_the_recording_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut writer) = capture(&dir);
        let (near, mut far) = connected(1 << 16).await;
        let stop = Stop::listen().unwrap();
        let recording = record(near, URL, &mut writer, Duration::from_secs(3_600), &stop);
        let looking = async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            far.send(Message::binary(&b"{}"[..])).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            let frames = Reader::open(&path).unwrap().map(|captured| captured.unwrap().frame);
            assert_eq!(frames.collect::<Vec<_>>(), [b"{}"]);
            stop.wish();
        };
        let (recorded, ()) = tokio::join!(recording, looking);
        recorded.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_is_over_also_when_the_peer_takes_nothing_any_more() {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut writer) = capture(&dir);
        let (near, far) = connected(64).await;
        let stop = Stop::listen().unwrap();
        let from = tokio::time::Instant::now();
        // Ten pings fill what is between the two; the peer reads none.
        let length = 15 * PING_EVERY;
        record(near, URL, &mut writer, length, &stop).await.unwrap();
        assert_eq!(from.elapsed(), length);
        drop(far);
    }
}
