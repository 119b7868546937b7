//! `check`: whether every lab still fits, as a table.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use stack::{Host, Provider, StackSpec};

use crate::labs::check::{Checked, check, chosen, table};
use crate::reader::watch::Signals;
use crate::{cargo, note, out};

pub(crate) fn run(words: &[String], stack: Option<Provider>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let folders = chosen(&root, words)?;
    let provider = stack.unwrap_or_default().resolve();
    let host = Host::open(StackSpec {
        provider,
        brokers: 0,
        progress: true,
        ..StackSpec::default()
    })?;
    let (variable, socket) = host.variable();
    let servers: Vec<(OsString, OsString)> = vec![
        ("LAB_STACK".into(), provider.name().into()),
        (variable.into(), socket.into()),
    ];
    let from = Instant::now();
    let bar = bar();
    let tell = |what: &str| match bar.is_hidden() {
        true => note(&format!("  {what}")),
        false => bar.set_message(what.to_owned()),
    };
    let checking = check(&root, &folders, &servers, &host, provider == Provider::External, &tell);
    let all = super::runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            all = checking => all.map(Some),
            () = signals.heard() => Ok(None),
        }
    });
    bar.finish_and_clear();
    let closed = host.close();
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

fn bar() -> ProgressBar {
    if !cargo::bar_fits() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    // A constant template.
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {elapsed}  {wide_msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}
