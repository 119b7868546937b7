//! `doctor`: what this machine has, what it lacks, and what cures it.

use std::fmt::Write;
use std::process::ExitCode;

use stack::Provider;
use stack::provision::{Found, auto_provider, home, survey};

use crate::out;

/// What is known to work, and what is only expected to.
const SYSTEMS: &str = "\
Systems: Linux on x86_64 is what this project is tested on. Linux on aarch64 is expected to work: the same pieces
are published for it. On macOS and Windows (WSL aside, which is Linux) servers come from containers.
";

pub(crate) fn run() -> ExitCode {
    let found = survey();
    let (provider, why) = auto_provider();
    let rust = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    out(&format!(
        "{}\n{}\n{SYSTEMS}",
        header(&rust, provider, &why),
        table(&found)
    ));
    let missing = found.iter().filter(|found| found.version.is_none()).count();
    if missing == 0 {
        out("\nNothing is missing.\n");
        ExitCode::SUCCESS
    } else {
        out(&format!(
            "\n{missing} missing: each line above that begins with ✗ says what cures it.\n"
        ));
        ExitCode::FAILURE
    }
}

fn header(system: &str, provider: Provider, why: &str) -> String {
    let home = home();
    format!(
        "This machine    {system}\nServers         auto picks {provider}: {why}\nCache           {}\n",
        home.display()
    )
}

fn table(found: &[Found]) -> String {
    let width = found.iter().map(|found| found.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Found {
        what,
        version,
        cure,
        needed_for,
    } in found
    {
        let mark = if version.is_some() { '✓' } else { '✗' };
        // Writing into a String cannot fail.
        let _ = match (version, cure) {
            (Some(version), _) => writeln!(text, "  {mark} {what:<width$}  {}", version.trim()),
            (None, Some(cure)) => writeln!(text, "  {mark} {what:<width$}  missing ({needed_for}): {cure}"),
            (None, None) => writeln!(text, "  {mark} {what:<width$}  missing ({needed_for})"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_stands_beside_its_cure() {
        let found = [
            Found {
                what: "java",
                version: Some("17.0.15".into()),
                cure: None,
                needed_for: "runs Kafka",
            },
            Found {
                what: "Kafka jars",
                version: None,
                cure: Some("not there; the next start fetches it".into()),
                needed_for: "the local Kafka",
            },
        ];
        insta::assert_snapshot!(table(&found));
    }
}
