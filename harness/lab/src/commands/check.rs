//! `check`: whether every lab still fits, as a table.

use std::process::ExitCode;
use std::time::Instant;

use stack::Provider;

use crate::labs::check::{Checked, check, chosen, table};
use crate::servers::Servers;
use crate::signals::Signals;
use crate::{cargo, note, out};

pub(crate) fn run(words: &[String], stack: Option<Provider>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let folders = chosen(&root, words)?;
    let servers = Servers::open(stack, None)?;
    let provider = servers.provider();
    let from = Instant::now();
    let bar = crate::bar::spinner();
    let tell = |what: &str| match bar.is_hidden() {
        true => note(&format!("  {what}")),
        false => bar.set_message(what.to_owned()),
    };
    let checking = check(&root, &folders, &servers, &tell);
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
    let broken = all.iter().filter(|checked| !checked.holds()).count();
    let took = from.elapsed().as_secs();
    note(&match broken {
        0 => format!("\nevery gate holds: {} in {took} s. Servers: {provider}.", labs(&all)),
        _ => format!(
            "\n{broken} of {} broken, in {took} s. Servers: {provider}. Mend it, then ./lab check again",
            labs(&all)
        ),
    });
    closed?;
    Ok(if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn labs(all: &[Checked]) -> String {
    crate::text::plural(all.len() as u64, "lab", "labs")
}
