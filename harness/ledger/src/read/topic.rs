//! Reads a topic from its start to the ends that it had when it was opened, each partition in the order of its offsets.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::SILENCE;
use crate::LedgerError;

/// How long a broker may take for one answer.
const ANSWER: Duration = Duration::from_secs(15);

/// How long after the last record an end that the broker reports is believed though an offset is missing below it: the
/// markers of transactions take offsets and give no record.
const MARKERS: Duration = Duration::from_secs(3);

/// A topic that is to be read.
pub(crate) struct Topic {
    consumer: BaseConsumer,
    brokers: String,
    name: String,
    partitions: Vec<Span>,
}

struct Span {
    partition: i32,
    first: i64,
    end: i64,
    /// Whether all up to `end` was read.
    done: bool,
    /// Whether the broker said that there is no more.
    eof: bool,
}

impl Topic {
    /// Asks for the partitions and where they end; what is written later is not read.
    pub(crate) fn open(brokers: &str, name: &str) -> Result<Self, LedgerError> {
        let failed = |error: KafkaError| failed(brokers, &error.to_string());
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("client.id", "tickbook-audit")
            .set("group.id", "tickbook-audit") // assigned by hand; nothing is ever committed
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            .set("auto.offset.reset", "error")
            // The default of one second starves a consumer whose queue is bounded.
            .set("fetch.queue.backoff.ms", "10")
            .set("queued.min.messages", "100000")
            .set("queued.max.messages.kbytes", "32768")
            .create()
            .map_err(failed)?;
        let metadata = consumer.fetch_metadata(Some(name), ANSWER).map_err(failed)?;
        let topic = metadata.topics().first().filter(|topic| topic.error().is_none());
        let Some(topic) = topic.filter(|topic| !topic.partitions().is_empty()) else {
            return Err(self::failed(brokers, &format!("there is no topic {name}")));
        };
        let mut partitions = Vec::new();
        for partition in topic.partitions() {
            let partition = partition.id();
            let (first, end) = consumer.fetch_watermarks(name, partition, ANSWER).map_err(failed)?;
            partitions.push(Span {
                partition,
                first,
                end,
                done: first >= end,
                eof: false,
            });
        }
        Ok(Self {
            consumer,
            brokers: brokers.to_owned(),
            name: name.to_owned(),
            partitions,
        })
    }

    /// Refuses a topic whose start is gone.
    pub(crate) fn whole(&self) -> Result<(), LedgerError> {
        match self.partitions.iter().find(|span| span.first > 0) {
            None => Ok(()),
            Some(span) => Err(LedgerError::Truncated {
                topic: self.name.clone(),
                partition: span.partition,
                first: span.first,
            }),
        }
    }

    pub(crate) fn partitions(&self) -> impl Iterator<Item = i32> {
        self.partitions.iter().map(|span| span.partition)
    }

    /// Offsets to read.
    pub(crate) fn records(&self) -> u64 {
        self.partitions
            .iter()
            .map(|span| (span.end - span.first).max(0) as u64)
            .sum()
    }

    /// Calls `each` for every record.
    pub(crate) fn read(
        mut self,
        mut each: impl FnMut(&BorrowedMessage<'_>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut assignment = TopicPartitionList::new();
        for span in self.partitions.iter().filter(|span| !span.done) {
            assignment
                .add_partition_offset(&self.name, span.partition, Offset::Offset(span.first))
                .map_err(|e| failed(&self.brokers, &e.to_string()))?;
        }
        self.consumer
            .assign(&assignment)
            .map_err(|e| failed(&self.brokers, &e.to_string()))?;
        let mut left = assignment.count();
        let mut last = Instant::now();
        let mut trouble = String::from("no record came");
        while left > 0 {
            match self.consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => {
                    last = Instant::now();
                    let spans = &mut self.partitions;
                    let Some(span) = spans.iter_mut().find(|span| span.partition == message.partition()) else {
                        continue;
                    };
                    if message.offset() < span.end {
                        each(&message)?;
                    }
                    if message.offset() + 1 >= span.end && !span.done {
                        span.done = true;
                        left -= 1;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    let spans = &mut self.partitions;
                    if let Some(span) = spans.iter_mut().find(|span| span.partition == partition) {
                        span.eof = true;
                    }
                }
                // The client goes on by itself after most errors; one that lasts shows as silence.
                Some(Err(error)) => trouble = error.to_string(),
                None => {}
            }
            if last.elapsed() > MARKERS && self.partitions.iter().all(|span| span.done || span.eof) {
                break;
            }
            if last.elapsed() > SILENCE {
                let detail = format!("{} gave nothing for {} s: {trouble}", self.name, SILENCE.as_secs());
                return Err(failed(&self.brokers, &detail));
            }
        }
        Ok(())
    }
}

fn failed(brokers: &str, detail: &str) -> LedgerError {
    LedgerError::Kafka {
        brokers: brokers.to_owned(),
        detail: detail.to_owned(),
    }
}
