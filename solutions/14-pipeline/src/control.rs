//! How the parent talks to a process of the pipeline: lines on standard input.
//!
//! Why a pipe and not a signal: the end of the file also comes when the parent is killed with SIGKILL, so that no process
//! outlives its run; and Ctrl-C in a terminal must reach the parent only, which then drains in order.

use std::io::BufRead;

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

/// Watches standard input: the line `drain`, or its end.
pub(crate) fn listen() -> watch::Receiver<Wish> {
    let (sender, receiver) = watch::channel(Wish::Run);
    // A thread, because a read of a pipe cannot be cancelled and would hold up the end of an async runtime.
    std::thread::spawn(move || {
        let mut drained = false;
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("drain") => {
                    drained = true;
                    let _ = sender.send(Wish::Drain);
                }
                Ok(other) => tracing::warn!("unknown word on standard input: {other:?}; known is drain"),
                Err(_) => break,
            }
        }
        if !drained {
            let _ = sender.send(Wish::Abort);
        }
    });
    receiver
}
