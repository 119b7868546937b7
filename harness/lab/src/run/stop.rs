//! Wishes to end: Ctrl-C, SIGTERM, the end of the terminal, a key. The first one means drain, the second one now.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often an end was wished for; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    count: watch::Sender<u32>,
}

impl Stop {
    /// Listens to the signals from now on.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let stop = Self {
            count: watch::Sender::new(0),
        };
        let (mut interrupt, mut terminate, mut hangup) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        );
        let this = stop.clone();
        tokio::spawn(async move {
            loop {
                let heard = tokio::select! {
                    heard = interrupt.recv() => heard,
                    heard = terminate.recv() => heard,
                    heard = hangup.recv() => heard,
                };
                if heard.is_none() {
                    break;
                }
                this.wish();
            }
        });
        Ok(stop)
    }

    /// One more wish.
    pub(crate) fn wish(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    /// Returns once an end was wished for `times` times.
    pub(crate) async fn wished(&self, times: u32) {
        // The sender lives as long as this.
        let _ = self.count.subscribe().wait_for(|count| *count >= times).await;
    }
}
