//! ZooKeeper's jars: a part apart, because only replicated tables need it.

use std::fs;

use super::fetch::Keeper;
use super::store::{Condition, quick_check};
use super::{Pieces, home, jars, staged, versions};
use crate::error::StackError;

/// Fetches them if they are missing, which no start of a stack does; their class path.
pub(crate) fn ensure_zookeeper(pieces: &Pieces, progress: bool) -> Result<String, StackError> {
    let (home, server) = (home(), &versions()?.zookeeper);
    let (folder, key) = (home.join(format!("zookeeper-{}", server.version)), jars::key(server));
    let is_whole = || quick_check(&folder, &key) == Condition::Whole;
    if !is_whole() {
        staged(&home, progress, |staging, progress| {
            // Another process may have fetched them while we waited for the lock.
            if is_whole() {
                return Ok(());
            }
            let (aside, rejected) = (staging.join("zookeeper"), home.join("rejected"));
            fs::create_dir_all(&aside).map_err(StackError::io("creating", &aside))?;
            let keeper = Keeper {
                launcher: &pieces.launcher,
                run: staging,
            };
            jars::fetch(server, &aside, &folder, &rejected, &keeper, progress)
        })?;
    }
    Ok(jars::class_path(server, &folder))
}
