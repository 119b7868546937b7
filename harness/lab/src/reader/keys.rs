//! One key at a time from a terminal.
//!
//! Not raw mode: line ends stay line ends for whatever else writes to the terminal, and Ctrl-C stays a signal.

use std::io::IsTerminal;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use tokio::io::AsyncReadExt;

/// A terminal that gives keys and not lines, until this is dropped.
pub(crate) struct Keys {
    before: Termios,
    stdin: tokio::io::Stdin,
}

impl Keys {
    /// `None` where nobody types, as in the background of a shell.
    pub(crate) fn listen() -> Option<Self> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        // A program in the background that sets the terminal is suspended. Of a terminal that no shell shares there is no answer.
        if tcgetpgrp(&stdin).is_ok_and(|front| front != getpgrp()) {
            return None;
        }
        let before = tcgetattr(&stdin).ok()?;
        let mut by_key = before.clone();
        by_key.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        tcsetattr(&stdin, OptionalActions::Now, &by_key).ok()?;
        Some(Self {
            before,
            stdin: tokio::io::stdin(),
        })
    }

    /// The next key; `None` when the terminal is gone.
    pub(crate) async fn next(&mut self) -> Option<char> {
        let mut byte = [0];
        match self.stdin.read(&mut byte).await {
            Ok(1..) => Some(char::from(byte[0])),
            _ => None,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}
