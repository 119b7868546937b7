//! The programs that provisioning and the servers need: where they are, which version, and what installs them.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cures::Tool;
use crate::error::StackError;

/// The Java runtime that runs Kafka.
#[derive(Clone, Debug)]
pub(crate) struct Java {
    /// The program.
    pub(crate) program: PathBuf,
    /// Such as `17.0.15`.
    pub(crate) version: String,
    /// Changes with every build of the runtime: what a class archive depends on.
    pub(crate) identity: String,
}

/// The first program of that name on the search path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// First line of what `program arguments` prints, if it ends well.
pub(crate) fn first_line(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    // java prints its version on standard error
    let bytes = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = super::fetch::plain(&String::from_utf8_lossy(&bytes));
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .map(str::to_owned)
}

/// The Java of `JAVA_HOME`, else of the search path.
pub(crate) fn java(minimum: u32) -> Result<Java, StackError> {
    let missing = |tool: String| StackError::MissingTool {
        tool,
        needed_for: "it runs Kafka",
        cure: Tool::Java.cure(),
    };
    let of_home = env::var_os("JAVA_HOME")
        .map(|home| PathBuf::from(home).join("bin/java"))
        .filter(|java| is_program(java));
    let program = of_home
        .or_else(|| find("java"))
        .ok_or_else(|| missing(format!("Java {minimum} or newer")))?;
    let program = program.canonicalize().map_err(StackError::io("finding", &program))?;
    // The runtime's own note of what it is: starting a JVM only to ask costs a tenth of a second at every start.
    let release = program.parent().and_then(Path::parent).map(|home| home.join("release"));
    let note = release.and_then(|file| fs::read_to_string(file).ok());
    let noted = note.as_deref().and_then(|note| {
        note.lines()
            .find_map(|line| line.strip_prefix("JAVA_VERSION="))
            .map(|version| version.trim_matches('"').to_owned())
    });
    let (version, note) = match (noted, note) {
        (Some(version), Some(note)) => (version, note),
        _ => {
            let line = first_line(&program, &["-version"]).ok_or_else(|| missing("a Java that starts".into()))?;
            (line.split('"').nth(1).unwrap_or(&line).to_owned(), line)
        }
    };
    if !is_new_enough(&version, minimum) {
        return Err(missing(format!(
            "Java {minimum} or newer ({} is {version})",
            program.display()
        )));
    }
    let identity = format!("{} {note}", program.display());
    Ok(Java {
        program,
        version,
        identity,
    })
}

/// What the workspace says that it is written for.
pub(crate) const RUST_WANTED: &str = env!("CARGO_PKG_RUST_VERSION");

/// Whether what `rustc --version` printed is new enough.
pub(crate) fn is_wanted_rust(line: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let parts = version.split(['.', '-']).take(2);
        parts.filter_map(|part| part.parse().ok()).collect()
    };
    let version = line.split_whitespace().nth(1).unwrap_or_default();
    numbers(version) >= numbers(RUST_WANTED)
}

fn is_new_enough(version: &str, minimum: u32) -> bool {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    // 1.8.0 was Java 8
    let major = match numbers.next() {
        Some(1) => numbers.next(),
        other => other,
    };
    major.is_some_and(|major| major >= minimum)
}

/// Maven.
pub(crate) fn maven() -> Result<PathBuf, StackError> {
    find("mvn").ok_or_else(|| StackError::MissingTool {
        tool: "Maven".into(),
        needed_for: "it fetches Kafka's jars",
        cure: Tool::Maven.cure(),
    })
}

/// pip, as a program and its first arguments: the module of `python3` first, because the scripts called `pip` may
/// belong to another Python that is long gone.
pub(crate) fn pip() -> Result<(PathBuf, Vec<OsString>), StackError> {
    let candidates: [(&str, &[&str]); 3] = [("python3", &["-m", "pip"]), ("pip3", &[]), ("pip", &[])];
    for (name, arguments) in candidates {
        if let Some(program) = find(name) {
            let asked: Vec<&str> = arguments.iter().copied().chain(["--version"]).collect();
            if first_line(&program, &asked).is_some() {
                return Ok((program, arguments.iter().map(OsString::from).collect()));
            }
        }
    }
    Err(StackError::MissingTool {
        tool: "pip".into(),
        needed_for: "it fetches the ClickHouse engine",
        cure: Tool::Pip.cure(),
    })
}

/// The Rust compiler: of `RUSTC`, of the toolchain whose cargo runs us, of the search path.
pub(crate) fn rustc() -> Result<PathBuf, StackError> {
    let named = env::var_os("RUSTC")
        .map(PathBuf::from)
        .filter(|rustc| is_program(rustc));
    let beside = || {
        env::var_os("CARGO")
            .map(|cargo| PathBuf::from(cargo).with_file_name("rustc"))
            .filter(|rustc| is_program(rustc))
    };
    named
        .or_else(beside)
        .or_else(|| find("rustc"))
        .ok_or_else(|| StackError::MissingTool {
            tool: "rustc".into(),
            needed_for: "it compiles the servers' launcher",
            cure: Tool::Rust.cure(),
        })
}

#[cfg(test)]
mod tests {
    use super::{is_new_enough, is_wanted_rust};

    #[test]
    fn rust_versions_are_compared_by_number_and_not_by_letter() {
        for (line, wanted) in [
            ("rustc 1.90.0 (1159e78c4 2025-09-14)", true),
            ("rustc 1.100.0", true),
            ("rustc 2.0.0-nightly (abc 2030-01-01)", true),
            ("rustc 1.89.0 (29483883e 2025-08-04)", false),
            ("rustc 1.9.0", false),
            ("no version", false),
        ] {
            assert_eq!(is_wanted_rust(line), wanted, "{line:?}");
        }
    }

    #[test]
    fn java_versions_are_compared_by_their_major_number() {
        for (version, enough) in [
            ("17.0.15", true),
            ("21", true),
            ("25-ea", true),
            ("11.0.2", false),
            ("1.8.0_392", false),
            ("", false),
        ] {
            assert_eq!(is_new_enough(version, 17), enough, "java {version:?}");
        }
    }
}
