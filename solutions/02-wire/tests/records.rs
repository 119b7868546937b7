//! Records: what is written is read back, Protobuf is what a generated encoder writes, and faults have their reasons.
#![allow(clippy::unwrap_used)]

mod common;

use common::trade;
use market::{Decimal, Encoding, EventTime, Market, Reason, Side, Trade};
use proptest::prelude::*;
use prost::Message;

/// `schema/trade.proto`, as a generator writes it.
#[derive(Clone, PartialEq, prost::Message)]
struct Generated {
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

fn generated(trade: &Trade) -> Generated {
    Generated {
        market: trade.market.to_string(),
        sequential_id: trade.sequential_id,
        event_time: trade.event_time.millis(),
        sent_time: trade.sent_time.millis(),
        price: trade.price.to_string(),
        volume: trade.volume.to_string(),
        side: if trade.side == Side::Bid { 1 } else { 2 },
    }
}

fn encoded(encoding: Encoding, trade: &Trade) -> Vec<u8> {
    let mut out = Vec::new();
    wire::encode(encoding, trade, &mut out);
    out
}

fn reason(encoding: Encoding, bytes: &[u8]) -> Reason {
    match wire::decode(encoding, bytes) {
        Ok(trade) => panic!("read as {trade:?}: {}", String::from_utf8_lossy(bytes)),
        Err(why) => why.reason,
    }
}

fn any_trade() -> impl Strategy<Value = Trade> {
    (
        "[A-Z0-9]{1,6}-[A-Z0-9]{1,8}",
        any::<u64>(),
        0i64..10_413_791_999_999,
        0i64..10_413_791_999_999,
        prop_oneof![0i128..10i128.pow(10), 0i128..10i128.pow(16)],
        prop_oneof![0i128..10i128.pow(10), 0i128..10i128.pow(12)],
        any::<bool>(),
    )
        .prop_map(|(market, sequential_id, event, sent, price, volume, bid)| Trade {
            market: market.parse().unwrap(),
            sequential_id,
            event_time: EventTime::from_millis(event),
            sent_time: EventTime::from_millis(sent),
            price: Decimal::from_units(price).unwrap(),
            volume: Decimal::from_units(volume).unwrap(),
            side: if bid { Side::Bid } else { Side::Ask },
        })
        .prop_filter("too large to add up", |trade| trade.validate().is_ok())
}

proptest! {
    #![proptest_config(common::seeded(1000))]

    #[test]
    fn what_is_written_is_read_back(trade in any_trade()) {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            prop_assert_eq!(wire::decode(encoding, &encoded(encoding, &trade)), Ok(trade), "as {}", encoding);
        }
    }

    #[test]
    fn protobuf_is_what_a_generated_encoder_writes(trade in any_trade()) {
        prop_assert_eq!(encoded(Encoding::Protobuf, &trade), generated(&trade).encode_to_vec());
    }

    #[test]
    fn the_json_is_json_with_numbers_in_full(trade in any_trade()) {
        let text = String::from_utf8(encoded(Encoding::Json, &trade)).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value["sequential_id"].as_u64(), Some(trade.sequential_id));
        prop_assert!(text.contains(&format!("\"price\":{},", trade.price)), "{}", text);
        prop_assert!(!text.contains(['e', 'E']) || text.contains("event_time"), "no exponent: {}", text);
    }

    #[test]
    fn damaged_records_never_panic(
        trade in any_trade(), at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>(),
    ) {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            let mut bytes = encoded(encoding, &trade);
            let length = bytes.len();
            bytes[at % length] = byte;
            let _ = wire::decode(encoding, &bytes);
            bytes.truncate(cut % length);
            let _ = wire::decode(encoding, &bytes);
        }
    }
}

