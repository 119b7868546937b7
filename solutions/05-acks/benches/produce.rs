//! Records per second through the producer, beside the lower bound: the same client called in a bare loop.

use std::time::{Duration, Instant, SystemTime};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use producer::{Producer, ProducerConfig, TrySendError};
use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};
use stack::{Stack, unique};

const RECORDS: u64 = 200_000;
const PARTITIONS: i32 = 6;
/// A trade as Protobuf is about this long.
const VALUE: [u8; 96] = [b'7'; 96];

struct Silent;
impl ClientContext for Silent {}
impl ProducerContext for Silent {
    type DeliveryOpaque = ();
    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

fn config(brokers: &str, topic: &str) -> ProducerConfig {
    ProducerConfig {
        brokers: brokers.to_owned(),
        topic: topic.to_owned(),
        ..ProducerConfig::default()
    }
}

/// The same settings without anything around them.
fn bare(brokers: &str) -> ThreadedProducer<Silent> {
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
        .expect("a client")
}

fn produce(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let kafka = runtime.block_on(Stack::shared()).expect("the servers").kafka();
    let topic = unique("bench");
    let settings = [("retention.bytes", "268435456"), ("segment.bytes", "67108864")];
    runtime
        .block_on(kafka.create_topic(&topic, PARTITIONS, &settings))
        .expect("a topic");
    let mut group = c.benchmark_group("solution-05-acks/produce");
    group
        .throughput(Throughput::Elements(RECORDS))
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));

    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a clock after 1970");
    let now = i64::try_from(since.as_millis()).expect("a clock before the year 292 million");
    let native = bare(kafka.bootstrap());
    group.bench_function("bare loop", |b| {
        b.iter_custom(|rounds| {
            let started = Instant::now();
            for n in 0..rounds * RECORDS {
                let partition = (n % PARTITIONS as u64) as i32;
                loop {
                    let record = BaseRecord::to(&topic).partition(partition).key(b"KRW-BTC".as_slice());
                    match native.send(record.payload(VALUE.as_slice()).timestamp(now)) {
                        Ok(()) => break,
                        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        Err((error, _)) => panic!("{error}"),
                    }
                }
            }
            native.flush(Duration::from_secs(30)).expect("acknowledged");
            started.elapsed()
        });
    });
    drop(native);

    let producer = Producer::new(&config(kafka.bootstrap(), &topic)).expect("a producer");
    group.bench_function("producer, awaited", |b| {
        b.iter_custom(|rounds| {
            runtime.block_on(async {
                let started = Instant::now();
                for n in 0..rounds * RECORDS {
                    let partition = (n % PARTITIONS as u64) as i32;
                    producer.send(partition, b"KRW-BTC", &VALUE, now).await.expect("taken");
                }
                producer.flush(Duration::from_secs(30)).await.expect("acknowledged");
                started.elapsed()
            })
        });
    });
    let stats = producer.stats();
    assert_eq!((stats.acked, stats.failed), (stats.enqueued, 0));
    drop(producer);
    group.finish();

    // The work of the calling thread alone: no broker, a queue that takes everything.
    let mut group = c.benchmark_group("solution-05-acks/hand over");
    group.throughput(Throughput::Elements(1)).sample_size(10);
    let roomy = || ProducerConfig {
        queue_records: 4_000_000,
        queue_bytes: 1 << 30,
        ..config("127.0.0.1:1", "t")
    };
    group.bench_function("bare call", |b| {
        b.iter_custom(|n| {
            let native: ThreadedProducer<Silent> = ClientConfig::new()
                .set("bootstrap.servers", "127.0.0.1:1")
                .set("queue.buffering.max.messages", "4000000")
                .create_with_context(Silent)
                .expect("a client");
            let n_bounded = n.min(1_000_000);
            let started = Instant::now();
            for _ in 0..n_bounded {
                let record = BaseRecord::to("t")
                    .partition(0)
                    .key(b"KRW-BTC".as_slice())
                    .payload(VALUE.as_slice());
                native.send(record).unwrap_or_else(|(e, _)| panic!("{e}"));
            }
            started.elapsed().mul_f64(n as f64 / n_bounded as f64)
        });
    });
    group.bench_function("try_send", |b| {
        b.iter_custom(|n| {
            let producer = Producer::new(&roomy()).expect("a producer");
            let n_bounded = n.min(1_000_000);
            let started = Instant::now();
            for _ in 0..n_bounded {
                match producer.try_send(0, b"KRW-BTC", &VALUE, now) {
                    Ok(()) => {}
                    Err(TrySendError::Full) => unreachable!("a queue for four million"),
                    Err(error) => panic!("{error}"),
                }
            }
            started.elapsed().mul_f64(n as f64 / n_bounded as f64)
        });
    });
    group.finish();
}

criterion_group!(benches, produce);
criterion_main!(benches);
