//! What the group has still to deliver, as Kafka knows it.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};

const LIMIT: Duration = Duration::from_secs(5);

/// Ends that are only looked at are not waited for as long.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

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
            // A broker that was away is asked again soon: how far it came is what everybody looks at then.
            .set("reconnect.backoff.max.ms", "250")
            .create()?;
        Ok(Self {
            consumer: Arc::new(consumer),
            topic: topic.into(),
            partitions,
        })
    }

    /// Where each partition ends; one question for all of them.
    pub(crate) async fn ends(&self) -> Result<Vec<(i32, i64)>, KafkaError> {
        let (consumer, topic, partitions) = (Arc::clone(&self.consumer), self.topic.clone(), self.partitions);
        let asked = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::new();
            list.add_partition_range(&topic, 0, partitions - 1);
            // The time "latest", which is no time but the end.
            list.set_all_offsets(Offset::End)?;
            let ends = consumer.offsets_for_times(list, LOOK_LIMIT)?;
            let end = |found: &TopicPartitionListElem<'_>| match (found.error(), found.offset()) {
                (Ok(()), Offset::Offset(end)) => Some((found.partition(), end)),
                _ => None,
            };
            Ok(ends.elements().iter().filter_map(end).collect())
        });
        match asked.await {
            Ok(answer) => answer,
            Err(_) => Err(KafkaError::Canceled),
        }
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
