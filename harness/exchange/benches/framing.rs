//! What one trade costs before it is on the wire: drawn, journalled, framed.

#![allow(missing_docs)] // criterion's macros make public functions
#![allow(clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exchange::bench::{Framing, Generating, Journaling};

const TRADES: usize = 10_000;

fn benches(c: &mut Criterion) {
    let mut group = c.benchmark_group("exchange");
    group.throughput(Throughput::Elements(TRADES as u64));
    let mut generating = Generating::new();
    group.bench_function("generate", |b| b.iter(|| black_box(generating.run(TRADES))));
    for (name, simple) in [("frame-default", false), ("frame-simple", true)] {
        let mut framing = Framing::new(simple, TRADES);
        let bytes = framing.run().to_vec();
        group.bench_function(name, |b| b.iter(|| black_box(framing.run().len())));
        // The lower bound: the same bytes, copied.
        let mut out = Vec::with_capacity(bytes.len());
        group.bench_function(format!("{name}-copy-only"), |b| {
            b.iter(|| {
                out.clear();
                out.extend_from_slice(black_box(&bytes));
                black_box(out.len())
            });
        });
    }
    group.bench_function("journal", |b| {
        let dir = tempfile::tempdir().unwrap();
        let mut journaling = Journaling::new(dir.path()).unwrap();
        b.iter(|| black_box(journaling.run(TRADES).unwrap()));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
