//! evolution: old records and new readers, new records and old readers: what each format makes of a schema that has changed.

use apache_avro::{Schema, from_avro_datum, from_value, to_avro_datum, to_value};
use measure::Teller;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::run::{Figures, Run};

/// Before.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Old {
    #[prost(string, tag = "1")]
    market: String,
    #[prost(int64, tag = "2")]
    price: i64,
}

/// A field was added in front of the others, with a default.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Added {
    #[prost(int64, tag = "3")]
    #[serde(default)]
    fee: i64,
    #[prost(string, tag = "1")]
    market: String,
    #[prost(int64, tag = "2")]
    price: i64,
}

/// A field has another name.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
struct Renamed {
    #[prost(string, tag = "1")]
    market: String,
    #[prost(int64, tag = "2")]
    won: i64,
}

const OLD: &str = r#"{"type": "record", "name": "t", "fields": [
    {"name": "market", "type": "string"}, {"name": "price", "type": "long"}]}"#;
const ADDED: &str = r#"{"type": "record", "name": "t", "fields": [{"name": "fee", "type": "long", "default": 0},
    {"name": "market", "type": "string"}, {"name": "price", "type": "long"}]}"#;
const RENAMED: &str = r#"{"type": "record", "name": "t", "fields": [
    {"name": "market", "type": "string"}, {"name": "won", "type": "long"}]}"#;

/// Records of each kind: enough that a lucky byte does not decide.
const RECORDS: i64 = 1_000;

pub(crate) fn run(_: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(1);
    teller.step("each format and each change");
    let mut figures = Figures::default();
    let mut says = |format: &str, change: &str, reader: &str, read: &dyn Fn(&Old) -> bool| {
        let right = (0..RECORDS).filter(|price| read(&old(*price))).count();
        let arm = format!("format={format} change={change} reader={reader}");
        figures.add(&arm, "right", right as f64 * 100.0 / RECORDS as f64, RECORDS as u64);
    };
    let (old_schema, added_schema, renamed_schema) = (
        Schema::parse_str(OLD)?,
        Schema::parse_str(ADDED)?,
        Schema::parse_str(RENAMED)?,
    );

    // A new reader of old records, then an old reader of new records.
    says("json", "added", "new", &|old| {
        json::<_, Added>(old).is_some_and(|new| grown(old) == new)
    });
    says("json", "added", "old", &|old| {
        json::<_, Old>(&grown(old)).as_ref() == Some(old)
    });
    says("json", "renamed", "new", &|old| {
        json::<_, Renamed>(old).is_some_and(|new| new.won == old.price)
    });
    says("messagepack-array", "added", "new", &|old| {
        packed::<_, Added>(old).is_some_and(|new| grown(old) == new)
    });
    says("messagepack-array", "added", "old", &|old| {
        packed::<_, Old>(&grown(old)).as_ref() == Some(old)
    });
    says("messagepack-array", "renamed", "new", &|old| {
        packed::<_, Renamed>(old).is_some_and(|new| new.won == old.price)
    });
    says("protobuf", "added", "new", &|old| {
        proto::<_, Added>(old).is_some_and(|new| grown(old) == new)
    });
    says("protobuf", "added", "old", &|old| {
        proto::<_, Old>(&grown(old)).as_ref() == Some(old)
    });
    says("protobuf", "renamed", "new", &|old| {
        proto::<_, Renamed>(old).is_some_and(|new| new.won == old.price)
    });
    // Avro's bytes hold neither names nor tags: the reader needs the writer's schema, and without it reads by position.
    for (format, knows) in [("avro", true), ("avro-alone", false)] {
        let writer = |schema| knows.then_some(schema);
        says(format, "added", "new", &|old| {
            avro::<_, Added>(old, &old_schema, writer(&old_schema), &added_schema).is_some_and(|new| grown(old) == new)
        });
        says(format, "added", "old", &|old| {
            let new = grown(old);
            avro::<_, Old>(&new, &added_schema, writer(&added_schema), &old_schema).as_ref() == Some(old)
        });
        says(format, "renamed", "new", &|old| {
            avro::<_, Renamed>(old, &old_schema, writer(&old_schema), &renamed_schema)
                .is_some_and(|new| new.won == old.price)
        });
    }
    figures.tell(&teller);
    Ok(())
}

fn old(price: i64) -> Old {
    Old {
        market: "KRW-BTC".into(),
        price: price * 1_000 + 1,
    }
}

fn grown(old: &Old) -> Added {
    Added {
        fee: 0,
        market: old.market.clone(),
        price: old.price,
    }
}

fn json<W: Serialize, R: for<'d> Deserialize<'d>>(value: &W) -> Option<R> {
    serde_json::from_slice(&serde_json::to_vec(value).ok()?).ok()
}

fn packed<W: Serialize, R: for<'d> Deserialize<'d>>(value: &W) -> Option<R> {
    rmp_serde::from_slice(&rmp_serde::to_vec(value).ok()?).ok()
}

fn proto<W: Message, R: Message + Default>(value: &W) -> Option<R> {
    R::decode(value.encode_to_vec().as_slice()).ok()
}

/// Written with one schema, read with another; `known` is what the reader is told of the writer's.
fn avro<W: Serialize, R: for<'d> Deserialize<'d>>(
    value: &W,
    writer: &Schema,
    known: Option<&Schema>,
    reader: &Schema,
) -> Option<R> {
    let value = to_value(value).ok()?.resolve(writer).ok()?;
    let bytes = to_avro_datum(writer, value).ok()?;
    let mut bytes = bytes.as_slice();
    let read = match known {
        Some(writer) => from_avro_datum(writer, &mut bytes, Some(reader)).ok()?,
        None => from_avro_datum(reader, &mut bytes, None).ok()?,
    };
    from_value(&read).ok()
}
