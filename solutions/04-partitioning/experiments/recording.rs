//! The trades of the recording that the environment names, as far as placement needs them.

use std::path::{Path, PathBuf};

use market::{Identity, Market};
use serde::Deserialize;

const NAMED_BY: &str = "TICKBOOK_CAPTURE";

/// A line of a capture, or of a recording made by somebody else.
#[derive(Deserialize)]
struct Line {
    #[serde(default, alias = "raw")]
    frame: Option<String>,
}

#[derive(Deserialize)]
struct Frame {
    #[serde(default, alias = "ty", rename = "type")]
    kind: String,
    #[serde(default, alias = "cd")]
    code: Option<Market>,
    #[serde(default, alias = "sid")]
    sequential_id: Option<u64>,
}

/// Its trades in the order in which they were received, or a sentence that says why there are none.
pub(crate) fn trades() -> Result<Vec<Identity>, String> {
    let Some(path) = std::env::var_os(NAMED_BY).map(PathBuf::from) else {
        return Err(format!(
            "There is no point for a recording of the real exchange: {NAMED_BY} names no file. Record one with ./lab record \
             and run this again with {NAMED_BY} set to it."
        ));
    };
    let trades = read(&path).and_then(|trades| match trades.is_empty() {
        true => Err("it holds no trade".into()),
        false => Ok(trades),
    });
    trades.map_err(|why| format!("There is no point for the recording {}: {why}.", path.display()))
}

fn read(path: &Path) -> Result<Vec<Identity>, String> {
    let text = std::fs::read_to_string(path).map_err(|why| why.to_string())?;
    let mut trades = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let at = |what: String| format!("line {number}: {what}");
        let line: Line = serde_json::from_str(line).map_err(|why| at(why.to_string()))?;
        let Some(frame) = line.frame else { continue }; // a header
        // Two of the four formats wrap the object in an array of one.
        let frame = frame.trim().trim_start_matches('[').trim_end_matches(']');
        // What is no object of this shape is an answer to a ping, or another kind of frame.
        let Ok(frame) = serde_json::from_str::<Frame>(frame) else {
            continue;
        };
        match (frame.kind.as_str(), frame.code, frame.sequential_id) {
            ("trade", Some(market), Some(sequential_id)) => trades.push(Identity { market, sequential_id }),
            ("trade", ..) => return Err(at("a trade without a code or a number".into())),
            _ => {}
        }
    }
    Ok(trades)
}
