//! Reads a capture, line by line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::{FrameLine, Header, HeaderLine};
use crate::CaptureError;

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it was received, in microseconds since 1970-01-01 UTC.
    pub received_us: i64,
    /// Its bytes.
    pub frame: Vec<u8>,
}

/// Streams the frames of a capture. After an error it ends.
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    line: u64,
    text: String,
    received_us: i64,
    ended: bool,
}

impl Reader {
    /// Opens a capture and reads its header.
    ///
    /// # Errors
    /// [`CaptureError`] if it cannot be read or its first line is no header.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(CaptureError::io(path, "opened"))?;
        let mut file = BufReader::with_capacity(1 << 18, file);
        let mut text = String::new();
        file.read_line(&mut text).map_err(CaptureError::io(path, "read"))?;
        let head: HeaderLine = serde_json::from_str(&text)
            .map_err(|error| CaptureError::line(path, 1, format!(
                "this is no capture's header; a recording of another program becomes one with ./lab record --import ({error})"
            )))?;
        if head.format != "tickbook-capture" || head.version != 1 {
            return Err(CaptureError::line(path, 1, "want format tickbook-capture, version 1"));
        }
        Ok(Self {
            path: path.into(),
            file,
            header: Header {
                source: head.source,
                markets: head.markets,
            },
            line: 1,
            text,
            received_us: i64::MIN,
            ended: false,
        })
    }

    /// What the first line says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn read(&mut self) -> Result<Option<Captured>, CaptureError> {
        self.text.clear();
        let bytes = self
            .file
            .read_line(&mut self.text)
            .map_err(CaptureError::io(&self.path, "read"))?;
        if bytes == 0 || !self.text.ends_with('\n') {
            return Ok(None); // the end, or a line that a crash cut short
        }
        self.line += 1;
        let wrong = |detail: String| CaptureError::line(&self.path, self.line, detail);
        let line: FrameLine<'_> = serde_json::from_str(&self.text).map_err(|error| wrong(error.to_string()))?;
        if line.received_us < self.received_us {
            return Err(wrong(format!(
                "received_us falls from {} to {}",
                self.received_us, line.received_us
            )));
        }
        let frame = match (line.frame, line.frame_hex) {
            (Some(text), None) => text.into_owned().into_bytes(),
            (None, Some(hex)) => from_hex(&hex).ok_or_else(|| wrong("frame_hex is not hex".into()))?,
            _ => return Err(wrong("want one of frame and frame_hex".into())),
        };
        self.received_us = line.received_us;
        Ok(Some(Captured {
            received_us: line.received_us,
            frame,
        }))
    }
}

impl Iterator for Reader {
    type Item = Result<Captured, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.read().transpose();
        self.ended = !matches!(read, Some(Ok(_)));
        read
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    hex.len().is_multiple_of(2).then_some(())?;
    hex.as_bytes().chunks_exact(2).map(pair).collect()
}
