//! What goes in comes out, on loopback.

use super::*;

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
