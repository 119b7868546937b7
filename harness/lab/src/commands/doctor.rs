//! `doctor`: what this machine has, what it lacks, and what cures it.

use std::fmt::Write;
use std::process::ExitCode;

use stack::Provider;
use stack::provision::{Found, auto_provider, home, survey, verify};

use crate::out;
use crate::run::room;

/// What is known to work, and what is only expected to.
const SYSTEMS: &str = "\
Systems: Linux on x86_64 is what this project is tested on. Linux on aarch64 is expected to work: the same pieces
are published for it. On macOS and Windows (WSL aside, which is Linux) servers come from containers; that is untested.
";

pub(crate) fn run() -> ExitCode {
    let found = survey();
    // What keeps the pieces from being looked at (no Java, say) is in the survey already.
    let damaged = verify().unwrap_or_default();
    let (provider, why) = auto_provider();
    let rust = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    out(&format!(
        "{SYSTEMS}\n{}\n{}",
        header(&rust, provider, &why),
        table(&found, &damaged)
    ));
    // What a run would say, minutes later.
    let locked = room::could_be_written(&home()).err();
    if let Some(why) = &locked {
        out(&format!("  ✗ {why:#}\n"));
    }
    let missing = found
        .iter()
        .filter(|found| found.required && found.version.is_none())
        .count()
        + damaged.len()
        + usize::from(locked.is_some());
    if missing == 0 {
        out("\nNothing is missing that you must see to.\n");
        ExitCode::SUCCESS
    } else {
        out(&format!(
            "\n{missing} missing or damaged: each line above that begins with ✗ says what cures it.\n"
        ));
        ExitCode::FAILURE
    }
}

fn header(system: &str, provider: Provider, why: &str) -> String {
    let home = home();
    format!(
        "This machine    {system}\nServers         auto, which tests use, picks {provider}: {why}\nCache           {}\n",
        home.display()
    )
}

/// `damaged` are pieces whose sizes are right, so that the survey takes them for whole, and whose contents are not.
fn table(found: &[Found], damaged: &[(&'static str, String)]) -> String {
    let is_damaged = |what: &str| damaged.iter().any(|(piece, _)| *piece == what);
    let names = found.iter().map(|found| found.what);
    let width = names
        .chain(damaged.iter().map(|(what, _)| *what))
        .map(str::len)
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for Found {
        what,
        version,
        cure,
        needed_for,
        required,
    } in found.iter().filter(|found| !is_damaged(found.what))
    {
        let mark = match (version, required) {
            (Some(_), _) => '✓',
            (None, true) => '✗',
            (None, false) => '·',
        };
        // Writing into a String cannot fail.
        let _ = match (version, cure) {
            (Some(version), _) => writeln!(text, "  {mark} {what:<width$}  {}", version.trim()),
            (None, Some(cure)) => writeln!(text, "  {mark} {what:<width$}  missing ({needed_for}): {cure}"),
            (None, None) => writeln!(text, "  {mark} {what:<width$}  missing ({needed_for})"),
        };
    }
    for (what, cure) in damaged {
        let _ = writeln!(text, "  ✗ {what:<width$}  damaged: {cure}");
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
                required: true,
            },
            Found {
                what: "maven",
                version: None,
                cure: Some("sudo dnf install -y maven".into()),
                needed_for: "fetches Kafka's jars, once",
                required: true,
            },
            Found {
                what: "Kafka jars",
                version: None,
                cure: Some("not there; the next start fetches it".into()),
                needed_for: "the local Kafka",
                required: false,
            },
            Found {
                what: "ClickHouse engine",
                version: Some("25.8.2".into()),
                cure: None,
                needed_for: "the local ClickHouse",
                required: false,
            },
        ];
        let damaged = [(
            "ClickHouse engine",
            "the contents of _chdb.so have changed; rm -r /cache/clickhouse".into(),
        )];
        insta::assert_snapshot!(table(&found, &damaged));
    }
}
