//! The whole path in one process, and without anything that a guarantee needs: one replica acknowledges, nobody commits, looks
//! for gaps, knows repeats or audits, and prices are `f64`. What the pipeline costs beyond it is the price of what it promises.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use clickhouse::Row;
use futures_util::{SinkExt, StreamExt};
use measure::{Cost, Stage};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use ref_05::ProducerConfig;
use serde::{Deserialize, Serialize};
use stack::unique;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::tungstenite::Message;

use crate::Size;
use crate::kafka::{LIMIT, PARTITIONS, Silent, topic};
use crate::socket::serve_frames;
use crate::store::merged;
use crate::trades::trades;

const MARKETS: usize = 100;
/// How often the frames are sent in a round.
const TIMES: usize = 5;
/// Rows of an insert.
const ROWS: usize = 100_000;

/// What is read of a frame, not exact and not checked.
#[derive(Deserialize)]
struct Seen<'a> {
    cd: &'a str,
    ttms: i64,
    tp: f64,
    tv: f64,
    sid: u64,
}

/// Forty bytes, as a program would lay them out that nobody else has to read.
#[derive(Clone, Copy, Row, Serialize)]
struct Flat {
    sequential_id: u64,
    event_time: i64,
    price: f64,
    volume: f64,
    market: u64,
}

impl Flat {
    fn of(seen: &Seen<'_>) -> Self {
        Self {
            sequential_id: seen.sid,
            event_time: seen.ttms,
            price: seen.tp,
            volume: seen.tv,
            // All codes of this bench end with their number.
            market: seen.cd.trim_start_matches("KRW-C").parse().unwrap(),
        }
    }

    fn bytes(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let words = [
            self.sequential_id.to_le_bytes(),
            self.event_time.to_le_bytes(),
            self.price.to_le_bytes(),
            self.volume.to_le_bytes(),
            self.market.to_le_bytes(),
        ];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> Self {
        let word = |nth: usize| bytes[nth * 8..][..8].try_into().unwrap();
        Self {
            sequential_id: u64::from_le_bytes(word(0)),
            event_time: i64::from_le_bytes(word(1)),
            price: f64::from_le_bytes(word(2)),
            volume: f64::from_le_bytes(word(3)),
            market: u64::from_le_bytes(word(4)),
        }
    }
}

/// What a record is.
#[derive(Clone, Copy)]
enum Written {
    /// The frame as it came.
    Frame,
    /// [`Flat`].
    Flat,
}

pub(crate) fn costs(size: Size) -> Vec<Cost> {
    let (runtime, stack) = crate::servers();
    let brokers = stack.kafka().brokers().iter();
    let servers: Vec<u32> = brokers
        .chain([stack.clickhouse().server()])
        .filter_map(stack::Server::pid)
        .collect();
    let all = trades(size.of(500_000), MARKETS);
    // The same frames again and again: here nobody knows repeats, and a longer round has less of filling and emptying.
    let (bytes, url) = serve_frames(&all, 1_000, TIMES);
    let count = all.len() as u64 * TIMES as u64;
    drop(all);
    let client = stack.clickhouse().client();
    let table = unique("minimal").replace('-', "_");
    let columns = "sequential_id UInt64, event_time Int64, price Float64, volume Float64, market UInt64";
    let create = format!("CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY (market, event_time)");
    runtime.block_on(client.query(&create).execute()).unwrap();

    let mut costs = Vec::new();
    for (written, name) in [(Written::Frame, "json"), (Written::Flat, "40 bytes")] {
        let path = Path {
            url: &url,
            count,
            written,
            topic: topic(&runtime, &stack, PARTITIONS),
            client: &client,
            table: &table,
            runtime: &runtime,
        };
        let producer = producer(stack.kafka().bootstrap());
        let consumer = consumer(stack.kafka().bootstrap(), &path.topic);
        let stage = Stage::new("the whole, without a guarantee", count, bytes)
            .servers(&servers)
            .floor(format!("one process, the exchange's thread in it, {name}"), || {
                path.once(&producer, &consumer);
                runtime.block_on(merged(&client));
            });
        costs.extend(stage.run(size.rounds));
    }
    let stored: u64 = runtime
        .block_on(client.query(&format!("SELECT count() FROM {table}")).fetch_one())
        .unwrap();
    let rounds = size.rounds as u64 + 1;
    assert_eq!(stored, 2 * rounds * count, "where nothing fails nothing is lost");
    runtime.block_on(stack.stop()).unwrap();
    costs
}

fn producer(brokers: &str) -> ThreadedProducer<Silent> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("acks", "1")
        .set("linger.ms", ProducerConfig::default().linger.as_millis().to_string())
        .set("compression.type", "lz4")
        .set("socket.nagle.disable", "true")
        .create_with_context(Silent)
        .unwrap()
}

