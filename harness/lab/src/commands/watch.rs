//! `watch`: a lab's tests at each save.

use std::process::ExitCode;

use stack::Provider;

use crate::cargo;
use crate::labs::found;
use crate::reader::watch;
use crate::servers::Servers;

pub(crate) fn run(word: &str, stack: Option<Provider>) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let lab = found::find(&root, word)?;
    let servers = Servers::open(stack, None)?;
    let runtime = super::runtime()?;
    let ended = runtime.block_on(watch::watch(&lab, &servers));
    // A thread of it waits for a key that nobody will press.
    runtime.shutdown_background();
    servers.close()?;
    ended?;
    Ok(ExitCode::SUCCESS)
}
