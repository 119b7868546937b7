//! What a lab may count on, whoever provides the servers (`LAB_STACK`): they really work, can be hurt and come back, and
//! leave nothing behind.

mod ends;
mod hurt;
mod replicas;
mod round_trips;
mod three;

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use rustix::process::{Pid, test_kill_process};
use stack::{Host, Provider, Sizing, Stack, StackSpec, unique};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Who hurts this program's servers, or starts three brokers of its own, does it alone: a broker whose heartbeats starve
/// beside others loses its leadership without anybody's doing.
static TURN: Mutex<()> = Mutex::const_new(());

async fn alone() -> (MutexGuard<'static, ()>, &'static Stack) {
    static OWN: OnceCell<Stack> = OnceCell::const_new();
    let turn = TURN.lock().await;
    let start = || async { Stack::own(0).await.expect("the stack") };
    (turn, OWN.get_or_init(start).await)
}

#[allow(clippy::print_stdout, reason = "shown with the test's name")]
fn not_tested(why: &str) {
    println!("not tested: {why}");
}

/// What the environment asks for.
fn wanted() -> StackSpec {
    let provider = Provider::from_env().expect("a provider's name").resolve();
    // Of servers that somebody else runs there are as many as there are.
    StackSpec {
        provider,
        ..StackSpec::default()
    }
}

/// Whether the servers are ours to end; if not, the caller has nothing to test.
fn are_ours() -> bool {
    let ours = wanted().provider != Provider::External;
    if !ours {
        not_tested("these servers are somebody else's");
    }
    ours
}

async fn three() -> Stack {
    let spec = StackSpec { brokers: 3, ..wanted() };
    Stack::start(spec).await.expect("a stack of its own")
}

async fn write(bootstrap: &str, topic: &str, payload: &[u8]) -> (i32, i64) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("message.timeout.ms", "20000")
        .create()
        .expect("a producer");
    let record = FutureRecord::<(), _>::to(topic).payload(payload);
    let delivery = producer
        .send(record, Duration::from_secs(20))
        .await
        .expect("the record must be acknowledged");
    (delivery.partition, delivery.offset)
}

fn read(bootstrap: &str, topic: &str, (partition, offset): (i32, i64)) -> Vec<u8> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "reader")
        .set("enable.auto.commit", "false")
        .create()
        .expect("a consumer");
    let mut place = TopicPartitionList::new();
    place
        .add_partition_offset(topic, partition, Offset::Offset(offset))
        .expect("an offset");
    consumer.assign(&place).expect("assigning");
    let started = Instant::now();
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => return record.payload().unwrap_or_default().to_vec(),
            // A broker that is down is told as an error, and survived.
            other => assert!(
                started.elapsed() < Duration::from_secs(20),
                "no record within 20 s, but {other:?}"
            ),
        }
    }
}

fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    test_kill_process(pid).is_ok()
}

/// Waits for what `wanted` wants of partition 0, as the brokers at `bootstrap` tell it.
async fn until_placed(kafka: &stack::Kafka, topic: &str, wanted: impl Fn(&stack::Placed) -> bool) {
    let limit = Duration::from_secs(30);
    let from = Instant::now();
    let mut last = None;
    while from.elapsed() < limit {
        last = kafka.placed(topic).await.ok();
        if last.iter().flatten().any(&wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("partition 0 of {topic} stayed as {last:?} for {limit:?}");
}
