//! Calls of git: no prompts, no hooks, words in English, and never for longer than a limit.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::files::State;
use super::{KeepError, Lock};

/// How long a call may take that needs no network.
const LOCAL: Duration = Duration::from_secs(60);
/// How long one may take that writes the checkout's files: stopped, it would leave half of them.
const WRITING: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(5);

/// Settings that a reader may have and that would change what a call does, or stop it for a question.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "commit.gpgsign=false",
    "merge.autoStash=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "core.pager=cat",
    "color.ui=false",
];

/// Said by a hook or by another git that started this program: of another repository, perhaps.
const FOREIGN: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
];

/// The checkout, as git sees it.
#[derive(Debug)]
pub(crate) struct Git<'a> {
    root: &'a Path,
}

/// What a call ended with.
#[derive(Debug)]
pub(crate) struct Said {
    status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn ok(&self) -> bool {
        self.status.success()
    }

    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The first line of standard output.
    pub(crate) fn line(&self) -> String {
        let text = String::from_utf8_lossy(&self.stdout);
        text.lines().next().unwrap_or_default().trim().to_owned()
    }
}

impl<'a> Git<'a> {
    /// The checkout at `root`.
    ///
    /// # Errors
    /// There is no git, or `root` is no checkout of its own (a folder inside another repository is none).
    pub(crate) fn open(root: &'a Path) -> Result<Self, KeepError> {
        let git = Self { root };
        let said = git.call(&["rev-parse", "--is-inside-work-tree", "--show-prefix"])?;
        let text = String::from_utf8_lossy(&said.stdout);
        let lines: Vec<_> = text.lines().collect();
        match lines.as_slice() {
            ["true"] | ["true", ""] if said.ok() => Ok(git),
            _ if said.stderr.contains("dubious ownership") => Err(KeepError::Refused(format!(
                "git does not trust {}, because it belongs to somebody else; run: git config --global --add \
                 safe.directory {0}",
                root.display()
            ))),
            _ => Err(KeepError::Refused(format!(
                "{} is not a git checkout, so there is no saying what the workbook ships; clone it with git, and copy your \
                 labs folder over",
                root.display()
            ))),
        }
    }

    pub(crate) fn root(&self) -> &'a Path {
        self.root
    }

    /// What a call that must succeed writes.
    pub(crate) fn ask(&self, args: &[&str]) -> Result<Said, KeepError> {
        let said = self.call(args)?;
        if said.ok() { Ok(said) } else { Err(failed(args, &said)) }
    }

    /// What a call says that may fail.
    pub(crate) fn call(&self, args: &[&str]) -> Result<Said, KeepError> {
        self.call_within(args, &[], LOCAL)
    }

    /// As [`Git::ask`], for a call that changes the checkout. git holds the lock as its standard input, which it does not read:
    /// if this program is killed, nobody else begins before git has ended.
    pub(crate) fn change(&self, lock: &Lock, args: &[&str]) -> Result<Said, KeepError> {
        let held = lock.shared()?;
        let said = run(self.command(args)?, Input::Held(held), WRITING, args)?;
        if said.ok() { Ok(said) } else { Err(failed(args, &said)) }
    }

    /// As [`Git::call`], with a limit of time and something to read.
    pub(crate) fn call_within(&self, args: &[&str], stdin: &[u8], limit: Duration) -> Result<Said, KeepError> {
        run(self.command(args)?, Input::Bytes(stdin), limit, args)
    }

    fn command(&self, args: &[&str]) -> Result<Command, KeepError> {
        let mut command = Command::new("git");
        for name in FOREIGN {
            command.env_remove(name);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
            .current_dir(self.root)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if args.first() == Some(&"fetch") {
            // Its own group: past the limit, git's helpers (ssh, https) must go with it.
            command.process_group(0);
            // ssh asks on the terminal itself. Who has chosen another ssh keeps it.
            let chosen = ["GIT_SSH_COMMAND", "GIT_SSH"]
                .iter()
                .any(|name| std::env::var_os(name).is_some());
            if !chosen && !self.call(&["config", "core.sshCommand"])?.ok() {
                command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
            }
        }
        Ok(command)
    }

    /// Whether the commit `old` is in the history of `new`.
    pub(crate) fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, KeepError> {
        Ok(self.call(&["merge-base", "--is-ancestor", old, new])?.ok())
    }

    /// The commit's full name.
    pub(crate) fn commit(&self, name: &str) -> Result<Option<String>, KeepError> {
        let said = self.call(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])?;
        Ok(said.ok().then(|| said.line()))
    }

    /// The folders `labs/NN-name` of a commit, by name.
    pub(crate) fn labs(&self, commit: &str) -> Result<Vec<String>, KeepError> {
        let said = self.ask(&["ls-tree", "-d", "-z", "--name-only", commit, "labs/"])?;
        let names = paths(&said.stdout).into_iter();
        Ok(names
            .filter_map(|path| Some(path.strip_prefix("labs").ok()?.to_str()?.to_owned()))
            .collect())
    }

    /// Paths that differ between two commits, below `under` (a pathspec).
    pub(crate) fn changed(&self, old: &str, new: &str, under: &[&str]) -> Result<Vec<PathBuf>, KeepError> {
        let args = ["diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new, "--"];
        Ok(paths(&self.ask(&[&args, under].concat())?.stdout))
    }

    /// The files of a commit at or below these paths, by path from the root.
    pub(crate) fn states(&self, commit: &str, under: &[&Path]) -> Result<BTreeMap<PathBuf, State>, KeepError> {
        let mut listed = BTreeMap::new();
        // Word by word, as a path need not be UTF-8; few at a time, as a command line has an end.
        for some in under.chunks(200) {
            let mut command = ["ls-tree", "-r", "-z", commit].map(OsString::from).to_vec();
            command.extend(some.iter().map(OsString::from));
            listed.extend(self.listed(&command)?);
        }
        let asked: Vec<_> = listed.values().map(|(_, object)| object.as_str()).collect();
        let bytes = self.objects(&asked)?;
        let states = listed.into_iter().zip(bytes).map(|((path, (mode, _)), bytes)| {
            let state = match mode.as_str() {
                "120000" => State::Link(PathBuf::from(OsString::from_vec(bytes))),
                mode => State::File {
                    bytes,
                    runs: mode == "100755",
                },
            };
            (path, state)
        });
        Ok(states.collect())
    }

    fn listed(&self, args: &[OsString]) -> Result<BTreeMap<PathBuf, (String, String)>, KeepError> {
        let mut command = Command::new("git");
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .current_dir(self.root)
            .env("LC_ALL", "C")
            // A name with a star is a name here.
            .env("GIT_LITERAL_PATHSPECS", "1")
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let said = run(command, Input::Bytes(&[]), LOCAL, &["ls-tree"])?;
        if !said.ok() {
            return Err(failed(&["ls-tree"], &said));
        }
        // `MODE TYPE OBJECT\tPATH`; what is no blob is another repository's.
        let entries = said.stdout.split(|byte| *byte == 0).filter_map(|entry| {
            let tab = entry.iter().position(|byte| *byte == b'\t')?;
            let words = std::str::from_utf8(&entry[..tab]).ok()?;
            let mut words = words.split(' ');
            let (mode, kind, object) = (words.next()?, words.next()?, words.next()?);
            let path = PathBuf::from(OsStr::from_bytes(&entry[tab + 1..]));
            (kind == "blob").then(|| (path, (mode.to_owned(), object.to_owned())))
        });
        Ok(entries.collect())
    }

    /// The bytes of objects, in the order asked for.
    pub(crate) fn objects(&self, names: &[&str]) -> Result<Vec<Vec<u8>>, KeepError> {
        let args = ["cat-file", "--batch"];
        let asked: String = names.iter().flat_map(|name| [name, "\n"]).collect();
        let said = self.call_within(&args, asked.as_bytes(), LOCAL)?;
        if !said.ok() {
            return Err(failed(&args, &said));
        }
        // `OBJECT blob SIZE\n`, the bytes, `\n`.
        let mut rest = said.stdout.as_slice();
        let mut next = || {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let header = std::str::from_utf8(&rest[..end]).ok()?;
            let size: usize = header.rsplit(' ').next()?.parse().ok()?;
            let bytes = rest.get(end + 1..end + 1 + size)?.to_vec();
            rest = rest.get(end + 2 + size..)?;
            Some(bytes)
        };
        names
            .iter()
            .map(|name| {
                next().ok_or_else(|| {
                    KeepError::Refused(format!(
                        "git has lost an object of this checkout ({name}); look at: git fsck"
                    ))
                })
            })
            .collect()
    }
}

