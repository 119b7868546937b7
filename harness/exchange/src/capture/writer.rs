//! Writes a capture.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use market::Market;

use super::{FrameLine, HeaderLine};
use crate::CaptureError;

/// Writes a capture, frame by frame.
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    frames: u64,
    last_us: i64,
}

impl Writer {
    /// Makes the file and writes its header.
    ///
    /// # Errors
    /// [`CaptureError`] if it cannot be made; a file of that name is not overwritten, a recording cannot be made again.
    pub fn create(path: &Path, source: &str, markets: &[Market]) -> Result<Self, CaptureError> {
        let file = File::create_new(path).map_err(CaptureError::io(path, "made"))?;
        let mut writer = Self {
            path: path.into(),
            file: BufWriter::new(file),
            frames: 0,
            last_us: i64::MIN,
        };
        writer.line(&HeaderLine {
            format: "tickbook-capture".into(),
            version: 1,
            source: source.into(),
            markets: markets.to_vec(),
        })?;
        Ok(writer)
    }

    /// Appends a frame as it was received, at `received_us` microseconds since 1970-01-01 UTC. A wall clock may be set back,
    /// and the times of a capture do not fall: the time of the frame before stands for one below it.
    ///
    /// # Errors
    /// [`CaptureError`] if the file cannot be written.
    pub fn write(&mut self, received_us: i64, frame: &[u8]) -> Result<(), CaptureError> {
        let received_us = received_us.max(self.last_us);
        let line = match std::str::from_utf8(frame) {
            Ok(text) => FrameLine {
                received_us,
                frame: Some(Cow::Borrowed(text)),
                frame_hex: None,
            },
            Err(_) => {
                let hex = frame.iter().fold(String::new(), |mut hex, byte| {
                    let _ = write!(hex, "{byte:02x}"); // writing into a String cannot fail
                    hex
                });
                FrameLine {
                    received_us,
                    frame: None,
                    frame_hex: Some(hex),
                }
            }
        };
        self.line(&line)?;
        self.last_us = received_us;
        self.frames += 1;
        Ok(())
    }

    fn line(&mut self, line: &impl serde::Serialize) -> Result<(), CaptureError> {
        let mut text = serde_json::to_vec(line)
            .map_err(std::io::Error::from)
            .map_err(CaptureError::io(&self.path, "written"))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .map_err(CaptureError::io(&self.path, "written"))
    }

    /// Frames written so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Hands what is buffered to the file: a recording should do so every second, so that a crash costs no more.
    ///
    /// # Errors
    /// [`CaptureError`] if the file cannot be written.
    pub fn flush(&mut self) -> Result<(), CaptureError> {
        self.file.flush().map_err(CaptureError::io(&self.path, "written"))
    }
}
