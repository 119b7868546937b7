//! Writing an operator's state down, and building the operator again from it.

use std::collections::HashSet;
use std::hash::Hash;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::encoding::{self, SnapshotError};
use crate::state::Queue;
use crate::timers::Entry;
use crate::{Aggregate, Assigner, Config, Early, WindowOperator};

const VERSION: u8 = 1;

/// The lanes of a key, each its windows by start.
type Lanes<A> = Vec<Queue<A>>;

#[derive(Serialize)]
struct Written<'a, K, A> {
    config: &'a Config,
    watermark: i64,
    processing_time: i64,
    keys: Vec<(&'a K, &'a [Queue<A>])>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "K: DeserializeOwned, A: DeserializeOwned"))]
struct Read<K, A> {
    config: Config,
    watermark: i64,
    processing_time: i64,
    keys: Vec<(K, Lanes<A>)>,
}

impl<K, A> WindowOperator<K, A>
where
    K: Hash + Eq + Clone + Serialize + DeserializeOwned,
    A: Aggregate + Serialize + DeserializeOwned,
{
    /// The whole state as bytes. Timers are not in it: they follow from the windows and the watermark.
    ///
    /// # Errors
    /// [`SnapshotError::Unencodable`] if a key or an aggregate cannot be serialised.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let written = Written {
            config: &self.config,
            watermark: self.watermark,
            processing_time: self.processing_time,
            keys: self.store.iter().collect(),
        };
        encoding::encode(VERSION, &written)
    }

    /// An operator that goes on where the snapshot was taken. It must have been written under the same configuration;
    /// a stagger that was settled then stays settled.
    ///
    /// # Errors
    /// [`SnapshotError`] for anything but such a snapshot.
    pub fn restore(config: Config, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let read: Read<K, A> = encoding::decode(VERSION, bytes)?;
        if !same(&config, &read.config) {
            return Err(SnapshotError::OtherConfiguration);
        }
        let garbage = |what: &str| SnapshotError::Garbage(what.into());
        let mut operator = Self::new(read.config).map_err(|error| garbage(&error.to_string()))?;
        operator.watermark = read.watermark;
        operator.processing_time = read.processing_time;
        if let Early::ChangedEvery(cadence) = operator.config.trigger.early
            && read.watermark > i64::MIN
        {
            let into = read.watermark.rem_euclid(cadence);
            operator.next_early = read.watermark.saturating_add(cadence - into);
        }
        let distinct: HashSet<&K> = read.keys.iter().map(|(key, _)| key).collect();
        if distinct.len() != read.keys.len() {
            return Err(garbage("a key stands in it twice"));
        }
        let lanes = operator.store.lanes();
        for (key, of_key) in read.keys {
            let sorted = |queue: &Queue<A>| {
                let mut pairs = queue.iter().zip(queue.iter().skip(1));
                pairs.all(|(a, b)| a.window.start < b.window.start)
            };
            if of_key.len() != lanes || !of_key.iter().all(sorted) {
                return Err(garbage("the windows of a key do not fit the assigner"));
            }
            let slot = operator.store.slot(&key);
            for (lane, queue) in of_key.into_iter().enumerate() {
                for (at, held) in queue.into_iter().enumerate() {
                    if held.changed && matches!(operator.config.trigger.early, Early::ChangedEvery(_)) {
                        operator.changed.push(Entry {
                            slot: slot as u32,
                            lane: lane as u32,
                            start: held.window.start,
                        });
                    }
                    let timer = held.timer;
                    operator.store.insert(slot, lane, at, held);
                    operator.store.set_timer(slot, lane, at, timer);
                }
            }
            operator.store.release_if_empty(slot);
        }
        Ok(operator)
    }
}

/// Whether two configurations mean the same, whatever stagger either has settled on.
fn same(one: &Config, other: &Config) -> bool {
    let plain = |config: &Config| {
        let mut config = config.clone();
        if let Assigner::Tumbling(lanes) = &mut config.assigner {
            lanes.iter_mut().for_each(|lane| *lane = lane.unsettled());
        }
        config
    };
    plain(one) == plain(other)
}
