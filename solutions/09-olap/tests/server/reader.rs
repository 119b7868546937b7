//! ClickHouse's own Kafka engine reads the topic exactly, in either encoding.

use std::time::{Duration, Instant};

use market::{Decimal, Encoding, EventTime, Side, Trade};
use olap::{Reader, kafka_reader};
use prost::Message;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};

use crate::support;

/// The record of `trade.proto`, written down a second time: the test must not agree with itself.
#[derive(Clone, PartialEq, Message)]
struct ProtoTrade {
    #[prost(string, tag = "1")]
    market: String,
    #[prost(uint64, tag = "2")]
    sequential_id: u64,
    #[prost(int64, tag = "3")]
    event_time: i64,
    #[prost(int64, tag = "4")]
    sent_time: i64,
    #[prost(string, tag = "5")]
    price: String,
    #[prost(string, tag = "6")]
    volume: String,
    #[prost(int32, tag = "7")]
    side: i32,
}

fn encode(encoding: Encoding, trade: &Trade) -> Vec<u8> {
    let Trade {
        market,
        sequential_id,
        event_time,
        sent_time,
        price,
        volume,
        side,
    } = *trade;
    let (event_time, sent_time) = (event_time.millis(), sent_time.millis());
    match encoding {
        Encoding::Json => format!(
            "{{\"market\":\"{market}\",\"sequential_id\":{sequential_id},\"event_time\":{event_time},\"sent_time\":{sent_time},\
             \"price\":{price},\"volume\":{volume},\"side\":\"{}\"}}",
            side.name()
        )
        .into_bytes(),
        Encoding::Protobuf => ProtoTrade {
            market: market.to_string(),
            sequential_id,
            event_time,
            sent_time,
            price: price.to_string(),
            volume: volume.to_string(),
            side: if side == Side::Bid { 1 } else { 2 },
        }
        .encode_to_vec(),
    }
}

/// Values at which formats go wrong: what an f64 cannot hold, what has no digit before or after the point, the ends of time.
fn trades() -> Vec<Trade> {
    let decimals = [
        "0",
        "0.00000001",
        "116539000",
        "0.1",
        "100000000.00000003",
        "90071992547409931.00000001",
        "7.9276E-4",
    ];
    let times = [0, 1, 1_704_067_200_123, 10_413_791_999_999];
    let ids = [0, 17_898_744_375_740_001, u64::MAX];
    (0..84)
        .map(|i| Trade {
            market: ["KRW-BTC", "A-B", "USDT-1234567890"][i % 3].parse().unwrap(),
            sequential_id: ids[i % 3].wrapping_sub((i / 3) as u64),
            event_time: EventTime::from_millis(times[i % 4]),
            sent_time: EventTime::from_millis(times[(i + 1) % 4]),
            price: decimals[i % 7].parse::<Decimal>().unwrap(),
            volume: decimals[(i + 3) % 7].parse::<Decimal>().unwrap(),
            side: if i % 2 == 0 { Side::Bid } else { Side::Ask },
        })
        .collect()
}

#[tokio::test]
async fn clickhouse_reads_the_topic_itself_exactly_in_either_encoding() {
    let stack = support::stack().await;
    let database = support::bare().await;
    let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().bootstrap())
        .create()
        .unwrap();
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let topic = stack::unique("olap");
        stack.kafka().create_topic(&topic, 2, &[]).await.unwrap();
        let mut wanted = Vec::new();
        for (i, trade) in trades().iter().enumerate() {
            let (partition, offset) = (i % 2, i / 2);
            let value = encode(encoding, trade);
            let record = BaseRecord::to(&topic)
                .partition(partition as i32)
                .key(trade.market.as_bytes())
                .payload(&value);
            producer.send(record).map_err(|(error, _)| error).unwrap();
            wanted.push(format!(
                "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{partition}\t{offset}\n",
                trade.market,
                trade.sequential_id,
                trade.event_time.millis(),
                trade.sent_time.millis(),
                trade.price.units(),
                trade.volume.units(),
                trade.side.name()
            ));
        }
        producer.flush(Duration::from_secs(20)).unwrap();
        let name = format!("from_{encoding}");
        let reader = Reader {
            database: &database.name,
            name: &name,
            brokers: stack.kafka().bootstrap_for_servers(),
            topic: &topic,
            group: &topic,
            encoding,
        };
        for statement in kafka_reader(&reader).unwrap() {
            database.run(&statement).await;
        }
        let started = Instant::now();
        let count = format!("SELECT count() FROM {name}");
        while database.text(&count).await != format!("{}\n", wanted.len()) {
            let errors = "SELECT table, exceptions.text FROM system.kafka_consumers WHERE database = currentDatabase()";
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{encoding}: after 60 s ClickHouse has read {} of {} records; its consumers say: {}",
                database.text(&count).await.trim(),
                wanted.len(),
                database.text(errors).await
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rows = format!(
            "SELECT market, sequential_id, toUnixTimestamp64Milli(event_time), toUnixTimestamp64Milli(sent_time), \
             toInt128(price * 100000000), toInt128(volume * 100000000), side, kafka_partition, kafka_offset FROM {name}"
        );
        let mut stored: Vec<String> = database
            .text(&rows)
            .await
            .lines()
            .map(|line| format!("{line}\n"))
            .collect();
        stored.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(
            stored, wanted,
            "{encoding}: rows as ClickHouse read them against what was sent"
        );
        database.run(&format!("DROP TABLE {name}_view")).await;
        database.run(&format!("DROP TABLE {name}_queue SYNC")).await;
    }
}
