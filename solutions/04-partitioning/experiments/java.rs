//! The Java client, by the program that comes with Kafka's jars.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::run::until;
use crate::servers::{Servers, Topic};

/// A JVM starts in about a second.
const LIMIT: Duration = Duration::from_secs(60);

/// The folder of Kafka's jars, where it was fetched for local servers.
pub(crate) fn jars(servers: &Servers<'_>) -> Option<PathBuf> {
    let version = servers.local_kafka()?;
    let folder = stack::provision::home().join(format!("kafka-{version}/libs"));
    folder.is_dir().then_some(folder)
}

/// Has the console producer write a line per record, with the client's own defaults.
pub(crate) fn produce<'a>(
    servers: &Servers<'_>,
    topic: &Topic,
    records: impl Iterator<Item = (&'a [u8], String)>,
) -> anyhow::Result<()> {
    let jars = jars(servers).context("Kafka's jars are not on this machine")?;
    let mut lines = tempfile::NamedTempFile::new()?;
    let mut text = Vec::new();
    for (key, value) in records {
        text.extend_from_slice(key);
        text.extend_from_slice(format!("\t{value}\n").as_bytes());
    }
    lines.write_all(&text)?;
    let errors = tempfile::NamedTempFile::new()?;
    let mut child = Command::new("java")
        .arg("-cp")
        .arg(jars.join("*"))
        .arg("org.apache.kafka.tools.ConsoleProducer")
        .args(["--bootstrap-server", servers.bootstrap(), "--topic", &topic.name])
        .args(["--property", "parse.key=true"])
        .stdin(lines.reopen()?)
        .stdout(Stdio::null())
        .stderr(errors.reopen()?)
        .spawn()
        .context("starting java")?;
    let ended = until("the console producer", LIMIT, || !matches!(child.try_wait(), Ok(None)));
    if ended.is_err() {
        let _ = child.kill();
    }
    let status = child.wait()?;
    ended?;
    ensure!(
        status.success(),
        "the console producer ended with {status}: {}",
        std::fs::read_to_string(errors.path())?
    );
    Ok(())
}
