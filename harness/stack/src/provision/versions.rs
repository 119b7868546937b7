//! The versions file: what the servers are made of, to the byte.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::error::StackError;

const TEXT: &str = include_str!("../../versions.toml");

/// `versions.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Versions {
    pub(crate) kafka: Jars,
    pub(crate) zookeeper: Jars,
    pub(crate) clickhouse: ClickHouse,
    pub(crate) images: Images,
}

/// A server as its published jars.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jars {
    /// As a person calls it.
    pub(crate) name: String,
    pub(crate) version: String,
    /// `group:artifact:version`, as Maven is asked.
    pub(crate) coordinates: Vec<String>,
    pub(crate) maven_plugin: String,
    /// Bytes that Maven moves besides the jars; for the progress bar.
    pub(crate) maven_overhead: u64,
    pub(crate) minimum_java: u32,
    pub(crate) jars: Vec<Artifact>,
}

/// One file, to the byte.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// In lower-case hexadecimal.
    pub(crate) sha256: String,
}

/// The ClickHouse engine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClickHouse {
    pub(crate) version: String,
    /// As pip is asked.
    pub(crate) package: String,
    /// The library's place below the unpacked folder.
    pub(crate) library: String,
    /// Files and, ending in `/`, folders to unpack.
    pub(crate) members: Vec<String>,
    pub(crate) python: String,
    /// By the architecture's Rust name.
    pub(crate) wheel: BTreeMap<String, Wheel>,
}

/// The archive that carries the engine for one architecture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wheel {
    /// pip's name of the platform.
    pub(crate) platform: String,
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// Bytes on disk when unpacked.
    pub(crate) unpacked: u64,
}

/// What container providers run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Images {
    pub(crate) kafka: String,
    pub(crate) clickhouse: String,
}

/// The file, read once.
pub(crate) fn versions() -> Result<&'static Versions, StackError> {
    static READ: LazyLock<Result<Versions, String>> =
        LazyLock::new(|| toml::from_str(TEXT).map_err(|error| error.to_string()));
    READ.as_ref()
        .map_err(|why| StackError::prepare("reading harness/stack/versions.toml", why))
}

impl Jars {
    /// All jars together, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.jars.iter().map(|jar| jar.size).sum()
    }
}

impl ClickHouse {
    /// The archive for this machine; an error names the machine.
    pub(crate) fn wheel(&self) -> Result<&Wheel, StackError> {
        use std::env::consts::{ARCH, OS};
        let wheel = if OS == "linux" { self.wheel.get(ARCH) } else { None };
        wheel.ok_or_else(|| StackError::Unavailable {
            provider: crate::Provider::Local,
            why: format!("its ClickHouse engine is known to run on Linux x86_64 only, and this is {OS} {ARCH}"),
            instead: "a Linux x86_64 machine",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_file_names_every_jar_once_and_each_sum_is_a_sum() {
        let versions = versions().expect("versions.toml must parse");
        let servers = [&versions.kafka, &versions.zookeeper];
        assert_eq!(
            servers.map(|server| server.jars.len()),
            [92, 7],
            "the jar lists of harness/stack/versions.toml"
        );
        assert!(
            servers
                .iter()
                .all(|server| server.jars.windows(2).all(|pair| pair[0].name < pair[1].name)),
            "jars must be sorted by name"
        );
        let sums = servers
            .iter()
            .flat_map(|server| &server.jars)
            .map(|jar| &jar.sha256)
            .chain(versions.clickhouse.wheel.values().map(|w| &w.sha256));
        for sum in sums {
            assert!(
                sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()),
                "{sum}"
            );
        }
        for coordinate in servers.iter().flat_map(|server| &server.coordinates) {
            assert_eq!(
                coordinate.split(':').count(),
                3,
                "group:artifact:version, not {coordinate}"
            );
        }
    }
}
