//! Saves: what is heard of folders whose files somebody edits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::sleep;

/// A save is over when nothing was written for this long: editors write a file in several steps.
const SETTLED: Duration = Duration::from_millis(120);

/// Tells of each change of a file below `folders` that is a source; until it is dropped. Who cannot watch is told to do `instead`.
///
/// # Errors
/// A folder cannot be watched.
pub(crate) fn watcher(
    folders: &[PathBuf],
    instead: &str,
    changed: mpsc::Sender<()>,
    is_source: impl Fn(&Path) -> bool + Send + 'static,
) -> anyhow::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| is_change(&event) && event.paths.iter().any(|path| is_source(path))) {
            // One that is not yet taken stands for this one, too.
            let _ = changed.try_send(());
        }
    })
    .context("files cannot be watched")?;
    for folder in folders {
        // Events name a file by the path that was watched.
        let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        watcher
            .watch(&real, RecursiveMode::Recursive)
            .with_context(|| format!("{} cannot be watched; {instead}", folder.display()))?;
    }
    Ok(watcher)
}

fn is_change(event: &notify::Event) -> bool {
    matches!(
        event.kind,
        EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Name(_) | ModifyKind::Any)
    )
}

/// Waits until a save is over.
pub(crate) async fn settled(changes: &mut mpsc::Receiver<()>) {
    loop {
        tokio::select! {
            () = sleep(SETTLED) => return,
            change = changes.recv() => if change.is_none() { return },
        }
    }
}
