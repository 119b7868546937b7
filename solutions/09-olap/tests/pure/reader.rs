//! The statements that make ClickHouse read a topic itself.

use market::Encoding;
use olap::{OlapError, Reader, kafka_reader};

fn reader(topic: &str, encoding: Encoding) -> Reader<'_> {
    Reader {
        database: "tickbook",
        name: "from_kafka",
        brokers: "127.0.0.1:9092",
        topic,
        group: "clickhouse",
        encoding,
    }
}

#[test]
fn the_statements_of_a_reader_are_these() {
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let statements = kafka_reader(&reader("trades", encoding)).expect("plain names");
        insta::assert_snapshot!(format!("{encoding}"), statements.join(";\n\n"));
    }
}

#[test]
fn a_quote_gets_into_no_setting_of_kafka() {
    assert!(
        matches!(
            kafka_reader(&reader("t' SETTINGS kafka_topic_list = 'u", Encoding::Json)),
            Err(OlapError::Text(..))
        ),
        "look at `kafka_reader`"
    );
}
