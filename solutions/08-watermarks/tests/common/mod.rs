//! What the tests on a cluster share: a topic with times in it, and one reader over several of its partitions.

#![allow(dead_code)] // each test program uses a part of it

use std::time::{Duration, Instant};

use market::EventTime;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// No test waits longer than this for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn at(ms: i64) -> EventTime {
    EventTime::from_millis(ms)
}

/// Writes records of these (partition, time in ms), in this order per partition. No time may be 0: to the client that
/// means the present.
pub(crate) fn write(brokers: &str, topic: &str, records: impl IntoIterator<Item = (i32, i64)>) {
    let writer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        // Order without asking for a producer id, which takes a second in the cluster in the process.
        .set("max.in.flight.requests.per.connection", "1")
        .set("linger.ms", "1")
        .create()
        .expect("a writer");
    for (partition, time) in records {
        assert!(time > 0, "a record at {time} ms would get the present as its time");
        let record = BaseRecord::<(), str>::to(topic)
            .partition(partition)
            .payload("x")
            .timestamp(time);
        writer.send(record).map_err(|(e, _)| e).expect("queued");
    }
    writer.flush(LIMIT).expect("written");
}

/// What a reader meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Record(i32, EventTime),
    /// The end of a partition; again after each record that comes later.
    End(i32),
}

/// One reader of some partitions, outside any group, driven by the test's thread.
pub(crate) struct Reader {
    consumer: BaseConsumer,
    topic: String,
}

impl Reader {
    /// Reads these partitions from their beginning.
    pub(crate) fn new(brokers: &str, topic: &str, partitions: &[i32]) -> Self {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "10")
            .create()
            .expect("a reader");
        let reader = Self {
            consumer,
            topic: topic.to_owned(),
        };
        // Else the search for a partition's beginning meets no leader yet, and the client tries again after half a second.
        reader
            .consumer
            .fetch_metadata(Some(topic), LIMIT)
            .expect("the topic's partitions");
        reader.restart(partitions);
        reader
    }

    /// Reads these partitions, and only these, from their beginning again.
    pub(crate) fn restart(&self, partitions: &[i32]) {
        let mut list = self.list(partitions);
        list.set_all_offsets(Offset::Beginning).expect("an offset");
        self.consumer.assign(&list).expect("an assignment");
    }

    pub(crate) fn pause(&self, partitions: &[i32]) {
        self.consumer.pause(&self.list(partitions)).expect("paused");
    }

    pub(crate) fn resume(&self, partitions: &[i32]) {
        self.consumer.resume(&self.list(partitions)).expect("resumed");
    }

    /// What can be met within `wait`.
    pub(crate) fn poll(&self, wait: Duration) -> Option<Met> {
        match self.consumer.poll(wait)? {
            Ok(record) => {
                let time = record.timestamp().to_millis().expect("a record with a time");
                Some(Met::Record(record.partition(), at(time)))
            }
            Err(KafkaError::PartitionEOF(partition)) => Some(Met::End(partition)),
            // An error of the connection passes.
            Err(_) => None,
        }
    }

    /// The next record or end of a partition; fails the test if none comes.
    pub(crate) fn next(&self) -> Met {
        let started = Instant::now();
        loop {
            if let Some(met) = self.poll(Duration::from_millis(20)) {
                return met;
            }
            assert!(
                started.elapsed() < LIMIT,
                "nothing to read within {LIMIT:?}; is every partition paused, or waited for although it has ended?"
            );
        }
    }

    /// The next `count` records, whatever partitions they are of.
    pub(crate) fn take(&self, count: usize) -> Vec<(i32, EventTime)> {
        let mut records = Vec::new();
        while records.len() < count {
            if let Met::Record(partition, time) = self.next() {
                records.push((partition, time));
            }
        }
        records
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for &partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        list
    }
}
