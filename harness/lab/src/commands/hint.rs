//! `hint`: the next of three levels for a task.

use std::process::ExitCode;

use crate::labs::found;
use crate::reader::hints;
use crate::reader::standing::Standing;
use crate::reader::style::Style;
use crate::{cargo, out};

pub(crate) fn run(word: &str, task: Option<u8>, again: bool) -> anyhow::Result<ExitCode> {
    let standing = Standing::of(found::find(&cargo::root(), word)?)?;
    out(&hints::hint(&standing, task, again, Style::of_output())?);
    Ok(ExitCode::SUCCESS)
}
