//! `rehearse`: the interview's questions, answered against the clock.

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::RehearseArgs;
use crate::labs::found;
use crate::{cargo, rehearse};

pub(crate) fn run(args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let chapter = args.chapter.as_deref().map(|word| match word.parse::<u32>() {
        Ok(number) => format!("{number:02}"),
        // A lab's name is its chapter's; what is none is told with the chapters there are.
        Err(_) => found::folder(&root, word).map_or_else(
            |_| word.to_owned(),
            |folder| folder.chars().take_while(char::is_ascii_digit).collect(),
        ),
    });
    let nanos = jiff::Timestamp::now().as_nanosecond();
    rehearse::run(
        &root,
        &rehearse::Wanted {
            chapter,
            limit: Duration::from_secs(args.minutes * 60),
            mock: args.mock,
            side: args.lang,
            plain: args.plain,
            seed: nanos as u64,
        },
    )?;
    Ok(ExitCode::SUCCESS)
}
