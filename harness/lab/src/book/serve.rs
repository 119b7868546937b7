//! `./lab book`: builds, serves, and builds again when something has changed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use notify::RecommendedWatcher;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use super::build::{Built, build};
use super::server::{Now, router};
use super::site::Site;
use crate::keep;
use crate::reader::keys::Keys;
use crate::signals::Signals;
use crate::{note, out, saves};

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
                saves::settled(&mut changes).await;
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

/// Watches the book's sources, the records, the manifests and the code: whether a figure is stale is a matter of the code.
fn watcher(root: &Path, changed: mpsc::Sender<()>) -> anyhow::Result<RecommendedWatcher> {
    let mut folders = vec![root.join("book"), keep::place(root)?];
    let labs = ["solutions", "labs"].map(|folder| root.join(folder));
    folders.extend(labs.into_iter().filter(|folder| folder.is_dir()));
    let own = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    saves::watcher(&folders, "./lab book --build builds once", changed, move |path| {
        is_source(path, &own)
    })
}

/// Of the labs only code and manifests are shown, of `.lab/` records and predictions; editors leave files of their own.
fn is_source(path: &Path, root: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else {
        return false;
    };
    let name = below.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.starts_with('.') && name != ".lab" || name.ends_with('~') || name.ends_with(".new") {
        return false;
    }
    let is_code = name == "lab.toml" || below.extension().is_some_and(|kind| kind == "rs");
    let of_a_lab = below.starts_with("solutions") || below.starts_with("labs");
    let shown = [".lab/records", ".lab/predictions.jsonl"];
    below.starts_with("book") || of_a_lab && is_code || shown.iter().any(|of| below.starts_with(of))
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
            "/w/solutions/05-acks/lab.toml",
            "/w/solutions/05-acks/experiments/main.rs",
            "/w/labs/05-acks/src/link.rs",
        ] {
            assert!(is_source(Path::new(yes), root), "{yes} is missed");
        }
        for no in [
            "/w/book/src/.05-acks.md.swp",
            "/w/book/src/a.md~",
            "/w/.lab/lock",
            "/w/.lab/rehearsal.json",
            "/w/labs/05-acks/src/link.rs~",
            "/w/labs/05-acks/src/.link.rs.swp",
            "/w/labs/05-acks/README.md",
            "/elsewhere/book/a",
        ] {
            assert!(!is_source(Path::new(no), root), "{no} is taken for a source");
        }
    }
}
