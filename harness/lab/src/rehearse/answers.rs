//! Typed answers, kept as plain text so that a reader can look back: `.lab/rehearsal/answers/2026-11-22-acks-zero.txt`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;

use super::review;
use crate::text::clock;

/// Adds an answer to the file of its day and question.
///
/// # Errors
/// It cannot be written.
pub(crate) fn keep(
    root: &Path,
    day: Date,
    question: &str,
    ask: &str,
    text: &str,
    took: Duration,
) -> std::io::Result<()> {
    let folder = review::folder(root).join("answers");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{day}-{question}.txt"));
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    let before = file.metadata()?.len();
    let written = file.write_all(format!("{ask}\n[{day}, {}]\n\n{text}\n\n\n", clock(took)).as_bytes());
    if written.is_err() {
        // A full disk takes a part: an answer is there whole or not at all.
        let _ = file.set_len(before);
    }
    written
}
