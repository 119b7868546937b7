//! `clean`: removes what runs left behind, and with `--all` the downloads.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::bail;
use stack::provision;

use crate::run::current;
use crate::{note, text};

pub(crate) fn run(all: bool, yes: bool) -> anyhow::Result<ExitCode> {
    let home = provision::home();
    if !home.exists() {
        note(&format!("there is nothing in {}", home.display()));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(current) = current::find(&home)? {
        bail!("a run goes on (process {}); end it first with Ctrl-C", current.pid);
    }
    if !all {
        let freed = provision::clean_runs();
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
        text::bytes(provision::bytes_of(&home))
    );
    if !yes && std::io::stdin().is_terminal() && !agreed(&format!("remove {what}?"))? {
        note("nothing was removed");
        return Ok(ExitCode::SUCCESS);
    }
    // Not only a run of `up` has servers in there: tests do, and a second `up`. Whoever asks last is told of them.
    provision::remove_home()?;
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
