//! The `lab` program: reads its arguments and hands over to the library.

use std::process::ExitCode;

use clap::Parser;
use lab::cli::Cli;
use lab::refusal;

/// Also in the place of C's `malloc`, which keeps for each thread what was freed there: a soak, whose audits run on other threads
/// each time, would take tens of megabytes more with every round.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a command that proved nothing ends with: bad arguments, servers that do not start. 1 is a FAIL.
const PROVED_NOTHING: u8 = 2;

fn main() -> ExitCode {
    let asked = match Cli::try_parse() {
        Ok(asked) => asked,
        Err(error) => match refusal::sentence(&error) {
            Some(sentence) => return refuse(&sentence),
            None => error.exit(),
        },
    };
    lab::commands::run(asked).unwrap_or_else(|error| refuse(&format!("{error:#}")))
}

#[allow(clippy::print_stderr)] // the one place where the program speaks before anything else is set up
fn refuse(sentence: &str) -> ExitCode {
    eprintln!("lab: {sentence}");
    ExitCode::from(PROVED_NOTHING)
}
