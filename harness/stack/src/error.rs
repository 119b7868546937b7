//! Why a stack cannot start or a server does not obey: each one sentence that says what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::spec::{Provider, UnknownProvider};

/// What went wrong with the servers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// `LAB_STACK` names no provider.
    #[error("LAB_STACK: {0}")]
    UnknownProvider(#[from] UnknownProvider),
    /// This version cannot start that provider.
    #[error("the {provider} stack cannot be started: {why}; use {instead}")]
    Unavailable {
        /// Which provider was asked for.
        provider: Provider,
        /// Why it cannot be had.
        why: String,
        /// What to use in its place.
        instead: &'static str,
    },
    /// No layout for that number of brokers.
    #[error("a stack has 1 broker, or 3 with a dedicated controller, not {0}; use --brokers 1 or --brokers 3")]
    Brokers(u8),
    /// The cluster that somebody else runs has another number of brokers.
    #[error("Kafka at {bootstrap} has {found} brokers, not {wanted}; use --brokers {found}")]
    OtherBrokers {
        /// Where it is.
        bootstrap: String,
        /// As many as it says.
        found: usize,
        /// As many as were asked for.
        wanted: u8,
    },
    /// A program that provisioning needs is not there, or too old.
    #[error("{tool} is missing ({needed_for}); install it: {cure}")]
    MissingTool {
        /// The program.
        tool: String,
        /// What for.
        needed_for: &'static str,
        /// The exact command that installs it.
        cure: String,
    },
    /// The cache folder cannot be written to.
    #[error("cannot write to {} ({source}); set TICKBOOK_HOME to a folder you may write to", .path.display())]
    Home {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Too little disk.
    #[error(
        "{} has {free_mb} MB free and this needs {needed_mb} MB; free some, or set TICKBOOK_HOME to a larger disk",
        .path.display()
    )]
    DiskFull {
        /// A folder on that disk.
        path: PathBuf,
        /// Megabytes needed.
        needed_mb: u64,
        /// Megabytes free.
        free_mb: u64,
    },
    /// A disk that filled up while it was written to.
    #[error(
        "no space is left for {}; free some on that disk (./lab clean removes past runs), or set TICKBOOK_HOME to a \
         larger one",
        .0.display()
    )]
    NoSpace(PathBuf),
    /// Other runs use what was to be removed.
    #[error("{path} is in use by {by}; end that first, then ask again", path = .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who uses it.
        by: String,
    },
    /// A download did not come through.
    #[error(
        "fetching {what} failed ({status}); check the network and try again. The command was `{command}`, it said: {said}"
    )]
    Fetch {
        /// What was being fetched.
        what: String,
        /// The command that failed.
        command: String,
        /// How it ended.
        status: String,
        /// The last of its output.
        said: String,
    },
    /// A file is not the one that the versions file names.
    #[error(
        "{what} is not what was published: expected {expected}, found {found}; the file was put aside as {}: \
         check what serves it (a mirror, a proxy), then run again",
        .kept.display()
    )]
    Checksum {
        /// Which file.
        what: String,
        /// The size or sum that the versions file has.
        expected: String,
        /// What it was.
        found: String,
        /// Where the wrong file is kept.
        kept: PathBuf,
    },
    /// A step of the preparation failed.
    #[error("{doing} failed: {why}")]
    Prepare {
        /// Which step.
        doing: String,
        /// What it said.
        why: String,
    },
    /// A server ended, or did not become ready.
    #[error("{server} {what}; read {}. Its last words:\n{last_words}", .log.display())]
    Server {
        /// The server's name.
        server: String,
        /// What it did or failed to do.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The lines of the log that matter most.
        last_words: String,
    },
    /// Another program holds the ports.
    #[error("{server} found its ports taken {attempts} times ({ports}); see who holds them with `ss -ltnp`; its log is {}", .log.display())]
    PortsTaken {
        /// The server's name.
        server: String,
        /// The last ports tried.
        ports: String,
        /// How often.
        attempts: u32,
        /// Its log.
        log: PathBuf,
    },
    /// The provider cannot do this to a server.
    #[error("{server} cannot be told to {action}: {why}")]
    Control {
        /// The server's name.
        server: String,
        /// What was asked.
        action: &'static str,
        /// Why not.
        why: String,
    },
    /// The container engine refused.
    #[error("the container engine failed at {doing}: {why}; `docker info` says how it is")]
    Engine {
        /// What was asked.
        doing: String,
        /// What it answered.
        why: String,
    },
    /// An image that containers are made of is not to be had.
    #[error(
        "image {image} can neither be pulled ({pull}) nor made here ({build}); ./lab doctor says what is missing, --stack local needs none"
    )]
    Image {
        /// The official one.
        image: String,
        /// Why it cannot be pulled.
        pull: String,
        /// Why ours cannot be built.
        build: String,
    },
    /// Kafka refused.
    #[error("Kafka: {doing}: {source}")]
    Kafka {
        /// What was asked.
        doing: String,
        /// What it answered.
        source: rdkafka::error::KafkaError,
    },
    /// ClickHouse refused.
    #[error("ClickHouse: {doing}: {source}")]
    ClickHouse {
        /// What was asked.
        doing: String,
        /// What it answered.
        source: Box<clickhouse::error::Error>,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {limit:?}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// A file could not be read or written.
    #[error("{doing} {}: {source}", .path.display())]
    Io {
        /// What was being done, ending in a preposition if need be.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The host of this test run could not start its servers; everyone who asks it hears the same.
    #[error("{0}")]
    NotHosted(String),
    /// The host of this test run does not answer.
    #[error(
        "the servers that this test run shares are gone ({0}): `lab test` has ended, or says above what happened to it"
    )]
    HostLost(String),
    /// The stack that all tests of this process share could not start. Each of them hears why.
    #[error("{0}")]
    Shared(Arc<StackError>),
}

impl StackError {
    /// For `map_err` on an operation on a file or folder.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(path.to_path_buf()),
            _ => Self::Io {
                doing,
                path: path.to_path_buf(),
                source,
            },
        }
    }

    /// For `map_err` on whatever must be writable below the cache folder.
    pub(crate) fn home(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace(path.to_path_buf()),
            _ => Self::Home {
                path: path.to_path_buf(),
                source,
            },
        }
    }

    /// A step of the preparation that failed.
    pub(crate) fn prepare(doing: impl Into<String>, why: impl ToString) -> Self {
        Self::Prepare {
            doing: doing.into(),
            why: why.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_one_sentence_that_says_which_and_what_to_do_whatever_was_being_written() {
        let folder = Path::new("/cache/runs");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for error in [
            StackError::io("writing", folder)(full()),
            StackError::home(folder)(full()),
        ] {
            let text = error.to_string();
            assert!(
                text.contains("/cache/runs") && text.contains("TICKBOOK_HOME") && text.lines().count() == 1,
                "{text}"
            );
        }
    }
}
