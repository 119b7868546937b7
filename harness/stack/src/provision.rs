//! What the local servers are made of: where it is kept, how it is fetched, and whether it is whole.
//!
//! Everything is made in `staging`, checked, flushed, and moved into place in one step, under a lock that only one
//! process holds. What an interrupted run leaves behind lies in `staging` and is removed by the next.

mod clean;
mod cures;
mod engine;
mod fetch;
mod jars;
mod launcher;
mod parts;
mod progress;
mod store;
mod survey;
mod tools;
mod versions;
mod warm;
mod zookeeper;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StackError;
use fetch::Keeper;
use store::{Condition, deep_check, quick_check};
use versions::Versions;

pub use clean::{bytes_of, clean_runs, remove_home};
pub(crate) use cures::Tool;
pub(crate) use fetch::Fetching;
pub(crate) use parts::{engine_folder, engine_key, files_of, jars_key};
pub(crate) use progress::Progress;
pub(crate) use store::key_of;
pub use survey::{Found, auto_provider, survey};
pub(crate) use tools::find as find_program;
pub(crate) use versions::versions;
pub(crate) use zookeeper::ensure_zookeeper;

/// How long another process may hold the lock: it may be fetching over a slow line.
const LOCK_LIMIT: Duration = Duration::from_secs(3600);
/// Held by the one process that fetches.
const PROVISION_LOCK: &str = "provision.lock";

/// Where the pieces are, all whole.
#[derive(Clone, Debug)]
pub struct Pieces {
    pub(crate) java: PathBuf,
    pub(crate) kafka_version: String,
    /// Kafka's jars, explicit and sorted.
    pub(crate) class_path: String,
    /// A formatted cluster's first records.
    pub(crate) checkpoint: PathBuf,
    /// Kafka's classes as this very JVM wants them in memory, if it can do that.
    pub(crate) archive: Option<PathBuf>,
    pub(crate) engine: PathBuf,
    pub(crate) launcher: PathBuf,
}

/// The versions of the servers that a stack of this workbook's own starts, by the names of [`Stack::versions`](crate::Stack::versions).
///
/// # Errors
/// The versions file is not what it should be.
pub fn pinned() -> Result<BTreeMap<String, String>, StackError> {
    let versions = versions()?;
    Ok([
        ("ClickHouse".into(), versions.clickhouse.version.clone()),
        ("Kafka".into(), versions.kafka.version.clone()),
    ]
    .into())
}

/// The folder that holds everything Tickbook fetches: `TICKBOOK_HOME`, else `XDG_CACHE_HOME/tickbook`, else
/// `~/.cache/tickbook`.
pub fn home() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = set("TICKBOOK_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("tickbook")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/tickbook")))
        .unwrap_or_else(|| std::env::temp_dir().join("tickbook"));
    // Servers run in folders of their own: a relative path would mean another place to each.
    std::path::absolute(&home).unwrap_or(home)
}

/// Fetches and makes whatever is missing, and returns where it is. When nothing is missing this takes milliseconds and
/// writes nothing. `progress` shows on standard error what is being fetched.
///
/// # Errors
/// A tool that is missing (with the command that installs it), a cache folder that cannot be written to, too little
/// disk, a download that failed or is not what was published.
pub fn ensure(progress: bool) -> Result<Pieces, StackError> {
    ensure_in(&home(), progress)
}

pub(crate) fn ensure_in(home: &Path, progress: bool) -> Result<Pieces, StackError> {
    let plan = Plan::new(home)?;
    if plan.missing().is_empty() {
        return Ok(plan.pieces());
    }
    staged(home, progress, |staging, progress| {
        // Another process may have made it all while we waited for the lock.
        plan.make(&plan.missing(), staging, progress)
    })?;
    Ok(plan.pieces())
}

/// The launcher alone, which is all that containers need of the pieces.
pub(crate) fn ensure_launcher(progress: bool) -> Result<PathBuf, StackError> {
    let (home, key) = (home(), launcher::key());
    let folder = home.join(format!("launcher-{key}"));
    let is_whole = || quick_check(&folder, &key) == Condition::Whole;
    if !is_whole() {
        staged(&home, progress, |staging, progress| match is_whole() {
            true => Ok(()),
            false => {
                fs::create_dir_all(staging).map_err(StackError::home(&home))?;
                launcher::compile(staging, &folder, progress)
            }
        })?;
    }
    Ok(folder.join("launcher"))
}

