//! The terminal: entered, drawn on, and given back however the run ends.

use std::io;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::DefaultTerminal;
use tokio::sync::mpsc;

use super::{View, draw};

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// End the run: `q`, Escape or Ctrl-C (in raw mode the terminal sends no signal for it).
    Stop,
}

/// The terminal in raw mode, on its alternate screen. Dropping it gives the terminal back; a panic does too.
pub struct Screen {
    terminal: DefaultTerminal,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none, or it cannot be put into raw mode.
    pub fn enter() -> io::Result<Self> {
        // Installs a panic hook that restores the terminal before the message is printed.
        let terminal = ratatui::try_init()?;
        Ok(Self {
            terminal,
            events: events(),
        })
    }

    /// Draws a moment.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn show(&mut self, view: &View) -> io::Result<()> {
        self.terminal.draw(|frame| draw(view, frame)).map(|_| ())
    }

    /// The next key that means something; waits for ever when the terminal is gone. May be dropped and asked again.
    pub async fn key(&mut self) -> Key {
        while let Some(event) = self.events.recv().await {
            if stops(&event) {
                return Key::Stop;
            }
        }
        std::future::pending().await
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Not `restore`: it prints what fails, and where the terminal is gone that ends the process there.
        let _ = ratatui::try_restore();
    }
}

/// What comes from a terminal that is taken; ends when it cannot be read.
pub(crate) fn events() -> mpsc::UnboundedReceiver<Event> {
    let (sender, events) = mpsc::unbounded_channel();
    // A thread and not a task: a blocked read of the terminal would hold up the end of the runtime, and of one that was hung up
    // does not come back. It ends with the receiver, at the latest one poll later.
    std::thread::spawn(move || {
        while !sender.is_closed() {
            match event::poll(Duration::from_millis(100)) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => break,
            }
            let Ok(event) = event::read() else { break };
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    events
}

fn stops(event: &Event) -> bool {
    let Event::Key(key) = event else { return false };
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
            _ => false,
        }
}
