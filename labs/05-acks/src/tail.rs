//! What of the records whose outcome is unknown is in the log already.
//!
//! A new producer has a new number, so the broker cannot recognise what the old one had written without hearing of it. Sent
//! again blindly it would be there twice; so it is looked for first, from the oldest timestamp on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long one partition may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long brokers may take to answer one question.
const ANSWER: Duration = Duration::from_secs(5);

/// What makes two records the same: the timestamp too, because the exchange may say the same thing twice.
type Content = (Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>);

fn content(record: &impl Message) -> Content {
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    (
        owned(record.key()),
        owned(record.payload()),
        record.timestamp().to_millis(),
    )
}

/// The numbers of those records that are in the log. Whoever asks must know that nothing of them is on the way any more.
///
/// # Errors
/// A partition cannot be read to its end within half a minute.
pub(crate) fn written(
    brokers: &str,
    client_id: &str,
    returned: &[(usize, OwnedMessage)],
) -> KafkaResult<HashSet<usize>> {
    let mut partitions: BTreeMap<(&str, i32), Vec<&(usize, OwnedMessage)>> = BTreeMap::new();
    // Without a partition it was never sent.
    for each in returned.iter().filter(|(_, record)| record.partition() >= 0) {
        let place = (each.1.topic(), each.1.partition());
        partitions.entry(place).or_default().push(each);
    }
    let mut written = HashSet::new();
    for ((topic, partition), records) in partitions {
        look(brokers, client_id, topic, partition, &records, &mut written)?;
    }
    Ok(written)
}

fn look(
    brokers: &str,
    client_id: &str,
    topic: &str,
    partition: i32,
    records: &[&(usize, OwnedMessage)],
    written: &mut HashSet<usize>,
) -> KafkaResult<()> {
    let Some(oldest) = records
        .iter()
        .filter_map(|(_, record)| record.timestamp().to_millis())
        .min()
    else {
        return Ok(());
    };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("client.id", client_id)
        // Assigned by hand: the client wants a name for a group that nobody joins.
        .set("group.id", client_id)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_uncommitted")
        .create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(oldest))?;
    let found = consumer.offsets_for_times(list, ANSWER)?;
    let Some(Offset::Offset(first)) = found.find_partition(topic, partition).map(|found| found.offset()) else {
        // Everything in the log is older.
        return Ok(());
    };
    let (_, end) = consumer.fetch_watermarks(topic, partition, ANSWER)?;

    let mut open: HashMap<Content, Vec<usize>> = HashMap::new();
    // Backwards, so that of equal ones the first is taken first.
    for (number, record) in records.iter().rev() {
        open.entry(content(record)).or_default().push(*number);
    }
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(first))?;
    consumer.assign(&list)?;
    let from = Instant::now();
    let mut next = first;
    while next < end {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                next = record.offset() + 1;
                if let Some(number) = open.get_mut(&content(&record)).and_then(Vec::pop) {
                    written.insert(number);
                }
            }
            Some(Err(error)) => tracing::debug!(%error, "looking for what is written"),
            None => {}
        }
        if from.elapsed() > LIMIT {
            return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut));
        }
    }
    Ok(())
}