fn consumer(brokers: &str, topic: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", unique("minimal"))
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    consumer
}

/// From the socket to the table.
struct Path<'a> {
    url: &'a str,
    count: u64,
    written: Written,
    topic: String,
    client: &'a clickhouse::Client,
    table: &'a str,
    runtime: &'a Runtime,
}

impl Path<'_> {
    /// Every frame once, until its row is acknowledged.
    fn once(&self, producer: &ThreadedProducer<Silent>, consumer: &BaseConsumer) {
        // Two blocks on their way, and no more: so that memory is bounded here, too.
        let (blocks, inserted) = sync_channel(2);
        thread::scope(|scope| {
            // Moved: a reader that ends, however it ends, ends the inserts.
            scope.spawn(move || self.read(consumer, |block| blocks.send(block).unwrap()));
            // A receiver belongs to one thread.
            let inserting = scope.spawn(move || self.insert(&inserted));
            self.write(producer);
            inserting.join().unwrap();
        });
    }

    fn write(&self, producer: &ThreadedProducer<Silent>) {
        // The socket's own: its work is on this thread.
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut socket, _) = tokio_tungstenite::connect_async(self.url).await.unwrap();
            socket.send(Message::text("[]")).await.unwrap();
            for _ in 0..self.count {
                let frame = socket.next().await.unwrap().unwrap().into_data();
                let seen: Seen<'_> = serde_json::from_slice(&frame).unwrap();
                let flat;
                let value: &[u8] = match self.written {
                    Written::Frame => &frame,
                    Written::Flat => {
                        flat = Flat::of(&seen).bytes();
                        &flat
                    }
                };
                loop {
                    let record = BaseRecord::to(&self.topic).key(seen.cd).payload(value);
                    match producer.send(record) {
                        Ok(()) => break,
                        Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                            thread::sleep(Duration::from_millis(1));
                        }
                        Err((error, _)) => panic!("{error}"),
                    }
                }
            }
        });
        producer.flush(LIMIT).unwrap();
    }

    fn read(&self, consumer: &BaseConsumer, mut hand_on: impl FnMut(Vec<Flat>)) {
        let mut candles: HashMap<(u64, i64), [f64; 5], foldhash::fast::FixedState> = HashMap::default();
        let mut block = Vec::with_capacity(ROWS);
        let (mut seen, from) = (0, Instant::now());
        while seen < self.count {
            if let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) {
                let bytes = record.payload().unwrap();
                let row = match self.written {
                    Written::Frame => Flat::of(&serde_json::from_slice(bytes).unwrap()),
                    Written::Flat => Flat::read(bytes),
                };
                let candle = candles
                    .entry((row.market, row.event_time / 60_000))
                    .or_insert([row.price, row.price, row.price, row.price, 0.0]);
                candle[1] = candle[1].max(row.price);
                candle[2] = candle[2].min(row.price);
                candle[3] = row.price;
                candle[4] += row.volume;
                block.push(row);
                seen += 1;
                if block.len() == ROWS || seen == self.count {
                    hand_on(std::mem::replace(&mut block, Vec::with_capacity(ROWS)));
                }
            }
            assert!(from.elapsed() < LIMIT, "{seen} of {}", self.count);
        }
        black_box(candles);
    }

    fn insert(&self, blocks: &Receiver<Vec<Flat>>) {
        let mut left = self.count;
        while left > 0 {
            let block = blocks.recv().unwrap();
            left -= block.len() as u64;
            self.runtime.block_on(async {
                let mut insert = self.client.insert::<Flat>(self.table).await.unwrap();
                for row in &block {
                    insert.write(row).await.unwrap();
                }
                insert.end().await.unwrap();
            });
        }
    }
}
