//! `./lab book`: builds, serves, and builds again when something has changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use notify::event::{EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::build::{Built, build};
use super::server::{Now, router};
use super::site::Site;
use crate::keep;
use crate::reader::keys::Keys;
use crate::signals::Signals;
use crate::{note, out};

/// A save is over when nothing was written for this long.
const SETTLED: Duration = Duration::from_millis(120);

/// Until `q`, Ctrl-C, or the end of the terminal.
///
/// # Errors
/// The port is taken, or nothing can be watched.
pub(crate) async fn serve(root: &Path, port: Option<u16>, open: bool) -> anyhow::Result<()> {
    let listener = listen(port).await?;
    let address = format!("http://{}/", listener.local_addr()?);
    let (changed, mut changes) = mpsc::channel(1);
    let _watcher = watcher(root, changed)?;
    let mut version = first_version();
    let (tell, now) = watch::channel(Now {
        version,
        site: build_site(root).await,
    });
    let server = tokio::spawn(async move { axum::serve(listener, router(now)).await });
    let mut keys = Keys::listen();
    let mut signals = Signals::listen()?;
    let how = if keys.is_some() { "q ends it" } else { "Ctrl-C ends it" };
    out(&format!("The book is at {address} for this machine only; {how}\n"));
    if open {
        open_browser(&address);
    }
    loop {
        let key = async {
            match &mut keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = signals.heard() => break,
            key = key => if matches!(key, None | Some('q' | 'Q' | '\u{4}')) { break },
            change = changes.recv() => {
                if change.is_none() { break }
                settled(&mut changes).await;
                version += 1;
                let site = build_site(root).await;
                let _ = tell.send(Now { version, site });
            }
        }
    }
    // Pages that wait for changes hold their connections for ever.
    server.abort();
    Ok(())
}

async fn listen(port: Option<u16>) -> anyhow::Result<TcpListener> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match port {
        Some(port) => TcpListener::bind(at(port))
            .await
            .with_context(|| format!("port {port} of 127.0.0.1 cannot be had; leave --port away for a free one")),
        None => TcpListener::bind(at(0))
            .await
            .context("no port of 127.0.0.1 can be had"),
    }
}

/// Another one each time: a page of the last server is to reload.
fn first_version() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_millis() as u64
}

/// What is to be served now, its mistakes told here, too.
async fn build_site(root: &Path) -> Result<Arc<Site>, String> {
    let root = root.to_path_buf();
    let from = Instant::now();
    let built = tokio::task::spawn_blocking(move || -> anyhow::Result<(Built, Site)> {
        // Beside the site of `--build`, which somebody may be looking at; gone when it is in memory.
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        // What is wrong stands in the pages, in its place.
        let built =
            build(&root, Some(folder.path()), false)?.map_err(|_| anyhow::anyhow!("the pages have mistakes"))?;
        let site = Site::read(folder.path())?;
        Ok((built, site))
    });
    let told = match built.await {
        Ok(Ok((built, site))) => {
            tell(&built);
            out(&format!("built in {:.1} s\n", from.elapsed().as_secs_f64()));
            return Ok(Arc::new(site));
        }
        Ok(Err(error)) => format!("{error:#}"),
        Err(error) => format!("the build ended early: {error}"),
    };
    note(&format!("lab: {told}"));
    Err(told)
}

/// What is wrong with a build, each a line.
pub(crate) fn tell(built: &Built) {
    for said in built
        .mistakes
        .iter()
        .map(ToString::to_string)
        .chain(built.complaints.iter().cloned())
        .chain(built.left_out.iter().cloned())
    {
        note(&format!("lab: {said}"));
    }
}

pub(crate) fn open_browser(address: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let opened = std::process::Command::new(program)
        .arg(address)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
    if opened.is_err() {
        note(&format!(
            "lab: no {program} opens a browser here; open {address} yourself"
        ));
    }
}

async fn settled(changes: &mut mpsc::Receiver<()>) {
    loop {
        tokio::select! {
            () = sleep(SETTLED) => return,
            change = changes.recv() => if change.is_none() { return },
        }
    }
}

/// Watches the book's sources, the records and the manifests.
fn watcher(root: &Path, changed: mpsc::Sender<()>) -> anyhow::Result<RecommendedWatcher> {
    let lab = keep::place(root)?;
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let own = root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| matters(&event, &own)) {
            // One that is not yet taken stands for this one, too.
            let _ = changed.try_send(());
        }
    })
    .context("files cannot be watched")?;
    for folder in [root.join("book"), lab.canonicalize().unwrap_or(lab)] {
        watcher
            .watch(&folder, RecursiveMode::Recursive)
            .with_context(|| format!("{} cannot be watched; ./lab book --build builds once", folder.display()))?;
    }
    Ok(watcher)
}

fn matters(event: &notify::Event, root: &Path) -> bool {
    let kind = matches!(
        event.kind,
        EventKind::Create(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Name(_) | ModifyKind::Any)
    );
    kind && event.paths.iter().any(|path| is_source(path, root))
}

/// Of `.lab/` only records and predictions are shown; editors leave files of their own.
fn is_source(path: &Path, root: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else {
        return false;
    };
    let name = below.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.starts_with('.') && name != ".lab" || name.ends_with('~') || name.ends_with(".new") {
        return false;
    }
    let shown = [PathBuf::from(".lab/records"), PathBuf::from(".lab/predictions.jsonl")];
    below.starts_with("book") || shown.iter().any(|of| below.starts_with(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_book_shows_has_it_built_again() {
        let root = Path::new("/w");
        for yes in [
            "/w/book/src/05-acks.md",
            "/w/book/book.toml",
            "/w/.lab/records/05-acks.jsonl",
            "/w/.lab/predictions.jsonl",
        ] {
            assert!(is_source(Path::new(yes), root), "{yes} is missed");
        }
        for no in [
            "/w/book/src/.05-acks.md.swp",
            "/w/book/src/a.md~",
            "/w/.lab/lock",
            "/w/.lab/rehearsal.json",
            "/elsewhere/book/a",
        ] {
            assert!(!is_source(Path::new(no), root), "{no} is taken for a source");
        }
    }
}
