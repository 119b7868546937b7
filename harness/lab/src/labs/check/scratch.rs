//! A copy of the checkout to build and break things in: the reader's own tree is neither read for labs nor touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;

use super::super::runner::Binary;
use crate::cargo;
use crate::keep::files::State;
use crate::keep::git::{self, Git};

/// The largest file that is copied, bytes.
const LARGEST: u64 = 32 << 20;

/// Below cargo's build directory: where programs are put aside.
const ASIDE: &str = "check/programs";

/// How long another check is waited for, and how long between two looks.
const ANOTHER: Duration = Duration::from_secs(20 * 60);
const A_LOOK: Duration = Duration::from_millis(500);

/// The copy.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// Laid out like the checkout; labs are generated into it.
    pub(crate) root: PathBuf,
    /// What HEAD has of the labs.
    pub(crate) committed: PathBuf,
    /// Cargo's arguments that set what is built here apart.
    apart: Vec<String>,
    /// One check at a time in a copy.
    _lock: fs::File,
}

impl Scratch {
    /// Copies everything that git tracks or would track, as it lies on the disk, but for labs.
    ///
    /// # Errors
    /// git or cargo cannot be asked; the disk.
    pub(crate) async fn make(root: &Path) -> anyhow::Result<Self> {
        let place = cargo::target(root).join("check");
        let (copy, committed) = (place.join("tree"), place.join("committed"));
        fs::create_dir_all(&copy).with_context(|| format!("making {}", copy.display()))?;
        let lock = fs::File::create(place.join("lock"))?;
        let from = Instant::now();
        while lock.try_lock().is_err() {
            if from.elapsed() > ANOTHER {
                bail!(
                    "another ./lab check has worked in {} for {} min; end it, then run this again",
                    place.display(),
                    ANOTHER.as_secs() / 60
                );
            }
            if from.elapsed() < A_LOOK {
                crate::note("another ./lab check works in the same copy; this one waits for it");
            }
            tokio::time::sleep(A_LOOK).await;
        }
        // What a check that was killed has left.
        let aside = cargo::target(root).join(ASIDE);
        let _ = fs::remove_dir_all(&aside);
        fs::create_dir_all(&aside)?;
        let git = Git::open(root)?;
        let listed = git.ask(&["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let mut wanted = BTreeSet::new();
        for path in git::paths(&listed.stdout) {
            // Recordings that lie about are no part of the workbook.
            let small = root
                .join(&path)
                .metadata()
                .is_ok_and(|about| about.is_file() && about.len() < LARGEST);
            if !path.starts_with("labs") && small {
                wanted.insert(path);
            }
        }
        for path in &wanted {
            copy_if_other(&root.join(path), &copy.join(path))?;
        }
        remove_others(&copy, Path::new(""), &wanted)?;
        let _ = fs::remove_dir_all(&committed);
        fs::create_dir_all(&committed)?;
        for (path, state) in git.states("HEAD", &[Path::new("labs")])? {
            let place = committed.join(path);
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            match state {
                State::File { bytes, .. } => fs::write(&place, bytes)?,
                State::Link(leads) => std::os::unix::fs::symlink(leads, &place)?,
                State::Absent => {}
            }
        }
        // A workspace is whole or it is none: every member has a manifest before cargo is asked anything.
        for folder in super::super::found::folders(&copy)? {
            if let Ok(lab) = super::super::found::Lab::read(&copy, &folder)
                && let Ok(skeleton) = super::super::skeleton::Skeleton::make(&lab)
            {
                super::super::generate::write(&skeleton, &lab.mine())?;
            } else {
                stand_in(&committed, &copy, &folder)?;
            }
        }
        let apart = apart(&copy)?;
        Ok(Self {
            root: copy,
            committed,
            apart,
            _lock: lock,
        })
    }

    /// Cargo in the copy.
    pub(crate) fn cargo(&self, command: &str) -> std::process::Command {
        let mut cargo = cargo::cargo_at(&self.root, command);
        cargo
            .env("CARGO_TARGET_DIR", self.target())
            // It would be said of all packages.
            .env_remove("CARGO_INCREMENTAL")
            .args(["--release", "--locked"])
            .args(&self.apart);
        cargo
    }

    /// Removes what the compiler has kept from build to build: hundreds of megabytes for each lab, and of use to no other. Nothing else
    /// in a release build is incremental.
    pub(crate) fn forget_builds(&self) {
        // What stays costs room and nothing else.
        let _ = fs::remove_dir_all(self.target().join("release/incremental"));
    }

    /// Gives programs a place that the next build does not take away, and that goes with what is returned.
    ///
    /// # Errors
    /// The disk.
    pub(crate) fn put_aside(&self, binaries: Vec<Binary>) -> anyhow::Result<(Vec<Binary>, TempDir)> {
        let place = tempfile::tempdir_in(self.target().join(ASIDE))?;
        let aside = |binary: Binary| {
            let path = place.path().join(&binary.program);
            // The linker makes a new file and leaves this one alone; a copy is for file systems without links.
            fs::hard_link(&binary.path, &path)
                .or_else(|_| fs::copy(&binary.path, &path).map(drop))
                .with_context(|| format!("writing {}", path.display()))?;
            anyhow::Ok(Binary { path, ..binary })
        };
        let binaries: Result<_, _> = binaries.into_iter().map(aside).collect();
        Ok((binaries?, place))
    }

    fn target(&self) -> PathBuf {
        // <target>/check/tree
        self.root
            .ancestors()
            .nth(2)
            .map_or_else(|| self.root.join("target"), Path::to_path_buf)
    }
}

/// A lab that cannot be generated is as committed, so that the other labs can be built.
fn stand_in(committed: &Path, copy: &Path, folder: &str) -> anyhow::Result<()> {
    let from = committed.join("labs").join(folder);
    if !from.is_dir() {
        return Ok(());
    }
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in fs::read_dir(from.join(&below))? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            match entry.file_type()?.is_dir() {
                true => folders.push(path),
                false => copy_if_other(&from.join(&path), &copy.join("labs").join(folder).join(&path))?,
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Cargo knows a package of a workspace by its place in it, and takes those of two checkouts that share a build directory for one:
/// the checkout would be given a mutant for its own code. A profile of their own sets the copy's packages apart. Theirs alone:
/// said of all packages, every dependency would be compiled again.
fn apart(copy: &Path) -> anyhow::Result<Vec<String>> {
    let mut command = cargo::cargo_at(copy, "metadata");
    let said = command
        .args(["--no-deps", "--format-version", "1", "--offline"])
        .output();
    let said = said.context("cargo cannot be started; ./lab doctor says what is missing")?;
    if !said.status.success() {
        bail!("{}", String::from_utf8_lossy(&said.stderr).trim());
    }
    let metadata: Metadata = serde_json::from_slice(&said.stdout).context("cargo metadata")?;
    let mut arguments = Vec::new();
    for package in metadata.packages {
        // Dozens of builds, and nothing is measured: not optimised, no debug information (that of dependencies neither, which the
        // linker would write anew each time). Of what a mutant or a task changes in units so small that those of the build before
        // mostly serve again; of the rest in one less than the default's sixteen.
        let changes = ["lab-", "solution-"].iter().any(|of| package.name.starts_with(of));
        let units = match changes {
            true => ["codegen-units=256", "incremental=true"],
            false => ["codegen-units=15", "incremental=false"],
        };
        let others = ["debug=0", "strip=\"debuginfo\"", "opt-level=0"];
        for setting in units.into_iter().chain(others) {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            arguments.push("--config".to_owned());
            arguments.push(format!("profile.release.package.{}.{key}={value}", package.name));
        }
    }
    Ok(arguments)
}

/// Written only where it differs: cargo builds anew what is newer.
fn copy_if_other(from: &Path, to: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let _ = fs::remove_file(to);
    fs::write(to, bytes).with_context(|| format!("writing {}", to.display()))?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    Ok(())
}

fn remove_others(copy: &Path, below: &Path, wanted: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(copy.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if path == Path::new("labs") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            remove_others(copy, &path, wanted)?;
            let _ = fs::remove_dir(copy.join(&path)); // only an empty one goes
        } else if !wanted.contains(&path) {
            fs::remove_file(copy.join(&path))?;
        }
    }
    Ok(())
}
