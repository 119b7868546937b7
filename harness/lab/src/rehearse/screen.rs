//! The terminal of a session: taken, drawn on, and given back however it ends.

use std::time::Duration;

use crossterm::event::{self, Event};

use super::draw::draw;
use super::drill::{Drill, Moment};
use super::session::{Keep, Session, Stage};
use super::summary::Row;

/// How often the clock moves while nobody types.
const TICK: Duration = Duration::from_millis(250);

/// Gives the terminal back when it is dropped.
struct Taken;

impl Drop for Taken {
    fn drop(&mut self) {
        ratatui::restore();
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
    // Installs a panic hook that restores the terminal before the message is printed.
    let mut terminal = ratatui::try_init()?;
    let _taken = Taken;
    // The clock of the end stands still.
    let mut ended = None;
    while !drill.left {
        if drill.session.stage == Stage::Done && drill.summary.is_none() {
            drill.summary = Some(summary(&drill.session)?);
            ended = Some(now().elapsed);
        }
        let elapsed = ended.unwrap_or_else(|| now().elapsed);
        terminal.draw(|frame| draw(drill, elapsed, frame))?;
        // All keys that wait, before the next drawing: a text that is pasted comes as one key for each letter.
        let mut wait = TICK;
        while !drill.left && event::poll(wait)? {
            if let Event::Key(key) = event::read()?
                && let Some(kept) = drill.key(key, &now())
            {
                keep(&kept)?;
            }
            wait = Duration::ZERO;
        }
    }
    Ok(())
}
