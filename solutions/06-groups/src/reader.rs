//! Reading a stretch of a topic without being a member of any group: snapshots, audits, tests.

use std::ops::Range;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::config::{EARLIEST, reading};
use crate::error::{ConfigError, FetchError, PollError, ReadError, passes, poll_error};
use crate::rebalance::Rebalances;
use crate::record::Record;

/// What [`read_all`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Records handed over.
    pub records: u64,
    /// Offset after the last of them, or the start if there was none.
    pub next: i64,
}

/// Hands the committed records of one partition with offsets in `range` to `each`, in order. The start may be
/// [`EARLIEST`]. The end is reached when the log has nothing more below it, also where compaction has taken records out.
///
/// # Errors
/// [`ReadError`]: `silence` is how long nothing may come before the read is given up.
pub fn read_all(
    brokers: &str,
    topic: &str,
    partition: i32,
    range: Range<i64>,
    silence: Duration,
    mut each: impl FnMut(&Record<'_>),
) -> Result<Read, ReadError> {
    let mut read = Read {
        records: 0,
        next: range.start,
    };
    if range.end <= range.start.max(0) {
        return Ok(read);
    }
    let consumer = client(brokers)?;
    let assign = |start: Offset| {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, start)
            .and_then(|()| consumer.assign(&list))
            .map_err(ConfigError::from)
    };
    // Whether everything below the end is decided, so that the log's end is at or behind the end asked for: known before an
    // end is told, because it may move between the two.
    let decided = || {
        let ends = consumer.fetch_watermarks(topic, partition, Duration::from_secs(1));
        ends.is_ok_and(|(_, stable)| stable >= range.end)
    };
    assign(if range.start == EARLIEST {
        Offset::Beginning
    } else {
        Offset::Offset(range.start)
    })?;
    let (mut all_decided, mut heard) = (decided(), Instant::now());
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                let record = Record::new(message);
                if record.offset() >= range.end {
                    return Ok(read);
                }
                each(&record);
                read = Read {
                    records: read.records + 1,
                    next: record.offset() + 1,
                };
                if read.next >= range.end {
                    return Ok(read);
                }
            }
            // The log's end: what is missing up to the end asked for was compacted away, or is a transaction's marker.
            Some(Err(KafkaError::PartitionEOF(_))) if all_decided => return Ok(read),
            Some(Err(KafkaError::PartitionEOF(_))) => {
                all_decided = decided();
                if all_decided {
                    // Each end is told once: begin anew, to hear of the one that is known now.
                    let anew = if read.next == EARLIEST {
                        Offset::Beginning
                    } else {
                        Offset::Offset(read.next)
                    };
                    assign(anew)?;
                }
            }
            None => {}
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(passes) => {}
            Some(Err(error)) => return Err(poll_error(&error, consumer.context().last_error()).into()),
        }
        if heard.elapsed() > silence {
            return Err(ReadError::Stalled {
                topic: topic.to_owned(),
                partition,
                at: read.next,
                to: range.end,
                silence,
                last_error: consumer.context().last_error().unwrap_or_default(),
            });
        }
    }
}

/// The end of every partition of a topic, by partition: the offset its next record will get, or where a transaction begins
/// that is still open.
///
/// # Errors
/// [`FetchError`].
pub fn end_offsets(brokers: &str, topic: &str, within: Duration) -> Result<Vec<i64>, FetchError> {
    let deadline = Instant::now() + within;
    let left = || {
        deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1))
    };
    let consumer = client(brokers).map_err(|e| FetchError::Refused(e.to_string()))?;
    let what = format!("topic {topic}");
    let metadata = consumer
        .fetch_metadata(Some(topic), left())
        .map_err(|e| FetchError::from_kafka(&what, &e))?;
    let found = metadata
        .topics()
        .iter()
        .find(|t| t.name() == topic && t.error().is_none());
    let n = found.map_or(0, |t| t.partitions().len());
    if n == 0 {
        return Err(FetchError::Missing(what));
    }
    (0..n)
        .map(|p| {
            let p = i32::try_from(p).map_err(|e| FetchError::Refused(e.to_string()))?;
            let ends = consumer.fetch_watermarks(topic, p, left());
            ends.map(|(_, high)| high)
                .map_err(|e| FetchError::from_kafka(&format!("{what}, partition {p}"), &e))
        })
        .collect()
}

/// A reader needs a group's name, because librdkafka assigns only within one; it never joins or commits.
fn client(brokers: &str) -> Result<BaseConsumer<Rebalances>, ConfigError> {
    let mut config = reading(brokers, "tickbook-reader");
    config.set("group.id", "tickbook-reader").set("fetch.wait.max.ms", "50");
    Ok(config.create_with_context(Rebalances::default())?)
}

impl From<PollError> for FetchError {
    fn from(error: PollError) -> Self {
        Self::Refused(error.to_string())
    }
}
