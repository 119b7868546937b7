//! What the command line takes.

use std::time::Duration;

use super::*;
use crate::values::{Length, Markets};

#[test]
fn what_up_does_when_nothing_is_said() {
    let Ok(Cli {
        command: Command::Up(args),
        yes: false,
    }) = Cli::try_parse_from(["lab", "up"])
    else {
        panic!("`lab up` was refused");
    };
    assert_eq!(args.length, Length::For(Duration::from_secs(60)));
    assert_eq!(
        (args.source, args.brokers, args.partitions, args.workers),
        (Source::Generate, 1, 6, 1)
    );
    assert_eq!(args.markets, Markets::Count(120));
}

#[test]
fn the_definition_is_sound() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}
