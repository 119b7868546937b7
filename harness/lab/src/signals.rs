//! What a terminal or a person ends a program by.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

/// The signals by which somebody says that it is to stop. Listened to once for a whole run: what comes between two programs
/// is meant for the next one, too.
pub(crate) struct Signals([(unix::Signal, Signal); 3]);

impl Signals {
    /// # Errors
    /// They cannot be listened to.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self([
            (signal(SignalKind::interrupt())?, Signal::INT),
            (signal(SignalKind::terminate())?, Signal::TERM),
            (signal(SignalKind::hangup())?, Signal::HUP),
        ]))
    }

    /// Waits for the next.
    pub(crate) async fn heard(&mut self) -> Signal {
        let [(interrupt, int), (terminate, term), (hangup, hup)] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => *int,
            _ = terminate.recv() => *term,
            _ = hangup.recv() => *hup,
        }
    }
}
