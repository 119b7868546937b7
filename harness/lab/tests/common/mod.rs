//! The built command as its user has it: with a home of its own, heard line by line, signalled, and looked for afterwards.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure
#![allow(dead_code, unreachable_pub)] // each test program takes what it needs

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What the command may take at most, with its build of the pipeline and the start of its servers.
pub const LIMIT: Duration = Duration::from_secs(600);

/// How long what a dead run has started may outlive it.
const GONE: Duration = Duration::from_secs(15);

/// A home of the tests' own, so that the user's last report stays: with the servers that are fetched already and, from one
/// test to the next, Kafka's class archive (it is valid for one path only, and takes seconds to make); else as new. One test
/// at a time has a home, and there are two of them: more runs side by side would test the machine.
pub struct Home {
    path: PathBuf,
    _alone: Vec<File>,
}

impl std::ops::Deref for Home {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// What a run says when the first trade has become a row.
pub const FIRST_ROW: &str = "the first trade is a row";

/// Waits for a home, and no longer than for one.
pub fn home() -> Home {
    let (first, second) = (place(1), place(2));
    let from = Instant::now();
    loop {
        // In this order, so that a program with one test has always the same, with its class archive.
        if first.1.try_lock().is_ok() {
            return as_new(first.0, vec![first.1]);
        }
        if second.1.try_lock().is_ok() {
            return as_new(second.0, vec![second.1]);
        }
        assert!(from.elapsed() < LIMIT, "no home came free within {LIMIT:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// One of the two, and its lock.
fn place(number: u8) -> (PathBuf, File) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("home-{number}"));
    std::fs::create_dir_all(&path).unwrap();
    let lock = File::create(path.with_extension("lock")).unwrap();
    (path, lock)
}

fn as_new(path: PathBuf, alone: Vec<File>) -> Home {
    stack::provision::ensure(true).expect("the servers can be fetched: ./lab doctor says what is missing");
    for entry in std::fs::read_dir(&path).unwrap() {
        let (entry, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
        match (kind.is_dir(), name(&entry).starts_with("kafka-")) {
            (true, true) => {}
            (true, false) => std::fs::remove_dir_all(&entry).unwrap(),
            (false, _) => std::fs::remove_file(&entry).unwrap(),
        }
    }
    for entry in std::fs::read_dir(stack::provision::home()).unwrap() {
        let fetched = entry.unwrap().path();
        let here = path.join(name(&fetched));
        let is_a = |piece: &&str| name(&fetched).starts_with(*piece);
        if ["kafka-", "clickhouse-", "launcher-"].iter().any(is_a) && !here.exists() {
            std::os::unix::fs::symlink(&fetched, here).unwrap();
        }
    }
    Home { path, _alone: alone }
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// How the command ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; absent after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The command, running.
pub struct Running {
    child: Child,
    stdout: JoinHandle<String>,
    stderr: mpsc::UnboundedReceiver<String>,
    said: String,
    pub begun: Instant,
}

impl Running {
    pub fn start(home: &Path, args: &[&str]) -> Self {
        Self::start_by(&[], home, args)
    }

    /// The same, by a program that becomes the command: the words that come before its own.
    pub fn start_by(words: &[&str], home: &Path, args: &[&str]) -> Self {
        let begun = Instant::now();
        let words: Vec<&str> = [words, &[env!("CARGO_BIN_EXE_lab")], args].concat();
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .env("TICKBOOK_HOME", home)
            .env_remove("LAB_STACK")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, stderr) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = sender.send(line);
            }
        });
        let stdout = tokio::spawn(async move {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text).await;
            text
        });
        Self {
            child,
            stdout,
            stderr,
            said: String::new(),
            begun,
        }
    }

    /// Waits for a line with `word` on standard error, and returns it.
    pub async fn says(&mut self, word: &str) -> String {
        while let Ok(Some(line)) = tokio::time::timeout(LIMIT, self.stderr.recv()).await {
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(word) {
                return line;
            }
        }
        panic!("the command never said {word:?}, but:\n{}", self.said);
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id().expect("it runs")).unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = self.pid();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    pub async fn end(mut self) -> Ended {
        let status = tokio::time::timeout(LIMIT, self.child.wait()).await;
        let status = status.expect("the command did not end").unwrap();
        while let Some(line) = self.stderr.recv().await {
            self.said.push_str(&line);
            self.said.push('\n');
        }
        Ended {
            code: status.code(),
            stdout: self.stdout.await.unwrap(),
            stderr: self.said,
        }
    }
}

/// Runs the command; its output if it did what it was asked, its words if not.
pub async fn lab(home: &Path, args: &[&str]) -> Result<String, String> {
    let ended = Running::start(home, args).end().await;
    match ended.code {
        Some(0) => Ok(ended.stdout),
        _ => Err(ended.stderr),
    }
}

/// The processes that were started with this home, by id: what each was called with. All of a run inherit it, and a zombie
/// has none.
pub fn processes(home: &Path) -> BTreeMap<i32, String> {
    let mark = format!("TICKBOOK_HOME={}\0", home.display());
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        if environment.windows(mark.len()).any(|part| part == mark.as_bytes()) {
            let called = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.insert(pid, String::from_utf8_lossy(&called).replace('\0', " "));
        }
    }
    found
}

/// Words of the calls of what a run is made of.
pub const INGEST: &[&str] = &["/pipeline ingest "];
pub const WORKER: &[&str] = &["/pipeline worker "];
pub const KAFKA: &[&str] = &["/java ", " kafka.Kafka "];
pub const CLICKHOUSE: &[&str] = &["/launcher clickhouse "];

/// The process of this run whose call has all these words, and not the keeper that starts it and is called with them too.
pub fn process(home: &Path, words: &[&str]) -> i32 {
    let found = processes(home);
    let is_it = |called: &str| !called.contains(" keep --run ") && words.iter().all(|word| called.contains(word));
    match found.iter().find(|(_, called)| is_it(called)) {
        Some((pid, _)) => *pid,
        None => panic!("no process of the run is {words:?}: {:#?}", shown(&found)),
    }
}

/// As much of each call as tells it from the others: Kafka's names a hundred jars.
fn shown(found: &BTreeMap<i32, String>) -> Vec<String> {
    let short = |called: &String| called.chars().take(120).collect::<String>();
    found
        .iter()
        .map(|(pid, called)| format!("{pid} {}", short(called)))
        .collect()
}

/// Fails unless all that a run is made of is there: who looks for what is left must be able to see it.
pub fn all_there(home: &Path) {
    for words in [INGEST, WORKER, KAFKA, CLICKHOUSE] {
        process(home, words);
    }
}

/// Fails unless every process of this home goes within [`GONE`].
pub async fn nobody_left(home: &Path) {
    let from = Instant::now();
    loop {
        let left = processes(home);
        if left.is_empty() {
            return;
        }
        assert!(from.elapsed() < GONE, "still there after {GONE:?}: {:#?}", shown(&left));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The folders of runs in this home.
pub fn run_folders(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join("runs")).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// Fails unless every folder of a run in this home goes within [`GONE`].
pub async fn no_folder_left(home: &Path) {
    let from = Instant::now();
    while !run_folders(home).is_empty() {
        let left = run_folders(home);
        assert!(from.elapsed() < GONE, "still there after {GONE:?}: {left:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
