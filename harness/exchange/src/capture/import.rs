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
    // Twice through the file: the markets stand in the first line, and a day's recording does not fit into memory.
    let mut markets: Vec<Market> = Vec::new();
    for line in lines(from)? {
        let (n, line) = line?;
        if let Some(trade) = TradeText::parse(line.raw.as_bytes()).map_err(|why| CaptureError::line(from, n, why))?
            && !markets.contains(&trade.market)
        {
            markets.push(trade.market);
        }
    }
    let source = from
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut writer = Writer::create(to, &source, &markets)?;
    for line in lines(from)? {
        let (_, line) = line?;
        writer.write(line.recv_us, line.raw.as_bytes())?;
    }
    writer.flush()?;
    Ok(writer.frames())
}

/// The data frames of a foreign recording, with the number of each line.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(u64, ForeignLine), CaptureError>>, CaptureError> {
    let file = File::open(path).map_err(CaptureError::io(path, "opened"))?;
    let read = move |(n, line): (u64, std::io::Result<String>)| {
        let line = line.map_err(CaptureError::io(path, "read"))?;
        let line: ForeignLine =
            serde_json::from_str(&line).map_err(|error| CaptureError::line(path, n, error.to_string()))?;
        Ok((n, line))
    };
    // Pings and closes are the connection's, not the market's.
    let is_data = |line: &Result<(u64, ForeignLine), CaptureError>| {
        line.as_ref().map_or(true, |(_, line)| {
            matches!(line.opcode.as_deref(), None | Some("binary" | "text"))
        })
    };
    Ok((1..).zip(BufReader::new(file).lines()).map(read).filter(is_data))
}
