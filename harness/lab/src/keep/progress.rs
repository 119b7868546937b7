//! The reader's progress: `.lab/progress/NN-name.toml`, one file per lab, plain text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use toml::{Table, Value};

use super::{KeepError, Lock, files};

/// How many levels of hints a task has.
pub const HINTS: u8 = 3;

/// What a reader has done in one lab. A lab that was never begun is [`Progress::default`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// When the lab was begun.
    pub started: Option<Date>,
    /// By the number of the task; one that was never touched need not be there. [`Progress::task`] reads, and
    /// [`Progress::task_mut`] makes it.
    pub tasks: BTreeMap<u8, Task>,
    /// When the bonus was won: the reader's own test kills the bonus mutant.
    pub bonus: Option<Date>,
    /// What the last run of the lab's tests said.
    pub last: Option<Verdict>,
    /// The file as it was read: what this version does not know is written back as it was.
    kept: Table,
}

/// What a reader has done in one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// How many levels of its hints were seen, 0 to [`HINTS`].
    pub hints: u8,
    /// When its tests first passed.
    pub passed: Option<Date>,
    /// When its solution was shown.
    pub revealed: Option<Date>,
    /// Whether the solution was shown before the tests passed.
    pub gave_up: bool,
}

/// What a run of a lab's tests said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// When.
    pub date: Date,
    /// How many tests passed.
    pub passed: u32,
    /// Whose code ran: `yours` or `reference`.
    pub code: String,
    /// Where the servers came from: `local`, `containers` or `external`.
    pub stack: String,
}

/// Today, where the reader is.
pub fn today() -> Date {
    jiff::Zoned::now().date()
}

impl Progress {
    /// The file of a lab, `folder` being `05-acks`.
    pub fn path(root: &Path, folder: &str) -> PathBuf {
        root.join(super::PLACE).join("progress").join(format!("{folder}.toml"))
    }

