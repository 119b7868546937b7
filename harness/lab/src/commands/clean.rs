//! `clean`: removes what runs left behind, and with `--all` the downloads.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::run::current;
use crate::{note, text};

pub(crate) fn run(all: bool, yes: bool) -> anyhow::Result<ExitCode> {
    let home = stack::provision::home();
    if !home.exists() {
        note(&format!("there is nothing in {}", home.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(current) = current::find(&home)? {
        bail!("a run goes on (process {}); end it first with Ctrl-C", current.pid);
    }
    if !all {
        let freed = stack::provision::clean_runs();
        note(&format!(
            "{} of past runs removed from {}",
            text::bytes(freed),
            home.display()
        ));
        note("downloads and the last report stay; ./lab clean --all removes them too");
        return Ok(ExitCode::SUCCESS);
    }
    let what = format!(
        "everything in {}: {}, the downloaded servers too",
        home.display(),
        text::bytes(size(&home))
    );
    if !yes && std::io::stdin().is_terminal() && !agreed(&format!("remove {what}?"))? {
        note("nothing was removed");
        return Ok(ExitCode::SUCCESS);
    }
    stack::provision::clean_runs();
    std::fs::remove_dir_all(&home).with_context(|| format!("{} cannot be removed", home.display()))?;
    note(&format!("removed {what}"));
    Ok(ExitCode::SUCCESS)
}

fn agreed(question: &str) -> anyhow::Result<bool> {
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{question} [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Bytes below a folder; what cannot be read counts nothing. Follows no link.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of).sum()
}