/// Has something made as the one process that does so, in a folder that goes afterwards.
fn staged(
    home: &Path,
    progress: bool,
    make: impl FnOnce(&Path, &Progress) -> Result<(), StackError>,
) -> Result<(), StackError> {
    fs::create_dir_all(home).map_err(StackError::home(home))?;
    let _lock = lock(home, progress)?;
    // A name of its own each time: the downloader of an owner that was killed may still be writing into the old one.
    let stagings = home.join("staging");
    let staging = stagings.join(crate::unique("fetch"));
    let tidy = || drop(fs::remove_dir_all(&stagings));
    tidy();
    let made = make(&staging, &Progress::new(progress));
    // Also after a failure: what is half there is of no use to anybody.
    tidy();
    made
}

/// Reads every fetched file and compares its sum: about a second, for a doctor to call. Names what is not whole, and
/// what cures it: a start compares names and sizes only, and would never fetch anew what has changed inside.
///
/// # Errors
/// A file that cannot be read.
pub fn verify() -> Result<Vec<(&'static str, String)>, StackError> {
    let plan = Plan::new(&home())?;
    let mut wrong = Vec::new();
    for part in Part::ALL {
        let folder = plan.folder(part);
        // What is not there at all is missing, not damaged.
        if quick_check(&folder, plan.key(part)) == Condition::Whole
            && let Condition::Not(why) = deep_check(&folder, plan.key(part))?
        {
            wrong.push((part.name(), format!("{why}; rm -r {}", folder.display())));
        }
    }
    Ok(wrong)
}

/// Memory of this machine in megabytes, where it can be told.
pub(crate) fn memory_mb() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024)
}

/// The things to have, in the order in which they need each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Jars,
    Engine,
    Launcher,
    /// What needs jars, launcher and this machine's JVM.
    Warm,
}

impl Part {
    const ALL: [Self; 4] = [Self::Jars, Self::Engine, Self::Launcher, Self::Warm];

    const fn name(self) -> &'static str {
        match self {
            Self::Jars => "Kafka jars",
            Self::Engine => "ClickHouse engine",
            Self::Launcher => "launcher",
            Self::Warm => "Kafka's first records and class archive",
        }
    }
}

/// What should be where.
struct Plan {
    home: PathBuf,
    versions: &'static Versions,
    java: tools::Java,
    keys: [String; 4],
}

impl Plan {
    fn new(home: &Path) -> Result<Self, StackError> {
        let versions = versions()?;
        let wheel = versions.clickhouse.wheel()?;
        let java = tools::java(versions.kafka.minimum_java)?;
        let jars = jars::key(&versions.kafka);
        let folder = home.join(format!("kafka-{}", versions.kafka.version));
        let warm = warm::key(&java, &jars, &jars::class_path(&versions.kafka, &folder));
        let keys = [jars, engine::key(&versions.clickhouse, wheel), launcher::key(), warm];
        Ok(Self {
            home: home.to_path_buf(),
            versions,
            java,
            keys,
        })
    }

    fn key(&self, part: Part) -> &str {
        &self.keys[part as usize]
    }

    /// Versions side by side, so that going back to an older commit fetches nothing.
    fn folder(&self, part: Part) -> PathBuf {
        self.home.join(match part {
            Part::Jars => format!("kafka-{}", self.versions.kafka.version),
            Part::Engine => format!("clickhouse-{}", self.versions.clickhouse.version),
            Part::Launcher => format!("launcher-{}", self.key(part)),
            Part::Warm => format!("kafka-{}-java-{}", self.versions.kafka.version, self.key(part)),
        })
    }

    fn missing(&self) -> Vec<Part> {
        let whole = |part: &Part| quick_check(&self.folder(*part), self.key(*part)) == Condition::Whole;
        Part::ALL.into_iter().filter(|part| !whole(part)).collect()
    }

    fn pieces(&self) -> Pieces {
        let warm = self.folder(Part::Warm);
        let archive = warm.join(warm::ARCHIVE);
        Pieces {
            java: self.java.program.clone(),
            kafka_version: self.versions.kafka.version.clone(),
            class_path: jars::class_path(&self.versions.kafka, &self.folder(Part::Jars)),
            checkpoint: warm.join(warm::CHECKPOINT),
            archive: archive.exists().then_some(archive),
            engine: self.folder(Part::Engine).join(&self.versions.clickhouse.library),
            launcher: self.folder(Part::Launcher).join("launcher"),
        }
    }

