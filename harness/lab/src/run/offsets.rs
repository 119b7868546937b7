//! What the group has still to deliver, as Kafka knows it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const LIMIT: Duration = Duration::from_secs(5);

/// Asks for the offsets of one group in one topic.
pub(crate) struct Offsets {
    consumer: Arc<BaseConsumer>,
    topic: String,
    partitions: i32,
}

impl Offsets {
    /// A client that only asks: it never subscribes, so it is no member of the group.
    pub(crate) fn new(brokers: &str, group: &str, topic: &str, partitions: i32) -> Result<Self, KafkaError> {
        let consumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", group)
            .set("client.id", "tickbook-lab")
            .set("enable.auto.commit", "false")
            .create()?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: topic.into(),
            partitions,
        })
    }

    /// Records between what the group has committed and the end of the topic.
    pub(crate) async fn undelivered(&self) -> Result<u64, KafkaError> {
        let (consumer, topic, partitions) = (Arc::clone(&self.consumer), self.topic.clone(), self.partitions);
        let asked = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition_range(&topic, 0, partitions - 1);
            let committed = consumer.committed_offsets(list, LIMIT)?;
            let mut left = 0;
            for partition in 0..partitions {
                let (first, end) = consumer.fetch_watermarks(&topic, partition, LIMIT)?;
                let done = match committed.find_partition(&topic, partition).map(|found| found.offset()) {
                    Some(Offset::Offset(offset)) => offset,
                    _ => first,
                };
                left += u64::try_from(end - done).unwrap_or(0);
            }
            Ok(left)
        });
        match asked.await {
            Ok(answer) => answer,
            Err(_) => Err(KafkaError::Canceled),
        }
    }
}
