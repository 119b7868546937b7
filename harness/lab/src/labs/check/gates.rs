//! The gates of one lab, in order: what a later one stands on is looked at first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::super::found::{Lab, Whose};
use super::super::manifest::{Layer, TestName};
use super::super::runner::{self, Case, How, Outcome, Ran};
use super::super::skeleton::{MINE, Skeleton};
use super::super::{generate, members, runner::Binary};
use crate::keep::files;
use crate::servers::Servers;
use crate::text::plural;

use super::{Checked, Gate, Scratch, Verdict, mutants, names, order, tests_of, verdict};

/// # Errors
/// git or cargo cannot be started, or the disk.
pub(super) async fn run(
    scratch: &Scratch,
    lab: &Lab,
    servers: &Servers,
    cli: &clap::Command,
    tell: &dyn Fn(&str),
    checked: &mut Checked,
) -> anyhow::Result<()> {
    let (manifest, how) = (&lab.manifest, &How::on(servers));
    let tests = |count: usize| plural(count as u64, "test", "tests");
    let tasks = plural(manifest.tasks.len() as u64, "task", "tasks");
    let well = format!("{tasks}, {}", tests(manifest.declared()));
    checked.set(Gate::Manifest, verdict(of_manifest(lab), well));
    checked.set(Gate::Names, verdict(names::missing(lab, cli)?, String::new()));

    let skeleton = Skeleton::make(lab)?;
    generate::write(&skeleton, &lab.mine())?;
    // The reader's tests are no part of a lab as it ships.
    fs::write(lab.mine().join(MINE), &skeleton.files[Path::new(MINE)])?;
    checked.set(
        Gate::Generated,
        verdict(
            differences(scratch, lab, &skeleton)?,
            format!("{} files", skeleton.files.len()),
        ),
    );

    tell("building the skeleton");
    let built = match tests_of::build(scratch, lab, Whose::Yours, None).await? {
        Err(error) => {
            checked.set(
                Gate::Compiles,
                Verdict::Broken(vec![format!("the skeleton does not compile:\n{error}")]),
            );
            return Ok(());
        }
        Ok(ready) => {
            checked.set(Gate::Compiles, verdict(ready.warnings.clone(), String::new()));
            ready
        }
    };
    if manifest.programs.iter().any(|program| program.layer == Layer::Server) {
        tell("waiting for the servers");
        servers.up().await.map_err(anyhow::Error::msg)?;
    }
    tell("running the skeleton's tests, and building the reference");
    let (red, reference) = tokio::join!(
        run_all(lab, &built.binaries, how),
        tests_of::build(scratch, lab, Whose::Reference, None)
    );
    let red = red?;
    checked.set(
        Gate::Red,
        verdict(
            not_as_declared(lab, &red),
            format!("{} of {}", manifest.declared(), red.len()),
        ),
    );

    let reference = match reference? {
        Err(error) => {
            let what = format!("the reference does not compile:\n{error}");
            checked.set(Gate::Reference, Verdict::Broken(vec![what]));
            return Ok(());
        }
        Ok(ready) => ready,
    };
    tell("running the reference's tests");
    // Beside the first builds of what comes next; on somebody's servers one after the other.
    let (ran, amiss) = match how.alone {
        true => (
            run_all(lab, &reference.binaries, how).await,
            order::run(scratch, lab, how, &skeleton, tell).await,
        ),
        false => tokio::join!(
            run_all(lab, &reference.binaries, how),
            order::run(scratch, lab, how, &skeleton, tell)
        ),
    };
    let (ran, amiss) = (ran?, amiss?);
    let failed: Vec<String> = ran.iter().filter(|ran| !ran.passed()).map(told).collect();
    checked.set(Gate::Reference, verdict(failed, tests(ran.len())));
    checked.set(Gate::Order, verdict(amiss, String::new()));

    let survivors = mutants::run(scratch, lab, how, tell).await?;
    checked.set(Gate::Mutants, verdict(survivors, format!("{}", manifest.mutants.len())));
    Ok(())
}

async fn run_all(lab: &Lab, built: &[Binary], how: &How) -> anyhow::Result<Vec<Ran>> {
    let cases: Vec<Case> = runner::cases(&lab.manifest, built).await?;
    runner::run(cases, how, |_| {}).await
}

