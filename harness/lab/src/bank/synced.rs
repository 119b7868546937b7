//! Notes in the bank's files that both sides of a question agree, and touches nothing else of a file.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::{Bank, Question, raw};
use crate::keep::Lock;

/// Writes the digests of both sides of these questions, of all that are stale if none is named. Returns the ids of those that
/// were written.
///
/// # Errors
/// A question that the bank does not have; a file that cannot be written.
pub(crate) fn note(root: &Path, ids: &[String]) -> anyhow::Result<Vec<String>> {
    let _lock = Lock::take(root)?;
    let bank = Bank::read(root);
    if let Some(id) = ids.iter().find(|id| bank.question(id).is_none()) {
        bail!("the bank has no question {id:?} that can be read; ./lab questions check says what is broken");
    }
    let is_meant = |question: &&Question| ids.is_empty() || ids.contains(&question.id);
    let stale = bank.questions.iter().filter(|question| !question.stale().is_empty());
    let mut written = Vec::new();
    for question in stale.filter(is_meant) {
        let file = root.join(&question.place.file);
        let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let text = with_digests(&text, question);
        crate::keep::files::replace(&file, text.as_bytes())?;
        written.push(question.id.clone());
    }
    Ok(written)
}

/// A file's text with the digests of one of its questions as they are now.
pub(super) fn with_digests(text: &str, question: &Question) -> String {
    let places = raw::places_of_synced(text);
    let Some((_, span)) = places.into_iter().find(|(id, _)| *id == question.id) else {
        return text.to_owned();
    };
    let digests = question.digests();
    let value = format!("{{ en = \"{}\", ko = \"{}\" }}", digests.en, digests.ko);
    let before = &text[..span.start];
    let after = &text[span.end..];
    if span.is_empty() {
        // There is none yet: it becomes the line below `minutes`, whose comment stays with it.
        let (rest_of_line, below) = after.split_at(after.find('\n').unwrap_or(after.len()));
        return format!("{before}{rest_of_line}\nsynced = {value}{below}");
    }
    format!("{before}{value}{after}")
}
