//! Which test programs there are: cargo builds them and says where.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

use crate::cargo::Artifact;

/// A test program of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    /// The folder of its part: `10-sink`.
    pub(super) part: String,
    /// What cargo calls it: `crash`.
    pub(super) target: String,
    /// As people call it: `10-sink tests/crash.rs`.
    pub(super) name: String,
    /// Where its part is: tests expect to run there.
    pub(super) folder: PathBuf,
    pub(super) path: PathBuf,
    /// Its part's manifest says that it measures, or counts on the machine: nothing else is to run meanwhile.
    pub(super) alone: bool,
    /// How long it takes, as its part's manifest says; 0 where it says nothing.
    pub(super) seconds: u32,
}

/// What a manifest says to `lab`: `[package.metadata.lab]`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest {
    package: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    metadata: Lab,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lab {
    lab: Wishes,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wishes {
    /// Test programs, as cargo calls them.
    alone: Vec<String>,
    /// The long ones, about: they begin first, so that none of them is left over when all others are done.
    seconds: BTreeMap<String, u32>,
}

/// Has `cargo test` build what it would run. `None`: something does not compile, and cargo has said what.
///
/// # Errors
/// Cargo cannot be started, or does not end as it should.
pub(super) fn build(mut cargo: Command) -> anyhow::Result<Option<Vec<Program>>> {
    cargo
        .args(["--no-run", "--message-format", "json-render-diagnostics"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut building = cargo
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let said = building.stdout.take().context("cargo has no output")?;
    let mut programs = Vec::new();
    for line in BufReader::new(said).lines() {
        programs.extend(program(&line?));
    }
    for program in &mut programs {
        let wishes = wishes(&program.folder)?;
        program.alone = wishes.alone.contains(&program.target);
        program.seconds = wishes.seconds.get(&program.target).copied().unwrap_or(0);
    }
    longest_first(&mut programs);
    Ok(building.wait()?.success().then_some(programs))
}

/// A long one that began last would run alone at the end. Among the others by name: cargo tells of them in the order in which
/// they were built, which is another one every time.
fn longest_first(programs: &mut [Program]) {
    programs.sort_by(|a, b| (Reverse(a.seconds), &a.name).cmp(&(Reverse(b.seconds), &b.name)));
}

fn wishes(folder: &Path) -> anyhow::Result<Wishes> {
    let path = folder.join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let manifest: Manifest = toml::from_str(&manifest).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(manifest.package.metadata.lab)
}

/// The test program that a line of cargo's tells of, if it does.
fn program(line: &str) -> Option<Program> {
    let Artifact {
        manifest_path,
        target,
        profile,
        executable,
    } = Artifact::read(line)?;
    if !profile.test {
        return None;
    }
    let folder = manifest_path.parent()?.to_path_buf();
    let source = target.src_path.strip_prefix(&folder).unwrap_or(&target.src_path);
    let part = folder.file_name()?.to_string_lossy().into_owned();
    Some(Program {
        name: format!("{part} {}", source.display()),
        part,
        target: target.name,
        alone: false,
        seconds: 0,
        path: executable?,
        folder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_part_wishes_of_the_machine_is_read_from_its_manifest() {
        let solutions = crate::cargo::root().join("solutions");
        assert!(
            wishes(&solutions.join("14-pipeline"))
                .expect("it is there")
                .alone
                .is_empty()
        );
        let lab = wishes(&crate::cargo::root().join("harness/lab")).expect("it is there");
        assert_eq!(lab.alone, ["first_row"]);
        assert!(lab.seconds["front_door"] > 0);
    }

    #[test]
    fn what_is_said_of_a_program_is_said_of_one_that_there_is() {
        let root = crate::cargo::root();
        for package in crate::parts::all(&root).expect("the parts can be listed") {
            let of_the_harness = root.join("harness").join(&package.folder);
            let place = match of_the_harness.is_dir() {
                true => of_the_harness,
                false => root.join("solutions").join(&package.folder),
            };
            let wishes = wishes(&place).expect("its manifest can be read");
            for name in wishes.alone.iter().chain(wishes.seconds.keys()) {
                let tests = place.join("tests");
                assert!(
                    tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file(),
                    "{}/Cargo.toml says something of tests/{name}.rs, which is not there: [package.metadata.lab]",
                    place.display()
                );
            }
        }
    }

    #[test]
    fn the_longest_program_begins_first_and_those_of_which_nothing_is_said_by_name() {
        let program = |name: &str, seconds| Program {
            name: name.into(),
            seconds,
            ..Program::default()
        };
        let mut programs = [program("b", 0), program("c", 20), program("a", 0), program("d", 90)];
        longest_first(&mut programs);
        assert_eq!(programs.map(|program| program.name), ["d", "c", "a", "b"]);
    }

    #[test]
    fn of_what_cargo_says_only_test_programs_are_run() {
        let said = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/solutions/10-sink/Cargo.toml",
                    "target":{{"kind":["test"],"name":"crash","src_path":"/w/solutions/10-sink/tests/crash.rs"}},
                    "profile":{{"opt_level":"3","test":{test}}},"executable":{executable}}}"#
            )
        };
        assert_eq!(
            program(&said(true, r#""/t/crash-1""#)),
            Some(Program {
                part: "10-sink".into(),
                target: "crash".into(),
                name: "10-sink tests/crash.rs".into(),
                folder: "/w/solutions/10-sink".into(),
                path: "/t/crash-1".into(),
                alone: false,
                seconds: 0,
            })
        );
        assert_eq!(program(&said(false, r#""/t/pipeline""#)), None, "a program is no test");
        assert_eq!(program(&said(true, "null")), None, "nothing to run");
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(program("words of a build script"), None);
    }
}
