//! `reveal`: the reference's way of doing a task.

use std::process::ExitCode;

use crate::labs::found;
use crate::reader::reveal;
use crate::reader::standing::Standing;
use crate::reader::style::Style;
use crate::{cargo, out};

pub(crate) fn run(word: &str, task: u8, give_up: bool) -> anyhow::Result<ExitCode> {
    let standing = Standing::of(found::find(&cargo::root(), word)?)?;
    out(&reveal::reveal(&standing, task, give_up, Style::of_output())?);
    Ok(ExitCode::SUCCESS)
}
