//! What a block costs: encoding alone (the lower bound of the client), and a guarded write to a real server.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sink::{Block, Compression, Sink, SinkConfig};
use support::block;

/// Trades and nothing else: `rows` from offset `first` on.
fn trades(first: i64, rows: i64) -> Block {
    let mut block = block(&[(0, first, first + rows - 1)]);
    block.candles.clear();
    block
}

fn write(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut group = criterion.benchmark_group("solution-10-sink/write");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    for compression in [Compression::None, Compression::Lz4] {
        let sink = runtime.block_on(async {
            let database = support::database().await;
            let config = SinkConfig {
                compression,
                ..database.config("bench")
            };
            let sink = Sink::connect(config).await.unwrap();
            support::claim(&sink, &[0]).await;
            // What is timed must be right: the rows come back as they were written.
            let probe = trades(0, 1_000);
            sink.write(&probe).await.unwrap();
            database.holds_exactly(&[&probe], "before timing").await;
            sink
        });
        let first = Cell::new(1_000);
        for rows in [50, 250, 1_000, 10_000, 100_000] {
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(BenchmarkId::new(format!("{compression:?}"), rows), |bencher| {
                bencher.iter_batched(
                    || trades(first.replace(first.get() + rows), rows),
                    |block| runtime.block_on(sink.write(&block)).unwrap(),
                    criterion::BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, write);
criterion_main!(benches);