/// The paths that a call with `-z` lists.
pub(crate) fn paths(listed: &[u8]) -> Vec<PathBuf> {
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

fn failed(args: &[&str], said: &Said) -> KeepError {
    let line = |text: &str| {
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
            .join("; ")
    };
    KeepError::Refused(format!(
        "git {} failed: {}",
        args.first().unwrap_or(&""),
        line(&said.stderr)
    ))
}

/// What a call has as its standard input.
enum Input<'a> {
    Bytes(&'a [u8]),
    /// The checkout's lock, for as long as git runs.
    Held(File),
}

fn run(mut command: Command, stdin: Input<'_>, limit: Duration, args: &[&str]) -> Result<Said, KeepError> {
    let lost = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            KeepError::Refused("there is no git on this machine; install it with your package manager".into())
        }
        _ => KeepError::Refused(format!("git cannot be run: {error}")),
    };
    let bytes = match stdin {
        Input::Bytes(bytes) => {
            command.stdin(Stdio::piped());
            bytes
        }
        Input::Held(lock) => {
            command.stdin(lock);
            &[]
        }
    };
    let mut child = command.spawn().map_err(lost)?;
    // This program's copy of what git was given to read goes with it.
    drop(command);
    let (into, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let asked = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A git that reads no further says why itself.
            let _ = into.map(|mut into| into.write_all(bytes));
        });
        let out = scope.spawn(move || all(out));
        let err = scope.spawn(move || all(err));
        let status = loop {
            if let Some(status) = child.try_wait().map_err(lost)? {
                break Some(status);
            }
            if asked.elapsed() > limit {
                end(&mut child, args);
                break None;
            }
            thread::sleep(LOOK);
        };
        let Some(status) = status else {
            return Err(KeepError::Refused(format!(
                "git {} has not ended within {} s and was stopped; look at the network and the disk, then run this again",
                args.first().unwrap_or(&""),
                limit.as_secs()
            )));
        };
        Ok(Said {
            status,
            stdout: out.join().unwrap_or_default(),
            stderr: String::from_utf8_lossy(&err.join().unwrap_or_default()).into_owned(),
        })
    })
}

fn all(from: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.map(|mut from| from.read_to_end(&mut bytes));
    bytes
}

fn end(child: &mut std::process::Child, args: &[&str]) {
    if args.first() == Some(&"fetch") {
        let group = rustix::process::Pid::from_child(child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}
