//! One server killed, frozen, trapped, and back.

use super::*;

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
