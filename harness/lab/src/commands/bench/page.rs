//! The page of the book that holds the figures: its tables are written here and nowhere else, its prose is left alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Serialize;
use stack::Provider;

use super::programme::Figures;
use super::tables;

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
        revision: revision(root),
        machine: machine(),
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

fn revision(root: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
        let words = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| words.trim().to_owned())
    };
    let Some(revision) = git(&["rev-parse", "--short", "HEAD"]) else {
        return "unknown".into();
    };
    match git(&["status", "--porcelain"]) {
        Some(changes) if changes.is_empty() => revision,
        _ => format!("{revision} with changes"),
    }
}

/// Processor, cores, memory, kernel.
fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")?
                .split_once(':')
                .map(|(_, name)| name.trim())
        })
        .unwrap_or("an unnamed processor");
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    format!(
        "{model}, {cores} cores, {} GiB, {} {}",
        kib >> 20,
        std::env::consts::OS,
        std::env::consts::ARCH
    )
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
