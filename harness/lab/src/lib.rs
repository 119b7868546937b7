//! The lab command: sets up, runs, watches and audits the pipeline.
//!
//! [`cli`] says what can be asked; `commands` holds one file per command; `run` is what `up` is made of: the pipeline's
//! processes, what they report, how they are drained; `faults` what is done to them; [`view`] how it looks;
//! [`keep`] what must not be lost: the reader's files and progress.

mod bank;
mod bar;
mod book;
mod cargo;
pub mod cli;
pub mod commands;
pub mod faults;
mod folder;
mod guide;
pub mod keep;
mod labs;
mod measuring;
mod mine;
mod parts;
mod portfolio;
mod reader;
pub mod refusal;
mod rehearse;
mod revision;
mod run;
mod saves;
mod servers;
mod signals;
pub mod text;
mod upbit;
pub mod values;
pub mod view;

use std::io::{IsTerminal, Write};

/// Writes to standard output; a reader who has gone away (`./lab audit | head -1`) is no error.
pub(crate) fn out(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A question: text without an end of line, which a terminal would hold back.
pub(crate) fn out_now(text: &str) {
    out(text);
    let _ = std::io::stdout().lock().flush();
}

/// Whether somebody sits at a terminal that can be drawn on, and types.
pub(crate) fn can_draw() -> bool {
    let moves_its_cursor = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    moves_its_cursor && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// A line for a person, on standard error, so that standard output stays what was asked for.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
