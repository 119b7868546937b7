//! Into the topic and out of it: the client, the broker, and what the worker does with each record.

use std::hint::black_box;
use std::time::{Duration, Instant, SystemTime};

use consumer::{Event, Member, MemberConfig};
use market::{Encoding, EventTime, Trade};
use measure::{Cost, Stage};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use ref_05::{Producer, ProducerConfig};
use ref_07::{CandleConfig, CandleOperator, Repeats};
use stack::{Stack, unique};

use crate::Size;
use crate::trades::trades;

pub(crate) const PARTITIONS: i32 = 6;
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn costs(size: Size) -> Vec<Cost> {
    let (runtime, stack) = crate::servers();
    let pids: Vec<u32> = stack.kafka().brokers().iter().filter_map(stack::Server::pid).collect();
    let all = trades(size.of(600_000), 100);
    let mut costs = Vec::new();
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let records: Vec<Vec<u8>> = all
            .iter()
            .map(|trade| {
                let mut record = Vec::new();
                wire::encode(encoding, trade, &mut record);
                record
            })
            .collect();
        costs.extend(produce(size, &runtime, &stack, &pids, encoding, &all, &records));
        costs.extend(consume(size, &runtime, &stack, &pids, encoding, &records));
    }
    runtime.block_on(stack.stop()).unwrap();
    costs
}

pub(crate) struct Silent;
impl ClientContext for Silent {}
impl ProducerContext for Silent {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

/// The same settings without anything around them.
fn bare_producer(brokers: &str) -> ThreadedProducer<Silent> {
    let config = ProducerConfig::default();
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "0")
        .set("linger.ms", config.linger.as_millis().to_string())
        .set("compression.type", "lz4")
        .set("queue.buffering.max.messages", config.queue_records.to_string())
        .set("socket.nagle.disable", "true")
        .create_with_context(Silent)
        .unwrap()
}

