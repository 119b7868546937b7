//! What a lab may count on, whoever provides the servers (`LAB_STACK`): they really work, can be hurt and come back, and
//! leave nothing behind.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use rustix::process::{Pid, test_kill_process};
use stack::{Provider, Sizing, Stack, StackSpec, unique};
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

#[tokio::test]
async fn a_record_and_a_row_go_in_and_come_out_on_loopback() {
    let (_turn, stack) = alone().await;
    assert_eq!(stack.provider(), wanted().provider);
    let (kafka, clickhouse) = (stack.kafka(), stack.clickhouse());
    assert!(kafka.bootstrap().starts_with("127.0.0.1:"), "{}", kafka.bootstrap());
    assert!(
        clickhouse.url().starts_with("http://127.0.0.1:"),
        "{}",
        clickhouse.url()
    );

    let topic = unique("trades");
    kafka
        .create_topic(&topic, 3, &[("retention.ms", "3600000")])
        .await
        .expect("a topic");
    let place = write(kafka.bootstrap(), &topic, b"a trade").await;
    assert_eq!(read(kafka.bootstrap(), &topic, place), b"a trade");
    let again = kafka
        .create_topic(&topic, 3, &[])
        .await
        .expect_err("it is there already");
    assert!(
        again.to_string().contains(&topic),
        "the error must name the topic: {again}"
    );

    let database = unique("lab");
    clickhouse.create_database(&database).await.expect("a database");
    let client = clickhouse.client().with_database(&database);
    client
        .query("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .execute()
        .await
        .expect("a table");
    client
        .query("INSERT INTO t VALUES (1), (2)")
        .execute()
        .await
        .expect("an insert");
    assert_eq!(
        client
            .query("SELECT sum(n) FROM t")
            .fetch_one::<u64>()
            .await
            .expect("a sum"),
        3
    );
    let settings = "SELECT count() FROM system.settings WHERE name = 'async_insert' AND value = '0'";
    assert_eq!(
        client.query(settings).fetch_one::<u64>().await.expect("a count"),
        1,
        "inserts must not be queued"
    );
}

#[tokio::test]
async fn clickhouse_reads_the_protobuf_topic_with_the_schema_that_the_stack_gives_it() {
    let (_turn, stack) = alone().await;
    let (kafka, clickhouse) = (stack.kafka(), stack.clickhouse());
    let topic = unique("trades");
    kafka.create_topic(&topic, 1, &[]).await.expect("a topic");
    // market = "KRW-BTC" (field 1, text), sequential_id = 42 (field 2, varint)
    write(kafka.bootstrap(), &topic, b"\x0a\x07KRW-BTC\x10\x2a").await;
    let database = unique("lab");
    clickhouse.create_database(&database).await.expect("a database");
    let client = clickhouse.client().with_database(&database);
    let create = format!(
        "CREATE TABLE topic (market String, sequential_id UInt64) ENGINE = Kafka SETTINGS
         kafka_broker_list = '{}', kafka_topic_list = '{topic}', kafka_group_name = '{topic}',
         kafka_format = 'ProtobufSingle', kafka_schema = 'trade.proto:Trade', kafka_flush_interval_ms = 200",
        kafka.bootstrap_for_servers()
    );
    client.query(&create).execute().await.expect("a Kafka table");
    client
        .query("CREATE TABLE t (market String, sequential_id UInt64) ENGINE = MergeTree ORDER BY market")
        .execute()
        .await
        .expect("a table");
    client
        .query("CREATE MATERIALIZED VIEW v TO t AS SELECT market, sequential_id FROM topic")
        .execute()
        .await
        .expect("a view");
    let started = Instant::now();
    let rows = loop {
        let rows: Vec<(String, u64)> = client
            .query("SELECT market, sequential_id FROM t")
            .fetch_all()
            .await
            .expect("a read");
        if !rows.is_empty() || started.elapsed() > Duration::from_secs(30) {
            break rows;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(
        rows,
        [("KRW-BTC".to_owned(), 42)],
        "see {}",
        clickhouse.server().log().display()
    );
    client
        .query("DROP TABLE v SYNC")
        .execute()
        .await
        .expect("dropping the view");
    client
        .query("DROP TABLE topic SYNC")
        .execute()
        .await
        .expect("dropping the Kafka table");
}

#[tokio::test]
async fn a_killed_broker_comes_back_on_its_port_with_its_data() {
    let (_turn, stack) = alone().await;
    let kafka = stack.kafka();
    let broker = &kafka.brokers()[0];
    let topic = unique("trades");
    kafka.create_topic(&topic, 1, &[]).await.expect("a topic");
    let place = write(kafka.bootstrap(), &topic, b"before").await;
    // Of a container only where the engine's processes are this machine's.
    let pid = broker.pid();
    assert!(pid.is_some() || wanted().provider != Provider::Local);

    broker.kill().await.expect("killing it");
    assert!(
        !broker.is_alive() && broker.pid().is_none() && !pid.is_some_and(exists),
        "process {pid:?} is still there"
    );
    broker.kill().await.expect("killing the dead is no error");
    broker.restart().await.expect("a restart");
    assert!(
        broker.is_alive() && (pid.is_none() || broker.pid() != pid),
        "a new process"
    );
    assert_eq!(
        read(kafka.bootstrap(), &topic, place),
        b"before",
        "see {}",
        broker.log().display()
    );
    write(kafka.bootstrap(), &topic, b"after").await;
}

#[tokio::test]
async fn a_killed_clickhouse_comes_back_on_its_port_with_its_data() {
    let (_turn, stack) = alone().await;
    let clickhouse = stack.clickhouse();
    let database = unique("lab");
    clickhouse.create_database(&database).await.expect("a database");
    let client = clickhouse.client().with_database(&database);
    client
        .query("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .execute()
        .await
        .expect("a table");
    client
        .query("INSERT INTO t VALUES (7)")
        .execute()
        .await
        .expect("an insert");
    // restart() of a running server is the kill and the start
    let pid = clickhouse.server().pid();
    clickhouse.server().restart().await.expect("a restart");
    assert!(pid.is_none() || clickhouse.server().pid() != pid, "a new process");
    assert_eq!(
        client
            .query("SELECT n FROM t")
            .fetch_one::<u64>()
            .await
            .expect("the row"),
        7
    );
}

#[tokio::test]
async fn a_server_is_killed_as_it_makes_a_new_part_visible() {
    let (_turn, stack) = alone().await;
    let clickhouse = stack.clickhouse();
    if clickhouse.server().pid().is_none() {
        not_tested("its process is not one of this machine");
        return;
    }
    let database = unique("lab");
    clickhouse.create_database(&database).await.expect("a database");
    let client = clickhouse.client().with_database(&database);
    client
        .query("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
        .execute()
        .await
        .expect("a table");
    let trap = clickhouse.server().kill_at_rename().await.expect("a trap");
    let inserted = client.query("INSERT INTO t VALUES (1)").execute().await;
    let seen = tokio::task::spawn_blocking(|| trap.seen()).await.expect("its words");
    assert!(
        inserted.is_err() && seen.contains("rename"),
        "it was to die before it could answer {inserted:?}, see RenameTrap: {seen}"
    );
    clickhouse.server().restart().await.expect("a restart");
}

#[tokio::test]
async fn a_frozen_server_answers_nothing_and_a_thawed_one_goes_on() {
    let (_turn, stack) = alone().await;
    let server = stack.clickhouse().server();
    let ask = || async { stack.clickhouse().client().query("SELECT 1").fetch_one::<u8>().await };
    server.freeze().await.expect("freezing");
    assert!(server.is_alive(), "a frozen process is one");
    let answer = tokio::time::timeout(Duration::from_millis(500), ask()).await;
    server.thaw().await.expect("thawing");
    assert!(answer.is_err(), "a frozen server answered {answer:?}");
    let answer = tokio::time::timeout(Duration::from_secs(20), ask())
        .await
        .expect("an answer within 20 s");
    assert_eq!(answer.expect("an answer"), 1);
}

#[tokio::test]
async fn a_frozen_server_can_be_killed_and_a_dead_one_cannot_be_frozen() {
    let (_turn, stack) = alone().await;
    let server = stack.clickhouse().server();
    server.freeze().await.expect("freezing");
    server.kill().await.expect("killing it");
    let error = server.freeze().await.expect_err("nothing runs");
    assert!(error.to_string().contains("not running"), "{error}");
    server.restart().await.expect("a restart");
}

#[tokio::test]
async fn stopping_ends_the_servers_and_removes_the_run_directory() {
    if !are_ours() {
        return;
    }
    let stack = Stack::start(wanted()).await.expect("a stack of its own");
    let (run_dir, broker) = (stack.run_dir().to_path_buf(), stack.kafka().brokers()[0].clone());
    let pids = [broker.pid(), stack.clickhouse().server().pid()];
    // What a run keeps beside its servers.
    std::fs::create_dir_all(run_dir.join("lab/journal")).expect("creating");
    assert!(
        run_dir.is_dir() && broker.log().starts_with(&run_dir),
        "{}",
        run_dir.display()
    );
    stack.stop().await.expect("stopping");
    assert!(!run_dir.exists(), "{} is still there", run_dir.display());
    assert!(
        !broker.is_alive() && !pids.into_iter().flatten().any(exists),
        "a server of {pids:?} is still there"
    );
    let error = broker.restart().await.expect_err("its stack is gone");
    assert!(error.to_string().contains("stopped"), "{error}");
}

#[tokio::test]
async fn a_kept_run_directory_stays_and_its_servers_do_not() {
    if !are_ours() {
        return;
    }
    // With the other sizing, so that it has been seen to start.
    let spec = StackSpec {
        keep: true,
        sizing: Sizing::Throughput,
        ..wanted()
    };
    let stack = Stack::start(spec).await.expect("a stack of its own");
    let (run_dir, server) = (stack.run_dir().to_path_buf(), stack.clickhouse().server().clone());
    drop(stack);
    for data in ["clickhouse/data/metadata", "kafka-1/data"] {
        assert!(run_dir.join(data).is_dir(), "{data} must stay in {}", run_dir.display());
    }
    assert!(!server.is_alive(), "{server:?} is still there");
    std::fs::remove_dir_all(run_dir).expect("removing it");
}

#[tokio::test]
async fn three_brokers_survive_the_loss_of_one() {
    let _turn = TURN.lock().await;
    let stack = three().await;
    let kafka = stack.kafka();
    assert_eq!(kafka.brokers().len(), 3);
    assert!(
        kafka.controller().is_some_and(stack::Server::is_alive),
        "a dedicated controller"
    );
    let topic = unique("trades");
    kafka.create_topic(&topic, 3, &[]).await.expect("a topic");
    let place = write(kafka.bootstrap(), &topic, b"before").await;
    kafka.brokers()[usize::try_from(place.0).expect("a partition")]
        .kill()
        .await
        .expect("killing a broker");
    assert_eq!(read(kafka.bootstrap(), &topic, place), b"before");
    write(kafka.bootstrap(), &topic, b"meanwhile").await;
    for broker in kafka.brokers() {
        if !broker.is_alive() {
            broker.restart().await.expect("a restart");
        }
    }
    stack.stop().await.expect("stopping");
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

#[tokio::test]
async fn a_leader_that_is_cut_off_is_replaced_and_still_answers_its_clients() {
    let _turn = TURN.lock().await;
    let stack = three().await;
    let kafka = stack.kafka();
    let topic = unique("trades");
    kafka.create_topic(&topic, 1, &[]).await.expect("a topic");
    let old = kafka.placed(&topic).await.expect("an answer")[0]
        .leader
        .expect("a leader");
    let broker = kafka.broker(old).expect("its handle");

    broker.cut().await.expect("cutting it off");
    // Of those who hear of it; the one that is cut off does not.
    until_placed(kafka, &topic, |p| {
        p.leader.is_some_and(|id| id != old) && p.in_sync.len() == 2
    })
    .await;
    let address = kafka
        .bootstrap()
        .split(',')
        .nth(usize::try_from(old - 1).expect("an id"));
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", address.expect("its address"))
        .set("acks", "1")
        .set("message.timeout.ms", "10000")
        .create()
        .expect("a producer");
    let record = FutureRecord::<(), _>::to(&topic).payload("in vain");
    let acknowledged = producer.send(record, Duration::from_secs(10)).await;
    acknowledged.expect("the old leader, which knows no better, acknowledges alone");

    broker.heal().await.expect("joining it again");
    until_placed(kafka, &topic, |p| {
        p.leader.is_some_and(|id| id != old) && p.in_sync.len() == 3
    })
    .await;
    let place = write(kafka.bootstrap(), &topic, b"after").await;
    assert_eq!(read(kafka.bootstrap(), &topic, place), b"after");
    stack.stop().await.expect("stopping");
}

#[tokio::test]
async fn two_brokers_are_refused_in_one_sentence_that_names_the_way_out_before_anything_is_started() {
    for provider in [Provider::Local, Provider::Containers] {
        let spec = StackSpec {
            provider,
            brokers: 2,
            ..StackSpec::default()
        };
        let error = Stack::start(spec).await.expect_err("two have no majority").to_string();
        assert!(
            error.contains("use --brokers") && error.lines().count() == 1,
            "{provider}: {error}"
        );
    }
}

#[tokio::test]
async fn what_was_hurt_of_servers_that_stay_is_whole_when_the_run_ends_in_the_middle_of_a_fault() {
    if wanted().provider != Provider::External {
        not_tested("these servers go with the run");
        return;
    }
    let _turn = TURN.lock().await;
    let stack = Stack::start(wanted()).await.expect("the servers");
    let (frozen, kafka) = (stack.clickhouse().server().clone(), stack.kafka().clone());
    let (killed, cut) = (&kafka.brokers()[0], &kafka.brokers()[1]);
    frozen.freeze().await.expect("freezing");
    killed.kill().await.expect("killing");
    cut.cut().await.expect("cutting off");
    let ending = stack.ending();
    drop(stack);
    tokio::task::spawn_blocking(move || ending.now())
        .await
        .expect("a thread")
        .expect("all of them come back");
    let late = frozen.freeze().await.expect_err("the run is over").to_string();
    assert!(late.contains("its stack has been stopped"), "{late}");
    // Starting is a record's and a row's way there and back.
    let again = Stack::start(wanted()).await.expect("the servers as they were");
    let topic = unique("trades");
    again.kafka().create_topic(&topic, 1, &[]).await.expect("a topic");
    let all = again.kafka().brokers().len();
    until_placed(again.kafka(), &topic, |placed| placed.in_sync.len() == all).await;
    again.stop().await.expect("stopping");
}

#[tokio::test]
async fn what_a_run_made_in_servers_that_stay_is_gone_after_it() {
    if wanted().provider != Provider::External {
        not_tested("these servers go with the run");
        return;
    }
    let _turn = TURN.lock().await;
    let (topic, database) = (unique("trades"), unique("lab"));
    let stack = Stack::start(wanted()).await.expect("the servers");
    stack.kafka().create_topic(&topic, 1, &[]).await.expect("a topic");
    stack.clickhouse().create_database(&database).await.expect("a database");
    let (kafka, clickhouse) = (stack.kafka().clone(), stack.clickhouse().clone());
    stack.stop().await.expect("stopping");
    let mut gone = false;
    let from = Instant::now();
    // The controller has agreed; a broker hears of it a moment later.
    while !gone && from.elapsed() < Duration::from_secs(10) {
        gone = kafka.placed(&topic).await.is_err();
    }
    assert!(gone, "topic {topic} is still there");
    let count = "SELECT count() FROM system.databases WHERE name = ?";
    let left: u64 = clickhouse
        .client()
        .query(count)
        .bind(&database)
        .fetch_one()
        .await
        .expect("a count");
    assert_eq!(left, 0, "database {database} is still there");
    assert!(clickhouse.server().is_alive(), "the servers themselves stay");
}