/// What the parser cannot see: files beside the manifest.
fn of_manifest(lab: &Lab) -> Vec<String> {
    let (manifest, solution) = (&lab.manifest, lab.solution());
    let mut wrong = Vec::new();
    let listed: BTreeSet<String> = manifest
        .mutants
        .iter()
        .map(|mutant| format!("{}.patch", mutant.name))
        .collect();
    let there: BTreeSet<String> = fs::read_dir(solution.join("mutants"))
        .map(|entries| {
            entries
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    wrong.extend(
        listed
            .difference(&there)
            .map(|name| format!("mutants/{name} is not there")),
    );
    wrong.extend(
        there
            .difference(&listed)
            .map(|name| format!("mutants/{name} has no [[mutant]]")),
    );
    let programs: BTreeSet<&str> = manifest.programs.iter().map(|program| program.name.as_str()).collect();
    for program in programs.iter().chain(&["mine"]) {
        // `--test NAME` is said of both packages: the lab command's own test would be built on every reader's machine.
        let ours = lab.root.join("harness/lab/tests");
        if ours.join(format!("{program}.rs")).is_file() || ours.join(program).join("main.rs").is_file() {
            wrong.push(format!(
                "tests/{program}.rs has the name of a test program of harness/lab; rename it"
            ));
        }
    }
    for path in &manifest.read {
        if !solution.join(path).is_file() {
            wrong.push(format!("read names {path}, which is not there"));
        }
    }
    for entry in fs::read_dir(solution.join("tests")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let program = match name.strip_suffix(".rs") {
            Some(program) => program.to_owned(),
            None if entry.path().join("main.rs").is_file() => name,
            None => continue,
        };
        if !programs.contains(program.as_str()) {
            wrong.push(format!("tests/{program}.rs stands in no layer of [programs]"));
        }
    }
    let pipeline = lab.root.join(crate::cargo::PIPELINE_FOLDER).join("Cargo.toml");
    if let (true, Ok(text)) = (manifest.pipeline, fs::read_to_string(pipeline)) {
        let feature = format!("mine-{}", manifest.short());
        if !text.lines().any(|line| line.starts_with(&format!("{feature} = "))) {
            wrong.push(format!(
                "{} has no feature {feature}, so ./lab up --mine {} cannot run it; or lab.toml says pipeline = false",
                crate::cargo::PIPELINE_FOLDER,
                manifest.short()
            ));
        }
    }
    if !solution.join("DISCUSSION.md").is_file() {
        wrong.push("DISCUSSION.md is not there".into());
    }
    if !members::is_member(lab) {
        let folder = manifest.folder();
        wrong.push(format!(
            "the root's Cargo.toml does not name \"labs/{folder}\" among its members"
        ));
    }
    wrong
}

/// Files of the lab that are not in HEAD as they are generated now.
fn differences(scratch: &Scratch, lab: &Lab, skeleton: &Skeleton) -> anyhow::Result<Vec<String>> {
    let folder = Path::new("labs").join(lab.manifest.folder());
    let committed = scratch.committed.join(&folder);
    let mut wrong = Vec::new();
    for (path, text) in &skeleton.files {
        let shown = folder.join(path);
        match fs::read(committed.join(path)) {
            Err(_) => wrong.push(format!("{} is not committed", shown.display())),
            Ok(bytes) if bytes == text.as_bytes() => {}
            Ok(bytes) => {
                let there = String::from_utf8_lossy(&bytes);
                let same = there.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
                wrong.push(format!(
                    "{}:{} differs from what is generated",
                    shown.display(),
                    same + 1
                ));
            }
        }
    }
    let there = match committed.is_dir() {
        true => files::walk(&committed)?,
        false => BTreeMap::new(),
    };
    let generated = |path: &Path, about: &fs::Metadata| about.is_file() && skeleton.files.contains_key(path);
    for (path, _) in there
        .iter()
        .filter(|(path, about)| !about.is_dir() && !generated(path, about))
    {
        wrong.push(format!(
            "{} is committed and no longer generated",
            folder.join(path).display()
        ));
    }
    if !wrong.is_empty() {
        wrong.push("Next: ./lab generate, then commit labs/".into());
    }
    Ok(wrong)
}

fn not_as_declared(lab: &Lab, ran: &[Ran]) -> Vec<String> {
    let declared: BTreeSet<&TestName> = lab.manifest.tasks.iter().flat_map(|task| &task.tests).collect();
    let there: BTreeSet<&TestName> = ran.iter().map(|ran| &ran.name).collect();
    let mut wrong: Vec<String> = declared
        .difference(&there)
        .map(|name| format!("{name} is declared and there is no such test"))
        .collect();
    for ran in ran {
        let by_name = ran.name.task().is_some();
        match (declared.contains(&ran.name), &ran.outcome) {
            (true, Outcome::Unbuilt(met)) if Some(*met) > ran.name.task() => {
                wrong.push(format!("{} needs task {met}, which comes after its own", ran.name))
            }
            (true, Outcome::Unbuilt(_)) | (false, Outcome::Passed) if !by_name || declared.contains(&ran.name) => {}
            (false, _) if by_name => {
                wrong.push(format!("{} is named for a task and not declared in lab.toml", ran.name))
            }
            (true, Outcome::Passed) => wrong.push(format!("{} is green though its task is not built", ran.name)),
            (true, _) => wrong.push(format!("{}: not by its todo!, but: {}", ran.name, told(ran))),
            (false, _) => wrong.push(format!("not declared, and red: {}", told(ran))),
        }
    }
    wrong
}

/// A test that did not pass, in a line or two.
pub(super) fn told(ran: &Ran) -> String {
    let how = match &ran.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed => "failed".to_owned(),
        other => other.how(),
    };
    let place = ran
        .words
        .place
        .as_deref()
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    let text: Vec<&str> = ran.words.text.lines().take(4).collect();
    match text.is_empty() {
        true => format!("{}: {how}{place}", ran.name),
        false => format!("{}: {how}{place}\n{}", ran.name, text.join("\n")),
    }
}
