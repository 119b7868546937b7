//! Building the pipeline's program, with the reader's labs in it if that is asked for, and holding it for one run.
//!
//! Cargo puts every variant of the program in the same place: a run must have its own, which another build leaves alone.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use indicatif::ProgressBar;
use rustix::fs::{AtFlags, CWD, linkat};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

use super::{Artifact, PIPELINE, cargo, first_error, lock_is_behind, root};
use crate::bar;
use crate::mine::{self, Mine};

/// How long a build may take before a word is said about it.
const QUIET: Duration = Duration::from_secs(1);

/// The program that was built. While this is held, no other `./lab` exchanges it for another variant.
pub(crate) struct Built {
    program: PathBuf,
    _turn: File,
}

impl Built {
    /// Where it is, for whoever runs it while holding this.
    pub(crate) fn path(&self) -> &Path {
        &self.program
    }

    /// Takes hold of the program itself, which stays what it is when another takes its place, and lets others build.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn take(self) -> anyhow::Result<Program> {
        let file = File::open(&self.program).with_context(|| format!("{} cannot be read", self.program.display()))?;
        Ok(Program(file))
    }
}

/// The program of one run, not yet in a place of its own.
#[derive(Debug)]
pub(crate) struct Program(File);

impl Program {
    /// Puts it at `place`: linked where that is on the same file system, else copied.
    ///
    /// # Errors
    /// The disk is full, or there is something at `place` already.
    pub(crate) fn put(mut self, place: &Path) -> io::Result<()> {
        // By the file that is held and not by the name it was built under, which may be another's by now.
        let held = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        if linkat(CWD, held, CWD, place, AtFlags::SYMLINK_FOLLOW).is_ok() {
            return Ok(());
        }
        let mut copy = OpenOptions::new().write(true).create_new(true).open(place)?;
        io::copy(&mut self.0, &mut copy)?;
        copy.set_permissions(Permissions::from_mode(0o755))
    }
}

/// Waits until no other `./lab` of this checkout builds the pipeline and takes its own variant: between cargo's end and that,
/// the program is whatever was built last.
fn turn() -> anyhow::Result<File> {
    let target = super::target(&root());
    let place = target.join("lab-pipeline.lock");
    let cannot = || format!("{} cannot be locked", place.display());
    std::fs::create_dir_all(&target).with_context(cannot)?;
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).write(true).open(&place);
    let lock = lock.with_context(cannot)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            crate::note("  another ./lab builds the pipeline; this one goes on when that is done");
            lock.lock().with_context(cannot)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
    }
    Ok(lock)
}

/// Builds the pipeline's program, with the reader's code of the labs `mine`. Quiet when there is nothing to do.
///
/// # Errors
/// It does not compile: the compiler's first error, or else cargo's words, have been shown.
pub(crate) async fn pipeline(mine: &[Mine]) -> anyhow::Result<Built> {
    let turn = tokio::task::spawn_blocking(turn).await.context("no turn to build")??;
    let mut command = Command::from(cargo("build"));
    // Together with this package, though it is built already: cargo chooses the features of dependencies for what is
    // built together, and alone the pipeline would get its own tokio, and all that stands on it, compiled once more.
    command
        .args(["--package", PIPELINE.0, "--package", "lab", "--message-format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for lab in mine {
        command.args(["--features", &format!("{}/{}", PIPELINE.0, lab.feature())]);
    }
    let mut child = command
        .spawn()
        .context("cargo cannot be started; ./lab doctor says what is missing")?;
    let (stdout, stderr) = (
        child.stdout.take().context("no output")?,
        child.stderr.take().context("no output")?,
    );
    let bar = ProgressBar::hidden();
    let words = tokio::spawn(words(stderr, bar.clone()));
    let built = async {
        let (mut program, mut done, mut messages) = (None, 0_u64, Vec::new());
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            let Some(artifact) = Artifact::read(&line) else {
                messages.push(line);
                continue;
            };
            done += 1;
            bar.set_position(done);
            if artifact.target.name == PIPELINE.1 && artifact.executable.is_some() {
                program = artifact.executable;
            }
        }
        anyhow::Ok((program, messages, child.wait().await?))
    };
    tokio::pin!(built);
    let built = match tokio::time::timeout(QUIET, &mut built).await {
        Ok(built) => built,
        Err(_) => {
            announce(&bar);
            built.await
        }
    };
    bar.finish_and_clear();
    let (program, messages, status) = built?;
    let words = words.await.unwrap_or_default();
    if !status.success() {
        return Err(refused(mine, &messages, words.trim_end(), status));
    }
    let program =
        program.context("cargo built the pipeline and does not say where; run `cargo clean` and try again")?;
    Ok(Built { program, _turn: turn })
}

