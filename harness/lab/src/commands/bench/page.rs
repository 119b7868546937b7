//! The page of the book that holds the figures: its tables are written here and nowhere else, its prose is left alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use measure::Machine;
use serde::Serialize;
use stack::Provider;

use super::programme::Figures;
use super::tables;
use crate::revision;

const PAGE: &str = "book/src/reference/performance.md";
const RECORD: &str = "book/reference/pipeline.json";

/// What was measured, where and when.
#[derive(Serialize)]
struct Record<'a> {
    command: String,
    date: String,
    revision: String,
    machine: String,
    provider: &'static str,
    figures: &'a Figures,
}

/// Writes the record, and its tables into the page. Returns the page.
///
/// # Errors
/// A file cannot be read or written, or the page has lost a place for a table.
pub(crate) fn write(root: &Path, provider: Provider, figures: &Figures) -> anyhow::Result<PathBuf> {
    let record = Record {
        command: {
            let words: Vec<String> = std::env::args().skip(1).collect();
            format!("./lab {}", words.join(" "))
        },
        date: today(),
        revision: revision::of(root),
        machine: Machine::this().to_string(),
        provider: provider.name(),
        figures,
    };
    let page = root.join(PAGE);
    let read = || format!("{} cannot be read", page.display());
    let mut text = std::fs::read_to_string(&page).with_context(read)?;
    let versions: Vec<String> = figures
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let source = format!(
        "Measured {} with `{}` on {}; servers: {}, {}; revision {}.\n",
        record.date,
        record.command,
        record.machine,
        provider.name(),
        versions.join(", "),
        record.revision
    );
    put(&mut text, "source", &source)?;
    for (place, table) in ["targets", "stages", "whole", "latency"]
        .into_iter()
        .zip(tables::tables(figures))
    {
        put(&mut text, place, &tables::markdown(&table))?;
    }
    let file = root.join(RECORD);
    let folder = file.parent().unwrap_or(root);
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (path, text) in [(&file, serde_json::to_string_pretty(&record)? + "\n"), (&page, text)] {
        std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(page)
}

/// Replaces what stands between `<!-- name -->` and `<!-- /name -->`.
fn put(page: &mut String, name: &str, text: &str) -> anyhow::Result<()> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = page.find(&begin).map(|at| at + begin.len());
    let to = from.and_then(|from| page[from..].find(&end).map(|at| from + at));
    ensure!(to.is_some(), "{PAGE} has no place {begin}");
    if let (Some(from), Some(to)) = (from, to) {
        page.replace_range(from..to, &format!("\n{text}\n"));
    }
    Ok(())
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_one_before_and_prose_stays() {
        let mut page = "Before.\n<!-- stages -->\nold\n<!-- /stages -->\nAfter.\n".to_owned();
        put(&mut page, "stages", "new\n").unwrap();
        assert_eq!(page, "Before.\n<!-- stages -->\n\nnew\n\n<!-- /stages -->\nAfter.\n");
        let error = put(&mut page, "latency", "x").unwrap_err().to_string();
        assert!(error.contains("<!-- latency -->"), "{error}");
    }
}
