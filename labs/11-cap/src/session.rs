//! Read your writes, and never go back: a dashboard's session over replicas that lag by different amounts.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::select_all;
use tokio::sync::watch;
use tokio::time::Instant;

/// How far each partition is: the offset behind the last one that counts. A partition that is not named is at 0.
pub type Positions = BTreeMap<u32, i64>;

/// What a dashboard has written and seen, partition by partition. It travels with the user (a cookie, a header), and not with the server that
/// answered: the next request may meet another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    needs: Positions,
}

/// No session was written so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session is partition:offset, separated by commas, each partition once, no offset below 0; not {0:?}")]
pub struct SessionError(String);

impl Session {
    /// The record at `offset` was written: what is read from now on must show it.
    pub fn wrote(&mut self, partition: u32, offset: i64) {
        todo!("task 5: a write that must be seen from now on")
    }

    /// An answer was shown that may hold everything before these positions: nothing that is read from now on may be older. What was
    /// needed before stays needed.
    pub fn saw(&mut self, positions: &Positions) {
        todo!("task 5: what was shown may not be taken back")
    }

    /// Whether a replica that has applied everything before these positions may answer.
    pub fn is_met_by(&self, positions: &Positions) -> bool {
        todo!("task 5: whether a replica is far enough")
    }

    /// What it needs.
    pub fn needs(&self) -> &Positions {
        &self.needs
    }

    /// As text, `0:17,3:9`.
    pub fn token(&self) -> String {
        let parts: Vec<String> = self.needs.iter().map(|(p, need)| format!("{p}:{need}")).collect();
        parts.join(",")
    }

    /// From [`Session::token`]. The text comes from outside: a forged one can make its own user wait, and nobody else.
    ///
    /// # Errors
    /// [`SessionError`] for other text.
    pub fn of_token(token: &str) -> Result<Self, SessionError> {
        let wrong = || SessionError(token.chars().take(80).collect());
        let mut needs = Positions::new();
        for part in token.split(',').filter(|_| !token.is_empty()) {
            let (partition, need) = part.split_once(':').ok_or_else(wrong)?;
            let partition = partition.parse().map_err(|_| wrong())?;
            let need: i64 = need.parse().map_err(|_| wrong())?;
            if need < 0 || needs.insert(partition, need).is_some() {
                return Err(wrong());
            }
        }
        Ok(Self { needs })
    }
}

/// A copy that can be read: its name, and how far it has come. Who applies records to it sends the positions *after* they can be read.
#[derive(Clone, Debug)]
pub struct Replica {
    /// What it is called.
    pub name: String,
    /// How far it has come; it only grows. The sender is dropped when the replica is gone.
    pub applied: watch::Receiver<Positions>,
}

/// No replica was far enough in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no replica has what this session has seen: within {waited:?}, {missing} records short at best")]
pub struct Behind {
    /// How long was waited: the bound, or less if there is no replica left to wait for.
    pub waited: Duration,
    /// Of the replica that lacks least, over all partitions: how many offsets. [`u64::MAX`] if there is none.
    pub missing: u64,
}

/// Sends each read to a replica that is far enough for it.
#[derive(Clone, Debug)]
pub struct Router {
    replicas: Vec<Replica>,
}

impl Router {
    /// Over these replicas, the preferred ones first (the nearest).
    pub fn new(replicas: Vec<Replica>) -> Self {
        Self { replicas }
    }

    /// Gives the first replica that is far enough for this session; if none is, waits until one is, at most `within`. A replica that is gone
    /// (its sender dropped) is neither chosen nor waited for, however far it had come. A session that needs nothing takes the first that is there.
    ///
    /// Nothing is polled: it sleeps until some replica moves, or the time is over.
    ///
    /// # Errors
    /// [`Behind`], also at once when all replicas are gone. Going to the leader, or saying "not yet" to the user, is the caller's decision.
    pub async fn choose(&self, session: &Session, within: Duration) -> Result<&Replica, Behind> {
        todo!("task 5: a replica that is far enough, or wait for one, bounded")
    }

    /// Reads through a replica that is far enough, and notes what was shown. `query` gets the replica.
    ///
    /// The answer may hold more than the replica had when it was chosen: it goes on applying while it is asked. So what counts as seen are the
    /// positions *after* the answer.
    ///
    /// # Errors
    /// [`Behind`], as [`Router::choose`]. The session stays as it was.
    pub async fn read<T>(
        &self,
        session: &mut Session,
        within: Duration,
        query: impl AsyncFnOnce(&Replica) -> T,
    ) -> Result<T, Behind> {
        todo!("task 5: read, and note what may have been shown")
    }

    fn behind(&self, session: &Session, waited: Duration) -> Behind {
        let here = self
            .replicas
            .iter()
            .filter(|replica| replica.applied.has_changed().is_ok());
        let missing = here.map(|replica| {
            let applied = replica.applied.borrow();
            let lacks =
                |(partition, need): (&u32, &i64)| need.saturating_sub(applied.get(partition).copied().unwrap_or(0));
            session
                .needs
                .iter()
                .map(lacks)
                .map(|lacks| lacks.max(0).unsigned_abs())
                .sum()
        });
        Behind {
            waited,
            missing: missing.min().unwrap_or(u64::MAX),
        }
    }
}