/// Shows why cargo did not build, and says in a sentence what to do.
fn refused(mine: &[Mine], messages: &[String], words: &str, status: ExitStatus) -> anyhow::Error {
    if let Some(error) = first_error(messages.iter().map(String::as_str)) {
        crate::note(&error.rendered);
        return anyhow::anyhow!(does_not_compile(mine, error.place.as_deref()));
    }
    if let Some(cure) = lock_is_behind(words) {
        return anyhow::anyhow!(cure);
    }
    crate::note(words);
    anyhow::anyhow!("the pipeline cannot be built (cargo: {status}); cargo's words are above")
}

/// The sentence below the compiler's first error, which is at `place`.
fn does_not_compile(mine: &[Mine], place: Option<&str>) -> String {
    let at = place.map(|place| format!(", at {place}")).unwrap_or_default();
    let theirs = |lab: &&Mine| place.is_some_and(|place| place.contains(&format!("labs/{}/", lab.folder)));
    match mine.iter().find(theirs) {
        Some(lab) => format!(
            "your {} does not compile; the first error is above{at}. Next: ./lab test {}",
            lab.folder,
            lab.number()
        ),
        None if mine.is_empty() => format!("the pipeline does not compile; the first error is above{at}"),
        // The one thing that a lab can change in another's code.
        None => format!(
            "the pipeline does not compile with your {}, whose public items it needs as they were; the first error is above{at}",
            mine::folders(mine).join(", ")
        ),
    }
}

fn announce(bar: &ProgressBar) {
    if bar::fits() {
        bar::show(
            bar,
            "  {spinner} building the pipeline: {pos} crates, {elapsed}  {wide_msg:.dim}",
        );
    } else {
        crate::note("  building the pipeline (the first time this takes some minutes)");
    }
}

/// Keeps what cargo says, and shows the newest line at the bar.
async fn words(stderr: impl AsyncReadExt + Unpin, bar: ProgressBar) -> String {
    let mut all = String::new();
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        bar.set_message(line.trim().to_owned());
        all.push_str(&line);
        all.push('\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_s_program_stays_what_it_is_when_another_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let [built, next, own] = ["built", "next", "own"].map(|name| folder.path().join(name));
        std::fs::write(&built, "mine").unwrap();
        std::fs::set_permissions(&built, Permissions::from_mode(0o755)).unwrap();
        // Cargo's own way: the name becomes another file's.
        std::fs::hard_link(&built, folder.path().join("variant")).unwrap();
        let held = Program(File::open(&built).unwrap());
        std::fs::write(&next, "another's").unwrap();
        std::fs::rename(&next, &built).unwrap();
        held.put(&own).unwrap();
        assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
        assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn a_program_that_cannot_be_linked_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let (built, own) = (folder.path().join("built"), folder.path().join("own"));
        std::fs::write(&built, "mine").unwrap();
        let held = Program(File::open(&built).unwrap());
        // Without a name there is nothing to link.
        std::fs::remove_file(&built).unwrap();
        held.put(&own).unwrap();
        assert_eq!(std::fs::read_to_string(&own).unwrap(), "mine");
        assert_eq!(std::fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn what_does_not_compile_is_a_sentence_with_the_place_and_the_next_command() {
        let mine: Vec<Mine> = ["05-acks", "08-watermarks"]
            .iter()
            .filter_map(|lab| Mine::new(lab))
            .collect();
        assert_eq!(
            does_not_compile(&mine, Some("labs/08-watermarks/src/lib.rs:3:1")),
            "your 08-watermarks does not compile; the first error is above, at labs/08-watermarks/src/lib.rs:3:1. Next: \
             ./lab test 08"
        );
        let place = "solutions/14-pipeline/src/ingest.rs:3:1";
        assert_eq!(
            does_not_compile(&mine, Some(place)),
            format!(
                "the pipeline does not compile with your 05-acks, 08-watermarks, whose public items it needs as they were; \
                 the first error is above, at {place}"
            )
        );
        assert_eq!(
            does_not_compile(&[], Some(place)),
            format!("the pipeline does not compile; the first error is above, at {place}")
        );
    }
}
