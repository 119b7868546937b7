//! Takes over recordings made by others: lines of `{"recv_us":…,"opcode":"binary","raw":"…"}`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use market::Market;

use super::Writer;
use crate::CaptureError;
use crate::source::TradeText;

#[derive(serde::Deserialize)]
struct ForeignLine {
    recv_us: i64,
    #[serde(default)]
    opcode: Option<String>,
    raw: String,
}

/// Turns a recording of lines `{"recv_us":…,"opcode":"binary"|"text","raw":"…"}` into a capture at `to`: every frame, of
/// whatever kind, in its own words. The markets of the header are those that trades were seen of. Returns how many frames
/// there were.
///
/// # Errors
/// [`CaptureError`], with the number of the line where one is not as it should be; also for a trade whose price or volume
/// cannot be kept exactly.
pub fn import(from: &Path, to: &Path) -> Result<u64, CaptureError> {
    let mut frames = Vec::new();
    let mut markets: Vec<Market> = Vec::new();
    let file = File::open(from).map_err(CaptureError::io(from, "opened"))?;
    for (n, line) in BufReader::new(file).lines().enumerate() {
        let n = n as u64 + 1;
        let line = line.map_err(CaptureError::io(from, "read"))?;
        let line: ForeignLine =
            serde_json::from_str(&line).map_err(|error| CaptureError::line(from, n, error.to_string()))?;
        if !matches!(line.opcode.as_deref(), None | Some("binary" | "text")) {
            continue; // pings and closes: the connection's, not the market's
        }
        if let Some(trade) = TradeText::parse(line.raw.as_bytes()).map_err(|why| CaptureError::line(from, n, why))?
            && !markets.contains(&trade.market)
        {
            markets.push(trade.market);
        }
        frames.push(line);
    }
    let source = from
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut writer = Writer::create(to, &source, &markets)?;
    for line in frames {
        writer.write(line.recv_us, line.raw.as_bytes())?;
    }
    writer.flush()?;
    Ok(writer.frames())
}
