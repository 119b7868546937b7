//! `check`: whether every lab still fits, as a table; and the book.

mod book;

use std::process::ExitCode;
use std::time::Instant;

use clap::CommandFactory as _;
use stack::Provider;

use crate::labs::check::{Checked, check, chosen, table};
use crate::servers::Servers;
use crate::signals::Signals;
use crate::{cargo, note, out};

pub(crate) fn run(words: &[String], stack: Option<Provider>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let of_labs: Vec<String> = words.iter().filter(|word| *word != book::WORD).cloned().collect();
    let mut broken = 0;
    if words.is_empty() || of_labs.len() < words.len() {
        let (findings, coverage) = book::findings(&root)?;
        out(&format!("{coverage}\n"));
        for finding in &findings {
            out(&format!("{finding}\n"));
        }
        broken = findings.len();
        note(&match broken {
            0 => "the book: nothing is wrong".to_owned(),
            _ => format!("the book: {}. Mend it, then ./lab check book", things(broken)),
        });
        if of_labs.is_empty() && !words.is_empty() {
            return Ok(code(broken == 0));
        }
    }
    let folders = chosen(&root, &of_labs)?;
    let servers = Servers::open(stack, None)?;
    let provider = servers.provider();
    let from = Instant::now();
    let bar = crate::bar::spinner();
    let tell = |what: &str| match bar.is_hidden() {
        true => note(&format!("  {what}")),
        false => bar.set_message(what.to_owned()),
    };
    let cli = crate::cli::Cli::command();
    let checking = check(&root, &folders, &servers, &cli, &tell);
    let all = super::runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            all = checking => all.map(Some),
            _ = signals.heard() => Ok(None),
        }
    });
    bar.finish_and_clear();
    let closed = servers.close();
    let Some(all) = all? else {
        note("interrupted: nothing of your tree was touched; ./lab check begins anew");
        return Ok(ExitCode::from(130));
    };
    out(&table(&all));
    let broken_labs = all.iter().filter(|checked| !checked.holds()).count();
    let took = from.elapsed().as_secs();
    note(&match broken_labs {
        0 => format!("\nevery gate holds: {} in {took} s. Servers: {provider}.", labs(&all)),
        _ => format!(
            "\n{broken_labs} of {} broken, in {took} s. Servers: {provider}. Mend it, then ./lab check again",
            labs(&all)
        ),
    });
    if broken > 0 {
        note(&format!("the book: {}, as told at the top", things(broken)));
    }
    closed?;
    Ok(code(broken + broken_labs == 0))
}

fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn things(count: usize) -> String {
    crate::text::plural(count as u64, "thing is wrong", "things are wrong")
}

fn labs(all: &[Checked]) -> String {
    crate::text::plural(all.len() as u64, "lab", "labs")
}
