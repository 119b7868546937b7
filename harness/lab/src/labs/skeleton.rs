//! The reader's crate, made from the reference: which files it has and what is in each.
//!
//! Tests and benches stand once, in the solution; the lab's manifest points at them. Copies would drift.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::found::{Lab, Whose, package};
use super::markers::{self, Span};
use super::readme;

/// The reader's own tests: written once, never again.
pub(crate) const MINE: &str = "tests/mine.rs";

/// Lints that an unfinished crate cannot keep, and no others.
const UNFINISHED: &[&str] = &[
    "unused_variables",
    "unused_mut",
    "unused_imports",
    "unused_assignments",
    "dead_code",
    "unreachable_code",
];
/// As above, of clippy.
const UNFINISHED_CLIPPY: &[&str] = &["diverging_sub_expression", "manual_async_fn", "ptr_arg"];

/// A lab as it is generated.
#[derive(Debug, Clone)]
pub(crate) struct Skeleton {
    /// By path below the lab's folder.
    pub(crate) files: BTreeMap<PathBuf, String>,
}

impl Skeleton {
    /// Makes it from the solution as it lies on the disk below `lab.root`.
    ///
    /// # Errors
    /// A marker that does not fit, with its file and line; a manifest that cannot be read; a task without a span.
    pub(crate) fn make(lab: &Lab) -> anyhow::Result<Self> {
        let solution = lab.solution();
        let mut files = BTreeMap::new();
        let mut spans: Vec<(PathBuf, Span)> = Vec::new();
        for path in sources(&solution)? {
            let text = read(&solution.join(&path))?;
            let shown = Path::new("solutions").join(lab.manifest.folder()).join(&path);
            let stripped = markers::strip(&text).with_context(|| format!("{}: a task marker", shown.display()))?;
            spans.extend(stripped.spans.into_iter().map(|span| (path.clone(), span)));
            files.insert(path, stripped.text);
        }
        spans.sort_by_key(|(_, span)| span.task);
        for task in &lab.manifest.tasks {
            if !spans.iter().any(|(_, span)| span.task == task.number) {
                bail!(
                    "task {} of {} has no // TASK {} in src",
                    task.number,
                    lab.manifest.folder(),
                    task.number
                );
            }
        }
        if let Some((path, span)) = spans.iter().find(|(_, span)| lab.manifest.task(span.task).is_none()) {
            bail!(
                "{} marks a task {} that lab.toml does not have",
                path.display(),
                span.task
            );
        }
        files.insert("Cargo.toml".into(), manifest(lab)?);
        files.insert("README.md".into(), readme::text(lab, &spans));
        files.insert(MINE.into(), readme::mine(lab));
        Ok(Self { files })
    }
}