    /// Reads the progress of the lab `folder` (`05-acks`); takes no lock, as files are replaced whole. No file is no
    /// progress.
    ///
    /// # Errors
    /// The file cannot be read, or is broken: the error names file and line, and the file is left as it is.
    pub fn read(root: &Path, folder: &str) -> Result<Self, KeepError> {
        let path = Self::path(root, folder);
        match std::fs::read(&path) {
            Ok(bytes) => Self::parse(&path, &bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(KeepError::io("cannot read", &path)(error)),
        }
    }

    /// Changes the progress of a lab under the checkout's lock, and returns what it is now. Writes nothing if nothing
    /// changes.
    ///
    /// # Errors
    /// The lock is held by somebody else for 10 s; the file is broken (it is left as it is) or cannot be written.
    pub fn change(root: &Path, folder: &str, how: impl FnOnce(&mut Self)) -> Result<Self, KeepError> {
        let lock = Lock::take(root)?;
        Self::change_under(&lock, root, folder, how)
    }

    /// As [`Progress::change`], for who holds the lock already.
    ///
    /// # Errors
    /// As there, but for the lock.
    pub fn change_under(
        _lock: &Lock,
        root: &Path,
        folder: &str,
        how: impl FnOnce(&mut Self),
    ) -> Result<Self, KeepError> {
        let before = Self::read(root, folder)?;
        let mut after = before.clone();
        how(&mut after);
        if after != before {
            files::replace(&Self::path(root, folder), after.text().as_bytes())?;
        }
        Ok(after)
    }

    /// What was done in a task; nothing, if it was never touched.
    pub fn task(&self, number: u8) -> Task {
        self.tasks.get(&number).cloned().unwrap_or_default()
    }

    /// A task, to change it.
    pub fn task_mut(&mut self, number: u8) -> &mut Task {
        self.tasks.entry(number).or_default()
    }

    /// Whether nothing was ever noted of the lab.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Forgets which tasks passed, and the last verdict, which spoke of them. Hints seen, what was revealed, who gave up
    /// and the bonus stay: new tests do not make them unseen.
    pub fn forget_passed(&mut self) {
        for task in self.tasks.values_mut() {
            task.passed = None;
        }
        self.last = None;
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, KeepError> {
        let broken = |at: usize, what: &str| KeepError::Broken {
            path: path.to_path_buf(),
            line: bytes[..at.min(bytes.len())]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count()
                + 1,
            what: what.lines().next().unwrap_or_default().to_owned(),
        };
        let text = std::str::from_utf8(bytes).map_err(|error| broken(error.valid_up_to(), "this is not UTF-8"))?;
        let of = |error: toml::de::Error| broken(error.span().map_or(0, |span| span.start), error.message());
        let kept: Table = toml::from_str(text).map_err(of)?;
        let read: Read = toml::from_str(text).map_err(of)?;
        let tasks = read.task.into_iter();
        Ok(Self {
            started: read.started.map(|day| day.0),
            // What is no number is of a later version, and stays in `kept`.
            tasks: tasks
                .filter_map(|(number, task)| Some((number.parse().ok()?, task.into())))
                .collect(),
            bonus: read.bonus.map(|day| day.0),
            last: read.last.map(Verdict::from),
            kept,
        })
    }

    fn text(&self) -> String {
        let mut all = self.kept.clone();
        set(&mut all, "started", self.started.map(date));
        set(&mut all, "bonus", self.bonus.map(date));
        for (number, task) in &self.tasks {
            let number = number.to_string();
            let table = table(table(&mut all, "task"), &number);
            set(table, "hints", (task.hints > 0).then(|| i64::from(task.hints).into()));
            set(table, "passed", task.passed.map(date));
            set(table, "revealed", task.revealed.map(date));
            set(table, "gave_up", task.gave_up.then(|| true.into()));
        }
        match &self.last {
            None => set(&mut all, "last", None),
            Some(verdict) => {
                let table = table(&mut all, "last");
                set(table, "date", Some(date(verdict.date)));
                set(table, "passed", Some(i64::from(verdict.passed).into()));
                set(table, "code", Some(verdict.code.clone().into()));
                set(table, "stack", Some(verdict.stack.clone().into()));
            }
        }
        // What is already a table of TOML can be written as TOML.
        all.to_string()
    }
}

/// The table below `key`, made if there is none.
fn table<'a>(of: &'a mut Table, key: &str) -> &'a mut Table {
    let value = of.entry(key).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    match value {
        Value::Table(table) => table,
        _ => unreachable!("made a table above"),
    }
}

fn set(table: &mut Table, key: &str, value: Option<Value>) {
    match value {
        Some(value) => table.insert(key.to_owned(), value),
        None => table.remove(key),
    };
}

/// A date as TOML has it, without quotes: `2026-05-01`.
fn date(day: Date) -> Value {
    day.to_string()
        .parse::<toml::value::Datetime>()
        .map_or_else(|_| day.to_string().into(), Value::Datetime)
}

/// What is read of a file. The rest of it stays in [`Progress::kept`].
#[derive(Deserialize)]
struct Read {
    started: Option<Day>,
    bonus: Option<Day>,
    #[serde(default)]
    task: BTreeMap<String, ReadTask>,
    last: Option<ReadVerdict>,
}

#[derive(Deserialize)]
struct ReadTask {
    #[serde(default)]
    hints: u8,
    passed: Option<Day>,
    revealed: Option<Day>,
    #[serde(default)]
    gave_up: bool,
}

#[derive(Deserialize)]
struct ReadVerdict {
    date: Day,
    passed: u32,
    code: String,
    stack: String,
}

struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let found = toml::value::Datetime::deserialize(from)?;
        let day = found.to_string().parse().map(Self);
        day.map_err(|_| serde::de::Error::custom(format!("{found} is no date; write it as 2026-05-01")))
    }
}

impl From<ReadTask> for Task {
    fn from(read: ReadTask) -> Self {
        Self {
            hints: read.hints,
            passed: read.passed.map(|day| day.0),
            revealed: read.revealed.map(|day| day.0),
            gave_up: read.gave_up,
        }
    }
}

impl From<ReadVerdict> for Verdict {
    fn from(read: ReadVerdict) -> Self {
        Self {
            date: read.date.0,
            passed: read.passed,
            code: read.code,
            stack: read.stack,
        }
    }
}

#[cfg(test)]
mod tests;