#[test]
fn the_records_of_one_trade_look_like_this() {
    let json = String::from_utf8(encoded(Encoding::Json, &trade())).unwrap();
    insta::assert_snapshot!(json, @r#"{"market":"KRW-BTC","sequential_id":17900000000870003,"event_time":1790000000087,"sent_time":1790000000123,"price":104523000,"volume":0.00420017,"side":"BID"}"#);
    assert_eq!(
        encoded(Encoding::Protobuf, &trade()).len(),
        57,
        "bytes of the same as Protobuf"
    );
}

#[test]
fn zeros_are_left_out_of_protobuf_and_read_back() {
    let zero = Trade {
        market: Market::new(b"A-B").unwrap(),
        sequential_id: 0,
        event_time: EventTime::from_millis(0),
        sent_time: EventTime::from_millis(0),
        price: Decimal::ZERO,
        volume: Decimal::ZERO,
        side: Side::Ask,
    };
    let bytes = encoded(Encoding::Protobuf, &zero);
    assert_eq!(bytes, generated(&zero).encode_to_vec());
    assert_eq!(wire::decode(Encoding::Protobuf, &bytes), Ok(zero));
}

#[test]
fn a_newer_writers_fields_are_skipped() {
    let mut bytes = encoded(Encoding::Protobuf, &trade());
    bytes.extend([8 << 3, 0x96, 1]); // a varint
    bytes.extend([9 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0]); // eight bytes
    bytes.extend([10 << 3 | 2, 2, 7, 7]); // a text
    bytes.extend([11 << 3 | 5, 0, 0, 0, 0]); // four bytes
    bytes.extend([12 << 3 | 3, 13 << 3 | 3, 1 << 3, 5, 13 << 3 | 4, 12 << 3 | 4]); // groups
    assert_eq!(wire::decode(Encoding::Protobuf, &bytes), Ok(trade()));
    let json = String::from_utf8(encoded(Encoding::Json, &trade())).unwrap();
    let json = json.replace("\"side\"", "\"venue\":{\"name\":[\"upbit\"]},\"side\"");
    assert_eq!(wire::decode(Encoding::Json, json.as_bytes()), Ok(trade()));
}

#[test]
fn faulty_protobuf_has_its_reason() {
    let of = |change: &dyn Fn(&mut Generated)| {
        let mut message = generated(&trade());
        change(&mut message);
        reason(Encoding::Protobuf, &message.encode_to_vec())
    };
    assert_eq!(of(&|m| m.market.clear()), Reason::MissingField);
    assert_eq!(of(&|m| m.price.clear()), Reason::MissingField);
    assert_eq!(of(&|m| m.side = 0), Reason::MissingField);
    assert_eq!(of(&|m| m.side = 3), Reason::OutOfRange);
    assert_eq!(of(&|m| m.market = "krw-btc".into()), Reason::OutOfRange);
    assert_eq!(of(&|m| m.price = "1,5".into()), Reason::OutOfRange);
    assert_eq!(of(&|m| m.volume = "-1".into()), Reason::OutOfRange);
    assert_eq!(of(&|m| m.event_time = -1), Reason::OutOfRange);
    let bytes = encoded(Encoding::Protobuf, &trade());
    assert_eq!(
        reason(Encoding::Protobuf, &bytes[..bytes.len() - 3]),
        Reason::Malformed,
        "cut inside a text"
    );
    assert_eq!(reason(Encoding::Protobuf, b""), Reason::MissingField);
    assert_eq!(
        reason(Encoding::Protobuf, &[1 << 3, 5]),
        Reason::WrongType,
        "a number for the market"
    );
    assert_eq!(
        reason(Encoding::Protobuf, &[2 << 3 | 2, 1, 5]),
        Reason::WrongType,
        "a text for the id"
    );
    assert_eq!(
        reason(Encoding::Protobuf, &[0xff; 11]),
        Reason::Malformed,
        "a varint without end"
    );
    assert_eq!(
        reason(Encoding::Protobuf, &vec![9 << 3 | 3; 100_000]),
        Reason::Malformed,
        "groups without end"
    );
}

#[test]
fn faulty_json_has_its_reason() {
    let good = String::from_utf8(encoded(Encoding::Json, &trade())).unwrap();
    let of = |what: &str, instead: &str| {
        assert!(good.contains(what));
        reason(Encoding::Json, good.replacen(what, instead, 1).as_bytes())
    };
    assert_eq!(of("\"market\":\"KRW-BTC\",", ""), Reason::MissingField);
    assert_eq!(of("104523000", "\"104523000\""), Reason::WrongType);
    assert_eq!(of("0.00420017", "0.004200170001"), Reason::OutOfRange);
    assert_eq!(of("\"side\"", "\"price\":1,\"side\""), Reason::Malformed);
    assert_eq!(of("}", ""), Reason::Malformed);
    assert_eq!(reason(Encoding::Json, b"[]"), Reason::Malformed);
}
