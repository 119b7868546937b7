//! Runs a lab's tests at each save, and listens to keys in between.

use std::path::Path;
use std::process::Stdio;

use notify::RecommendedWatcher;
use rustix::process::Signal;
use tokio::sync::mpsc;

use crate::labs::runner::Group;
use crate::labs::{Lab, Whose};
use crate::out;
use crate::saves;
use crate::servers::Servers;
use crate::signals::Signals;

use super::keys::Keys;
use super::session::{self, Asked, record};
use super::standing::Standing;
use super::style::Style;
use super::{board, hints};

const HELP: &str = "  h hint   n next task   t test again   b bench   q quit";

/// What somebody wants.
enum Wish {
    /// To test what has just been saved.
    Save,
    Test,
    Hint,
    Next,
    Bench,
    Help,
    Quit,
}

/// Until `q`, Ctrl-C, or the end of the input.
///
/// # Errors
/// The folder cannot be watched; cargo cannot be started.
pub(crate) async fn watch(lab: &Lab, servers: &Servers) -> anyhow::Result<()> {
    let style = Style::of_output();
    let (changed, mut changes) = mpsc::channel(1);
    let _watcher = watcher(lab, changed)?;
    let mut keys = Keys::listen();
    let mut signals = Signals::listen()?;
    out(&format!(
        "{} is watched: save a file in labs/{}/src to run its tests\n",
        style.bold(&lab.manifest.folder()),
        lab.manifest.folder()
    ));
    let mut wish = Wish::Test;
    loop {
        match wish {
            Wish::Quit => return Ok(()),
            Wish::Save | Wish::Test => {
                if matches!(wish, Wish::Save) {
                    saves::settled(&mut changes).await;
                }
                let run = attempt(lab, servers, style);
                tokio::pin!(run);
                let meanwhile = loop {
                    tokio::select! {
                        ended = &mut run => {
                            if let Err(error) = ended {
                                out(&format!("\n{error:#}\n"));
                            }
                            break None;
                        }
                        wish = next(&mut changes, &mut keys, &mut signals) => match wish {
                            // What only reads goes on beside the run.
                            Wish::Hint | Wish::Next | Wish::Help => tell(lab, &wish, style),
                            // What was being built or run is of an older text, or in the way: dropped, it ends.
                            wish => break Some(wish),
                        },
                    }
                };
                if let Some(meanwhile) = meanwhile {
                    wish = meanwhile;
                    continue;
                }
            }
            Wish::Bench => {
                if let Some(then) = bench(lab, &mut keys, &mut signals).await {
                    wish = then;
                    continue;
                }
            }
            Wish::Hint | Wish::Next | Wish::Help => tell(lab, &wish, style),
        }
        if keys.is_some() {
            out(&format!("{}\n", style.dim(HELP)));
        }
        wish = next(&mut changes, &mut keys, &mut signals).await;
    }
}

/// What is answered without a build. The keys there are stand below each answer anyway.
fn tell(lab: &Lab, wish: &Wish, style: Style) {
    let answer = match wish {
        Wish::Hint => hint(lab, style),
        Wish::Next => next_task(lab),
        _ => return,
    };
    out(&answer.unwrap_or_else(|error| format!("\n{error:#}\n")));
}

