//! Records per second through a member, beside the lower bound: the same client polled in a bare loop.

use std::time::{Duration, Instant};

use consumer::{Event, Member, MemberConfig};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use stack::{Stack, unique};

const RECORDS: u64 = 500_000;
const VALUE: [u8; 96] = [b'7'; 96];
const LIMIT: Duration = Duration::from_secs(60);

fn fill(brokers: &str, topic: &str) {
    let writer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "1000000")
        .set("compression.type", "lz4")
        .create()
        .expect("a writer");
    for _ in 0..RECORDS {
        let record = BaseRecord::to(topic)
            .partition(0)
            .key(b"KRW-BTC".as_slice())
            .payload(VALUE.as_slice());
        writer.send(record).map_err(|(e, _)| e).expect("queued");
    }
    writer.flush(LIMIT).expect("written");
}

fn consume(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let kafka = runtime.block_on(Stack::shared()).expect("the servers").kafka();
    let topic = unique("bench");
    runtime.block_on(kafka.create_topic(&topic, 1, &[])).expect("a topic");
    let brokers = kafka.bootstrap();
    fill(brokers, &topic);
    let mut group = c.benchmark_group("solution-06-groups/consume");
    group
        .throughput(Throughput::Elements(RECORDS))
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));

    group.bench_function("bare loop", |b| {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("group.id", unique("bare"))
            .set("enable.auto.commit", "false")
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.wait.max.ms", "100")
            .set("queued.max.messages.kbytes", "32768")
            .create()
            .expect("a client");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(0))
            .expect("an offset");
        consumer.assign(&list).expect("assigned");
        assert!(consumer.poll(LIMIT).is_some_and(|m| m.is_ok()), "no record");
        b.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                consumer.seek(&topic, 0, Offset::Offset(0), LIMIT).expect("sought");
                let (mut seen, started) = (0, Instant::now());
                while seen < RECORDS {
                    if let Some(Ok(m)) = consumer.poll(Duration::from_millis(100)) {
                        seen += u64::from(m.payload().is_some());
                    }
                    assert!(started.elapsed() < LIMIT, "{seen} of {RECORDS}");
                }
                spent += started.elapsed();
            }
            spent
        });
    });

    let config = MemberConfig {
        brokers: brokers.to_owned(),
        topic: topic.clone(),
        group: unique("bench"),
        ..MemberConfig::default()
    };
    let mut member = Member::join(&config).expect("a member");
    let joined = Instant::now();
    while !matches!(member.poll(Duration::from_millis(100)), Ok(Event::Assigned(_))) {
        assert!(joined.elapsed() < LIMIT, "no assignment");
    }
    member.start(&[(0, 0)]).expect("started");
    while !matches!(member.poll(Duration::from_millis(100)), Ok(Event::Record(_))) {
        assert!(joined.elapsed() < LIMIT, "no record");
    }
    for batched in [false, true] {
        group.bench_function(if batched { "poll_batch" } else { "poll" }, |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    member.seek(0, 0, LIMIT).expect("sought");
                    let (mut seen, started) = (0, Instant::now());
                    while seen < RECORDS {
                        if batched {
                            let count = |r: &consumer::Record<'_>| seen += u64::from(r.payload().is_some());
                            member
                                .poll_batch(10_000, Duration::from_millis(100), count)
                                .expect("no error");
                        } else if let Event::Record(r) = member.poll(Duration::from_millis(100)).expect("no error") {
                            seen += u64::from(r.payload().is_some());
                        }
                        assert!(started.elapsed() < LIMIT, "{seen} of {RECORDS}");
                    }
                    assert_eq!(seen, RECORDS);
                    spent += started.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, consume);
criterion_main!(benches);
