//! Runs a program that downloads, watching its folder grow, so that it does not outlive us.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Pieces;
use super::progress::{Progress, Task};
use super::store::walk;
use crate::error::StackError;

/// A download that brings no byte for so long is given up.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);

/// What ends a download with its owner, however that ends: the launcher, as for servers. Not PR_SET_PDEATHSIG in here,
/// which reaches the program itself and nothing that it started.
pub(crate) struct Keeper<'a> {
    /// The compiled launcher.
    pub(crate) launcher: &'a Path,
    /// The folder that goes with the last download.
    pub(crate) run: &'a Path,
}

impl Keeper<'_> {
    fn command(&self, kept: &Command) -> Command {
        let mut command = Command::new(self.launcher);
        command
            .arg("keep")
            .arg("--run")
            .arg(self.run)
            .arg("--")
            .arg(kept.get_program())
            .args(kept.get_args())
            // Its output goes to our standard error; on standard output is only the process id.
            .stdout(Stdio::null())
            // Ctrl-C must reach us and not it: it removes the folder when we are gone.
            .process_group(0);
        if let Some(folder) = kept.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in kept.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// For what is not part of the pieces and is made as they are: a command under a keeper, with its progress shown.
pub(crate) struct Fetching<'a> {
    launcher: &'a Path,
    folder: &'a Path,
    progress: &'a Progress,
}

impl<'a> Fetching<'a> {
    /// What is done in `folder`, which goes with us.
    pub(crate) fn of(pieces: &'a Pieces, folder: &'a Path, progress: &'a Progress) -> Self {
        Self {
            launcher: &pieces.launcher,
            folder,
            progress,
        }
    }

    /// Runs `command` until its end, or until it says nothing for a long time.
    pub(crate) fn run(&self, what: &str, command: Command) -> Result<(), StackError> {
        let task = self.progress.task(what, 0);
        let keeper = Keeper {
            launcher: self.launcher,
            run: self.folder,
        };
        // Only what it says is watched: a system that is being unpacked has folders that are not files on a disk.
        let said = self.folder.join("said");
        fs::create_dir_all(&said).map_err(StackError::io("creating", &said))?;
        run(what, command, Some(&keeper), &said, &task)?;
        task.done();
        Ok(())
    }
}

/// Runs `command`, under the keeper if there is one; `folder` is where all its bytes land, the task is told how many. What it prints goes to a file in
/// there: a pipe that nobody empties would stop it.
pub(crate) fn run(
    what: &str,
    mut command: Command,
    keeper: Option<&Keeper<'_>>,
    folder: &Path,
    task: &Task,
) -> Result<(), StackError> {
    let said = folder.join("said.log");
    let log = File::create(&said).map_err(StackError::io("creating", &said))?;
    let log_too = log.try_clone().map_err(StackError::io("opening", &said))?;
    let shown = shown(&command);
    let mut command = match keeper {
        Some(keeper) => keeper.command(&command),
        None => {
            command.stdout(log);
            command
        }
    };
    let mut child = command
        // The keeper listens here for our end; to a compiler it is an input in which nothing comes.
        .stdin(Stdio::piped())
        .stderr(log_too)
        .spawn()
        .map_err(|error| StackError::prepare(format!("starting `{shown}`"), error))?;
    let failed = |status: String| {
        let text = fs::read_to_string(&said).unwrap_or_default();
        if text.contains("No space left on device") {
            return StackError::NoSpace(folder.to_path_buf());
        }
        StackError::Fetch {
            what: what.to_owned(),
            command: shown.clone(),
            status,
            said: tail(&text),
        }
    };
    let (mut bytes, mut grew) = (0, Instant::now());
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(status.to_string())),
            Ok(None) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let now = size(folder);
        task.at(now);
        if now != bytes {
            (bytes, grew) = (now, Instant::now());
        }
        if grew.elapsed() > SILENCE_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(failed(format!("no byte came for {} s", SILENCE_LIMIT.as_secs())));
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn size(folder: &Path) -> u64 {
    // Files come and go under our eyes; whatever cannot be read now counts nothing.
    let files = walk(folder).unwrap_or_default();
    files
        .iter()
        .filter_map(|file| fs::metadata(file).ok())
        .map(|found| found.len())
        .sum()
}