/// The next thing that somebody wants: a save, a key, or the end. Dropped, it has taken nothing.
async fn next(changes: &mut mpsc::Receiver<()>, keys: &mut Option<Keys>, signals: &mut Signals) -> Wish {
    let key = async {
        match keys {
            Some(keys) => keys.next().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = signals.heard() => Wish::Quit,
        change = changes.recv() => match change {
            None => Wish::Quit,
            Some(()) => Wish::Save,
        },
        key = key => match key {
            None | Some('q' | 'Q' | '\u{4}') => Wish::Quit,
            Some('h') => Wish::Hint,
            Some('n') => Wish::Next,
            Some('t' | '\n' | '\r') => Wish::Test,
            Some('b') => Wish::Bench,
            Some(_) => Wish::Help,
        },
    }
}

/// One build and run, shown and written down.
///
/// # Errors
/// As [`session::run`].
async fn attempt(lab: &Lab, servers: &Servers, style: Style) -> anyhow::Result<()> {
    anyhow::ensure!(
        !crate::keep::update::is_half_way(&lab.root),
        "an update of the workbook is under way; when it has ended, save again or press t"
    );
    let before = Standing::of(lab.clone())?;
    let line = super::board::Running::new(lab);
    let asked = Asked {
        lab,
        whose: Whose::Yours,
        filter: &[],
        focus: true,
    };
    let result = session::run(servers, &asked, |event| line.tell(&event)).await;
    line.over();
    let result = result?;
    // Shown even if it cannot be written down.
    let recorded = record(&before, &result);
    let after = Standing::of(lab.clone())?;
    out(&board::board(lab, &result, &before, &after, style));
    recorded
}

fn hint(lab: &Lab, style: Style) -> anyhow::Result<String> {
    let standing = Standing::of(lab.clone())?;
    Ok(format!("\n{}", hints::hint(&standing, None, false, style)?))
}

fn next_task(lab: &Lab) -> anyhow::Result<String> {
    let standing = Standing::of(lab.clone())?;
    Ok(format!("\n{}", super::standing::task_text(&standing)))
}

/// `./lab bench` in a process of its own, until it ends or somebody ends it.
async fn bench(lab: &Lab, keys: &mut Option<Keys>, signals: &mut Signals) -> Option<Wish> {
    let short = lab.manifest.short();
    out(&format!("\n./lab bench {short}: some minutes; q or Ctrl-C ends it\n"));
    let program = std::env::current_exe().unwrap_or_else(|_| "lab".into());
    let mut command = tokio::process::Command::new(program);
    // A group of its own, which cargo and the benches are in, too.
    command.args(["bench", &short]).stdin(Stdio::null()).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            out(&format!("the bench cannot be started: {error}\n"));
            return None;
        }
    };
    let group = Group::of(&child);
    let then = loop {
        let key = async {
            match keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = child.wait() => {
                group.let_go();
                return None;
            }
            // Ctrl-C is meant for what is seen to run; who ends this program from elsewhere means all of it.
            heard = signals.heard() => break (heard != Signal::INT).then_some(Wish::Quit),
            key = key => if matches!(key, None | Some('q' | 'Q')) {
                break None;
            },
        }
    };
    drop(group);
    let _ = child.wait().await;
    out("\nthe bench was ended\n");
    then
}

/// Watches all labs and picks this one's sources: a lab that is removed and comes back is still watched.
fn watcher(lab: &Lab, changed: mpsc::Sender<()>) -> anyhow::Result<RecommendedWatcher> {
    let own = lab.mine().canonicalize().unwrap_or_else(|_| lab.mine());
    let instead = format!("./lab test {} runs the tests once", lab.manifest.short());
    saves::watcher(&[lab.root.join("labs")], &instead, changed, move |path| {
        is_source(path, &own)
    })
}

fn is_source(path: &Path, own: &Path) -> bool {
    let Ok(below) = path.strip_prefix(own) else {
        return false;
    };
    // A folder that comes back is heard of, and not always each file in it.
    let folders = [Path::new(""), Path::new("src"), Path::new("Cargo.toml")];
    below.extension().is_some_and(|kind| kind == "rs") || folders.contains(&below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sources_of_this_lab_matter() {
        let own = Path::new("/w/labs/05-acks");
        let yes = [
            "/w/labs/05-acks/src/link.rs",
            "/w/labs/05-acks/tests/mine.rs",
            "/w/labs/05-acks/Cargo.toml",
            "/w/labs/05-acks/src",
            "/w/labs/05-acks",
        ];
        let no = [
            "/w/labs/05-acks/src/link.rs~",
            "/w/labs/05-acks/src/.link.rs.swp",
            "/w/labs/08-watermarks/src/lib.rs",
            "/w/labs/05-acks/README.md",
        ];
        assert!(
            yes.iter().all(|path| is_source(Path::new(path), own)),
            "a source is missed"
        );
        assert!(
            !no.iter().any(|path| is_source(Path::new(path), own)),
            "something else is taken for a source"
        );
    }
}
