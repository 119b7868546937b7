//! What makes Kafka start in half the time: the first records of a formatted cluster, and an archive of its classes.
//!
//! Both are made once, by running Kafka's own formatter and then a broker. The archive is valid for one build of the
//! JVM and one class path; with another the JVM silently ignores it, so both are in the key.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Pieces;
use super::progress::Progress;
use super::store::{install, key_of};
use super::tools::Java;
use crate::error::StackError;
use crate::local::cluster::Cluster;
use crate::local::kafka;
use crate::ports::Random;
use crate::spec::Sizing;

pub(crate) const CHECKPOINT: &str = "bootstrap.checkpoint";
pub(crate) const ARCHIVE: &str = "kafka.jsa";

/// What the folder is made from.
pub(crate) fn key(java: &Java, jars: &str, class_path: &str) -> String {
    key_of([java.identity.as_str(), jars, class_path])
}

/// Makes both into `target`. A JVM that writes no archive is no failure: Kafka then starts without.
pub(crate) fn make(
    pieces: &Pieces,
    staging: &Path,
    target: &Path,
    key: &str,
    progress: &Progress,
) -> Result<(), StackError> {
    let task = progress.task("preparing Kafka", 0);
    let whole = staging.join("whole");
    fs::create_dir_all(&whole).map_err(StackError::io("creating", &whole))?;

    let (cluster, folder) = (Cluster::plan(1, &mut Random)?, staging.join("formatted"));
    let Some(node) = cluster.nodes.first() else {
        return Err(StackError::Brokers(0));
    };
    kafka::lay_out(&folder, &cluster, node, Sizing::Tests, None)?;
    let output = Command::new(&pieces.java)
        .arg("-cp")
        .arg(&pieces.class_path)
        .args([
            "kafka.tools.StorageTool",
            "format",
            "--cluster-id",
            &cluster.id,
            "--config",
        ])
        .arg(folder.join("server.properties"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| StackError::prepare("formatting Kafka's storage", error))?;
    if !output.status.success() {
        return Err(StackError::prepare(
            "formatting Kafka's storage",
            String::from_utf8_lossy(&output.stderr),
        ));
    }
    task.at(0);
    let (from, to) = (folder.join("data").join(CHECKPOINT), whole.join(CHECKPOINT));
    fs::copy(&from, &to).map_err(StackError::io("copying", &from))?;

    let run = staging.join("run");
    kafka::record_archive(pieces, &run, &to, &whole.join(ARCHIVE))?;
    install(&whole, target, key, &[])?;
    task.done();
    Ok(())
}
