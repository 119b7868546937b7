//! Into ClickHouse: blocks of 100,000 rows, guarded, in the pipeline's own tables.

use std::cell::Cell;

use clickhouse::Row;
use market::{Position, Trade};
use measure::{Cost, Stage};
use serde::Serialize;
use sink::{Block, Range, Sink, SinkConfig, TradeRow};
use stack::unique;

use crate::Size;
use crate::trades::trades;

/// Rows of a block.
const ROWS: u64 = 100_000;

/// Integers only, and no guard: the least that a row can cost.
#[derive(Row, Serialize)]
struct Integers {
    sequential_id: u64,
    event_time: i64,
    price: i64,
    volume: i64,
    kafka_offset: i64,
}

pub(crate) fn costs(size: Size) -> Vec<Cost> {
    let (runtime, stack) = crate::servers();
    let pids: Vec<u32> = stack.clickhouse().server().pid().into_iter().collect();
    let database = unique("stage").replace('-', "_");
    let client = stack.clickhouse().client();
    let sink = runtime.block_on(async {
        ref_09::create(&client, &database).await.unwrap();
        let table = "CREATE TABLE integers (sequential_id UInt64, event_time Int64, price Int64, volume Int64, kafka_offset Int64) ENGINE = MergeTree ORDER BY (event_time, sequential_id)";
        let client = client.clone().with_database(&database);
        client.query(table).execute().await.unwrap();
        let sink = Sink::connect(SinkConfig::new(stack.clickhouse().url(), &database, "bench")).await.unwrap();
        let claims = sink.claim(&[0]).await.unwrap();
        assert_eq!(claims.granted.len(), 1, "the partition is ours");
        sink
    });
    let client = client.with_database(&database);
    let (rows, blocks) = (size.of(ROWS), 20);
    let all = trades(rows, 100);
    let first = Cell::new(0);
    let mut costs = Vec::new();
    for merging in [false, true] {
        let (stage, switch) = match merging {
            false => ("insert a row", "SYSTEM STOP MERGES"),
            true => ("insert a row and merge it", "SYSTEM START MERGES"),
        };
        runtime.block_on(client.query(switch).execute()).unwrap();
        runtime.block_on(merged(&client));
        let stage = Stage::new(stage, rows * blocks, 0.0)
            .servers(&pids)
            .floor("integers only, no guard", || {
                for _ in 0..blocks {
                    runtime.block_on(integers(&client, &all));
                }
                runtime.block_on(merged(&client));
            })
            .way("guarded, blocks of 100,000", || {
                for _ in 0..blocks {
                    let block = block(&all, first.replace(first.get() + rows as i64));
                    let written = runtime.block_on(sink.write(&block)).unwrap();
                    assert_eq!(written.trades, rows, "{written:?}");
                }
                runtime.block_on(merged(&client));
            });
        costs.extend(stage.run(size.rounds));
    }
    let stored: u64 = runtime
        .block_on(client.query("SELECT count() FROM trades").fetch_one())
        .unwrap();
    assert_eq!(stored, first.get() as u64, "every row is there");
    runtime.block_on(stack.stop()).unwrap();
    costs
}

/// Waits until nothing is merged any more: each way is to pay for its own merges.
pub(crate) async fn merged(client: &clickhouse::Client) {
    let running = "SELECT count() FROM system.merges";
    let from = std::time::Instant::now();
    while client.query(running).fetch_one::<u64>().await.unwrap() > 0 {
        assert!(
            from.elapsed() < std::time::Duration::from_secs(60),
            "merges go on and on"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn integers(client: &clickhouse::Client, all: &[Trade]) {
    let mut insert = client.insert::<Integers>("integers").await.unwrap();
    for (offset, trade) in all.iter().enumerate() {
        let row = Integers {
            sequential_id: trade.sequential_id,
            event_time: trade.event_time.millis(),
            price: trade.price.units() as i64,
            volume: trade.volume.units() as i64,
            kafka_offset: offset as i64,
        };
        insert.write(&row).await.unwrap();
    }
    insert.end().await.unwrap();
}

fn block(all: &[Trade], first: i64) -> Block {
    let place = |i: usize| Position {
        partition: 0,
        offset: first + i as i64,
    };
    Block {
        ranges: vec![Range {
            partition: 0,
            first,
            last: first + all.len() as i64 - 1,
        }],
        trades: all
            .iter()
            .enumerate()
            .map(|(i, trade)| TradeRow {
                trade: *trade,
                position: place(i),
            })
            .collect(),
        ..Block::default()
    }
}