    /// Bytes that the missing parts take on disk while they are made.
    fn bytes(&self, missing: &[Part]) -> Result<u64, StackError> {
        let wheel = self.versions.clickhouse.wheel()?;
        let of = |part: &Part| match part {
            Part::Jars => 2 * self.versions.kafka.size() + self.versions.kafka.maven_overhead,
            // pip writes the archive twice where it cannot move it
            Part::Engine => 2 * wheel.size + wheel.unpacked,
            Part::Launcher => 10_000_000,
            Part::Warm => 100_000_000,
        };
        Ok(missing.iter().map(of).sum())
    }

    /// The two downloads, and what follows from the first, side by side.
    fn make(&self, missing: &[Part], staging: &Path, progress: &Progress) -> Result<(), StackError> {
        if missing.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(staging).map_err(StackError::home(&self.home))?;
        // Before the first byte is fetched, not after the minute that the other download takes.
        for part in missing {
            match part {
                Part::Jars => drop(tools::maven()?),
                Part::Engine => drop(tools::pip()?),
                Part::Launcher => drop(tools::rustc()?),
                Part::Warm => {}
            }
        }
        let needed = self.bytes(missing)?;
        if fetch::free(staging).is_ok_and(|free| free < needed) {
            return Err(fetch::disk_full(&self.home, needed));
        }
        let (versions, rejected) = (self.versions, self.home.join("rejected"));
        let wanted = |part| missing.contains(&part);
        let aside = |part: Part| {
            let folder = staging.join(format!("{part:?}").to_lowercase());
            fs::create_dir_all(&folder)
                .map_err(StackError::io("creating", &folder))
                .map(|()| folder)
        };
        // First, and not beside the downloads: it is what ends them with us.
        if wanted(Part::Launcher) {
            launcher::compile(&aside(Part::Launcher)?, &self.folder(Part::Launcher), progress)?;
        }
        let launcher = self.pieces().launcher;
        let keeper = &Keeper {
            launcher: &launcher,
            run: staging,
        };
        thread::scope(|scope| {
            let engine = wanted(Part::Engine).then(|| {
                scope.spawn(|| {
                    let target = self.folder(Part::Engine);
                    engine::fetch(
                        &versions.clickhouse,
                        &aside(Part::Engine)?,
                        &target,
                        &rejected,
                        keeper,
                        progress,
                    )
                })
            });
            let kafka = || {
                if wanted(Part::Jars) {
                    jars::fetch(
                        &versions.kafka,
                        &aside(Part::Jars)?,
                        &self.folder(Part::Jars),
                        &rejected,
                        keeper,
                        progress,
                    )?;
                }
                if wanted(Part::Warm) {
                    let target = self.folder(Part::Warm);
                    warm::make(
                        &self.pieces(),
                        &aside(Part::Warm)?,
                        &target,
                        self.key(Part::Warm),
                        progress,
                    )?;
                }
                Ok(())
            };
            let kafka: Result<(), StackError> = kafka();
            let panicked = |_| {
                Err(StackError::prepare(
                    "fetching ClickHouse",
                    "the thread that did it panicked",
                ))
            };
            let engine = engine.map_or(Ok(()), |engine| engine.join().unwrap_or_else(panicked));
            kafka.and(engine)
        })
    }
}

/// The lock that makes one process at a time the provisioner. The system gives it back when that process ends.
fn lock(home: &Path, progress: bool) -> Result<File, StackError> {
    let path = home.join(PROVISION_LOCK);
    let file = File::create(&path).map_err(StackError::home(home))?;
    let (asked, mut told) = (Instant::now(), false);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(StackError::io("locking", &path)(error)),
            Err(TryLockError::WouldBlock) if asked.elapsed() > LOCK_LIMIT => {
                let what = format!("another process's turn to fetch ({} is locked)", path.display());
                return Err(StackError::Late {
                    what,
                    limit: LOCK_LIMIT,
                });
            }
            Err(TryLockError::WouldBlock) => {
                if progress && !told && asked.elapsed() > Duration::from_secs(1) {
                    told = true;
                    let _ = writeln!(std::io::stderr(), "waiting: another process is fetching the servers");
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_folder_that_cannot_be_written_gives_one_sentence_that_names_it_and_the_way_out() {
        // A file where the folder should be: no user, root included, can write below it.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = folder.path().join("file");
        fs::write(&home, "").expect("writing");
        let error = ensure_in(&home.join("tickbook"), false)
            .expect_err("nothing can be kept there")
            .to_string();
        assert!(
            error.contains("TICKBOOK_HOME") && error.contains("file/tickbook"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
