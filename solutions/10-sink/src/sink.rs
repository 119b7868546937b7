//! The sink itself: its claims, and delivering a block.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex as Now, PoisonError};
use std::time::Duration;

use clickhouse::Client;
use tokio::sync::Mutex;

use crate::check::check;
use crate::insert::inserting;
use crate::owners::Entry;
use crate::patience::Patience;
use crate::server::{Failure, Server};
use crate::{Point, SinkConfig, SinkError};

/// Writes blocks for the partitions that it has claimed.
///
/// Claims and writes of one sink take turns: a second one waits for the first.
pub struct Sink {
    pub(crate) config: SinkConfig,
    pub(crate) server: Server,
    pub(crate) inserting: Client,
    /// `NAME.INCARNATION/`: what every entry of this sink in `owners` begins with.
    identity: String,
    state: Mutex<State>,
    /// Partitions given back since the last claim or write: noted apart, because a write may hold the state for long.
    released: Now<Vec<i32>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) held: BTreeMap<i32, Held>,
    pub(crate) attempt: u64,
}

/// A partition that this sink has claimed.
pub(crate) struct Held {
    pub(crate) entry: Entry,
    /// An insert of its rows was sent and its outcome is not known: set before sending, so that a dropped future leaves it.
    pub(crate) in_doubt: bool,
}

/// One partition, claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The partition.
    pub partition: i32,
    /// The generation under which rows are written.
    pub generation: u64,
}

/// What came of a [`Sink::claim`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Partitions that are this sink's, and on which no older insert runs any more.
    pub granted: Vec<Claim>,
    /// Partitions for which another worker claimed at the same moment and won. If the group still gives such a partition
    /// to this worker, claim it again: the next generation is higher.
    pub refused: Vec<i32>,
}

/// Why entries are made.
pub(crate) enum Purpose {
    /// To take partitions over: one generation up, whoever has them.
    Claim,
    /// To fence off one's own lost requests: the same generation, the next attempt, unless somebody else has them by now.
    Again,
}

/// What became of new entries.
#[derive(Default)]
pub(crate) struct Fenced {
    pub(crate) granted: BTreeMap<i32, Entry>,
    pub(crate) refused: Vec<i32>,
    /// Older inserts that still run.
    pub(crate) running: Vec<String>,
}

impl Sink {
    /// Checks the settings, the server and its tables. Waits for a server that does not answer yet for
    /// [`SinkConfig::give_up_after`], or 30 s.
    ///
    /// # Errors
    /// [`SinkError::Config`], [`SinkError::Schema`], [`SinkError::Denied`], [`SinkError::GaveUp`].
    pub async fn connect(config: SinkConfig) -> Result<Self, SinkError> {
        check(&config)?;
        let server = Server::new(&config);
        let mut patience = Patience::bounded(&config, Duration::from_secs(30));
        loop {
            match server.check_tables().await {
                Ok(()) => break,
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Fenced) => {
                    return Err(SinkError::Refused {
                        server: "a guard without an insert".into(),
                    });
                }
                Err(Failure::Unknown(why)) => patience.wait(why).await?,
            }
        }
        let incarnation = uuid::Uuid::new_v4().simple();
        Ok(Self {
            inserting: inserting(&server.client),
            identity: format!("{}.{incarnation}/", config.worker),
            config,
            server,
            state: Mutex::default(),
            released: Now::default(),
        })
    }

    /// Takes over partitions: raises their generation, then kills the inserts of older owners and waits until none runs.
    /// When it returns, the tables hold all that a former owner will ever have written to the granted partitions.
    ///
    /// # Errors
    /// [`SinkError::TakeoverTimeout`] and what [`connect`](Self::connect) returns.
    pub async fn claim(&self, partitions: &[i32]) -> Result<Claims, SinkError> {
        if partitions.is_empty() {
            return Ok(Claims::default());
        }
        let mut state = self.state().await;
        let mut patience = Patience::new(&self.config);
        let wanted: BTreeSet<i32> = partitions.iter().copied().collect();
        let fenced = loop {
            let limit = self.config.takeover_timeout;
            match self.fence(&mut state, &wanted, &Purpose::Claim, limit).await {
                Ok(fenced) => break fenced,
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Fenced) => patience.wait("a guard without an insert".into()).await?,
                Err(Failure::Unknown(why)) => patience.wait(why).await?,
            }
        };
        if !fenced.running.is_empty() {
            return Err(SinkError::TakeoverTimeout {
                partitions: fenced.granted.into_keys().collect(),
                queries: fenced.running,
                waited: patience.elapsed(),
            });
        }
        let mut claims = Claims {
            refused: fenced.refused,
            ..Claims::default()
        };
        for partition in &claims.refused {
            state.held.remove(partition);
        }
        for (partition, entry) in fenced.granted {
            claims.granted.push(Claim {
                partition,
                generation: entry.generation,
            });
            state.held.insert(partition, Held { entry, in_doubt: false });
        }
        Ok(claims)
    }

    /// Forgets claims, when the group has taken the partitions back. Later rows of theirs come back as lost. Does not wait
    /// for a write that is under way: its rows are as right as ever until somebody else claims the partition.
    pub fn release(&self, partitions: &[i32]) {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.extend_from_slice(partitions);
    }

    pub(crate) fn at(&self, point: Point) {
        if let Some(hook) = &self.config.at {
            hook(point);
        }
    }

    pub(crate) async fn state(&self) -> tokio::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().await;
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        for partition in released.drain(..) {
            state.held.remove(&partition);
        }
        drop(released);
        state
    }

    /// Makes new entries in `owners`, sees which of them are the newest, and ends the older inserts on those.
    pub(crate) async fn fence(
        &self,
        state: &mut State,
        partitions: &BTreeSet<i32>,
        purpose: &Purpose,
        limit: Duration,
    ) -> Result<Fenced, Failure> {
        let asked: Vec<i32> = partitions.iter().copied().collect();
        let newest = self.server.newest(&asked).await?;
        state.attempt += 1;
        let worker = format!("{}{:010}", self.identity, state.attempt);
        let mut fenced = Fenced::default();
        let mut entries = BTreeMap::new();
        for &partition in &asked {
            let now = newest.get(&partition);
            let generation = match purpose {
                Purpose::Claim => Some(now.map_or(0, |entry| entry.generation).saturating_add(1)),
                Purpose::Again => now
                    .filter(|now| now.worker.starts_with(&self.identity))
                    .map(|now| now.generation)
                    .filter(|now| {
                        state
                            .held
                            .get(&partition)
                            .is_some_and(|held| held.entry.generation == *now)
                    }),
            };
            match generation {
                Some(generation) => {
                    entries.insert(
                        partition,
                        Entry {
                            generation,
                            worker: worker.clone(),
                        },
                    );
                }
                None => fenced.refused.push(partition),
            }
        }
        if entries.is_empty() {
            return Ok(fenced);
        }
        self.server.enter(&entries).await?;
        let newest = self.server.newest(&asked).await?;
        for (partition, entry) in entries {
            if newest.get(&partition) == Some(&entry) {
                fenced.granted.insert(partition, entry);
            } else {
                fenced.refused.push(partition);
            }
        }
        fenced.running = self.server.end_older(&fenced.granted, limit).await?;
        Ok(fenced)
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
