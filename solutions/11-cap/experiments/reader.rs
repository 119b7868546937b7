//! Reading: a client that follows a topic and notes when it sees what, and the whole log once nothing is broken any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};

use crate::cluster::LIMIT;
use crate::run::until;
use crate::writer::{Identity, Writer};

/// Who writes the last record of a topic, by which a reader knows that it has all of it.
const LAST: u32 = u32::MAX;

/// Servers are hurt on purpose here: what the client says of that is no news.
struct Deaf;

impl ClientContext for Deaf {
    fn error(&self, _: KafkaError, _: &str) {}

    fn log(&self, _: rdkafka::config::RDKafkaLogLevel, _: &str, _: &str) {}
}

impl rdkafka::consumer::ConsumerContext for Deaf {}

/// A client that has asked nobody for its topic yet.
pub(crate) struct Reader {
    native: BaseConsumer<Deaf>,
    topic: String,
}

/// A record that a reader was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) identity: Identity,
    pub(crate) at: Instant,
}

impl Reader {
    pub(crate) fn new(bootstrap: &str, topic: &str) -> anyhow::Result<Self> {
        let native = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "reads") // assigned by hand: the client wants a name for a group that nobody joins
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "10")
            .create_with_context(Deaf)?;
        let topic = topic.to_owned();
        Ok(Self { native, topic })
    }

    /// Begins at the first record of the log.
    pub(crate) fn begin(&self) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, 0, Offset::Offset(0))?;
        Ok(self.native.assign(&list)?)
    }

    /// Waits for the first record.
    pub(crate) fn first(&self, limit: Duration) -> anyhow::Result<()> {
        until("a reader is given the first record", limit, || {
            self.next(Duration::from_millis(20)).is_some()
        })
    }

    /// Follows the topic until it is told to stop.
    pub(crate) fn follow(&self, stop: &AtomicBool) -> Vec<Seen> {
        let mut seen = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            seen.extend(self.next(Duration::from_millis(20)));
        }
        seen
    }

    /// Who leads, as this client hears it now.
    pub(crate) fn leader(&self) -> Option<i32> {
        let metadata = self
            .native
            .fetch_metadata(Some(&self.topic), Duration::from_secs(1))
            .ok()?;
        Some(metadata.topics().first()?.partitions().first()?.leader())
    }

    /// The client goes on by itself after errors.
    fn next(&self, limit: Duration) -> Option<Seen> {
        let record = self.native.poll(limit)?.ok()?;
        let (identity, at) = (Identity::of(record.payload()?)?, Instant::now());
        Some(Seen { identity, at })
    }

    /// What comes within a time.
    pub(crate) fn within(&self, limit: Duration) -> anyhow::Result<Vec<Seen>> {
        self.begin()?;
        let (started, mut seen) = (Instant::now(), Vec::new());
        while started.elapsed() < limit {
            seen.extend(self.next(Duration::from_millis(20)));
        }
        Ok(seen)
    }
}

/// A topic's log, when all replicas are back.
pub(crate) struct Log(Vec<Identity>);

impl Log {
    /// All of it, up to a last record that is written for this: with acks=all, so that everything before it can be read when it
    /// is acknowledged.
    pub(crate) fn read(bootstrap: &str, topic: &str) -> anyhow::Result<Self> {
        let last = Writer::new(bootstrap, topic, LAST, &[("acks", "all")])?;
        // A topic may be read more than once.
        static READ: AtomicU32 = AtomicU32::new(0);
        let n = READ.fetch_add(1, Ordering::Relaxed);
        last.send_all(n..n + 1, LIMIT)?;
        ensure!(
            last.acknowledged().len() == 1,
            "topic {topic} takes no record any more: {:?}",
            last.told()
        );
        let reader = Reader::new(bootstrap, topic)?;
        reader.begin()?;
        let (mut all, mut heard) = (Vec::new(), Instant::now());
        loop {
            if let Some(seen) = reader.next(Duration::from_millis(100)) {
                heard = Instant::now();
                match seen.identity {
                    identity if identity == (Identity { writer: LAST, n }) => return Ok(Self(all)),
                    Identity { writer: LAST, .. } => {}
                    identity => all.push(identity),
                }
            }
            ensure!(heard.elapsed() < LIMIT, "topic {topic} cannot be read to its end");
        }
    }

    /// What it holds of one writer.
    pub(crate) fn of(&self, writer: u32) -> Kept {
        let mut kept = Kept::default();
        let mut newest = None;
        for identity in self.0.iter().filter(|identity| identity.writer == writer) {
            let times = kept.times.entry(identity.n).or_insert(0);
            *times += 1;
            if *times > 1 {
                kept.doubled += 1;
            } else if newest > Some(identity.n) {
                kept.reordered += 1;
            }
            newest = newest.max(Some(identity.n));
        }
        kept
    }
}

/// One writer's records in the log.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// How often each is there.
    times: BTreeMap<u32, u64>,
    /// Records that stand there a second time, or more often.
    pub(crate) doubled: u64,
    /// Records behind a later one, where they first stand.
    pub(crate) reordered: u64,
}

impl Kept {
    /// Records that stand there more than once, and how often.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (u32, u64)> {
        self.times
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(n, times)| (*n, *times))
    }

    pub(crate) fn holds(&self, n: u32) -> bool {
        self.times.contains_key(&n)
    }

    /// Of these records, how many are not there.
    pub(crate) fn lacks<'a>(&self, said: impl IntoIterator<Item = &'a u32>) -> u64 {
        said.into_iter().filter(|n| !self.holds(**n)).count() as u64
    }
}
