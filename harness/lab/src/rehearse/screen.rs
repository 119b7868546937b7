//! The terminal of a session: taken, drawn on, and given back however it ends.

use std::time::Duration;

use anyhow::Context as _;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::execute;
use ratatui::Terminal;
use ratatui::backend::Backend;

use super::draw::draw;
use super::drill::{Drill, Moment};
use super::session::{Keep, Session, Stage};
use super::summary::Row;
use crate::signals::Signals;
use crate::view::events;

/// How often the clock moves while nobody types.
const TICK: Duration = Duration::from_millis(250);

/// What comes while a session waits.
pub(crate) enum Heard {
    Event(Event),
    /// A signal to stop, or the terminal is gone.
    Stop,
    Nothing,
}

/// Gives the terminal back when it is dropped.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        let _ = execute!(std::io::stdout(), DisableBracketedPaste);
        // Not `restore`: it prints what fails, and where the terminal is gone that ends the process there.
        let _ = ratatui::try_restore();
    }
}

/// Holds a session until the reader leaves.
///
/// # Errors
/// There is no terminal, or what must be kept could not be.
pub(crate) fn drive(
    drill: &mut Drill,
    now: &dyn Fn() -> Moment,
    keep: &mut dyn FnMut(&Keep) -> anyhow::Result<()>,
    summary: &dyn Fn(&Session) -> anyhow::Result<Vec<Row>>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("signals cannot be waited for")?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    // Installs a panic hook that restores the terminal before the message is printed.
    let mut terminal = ratatui::try_init()?;
    let _taken = Taken;
    // A terminal that does not know it gives what is pasted as keys.
    let _ = execute!(std::io::stdout(), EnableBracketedPaste);
    let mut events = events();
    let mut hear = |wait| {
        runtime.block_on(async {
            tokio::select! {
                biased;
                _ = signals.heard() => Heard::Stop,
                event = events.recv() => event.map_or(Heard::Stop, Heard::Event),
                () = tokio::time::sleep(wait) => Heard::Nothing,
            }
        })
    };
    hold(drill, &mut terminal, &mut hear, now, keep, summary)
}

/// Holds it on this terminal; `hear` waits for so long at most.
///
/// # Errors
/// As of [`drive`].
pub(crate) fn hold<B: Backend<Error: Send + Sync + 'static>>(
    drill: &mut Drill,
    terminal: &mut Terminal<B>,
    hear: &mut dyn FnMut(Duration) -> Heard,
    now: &dyn Fn() -> Moment,
    keep: &mut dyn FnMut(&Keep) -> anyhow::Result<()>,
    summary: &dyn Fn(&Session) -> anyhow::Result<Vec<Row>>,
) -> anyhow::Result<()> {
    // The clock of the end stands still.
    let mut ended = None;
    while !drill.left {
        if drill.session.stage == Stage::Done && drill.summary.is_none() {
            drill.summary = Some(summary(&drill.session)?);
            ended = Some(now().elapsed);
        }
        let elapsed = ended.unwrap_or_else(|| now().elapsed);
        if let Err(error) = terminal.draw(|frame| draw(drill, elapsed, frame)) {
            drill.leave(&now()).as_ref().map_or(Ok(()), &mut *keep)?;
            return Err(error.into());
        }
        // All that waits, before the next drawing: a text may be pasted as one key for each letter.
        let mut wait = TICK;
        while !drill.left {
            let kept = match hear(wait) {
                Heard::Event(Event::Key(key)) => drill.key(key, &now()),
                Heard::Event(Event::Paste(text)) => {
                    drill.paste(&text);
                    None
                }
                Heard::Event(_) => None,
                Heard::Stop => drill.leave(&now()),
                Heard::Nothing => break,
            };
            kept.as_ref().map_or(Ok(()), &mut *keep)?;
            wait = Duration::ZERO;
        }
    }
    Ok(())
}
