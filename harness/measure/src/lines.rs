//! Files of JSON lines that are only ever added to: a crash costs at most the last line.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::BrokenLine;

/// Reads every line of a file, and says which could not be read; a file that is not there has none.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read<T: DeserializeOwned>(file: &Path, what: &str) -> std::io::Result<(Vec<T>, Vec<BrokenLine>)> {
    let bytes = match std::fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
        other => other?,
    };
    let (mut read, mut broken) = (Vec::new(), Vec::new());
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(value) => read.push(value),
            Err(error) => broken.push(BrokenLine {
                file: file.to_path_buf(),
                line: at + 1,
                what: format!("no {what} ({error}); delete this line, the others are used"),
            }),
        }
    }
    Ok((read, broken))
}

/// Adds a line. What was cut short before it, by a crash, is closed off first, so that it costs itself and not this one.
///
/// # Errors
/// The file cannot be written.
pub fn append<T: Serialize>(file: &Path, value: &T) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    let mut open = OpenOptions::new().read(true).append(true).create(true).open(file)?;
    if open.seek(SeekFrom::End(0))? > 0 {
        open.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        open.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, b'\n');
        }
    }
    // One write: two programs that add at once do not mix their lines.
    open.write_all(&line)?;
    open.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_short_loses_its_last_line_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/records.jsonl");
        assert_eq!(
            read::<u32>(&file, "number").unwrap(),
            (vec![], vec![]),
            "no file, no lines"
        );
        append(&file, &1_111).unwrap();
        append(&file, &2_222).unwrap();
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, [&whole[..5], b"{\"half"].concat()).unwrap();
        append(&file, &3_333).unwrap();
        let (numbers, broken) = read::<u32>(&file, "number").unwrap();
        assert_eq!(numbers, [1_111, 3_333]);
        let said = broken[0].to_string();
        assert!(
            broken.len() == 1 && said.contains("records.jsonl:2: no number") && said.contains("delete this line"),
            "{said}"
        );
    }
}
