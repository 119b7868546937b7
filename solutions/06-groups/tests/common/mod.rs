//! What the consumer's tests share: a filled topic, members that are driven until something holds, and their records.

#![allow(dead_code)] // each test program uses a part of it

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use consumer::{EARLIEST, Event, Member, MemberConfig};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const TICK: Duration = Duration::from_millis(20);

pub(crate) fn config(brokers: &str, topic: &str, group: &str) -> MemberConfig {
    MemberConfig {
        brokers: brokers.to_owned(),
        topic: topic.to_owned(),
        group: group.to_owned(),
        session_timeout: Duration::from_secs(2),
        heartbeat: Duration::from_millis(200),
        fetch_wait: Duration::from_millis(20),
        ..MemberConfig::default()
    }
}

pub(crate) fn writer(brokers: &str) -> ThreadedProducer<DefaultProducerContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "1")
        .create()
        .expect("a writer")
}

/// Writes the numbers of `range` to each of the partitions.
pub(crate) fn fill(brokers: &str, topic: &str, partitions: i32, range: std::ops::Range<u64>) {
    let writer = writer(brokers);
    for n in range {
        for p in 0..partitions {
            let text = n.to_string();
            let record = BaseRecord::to(topic).partition(p).key("k").payload(&text);
            writer.send(record).map_err(|(e, _)| e).expect("queued");
        }
    }
    writer.flush(LIMIT).expect("written");
}

/// A member and what it has seen, driven by the test's thread.
pub(crate) struct Driven {
    pub(crate) name: &'static str,
    pub(crate) member: Member,
    /// Numbers read, per partition.
    pub(crate) read: BTreeMap<i32, Vec<u64>>,
    pub(crate) ends: BTreeMap<i32, i64>,
    pub(crate) assigned: Vec<Vec<i32>>,
    pub(crate) revoked: Vec<Vec<i32>>,
    pub(crate) lost: Vec<Vec<i32>>,
    /// Whether assignments are answered as soon as they are told, each partition from where it was read to.
    pub(crate) starts: bool,
    pub(crate) releases: bool,
}

impl Driven {
    pub(crate) fn join(name: &'static str, config: &MemberConfig) -> Self {
        let member = Member::join(&MemberConfig {
            client_id: name.to_owned(),
            ..config.clone()
        })
        .expect("a member");
        Self {
            name,
            member,
            read: BTreeMap::new(),
            ends: BTreeMap::new(),
            assigned: Vec::new(),
            revoked: Vec::new(),
            lost: Vec::new(),
            starts: true,
            releases: true,
        }
    }

    pub(crate) fn held(&self) -> Vec<i32> {
        self.member.held().map(|(p, _)| p).collect()
    }

    pub(crate) fn records(&self) -> usize {
        self.read.values().map(Vec::len).sum()
    }

    pub(crate) fn start_all(&mut self, partitions: &[i32]) {
        let from: Vec<_> = partitions.iter().map(|&p| (p, EARLIEST)).collect();
        self.member
            .start(&from)
            .unwrap_or_else(|e| panic!("{}: starting {partitions:?}: {e}", self.name));
    }

    /// One poll, answered as the flags say.
    pub(crate) fn turn(&mut self) {
        match self.member.poll(TICK).unwrap_or_else(|e| panic!("{}: {e}", self.name)) {
            Event::Record(record) => {
                let text = std::str::from_utf8(record.payload().unwrap_or_default()).expect("text");
                let n = text.parse().expect("a number");
                assert_eq!(record.key(), Some(b"k".as_slice()));
                self.read.entry(record.partition()).or_default().push(n);
            }
            Event::Assigned(partitions) => {
                self.assigned.push(partitions.clone());
                if self.starts {
                    self.start_all(&partitions);
                }
            }
            Event::Revoked(partitions) => {
                self.revoked.push(partitions.clone());
                if self.releases {
                    self.member.release(&partitions).expect("released");
                }
            }
            Event::Lost(partitions) => {
                self.lost.push(partitions.clone());
                self.member.release(&partitions).expect("released");
            }
            Event::End { partition, offset } => {
                self.ends.insert(partition, offset);
            }
            Event::Idle => {}
        }
    }
}

/// Polls all members in turn until `done`, and says which promise was not kept if that takes too long.
pub(crate) fn drive(members: &mut [&mut Driven], promise: &str, mut done: impl FnMut(&[&mut Driven]) -> bool) {
    let started = Instant::now();
    while !done(members) {
        for member in members.iter_mut() {
            member.turn();
        }
        if started.elapsed() > LIMIT {
            let states: Vec<_> = members
                .iter()
                .map(|m| {
                    format!(
                        "{}: holds {:?}, read {}, {:?}",
                        m.name,
                        m.held(),
                        m.records(),
                        m.member.stats()
                    )
                })
                .collect();
            panic!("not within {LIMIT:?}: {promise}; {}", states.join("; "));
        }
    }
}
