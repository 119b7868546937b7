//! A server as its published jars, brought by Maven: Kafka, and ZooKeeper where somebody asks for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::fetch::Keeper;
use super::progress::Progress;
use super::store::{accept, install, key_of};
use super::versions::Jars;
use super::{fetch, tools};
use crate::error::StackError;

/// What the folder is made from.
pub(crate) fn key(server: &Jars) -> String {
    key_of(
        server
            .jars
            .iter()
            .flat_map(|jar| [jar.name.as_str(), jar.sha256.as_str()]),
    )
}

/// Fetches the jars into `target/libs`. `staging` is an empty folder on the same filesystem.
pub(crate) fn fetch(
    server: &Jars,
    staging: &Path,
    target: &Path,
    rejected: &Path,
    keeper: &Keeper<'_>,
    progress: &Progress,
) -> Result<(), StackError> {
    let maven = tools::maven()?;
    tools::java(server.minimum_java)?;
    let what = format!("{} {}", server.name, server.version);
    let task = progress.task(&what, 2 * server.size() + server.maven_overhead);
    let (whole, libs, pom) = (
        staging.join("whole"),
        staging.join("whole/libs"),
        staging.join("pom.xml"),
    );
    fs::create_dir_all(&libs).map_err(StackError::io("creating", &libs))?;
    fs::write(&pom, project(server)).map_err(StackError::io("writing", &pom))?;

    // Only the local repository is redirected: a half-fetched jar must not stay in the user's own, and the progress is
    // the growth of this folder. The user's settings (mirrors, proxies) hold.
    let mut command = Command::new(maven);
    command
        .current_dir(staging)
        .args(["--batch-mode", "--quiet", "-Dstyle.color=never"])
        .arg(format!("-Dmaven.repo.local={}", staging.join("repository").display()))
        .arg(format!("{}:copy-dependencies", server.maven_plugin))
        .arg("-DincludeScope=runtime")
        .arg(format!("-DoutputDirectory={}", libs.display()));
    fetch::run(&what, command, Some(keeper), staging, &task)?;

    let mut sums = Vec::with_capacity(server.jars.len());
    for jar in &server.jars {
        accept(&libs.join(&jar.name), jar, rejected)?;
        sums.push((format!("libs/{}", jar.name), jar.size, jar.sha256.clone()));
    }
    // Anything else that came along is not ours to run.
    for entry in fs::read_dir(&libs).map_err(StackError::io("reading", &libs))? {
        let path = entry.map_err(StackError::io("reading", &libs))?.path();
        if !server
            .jars
            .iter()
            .any(|jar| path.file_name().is_some_and(|name| name == jar.name.as_str()))
        {
            fs::remove_file(&path).map_err(StackError::io("removing", &path))?;
        }
    }
    install(&whole, target, &key(server), &sums)?;
    task.done();
    Ok(())
}

/// A project whose dependencies are what we want.
fn project(server: &Jars) -> String {
    let dependencies: String = server
        .coordinates
        .iter()
        .filter_map(|coordinate| {
            let mut parts = coordinate.split(':');
            let (group, artifact, version) = (parts.next()?, parts.next()?, parts.next()?);
            Some(format!(
                "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>\n"
            ))
        })
        .collect();
    format!(
        "<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>tickbook</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}  </dependencies>
</project>
"
    )
}

/// The class path: explicit and sorted, because a class archive is valid for exactly the path it was recorded with.
pub(crate) fn class_path(server: &Jars, folder: &Path) -> String {
    let libs = folder.join("libs");
    let jars: Vec<_> = server
        .jars
        .iter()
        .map(|jar| libs.join(&jar.name).display().to_string())
        .collect();
    jars.join(":")
}