/// The files below `src`, without those that start with a dot.
pub(crate) fn sources(solution: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        let place = solution.join(&folder);
        for entry in std::fs::read_dir(&place).with_context(|| format!("reading {}", place.display()))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

/// The lab's Cargo.toml: the solution's, with other names, paths and lints.
fn manifest(lab: &Lab) -> anyhow::Result<String> {
    let folder = lab.manifest.folder();
    let text = read(&lab.solution().join("Cargo.toml"))?;
    let solution: toml::Table = text.parse().with_context(|| format!("solutions/{folder}/Cargo.toml"))?;
    let root: toml::Table = read(&lab.root.join("Cargo.toml"))?
        .parse()
        .context("the root's Cargo.toml")?;
    let up = format!("../../solutions/{folder}");
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# Written by `./lab generate` from solutions/{folder}. Dependencies of your own may be added below.\n[package]\n\
         name = \"{}\"\ndescription = \"Yours to build: {}\"",
        package(&folder, Whose::Yours),
        lab.manifest.title.replace('"', "'"),
    );
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        let _ = writeln!(out, "{key}.workspace = true");
    }
    out.push_str("autotests = false\nautobenches = false\nautoexamples = false\n");
    lints(&mut out, &root);
    let _ = write!(
        out,
        "\n[lib]\nname = \"{}\"\ndoc = false # the reference has the same name, and the docs\ndoctest = false\nbench = false\n",
        lab.manifest.library
    );
    for name in ["features", "dependencies", "dev-dependencies"] {
        if let Some(section) = section(&text, name) {
            let _ = write!(out, "\n{section}\n");
        }
    }
    for program in &lab.manifest.programs {
        let _ = write!(
            out,
            "\n[[test]]\nname = \"{}\"\npath = \"{up}/tests/{}\"\n",
            program.name,
            file_of(lab, &program.name)?
        );
    }
    let _ = write!(out, "\n[[test]]\nname = \"mine\"\npath = \"{MINE}\"\n");
    let benches: Vec<(&str, String)> = targets(&solution, "bench", "benches").collect();
    let runs = |experiment: &&measure::Experiment| benches.iter().any(|(name, _)| *name == experiment.program);
    if let Some(homeless) = lab.manifest.experiments.iter().find(|each| !runs(each)) {
        bail!(
            "experiment {} runs in {}, and solutions/{folder}/Cargo.toml has no such [[bench]]",
            homeless.id,
            homeless.program
        );
    }
    for experiment in &lab.manifest.experiments {
        if let Some(gone) = experiment
            .files
            .iter()
            .find(|file| !lab.solution().join(file).is_file())
        {
            bail!(
                "experiment {} names {gone} among its files, and solutions/{folder} has no such file; correct its name",
                experiment.id
            );
        }
    }
    for (bench, path) in benches {
        let _ = write!(
            out,
            "\n[[bench]]\nname = \"{bench}\"\npath = \"{up}/{path}\"\nharness = false\n"
        );
    }
    for (example, path) in targets(&solution, "example", "examples") {
        let _ = write!(out, "\n[[example]]\nname = \"{example}\"\npath = \"{up}/{path}\"\n");
    }
    Ok(out)
}

/// `mock.rs` or `mock/main.rs`.
fn file_of(lab: &Lab, program: &str) -> anyhow::Result<String> {
    let tests = lab.solution().join("tests");
    let found = [format!("{program}.rs"), format!("{program}/main.rs")]
        .into_iter()
        .find(|file| tests.join(file).is_file());
    found.with_context(|| {
        format!(
            "[programs] of solutions/{}/lab.toml names {program}, and tests/{program}.rs is not there",
            lab.manifest.folder()
        )
    })
}

/// The workspace's lints, without what an unfinished crate cannot keep: a package that inherits them may add none.
fn lints(out: &mut String, root: &toml::Table) {
    for (tool, unfinished) in [("rust", UNFINISHED), ("clippy", UNFINISHED_CLIPPY)] {
        let _ = write!(out, "\n[lints.{tool}]\n");
        let shared = root
            .get("workspace")
            .and_then(|w| w.get("lints"))
            .and_then(|l| l.get(tool));
        for (name, level) in shared.and_then(toml::Value::as_table).into_iter().flatten() {
            if name != "todo" {
                let _ = writeln!(out, "{name} = {level}");
            }
        }
        for name in unfinished {
            let _ = writeln!(out, "{name} = \"allow\"");
        }
    }
}

/// The targets of a kind that a manifest names: name, and path from the solution's folder.
fn targets<'a>(manifest: &'a toml::Table, kind: &str, folder: &str) -> impl Iterator<Item = (&'a str, String)> {
    let all = manifest.get(kind).and_then(toml::Value::as_array).into_iter().flatten();
    all.filter_map(move |each| {
        let name = each.get("name")?.as_str()?;
        let path = each.get("path").and_then(toml::Value::as_str);
        Some((name, path.map_or_else(|| format!("{folder}/{name}.rs"), str::to_owned)))
    })
}

/// A section as it is written, comments and all.
fn section(text: &str, name: &str) -> Option<String> {
    let head = format!("[{name}]");
    let mut lines = text.lines().skip_while(|line| line.trim() != head);
    let first = lines.next()?;
    let rest: Vec<&str> = lines.take_while(|line| !line.starts_with('[')).collect();
    Some(format!("{first}\n{}", rest.join("\n").trim_end()))
}
