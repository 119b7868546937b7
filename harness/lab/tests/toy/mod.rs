//! A workbook small enough to be built in seconds: two solutions without dependencies, as a checkout of its own.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure
#![allow(dead_code, unreachable_pub)] // each test program takes what it needs

mod small;
mod texts;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use small::Small;
use small::package;
use texts::{ADDING, DISCUSSION, LIBRARY, MANIFEST, NOBODY, PURSE, ROOT, SHARING, WRAPS};

/// What any call may take: a build of a toy, on a machine that is busy with others.
pub const LIMIT: Duration = Duration::from_secs(120);

const RUBRIC: &str = include_str!("../../src/rehearse/tests/rubric.toml");

/// What the reader writes for task 1 of the toy.
pub const TASK_1: (&str, &str) = (
    "todo!(\"task 1: add, and stay at the top\")",
    "left.saturating_add(right)",
);
/// The same for task 2, in `src/lib.rs`.
pub const TASK_2: (&str, &str) = (
    "todo!(\"task 2: share evenly; among nobody there is no share\")",
    "coins.checked_div(heads)",
);
/// And in `src/purse.rs`.
pub const TASK_2_PURSE: (&str, &str) = (
    "todo!(\"task 2: the coins, and one more time the coins\")",
    "self.coins = add(self.coins, coins);",
);

/// How a call ended.
#[derive(Debug)]
pub struct Ended {
    /// Absent after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Ended {
    /// Its standard output, of a call that did what it was asked.
    pub fn well(self) -> String {
        assert_eq!(self.code, Some(0), "the call was refused or found something: {self:#?}");
        self.stdout
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Fails unless a call said all these words.
pub fn assert_has(ended: &Ended, wanted: &[&str]) {
    for words in wanted {
        assert!(ended.all().contains(words), "no {words:?} in {ended:#?}");
    }
}

/// A refusal is one sentence on standard error, and names a command.
pub fn assert_refused(ended: &Ended, wanted: &[&str]) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:#?}");
    assert_has(ended, wanted);
    assert!(ended.stderr.contains("./lab "), "no command to go on with: {ended:#?}");
    assert!(!ended.stderr.contains("panicked"), "{ended:#?}");
}

/// The checkout.
pub struct Toy {
    _folder: TempDir,
    pub root: PathBuf,
    home: PathBuf,
    /// Where it is built: of its own, as every checkout's.
    target: PathBuf,
}

impl Toy {
    /// The toy of lab 07 and the other one of lab 09, generated and committed.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With more labs.
    pub fn with(more: &[Small]) -> Self {
        let toy = Self::unfinished(more);
        toy.lab(&["generate"]).well();
        toy.commit();
        toy
    }

    /// The solutions, without labs, a lockfile or a commit.
    pub fn unfinished(more: &[Small]) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let (root, home, target) = (
            folder.path().join("checkout"),
            folder.path().join("home"),
            folder.path().join("built"),
        );
        fs::create_dir_all(&home).unwrap();
        let toy = Self {
            _folder: folder,
            root,
            home,
            target,
        };
        let other = Small::new(9, "other");
        let folders: Vec<String> = ["07-toy".to_owned(), other.folder()]
            .into_iter()
            .chain(more.iter().map(Small::folder))
            .collect();
        let members: Vec<String> = folders
            .iter()
            .flat_map(|folder| [format!("\"solutions/{folder}\""), format!("\"labs/{folder}\"")])
            .collect();
        toy.write("Cargo.toml", &ROOT.replace("MEMBERS", &members.join(", ")));
        toy.write(".gitignore", "/target\n/.lab/\n");
        toy.write("harness/README.md", "No part of the harness is needed.\n");
        toy.write("book/src/index.md", "# Toy\n");
        toy.write("book/questions/rubric.toml", RUBRIC);
        for (path, text) in [
            ("Cargo.toml", package("07-toy", "toy").as_str()),
            ("lab.toml", MANIFEST),
            ("src/lib.rs", LIBRARY),
            ("src/purse.rs", PURSE),
            ("tests/adding.rs", ADDING),
            ("tests/sharing.rs", SHARING),
            ("mutants/wraps.patch", WRAPS),
            ("mutants/nobody.patch", NOBODY),
            ("DISCUSSION.md", DISCUSSION),
        ] {
            toy.write(&format!("solutions/07-toy/{path}"), text);
        }
        other.write(&toy);
        for small in more {
            small.write(&toy);
        }
        toy.git(&["init", "-q", "-b", "main"]);
        toy
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    /// Replaces a part of a file that must be in it.
    pub fn edit(&self, below: &str, from: &str, to: &str) {
        let text = self.read(below);
        assert!(text.contains(from), "{below} has no {from:?}:\n{text}");
        self.write(below, &text.replace(from, to));
    }