pub(crate) fn topic(runtime: &tokio::runtime::Runtime, stack: &Stack, partitions: i32) -> String {
    let topic = unique("stage");
    let settings = [("retention.bytes", "1073741824"), ("segment.bytes", "268435456")];
    runtime
        .block_on(stack.kafka().create_topic(&topic, partitions, &settings))
        .unwrap();
    topic
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn mean(records: &[Vec<u8>]) -> f64 {
    records.iter().map(Vec::len).sum::<usize>() as f64 / records.len() as f64
}

fn produce(
    size: Size,
    runtime: &tokio::runtime::Runtime,
    stack: &Stack,
    pids: &[u32],
    encoding: Encoding,
    all: &[Trade],
    records: &[Vec<u8>],
) -> Vec<Cost> {
    let brokers = stack.kafka().bootstrap();
    let topic = topic(runtime, stack, PARTITIONS);
    let native = bare_producer(brokers);
    let ours = Producer::new(&ProducerConfig {
        brokers: brokers.to_owned(),
        topic: topic.clone(),
        ..ProducerConfig::default()
    })
    .unwrap();
    let placed = |i: usize| (i % PARTITIONS as usize) as i32;
    let costs = Stage::new("produce", records.len() as u64, mean(records))
        .servers(pids)
        .floor(format!("librdkafka in a bare loop, {encoding}"), || {
            for (i, (trade, value)) in all.iter().zip(records).enumerate() {
                loop {
                    let record = BaseRecord::to(&topic).partition(placed(i)).key(trade.market.as_bytes());
                    match native.send(record.payload(value.as_slice()).timestamp(now_ms())) {
                        Ok(()) => break,
                        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        Err((error, _)) => panic!("{error}"),
                    }
                }
            }
            native.flush(LIMIT).unwrap();
        })
        .way(format!("producer, {encoding}"), || {
            runtime.block_on(async {
                for (i, (trade, value)) in all.iter().zip(records).enumerate() {
                    let at = now_ms();
                    ours.send(placed(i), trade.market.as_bytes(), value, at).await.unwrap();
                }
                ours.flush(LIMIT).await.unwrap();
            });
        })
        .run(size.rounds);
    let stats = ours.stats();
    assert_eq!((stats.acked, stats.failed), (stats.enqueued, 0));
    costs
}

fn consume(
    size: Size,
    runtime: &tokio::runtime::Runtime,
    stack: &Stack,
    pids: &[u32],
    encoding: Encoding,
    records: &[Vec<u8>],
) -> Vec<Cost> {
    let brokers = stack.kafka().bootstrap();
    let topic = topic(runtime, stack, 1);
    let writer = bare_producer(brokers);
    for value in records {
        loop {
            let record = BaseRecord::to(&topic).partition(0).key(b"KRW-BTC".as_slice());
            match writer.send(record.payload(value.as_slice())) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err((error, _)) => panic!("{error}"),
            }
        }
    }
    writer.flush(LIMIT).unwrap();
    drop(writer);

    let count = records.len() as u64;
    let bare: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", unique("bare"))
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.wait.max.ms", "100")
        .set("queued.max.messages.kbytes", "32768")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(0)).unwrap();
    bare.assign(&list).unwrap();
    assert!(bare.poll(LIMIT).is_some_and(|m| m.is_ok()), "no record");

    let mut member = Member::join(&MemberConfig {
        brokers: brokers.to_owned(),
        topic: topic.clone(),
        group: unique("stage"),
        ..MemberConfig::default()
    })
    .unwrap();
    let joined = Instant::now();
    while !matches!(member.poll(Duration::from_millis(100)), Ok(Event::Assigned(_))) {
        assert!(joined.elapsed() < LIMIT, "no assignment");
    }
    member.start(&[(0, 0)]).unwrap();
    let member = std::cell::RefCell::new(member);
    // Every record of the topic once, from the beginning.
    let each = |take: &mut dyn FnMut(i64, &[u8])| {
        let mut member = member.borrow_mut();
        member.seek(0, 0, LIMIT).unwrap();
        let (mut seen, from) = (0, Instant::now());
        while seen < count {
            if let Event::Record(record) = member.poll(Duration::from_millis(100)).unwrap() {
                take(record.offset(), record.payload().unwrap_or_default());
                seen += 1;
            }
            assert!(from.elapsed() < LIMIT, "{seen} of {count}");
        }
    };
    let bytes = mean(records);
    let mut costs = Stage::new("consume and decode", count, bytes)
        .servers(pids)
        .floor(format!("librdkafka in a bare loop, and decode, {encoding}"), || {
            bare.seek(&topic, 0, Offset::Offset(0), LIMIT).unwrap();
            let (mut seen, from) = (0, Instant::now());
            while seen < count {
                if let Some(Ok(message)) = bare.poll(Duration::from_millis(100)) {
                    black_box(wire::decode(encoding, message.payload().unwrap_or_default()).unwrap());
                    seen += 1;
                }
                assert!(from.elapsed() < LIMIT, "{seen} of {count}");
            }
        })
        .way(format!("member, {encoding}"), || {
            each(&mut |_, value| {
                black_box(wire::decode(encoding, value).unwrap());
            });
        })
        .run(size.rounds);
    let windows = Stage::new("Kafka → decode → windows", count, bytes)
        .servers(pids)
        .way(format!("one minute, {encoding}"), || {
            let mut minute = crate::local::Windows::minute();
            each(&mut |offset, value| minute.take(&wire::decode(encoding, value).unwrap(), offset));
            assert!(minute.done() > 0);
        })
        .way(format!("repeats and four lengths, {encoding}"), || {
            let mut operator = CandleOperator::new(0, CandleConfig::default()).unwrap();
            let mut repeats = Repeats::new(Repeats::DEFAULT_SPAN_S);
            let (mut newest, mut fired) = (i64::MIN, 0);
            each(&mut |offset, value| {
                let trade = wire::decode(encoding, value).unwrap();
                if repeats.is_repeat(trade.identity(), trade.event_time, offset) {
                    return;
                }
                operator.on_trade(&trade, offset).unwrap();
                newest = trade.event_time.millis().max(newest);
                operator.on_watermark(EventTime::from_millis(newest - 2_001));
                if operator.fired() >= 4_096 {
                    operator.drain(|candle| fired += usize::from(black_box(candle).trades > 0));
                }
            });
            assert!(fired + operator.open_windows() > 0);
        })
        .run(size.rounds);
    costs.extend(windows);
    costs
}
