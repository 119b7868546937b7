//! `list`: the labs, and how far each is.

use std::process::ExitCode;

use crate::labs::found;
use crate::reader::standing::{Standing, open};
use crate::reader::style::Style;
use crate::{cargo, note, out};

const BAR: usize = 10;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let style = Style::of_output();
    let mut all = Vec::new();
    let mut broken = false;
    for lab in found::all(&cargo::root())? {
        match lab.map_err(anyhow::Error::from).and_then(Standing::of) {
            Ok(standing) => {
                out(&line(&standing, style));
                all.push(standing);
            }
            Err(error) => {
                broken = true;
                note(&format!("lab: {error:#}"));
            }
        }
    }
    let next = match open(&all) {
        Some(standing) => {
            let short = standing.lab.manifest.short();
            match (standing.progress.started.is_some(), standing.next().is_some()) {
                (false, _) => format!("./lab start {short}"),
                (true, true) => format!("./lab watch {short}"),
                (true, false) => format!("./lab next {short}"),
            }
        }
        None => {
            let run = all.iter().filter(|standing| standing.lab.manifest.pipeline);
            let labs: Vec<String> = run.map(|standing| standing.lab.manifest.short()).collect();
            format!("./lab up --mine {}", labs.join(","))
        }
    };
    if !all.is_empty() {
        out(&format!("\nNext: {next}\n"));
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn line(standing: &Standing, style: Style) -> String {
    let manifest = &standing.lab.manifest;
    let (done, all) = (standing.done(), manifest.tasks.len());
    let full = done * BAR / all.max(1);
    let bar = format!(
        "{}{}",
        style.green(&"█".repeat(full)),
        style.dim(&"░".repeat(BAR - full))
    );
    let bonus = match (&manifest.bonus, standing.progress.bonus) {
        (Some(_), Some(_)) => "  bonus won",
        (Some(_), None) if done == all => "  bonus open",
        _ => "",
    };
    format!(
        "{:<16} {bar} {done:>2} of {all} tasks  {}{bonus}\n",
        manifest.folder(),
        manifest.title
    )
}
