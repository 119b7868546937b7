//! Reads a record of the topic by the published schemas, with code that shares nothing with the pipeline's wire part:
//! an auditor that reuses the decoder would repeat its mistakes.

use std::borrow::Cow;

use market::{Decimal, Encoding, EventTime, Market, Side, Trade};
use serde_json::value::RawValue;

#[derive(serde::Deserialize)]
struct JsonTrade<'a> {
    #[serde(borrow)]
    market: Cow<'a, str>,
    sequential_id: u64,
    event_time: i64,
    sent_time: i64,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    volume: &'a RawValue,
    side: Side,
}

#[derive(Clone, PartialEq, prost::Message)]
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

/// The trade, or why the record does not follow the schema.
pub(crate) fn record(encoding: Encoding, bytes: &[u8]) -> Result<Trade, String> {
    let trade = match encoding {
        Encoding::Json => {
            let json: JsonTrade<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
            Trade {
                market: json.market.parse().map_err(|e| format!("market: {e}"))?,
                sequential_id: json.sequential_id,
                event_time: EventTime::from_millis(json.event_time),
                sent_time: EventTime::from_millis(json.sent_time),
                price: decimal("price", json.price.get())?,
                volume: decimal("volume", json.volume.get())?,
                side: json.side,
            }
        }
        Encoding::Protobuf => {
            let proto = <ProtoTrade as prost::Message>::decode(bytes).map_err(|e| e.to_string())?;
            Trade {
                market: Market::new(proto.market.as_bytes()).map_err(|e| format!("market: {e}"))?,
                sequential_id: proto.sequential_id,
                event_time: EventTime::from_millis(proto.event_time),
                sent_time: EventTime::from_millis(proto.sent_time),
                price: decimal("price", &proto.price)?,
                volume: decimal("volume", &proto.volume)?,
                side: match proto.side {
                    1 => Side::Bid,
                    2 => Side::Ask,
                    other => return Err(format!("side: no side has the number {other}")),
                },
            }
        }
    };
    trade.validate().map_err(|e| e.to_string())?;
    Ok(trade)
}

fn decimal(field: &str, text: &str) -> Result<Decimal, String> {
    text.parse().map_err(|e| format!("{field}: {e}"))
}

/// A dead letter that is a frame or a record in good form after all: which trade it carries, so that the trade counts as
/// dead-lettered and not as lost. Reads only the identity, in the names of both frame formats and of the record.
pub(crate) fn identity(bytes: &[u8]) -> Option<(Market, u64)> {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow, alias = "code", alias = "cd")]
        market: Cow<'a, str>,
        #[serde(alias = "sid")]
        sequential_id: u64,
    }
    if let Ok(named) = serde_json::from_slice::<Named<'_>>(bytes) {
        return Some((named.market.parse().ok()?, named.sequential_id));
    }
    let proto = <ProtoTrade as prost::Message>::decode(bytes).ok()?;
    Some((proto.market.parse().ok()?, proto.sequential_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"market":"KRW-BTC","sequential_id":16186423840000001,"event_time":1618642384000,
        "sent_time":1618642384123,"price":91154000,"volume":0.00009372,"side":"ASK","new":{"key":1}}"#;

    #[test]
    fn json_numbers_are_exact_and_unknown_keys_are_ignored() {
        let trade = record(Encoding::Json, JSON.as_bytes()).unwrap();
        assert_eq!(trade.volume.units(), 9_372);
        assert_eq!(trade.price.units(), 9_115_400_000_000_000);
        assert_eq!(trade.side, Side::Ask);
        assert_eq!(trade.sequential_id, 16_186_423_840_000_001);
    }

    #[test]
    fn protobuf_follows_the_published_schema() {
        let trade = record(Encoding::Json, JSON.as_bytes()).unwrap();
        let proto = ProtoTrade {
            market: "KRW-BTC".into(),
            sequential_id: trade.sequential_id,
            event_time: 1_618_642_384_000,
            sent_time: 1_618_642_384_123,
            price: "91154000".into(),
            volume: "0.00009372".into(),
            side: 2,
        };
        let bytes = prost::Message::encode_to_vec(&proto);
        assert_eq!(record(Encoding::Protobuf, &bytes).unwrap(), trade);
        assert_eq!(identity(&bytes), Some((trade.market, trade.sequential_id)));
        let unsided = ProtoTrade { side: 0, ..proto };
        assert!(record(Encoding::Protobuf, &prost::Message::encode_to_vec(&unsided)).is_err());
    }

    #[test]
    fn what_does_not_follow_the_schema_says_which_field() {
        for (from, to, field) in [
            ("0.00009372", "0.000093721", "volume"),
            ("\"ASK\"", "\"SELL\"", "SELL"),
            ("KRW-BTC", "krw-btc", "market"),
            ("91154000", "-1", "price"),
            ("\"sequential_id\":16186423840000001,", "", "sequential_id"),
        ] {
            let error = record(Encoding::Json, JSON.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.contains(field), "{to}: {error}");
        }
    }

    #[test]
    fn identities_are_found_in_frames_of_both_formats() {
        let identities = [
            r#"{"type":"trade","code":"KRW-ETH","sequential_id":7}"#,
            r#"{"ty":"trade","cd":"KRW-ETH","sid":7}"#,
        ];
        for frame in identities {
            assert_eq!(
                identity(frame.as_bytes()),
                Some((Market::new(b"KRW-ETH").unwrap(), 7)),
                "{frame}"
            );
        }
        assert_eq!(identity(b"{\"code\":"), None);
        assert_eq!(identity(b""), None);
    }
}
