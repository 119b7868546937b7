//! `watch`: a lab's tests at each save.

use std::process::ExitCode;

use stack::Provider;

use crate::cargo;
use crate::labs::{Servers, found};
use crate::reader::session::Session;
use crate::reader::watch;

pub(crate) fn run(word: &str, stack: Option<Provider>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let lab = found::find(&root, word)?;
    let session = Session::on(Servers::open(stack, None)?);
    let runtime = super::runtime()?;
    let ended = runtime.block_on(watch::watch(&lab, &session));
    // A thread of it waits for a key that nobody will press.
    runtime.shutdown_background();
    session.close()?;
    ended?;
    Ok(ExitCode::SUCCESS)
}
