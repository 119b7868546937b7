//! How the parent talks to a process of the pipeline: lines on standard input.
//!
//! Why a pipe and not a signal: the end of the file also comes when the parent is killed with SIGKILL, so that no process
//! outlives its run; and Ctrl-C in a terminal must reach the parent only, which then drains in order.

use std::io::BufRead;
use std::time::Duration;

use tokio::sync::watch;

/// What the parent wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Go on.
    Run,
    /// Finish what is there, then end.
    Drain,
    /// The parent is gone: end now.
    Abort,
}

/// How long a process may take to end by itself once its parent is gone.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Watches standard input: the line `drain`, or its end, which is the parent's.
pub(crate) fn listen() -> watch::Receiver<Wish> {
    let (sender, receiver) = watch::channel(Wish::Run);
    // A thread, because a read of a pipe cannot be cancelled and would hold up the end of an async runtime.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("drain") => drop(sender.send(Wish::Drain)),
                Ok(other) => tracing::warn!("unknown word on standard input: {other:?}; known is drain"),
                Err(_) => break,
            }
        }
        let _ = sender.send(Wish::Abort);
        // With the parent its servers are gone too, and a producer waits for a broker without limit: whoever waits there
        // does not look at wishes.
        std::thread::sleep(END_LIMIT);
        tracing::error!("the parent is gone");
        std::process::exit(1);
    });
    receiver
}
