//! Readers that take their time: a thread for each partition of a topic, and so long for each record.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext};

use crate::client::{number, reader};
use crate::run::pause_until;
use crate::servers::{Silence, Topic};

type Queue = PartitionQueue<DefaultConsumerContext>;

/// A topic with a reader for each of its partitions.
pub(crate) struct Workers {
    consumer: Arc<BaseConsumer>,
    queues: Vec<Queue>,
    done: AtomicU64,
}

impl Workers {
    pub(crate) fn new(brokers: &str, topic: &Topic) -> anyhow::Result<Self> {
        let consumer = Arc::new(reader(brokers, topic)?);
        let split = |partition| {
            let queue = consumer.split_partition_queue(&topic.name, partition);
            queue.with_context(|| format!("partition {partition} has no queue"))
        };
        let queues = (0..topic.partitions).map(split).collect::<Result<_, _>>()?;
        Ok(Self {
            consumer,
            queues,
            done: AtomicU64::new(0),
        })
    }

    /// Records that are done of those that are worked on now.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::SeqCst)
    }

    /// Works until `count` records are done. Each takes `service` of its partition's reader, which waits and does not compute, as
    /// one does that calls a service; then `finish` is told its number.
    pub(crate) fn work(&self, count: u64, service: Duration, finish: impl Fn(u64) + Sync) -> anyhow::Result<()> {
        self.done.store(0, Ordering::SeqCst);
        thread::scope(|scope| {
            let all: Vec<_> = self
                .queues
                .iter()
                .map(|queue| scope.spawn(|| self.one(queue, count, service, &finish)))
                .collect();
            while self.done() < count && !all.iter().all(|thread| thread.is_finished()) {
                // What is no record comes here, and only while somebody asks.
                self.consumer.poll(Duration::from_millis(20));
            }
            all.into_iter().try_for_each(|thread| {
                let ended = thread.join();
                ended.unwrap_or_else(|_| Err(anyhow!("a reader panicked")))
            })
        })
    }

    fn one(&self, queue: &Queue, count: u64, service: Duration, finish: &impl Fn(u64)) -> anyhow::Result<()> {
        let mut free = Instant::now();
        let mut silence = Silence::new();
        while self.done() < count {
            let waiting = queue.poll(Duration::ZERO);
            // By the plan and not by the last awakening while there is work: sleeping too long by a little each time would make the
            // reader slower than said. It makes up for one record at most, so a reader that was held up stays behind.
            let catches_up = waiting.as_ref().map_or(Duration::ZERO, |_| service);
            match waiting.or_else(|| queue.poll(Duration::from_millis(20))) {
                Some(Ok(record)) => {
                    silence.broken();
                    let now = Instant::now();
                    free = free.max(now.checked_sub(catches_up).unwrap_or(now)) + service;
                    pause_until(free);
                    finish(number(&record));
                    self.done.fetch_add(1, Ordering::SeqCst);
                }
                Some(Err(_)) => {}
                // Its records may all be done; then it waits for the others'.
                None => silence.check("the end of all records")?,
            }
        }
        Ok(())
    }
}
