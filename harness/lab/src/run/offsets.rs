//! What the group has still to deliver, as Kafka knows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    config: ClientConfig,
    /// Replaced when it failed: a client that has once forgotten its brokers does not find them again.
    consumer: Mutex<Arc<BaseConsumer>>,
    topic: String,
    partitions: i32,
}

impl Offsets {
    /// A client that only asks: it never subscribes, so it is no member of the group.
    pub(crate) fn new(brokers: &str, group: &str, topic: &str, partitions: i32) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", brokers)
            .set("group.id", group)
            .set("client.id", "tickbook-lab")
            .set("enable.auto.commit", "false")
            // A broker that was away is asked again soon: how far it came is what everybody looks at then.
            .set("reconnect.backoff.max.ms", "250");
        Ok(Self {
            consumer: Mutex::new(Arc::new(config.create()?)),
            config,
            topic: topic.into(),
            partitions,
        })
    }

    /// Asks on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer) -> Result<T, KafkaError> + Send + 'static,
    ) -> Result<T, KafkaError> {
        let consumer = Arc::clone(&self.consumer());
        let asked = tokio::task::spawn_blocking(move || question(&consumer)).await;
        let answer = asked.unwrap_or(Err(KafkaError::Canceled));
        if answer.is_err() {
            let fresh = Arc::new(self.config.create()?);
            // The end of the old one blocks.
            let old = std::mem::replace(&mut *self.consumer(), fresh);
            drop(tokio::task::spawn_blocking(move || drop(old)));
        }
        answer
    }

    fn consumer(&self) -> MutexGuard<'_, Arc<BaseConsumer>> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each partition ends; one question for all of them.
    pub(crate) async fn ends(&self) -> Result<Vec<(i32, i64)>, KafkaError> {
        let (topic, partitions) = (self.topic.clone(), self.partitions);
        self.ask(move |consumer| {
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
        })
        .await
    }

    /// Records between what the group has committed and the end of the topic.
    pub(crate) async fn undelivered(&self) -> Result<u64, KafkaError> {
        let (topic, partitions) = (self.topic.clone(), self.partitions);
        self.ask(move |consumer| {
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
        })
        .await
    }
}