/// What matters of a program's output, in one line: its first errors (what follows them is advice), else its end.
fn tail(text: &str) -> String {
    let text = plain(text);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let errors: Vec<_> = lines
        .iter()
        .copied()
        .filter(|line| line.to_uppercase().contains("ERROR"))
        .take(3)
        .collect();
    let from = lines.len().saturating_sub(4);
    match (errors.is_empty(), lines.is_empty()) {
        (false, _) => errors.join(" | "),
        (true, false) => lines[from..].join(" | "),
        (true, true) => "nothing".into(),
    }
}

/// Without terminal colours: Maven paints even what goes to a file.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character == '\u{1b}' {
            // ESC [ parameters, up to a letter
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

/// The error of a disk that is too small for `needed` bytes.
pub(crate) fn disk_full(path: &Path, needed: u64) -> StackError {
    StackError::DiskFull {
        path: path.to_path_buf(),
        needed_mb: needed / 1_000_000,
        free_mb: free(path).unwrap_or(0) / 1_000_000,
    }
}

/// Bytes that we may still write on the disk of `path`.
pub(crate) fn free(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rustix::process::{Pid, Signal, kill_process, test_kill_process};

    use super::*;
    use crate::provision::{ensure, home};

    /// The test below, started a second time with this variable set, is the owner that gets killed.
    const OWNER: &str = "STACK_TEST_DOWNLOAD";

    fn until(what: &str, mut is: impl FnMut() -> bool) {
        let started = Instant::now();
        while !is() {
            assert!(started.elapsed() < Duration::from_secs(60), "{what} did not happen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_download_and_what_it_started_and_what_it_wrote_go_when_their_owner_is_killed() {
        if let Some(folder) = std::env::var_os(OWNER).map(PathBuf::from) {
            let pieces = ensure(true).expect("the servers' pieces");
            let keeper = Keeper {
                launcher: &pieces.launcher,
                run: &folder,
            };
            let mut command = Command::new("sh");
            // Two processes, both told of in one step.
            let script = "sleep 600 & echo $$ $! >../half; mv ../half ../pids; wait";
            command.args(["-c", script]).current_dir(&folder);
            let task = Progress::new(false).task("a download", 0);
            let ended = run("a download", command, Some(&keeper), &folder, &task);
            panic!("the download ended before its owner was killed: {ended:?}");
        }
        ensure(true).expect("the servers' pieces");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (staging, note) = (folder.path().join("staging"), folder.path().join("pids"));
        fs::create_dir(&staging).expect("creating");
        let name = concat!(
            module_path!(),
            "::a_download_and_what_it_started_and_what_it_wrote_go_when_their_owner_is_killed"
        );
        let name = name.split_once("::").map_or(name, |(_, name)| name);
        let mut owner = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", name, "--nocapture"])
            .env(OWNER, &staging)
            .env("TICKBOOK_HOME", home())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("starting the owner");
        until("the download's start", || {
            note.exists() || owner.try_wait().is_ok_and(|ended| ended.is_some())
        });
        let text = fs::read_to_string(&note).expect("two process ids; the owner ended before the download began");
        let pids: Vec<_> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok().and_then(Pid::from_raw))
            .collect();
        let exist = || pids.iter().any(|pid| test_kill_process(*pid).is_ok());
        assert!(pids.len() == 2 && exist(), "{text}");

        let pid = i32::try_from(owner.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, Signal::KILL).expect("killing the owner");
        owner.wait().expect("waiting for the owner");
        until("the end of the download and of what it started", || !exist());
        until("the removal of what it wrote", || !staging.exists());
    }

    #[test]
    fn a_download_that_fails_is_told_with_its_own_command_and_words() {
        let pieces = ensure(true).expect("the servers' pieces");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keeper = Keeper {
            launcher: &pieces.launcher,
            run: folder.path(),
        };
        let mut command = Command::new("sh");
        command
            .args(["-c", "echo \"ERROR no route to $HOST_WANTED\"; exit 3"])
            .env("HOST_WANTED", "here");
        let task = Progress::new(false).task("a download", 0);
        let error = run("a thing", command, Some(&keeper), folder.path(), &task)
            .expect_err("it exits with 3")
            .to_string();
        assert!(
            error.contains("`sh -c") && error.contains("ERROR no route to here") && error.contains("exit status: 3"),
            "{error}"
        );
    }

    #[test]
    fn what_a_tool_said_is_told_by_its_first_errors_without_colours() {
        let said = "[INFO] begin\n[\u{1b}[1;31mERROR\u{1b}[m] no route to host\n[INFO] end\n";
        assert_eq!(tail(said), "[ERROR] no route to host");
        assert_eq!(tail("one\n\ntwo\n"), "one | two");
        assert_eq!(tail(""), "nothing");
    }
}