    /// Builds task 1 as a reader would.
    pub fn build_task_1(&self) {
        self.edit("labs/07-toy/src/lib.rs", TASK_1.0, TASK_1.1);
    }

    /// Builds task 2 as a reader would.
    pub fn build_task_2(&self) {
        self.edit("labs/07-toy/src/lib.rs", TASK_2.0, TASK_2.1);
        self.edit("labs/07-toy/src/purse.rs", TASK_2_PURSE.0, TASK_2_PURSE.1);
    }

    pub fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=toy", "-c", "user.email=toy@example.org", "-C"])
            .arg(&self.root)
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        ended(git).well()
    }

    pub fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", "as it is"]);
    }

    /// A call of the command, to be run in whichever way.
    pub fn call(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command.args(args);
        self.environment(&mut command);
        command
    }

    /// Another program, as it would be called in the checkout.
    pub fn under(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args);
        self.environment(&mut command);
        command
    }

    pub fn lab(&self, args: &[&str]) -> Ended {
        ended(self.call(args))
    }

    /// Cargo as the reader would call it in the checkout.
    pub fn cargo(&self, args: &[&str]) -> Ended {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(args);
        self.environment(&mut cargo);
        ended(cargo)
    }

    fn environment(&self, command: &mut Command) {
        command
            .current_dir(&self.root)
            .env("TICKBOOK_ROOT", &self.root)
            .env("TICKBOOK_HOME", &self.home)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TERM_COLOR", "never")
            .env("CARGO_INCREMENTAL", "0")
            .env("LAB_STACK", "local")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET_DIR");
    }

    /// The processes that were started for this toy and still are there: id and call.
    pub fn processes(&self) -> Vec<String> {
        let mark = format!("TICKBOOK_HOME={}\0", self.home.display());
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                let called = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(format!(
                    "{} {}",
                    entry.file_name().to_string_lossy(),
                    String::from_utf8_lossy(&called).replace('\0', " ")
                ));
            }
        }
        found
    }

    /// Waits until one of them was called with these words.
    pub fn runs(&self, words: &str) {
        eventually(&format!("nothing with {words:?} was ever started"), || {
            let there = self.processes();
            let runs = there.iter().any(|called| called.contains(words));
            runs.then_some(()).ok_or_else(|| format!("{there:#?}"))
        });
    }

    /// Fails unless all of them go soon.
    pub fn nobody_left(&self) {
        eventually("processes of the toy are still there", || {
            let left = self.processes();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:#?}"))
            }
        });
    }
}

/// Waits until it is so, with a limit.
pub fn eventually(what: &str, mut so: impl FnMut() -> Result<(), String>) {
    let from = Instant::now();
    loop {
        match so() {
            Ok(()) => return,
            Err(why) => assert!(from.elapsed() < LIMIT, "{what}, after {LIMIT:?}: {why}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs it to its end, or fails after [`LIMIT`].
pub fn ended(mut command: Command) -> Ended {
    let from = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = within(child, &format!("{command:?}"));
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: from.elapsed(),
    }
}

fn within(child: Child, called: &str) -> Output {
    let pid = rustix::process::Pid::from_child(&child);
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(LIMIT) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            panic!("{called} did not end within {LIMIT:?}");
        }
    }
}

/// Files below a folder, with when each was written.
pub fn written(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => found.push((entry.path(), entry.metadata().unwrap().modified().unwrap())),
            }
        }
    }
    found.sort();
    found
}
