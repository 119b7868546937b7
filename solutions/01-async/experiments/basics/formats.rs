//! formats: the same trades as JSON, MessagePack, Protobuf and Avro: bytes of each, bytes of a compressed batch, time to write and read.

use std::hint::black_box;
use std::time::Duration;

use anyhow::ensure;
use apache_avro::{from_avro_datum, from_value, to_avro_datum, to_value};
use market::Trade;
use measure::Teller;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::records::{Described, Double, DoubleMessage, Same, ShortDouble, ShortText, Text, TextMessage, trades};
use crate::run::{Figures, Run, thread_cpu};

/// Of so many passes the quickest counts: what disturbs one makes it slower and never quicker.
const PASSES: usize = 5;

/// Records of one batch, as a producer fills 64 KiB with.
const BATCH: usize = 500;

/// One format: how a value becomes bytes and comes back.
struct Format<T> {
    name: &'static str,
    write: fn(&T, &mut Vec<u8>) -> anyhow::Result<()>,
    read: fn(&[u8]) -> anyhow::Result<T>,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(11, 5, 1);
    let trades = trades(run.pick(20_000, 5_000, 500))?;
    let mut teller = Teller::new(rounds);
    let mut figures = Figures::default();
    for _ in 0..rounds {
        teller.step("one format after the other");
        let mut doubles = Taken::new("double", &trades, &mut figures);
        doubles.of::<Double>(&json("json"))?;
        doubles.of::<Double>(&sonic())?;
        doubles.of::<ShortDouble>(&json("json-short"))?;
        doubles.of::<Double>(&pack_named())?;
        doubles.of::<Double>(&pack_array())?;
        doubles.of::<DoubleMessage>(&protobuf())?;
        doubles.of::<Double>(&avro())?;
        let mut texts = Taken::new("text", &trades, &mut figures);
        texts.of::<Text>(&json("json"))?;
        texts.of::<Text>(&sonic())?;
        texts.of::<ShortText>(&json("json-short"))?;
        texts.of::<Text>(&pack_named())?;
        texts.of::<Text>(&pack_array())?;
        texts.of::<TextMessage>(&protobuf())?;
        texts.of::<Text>(&avro())?;
    }
    figures.tell(&teller);
    Ok(())
}

/// One round of measurements.
struct Taken<'a> {
    numbers: &'static str,
    trades: &'a [Trade],
    figures: &'a mut Figures,
}

impl<'a> Taken<'a> {
    fn new(numbers: &'static str, trades: &'a [Trade], figures: &'a mut Figures) -> Self {
        Self {
            numbers,
            trades,
            figures,
        }
    }

    fn of<T: for<'t> From<&'t Trade> + Same>(&mut self, format: &Format<T>) -> anyhow::Result<()> {
        let values: Vec<T> = self.trades.iter().map(T::from).collect();
        let count = values.len();
        let mut bytes = Vec::with_capacity(count * 256);
        let mut ends = Vec::with_capacity(count);
        // Once unmeasured: pages are touched and tables are made.
        for value in &values {
            (format.write)(value, &mut bytes)?;
        }
        let capacity = bytes.len();
        let mut wrote = Duration::MAX;
        for _ in 0..PASSES {
            bytes.clear();
            ends.clear();
            let before = thread_cpu();
            for value in &values {
                (format.write)(black_box(value), &mut bytes)?;
                ends.push(bytes.len());
            }
            wrote = wrote.min(thread_cpu() - before);
        }
        ensure!(
            bytes.len() == capacity,
            "{} wrote other bytes the second time",
            format.name
        );

        let mut back = Vec::with_capacity(count);
        let mut read = Duration::MAX;
        for _ in 0..PASSES {
            back.clear();
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let before = thread_cpu();
            for (start, end) in starts.zip(&ends) {
                back.push((format.read)(black_box(&bytes[start..*end]))?);
            }
            read = read.min(thread_cpu() - before);
        }
        let same = back.len() == count && back.iter().zip(&values).all(|(back, value)| back.same(value));
        ensure!(same, "{} read something else than was written", format.name);

        let mut packed = 0;
        let mut start = 0;
        for end in ends.iter().skip(BATCH - 1).step_by(BATCH) {
            packed += lz4_flex::compress(&bytes[start..*end]).len();
            start = *end;
        }
        let batched = count / BATCH * BATCH;
        let arm = format!("format={} numbers={}", format.name, self.numbers);
        let each = |nanos: u128| nanos as f64 / count as f64;
        let n = count as u64;
        self.figures.add(&arm, "bytes", bytes.len() as f64 / count as f64, n);
        self.figures.add(&arm, "packed", packed as f64 / batched as f64, n);
        self.figures.add(&arm, "write", each(wrote.as_nanos()), n);
        self.figures.add(&arm, "read", each(read.as_nanos()), n);
        Ok(())
    }
}

fn json<T: Serialize + DeserializeOwned>(name: &'static str) -> Format<T> {
    Format {
        name,
        write: |value, out| Ok(serde_json::to_writer(out, value)?),
        read: |bytes| Ok(serde_json::from_slice(bytes)?),
    }
}

/// JSON by another library: what is measured is a library as much as a format.
fn sonic<T: Serialize + DeserializeOwned>() -> Format<T> {
    Format {
        name: "json-simd",
        write: |value, out| Ok(sonic_rs::to_writer(out, value)?),
        read: |bytes| Ok(sonic_rs::from_slice(bytes)?),
    }
}

fn pack_named<T: Serialize + DeserializeOwned>() -> Format<T> {
    Format {
        name: "messagepack",
        write: |value, out| Ok(rmp_serde::encode::write_named(out, value)?),
        read: |bytes| Ok(rmp_serde::from_slice(bytes)?),
    }
}

/// Without names, by position: smaller, and no longer what JSON says.
fn pack_array<T: Serialize + DeserializeOwned>() -> Format<T> {
    Format {
        name: "messagepack-array",
        write: |value, out| Ok(rmp_serde::encode::write(out, value)?),
        read: |bytes| Ok(rmp_serde::from_slice(bytes)?),
    }
}

fn protobuf<T: Message + Default>() -> Format<T> {
    Format {
        name: "protobuf",
        write: |value, out| Ok(value.encode(out)?),
        read: |bytes| Ok(T::decode(bytes)?),
    }
}

/// By Apache's own crate, which builds a tree of values on either way.
fn avro<T: Described + Serialize + DeserializeOwned>() -> Format<T> {
    Format {
        name: "avro",
        write: |value, out| {
            let value = to_value(value)?.resolve(T::schema())?;
            out.extend_from_slice(&to_avro_datum(T::schema(), value)?);
            Ok(())
        },
        read: |mut bytes| Ok(from_value(&from_avro_datum(T::schema(), &mut bytes, None)?)?),
    }
}
