//! Records a small capture from an exchange of its own: `cargo run --release -p exchange --example capture -- FILE`.

#![allow(clippy::print_stdout)] // a tool for the terminal

use std::path::PathBuf;

use exchange::{Exchange, ExchangeConfig, Rate, Source, capture};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

const FRAMES: u64 = 2_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args_os().nth(1).ok_or("say which file to write")?);
    let dir = tempfile::tempdir()?;
    let source = Source::Generate {
        seed: 2021,
        markets: 30,
        rate: Rate::PerSecond(200.0),
    };
    let exchange = Exchange::start(ExchangeConfig::new(source, dir.path())).await?;
    let (mut ws, _) = tokio_tungstenite::connect_async(exchange.ws_url()).await?;
    // SIMPLE: two thirds of the size, for a file that every clone carries.
    let message = capture::subscription("capture", exchange.markets()).replace("DEFAULT", "SIMPLE");
    ws.send(Message::text(message)).await?;
    exchange.begin();
    let mut writer = capture::Writer::create(&path, "an exchange of this project, seed 2021", exchange.markets())?;
    while writer.frames() < FRAMES {
        let Some(message) = ws.next().await else { break };
        if let Message::Binary(frame) = message? {
            let received = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
            writer.write(i64::try_from(received.as_micros())?, &frame)?;
        }
    }
    writer.flush()?;
    println!("{} frames in {}", writer.frames(), path.display());
    Ok(())
}
