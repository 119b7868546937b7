//! The gates of all labs, as a table and what is wrong below it.

use std::fmt::Write as _;

use super::{Checked, Gate, Verdict};

pub(crate) fn table(all: &[Checked]) -> String {
    let mut out = String::new();
    let width = Gate::ALL.iter().map(|gate| gate.title().len()).max().unwrap_or(0);
    let column = |checked: &Checked| checked.folder.len().max(14);
    let _ = write!(out, "{:width$}", "");
    for checked in all {
        let _ = write!(out, "  {:1$}", checked.folder, column(checked));
    }
    out.push('\n');
    for (row, gate) in Gate::ALL.iter().enumerate() {
        let _ = write!(out, "{:width$}", gate.title());
        for checked in all {
            let word = match &checked.gates[row].1 {
                Verdict::Holds(well) if well.is_empty() => "holds".to_owned(),
                Verdict::Holds(well) => well.clone(),
                Verdict::Broken(_) => "BROKEN".to_owned(),
                Verdict::NotReached => "not reached".to_owned(),
            };
            let _ = write!(out, "  {word:0$}", column(checked));
        }
        out.push('\n');
    }
    let _ = write!(out, "{:width$}", "seconds");
    for checked in all {
        let _ = write!(out, "  {:<1$.0}", checked.took.as_secs_f64(), column(checked));
    }
    let mut out: String = out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    for checked in all {
        for (gate, verdict) in &checked.gates {
            if let Verdict::Broken(lines) = verdict {
                let _ = write!(out, "\n{}: {}\n", checked.folder, gate.title());
                for line in lines {
                    let _ = writeln!(out, "  - {}", line.replace('\n', "\n    "));
                }
            }
        }
    }
    out
}
