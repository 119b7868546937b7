//! What placing a key costs, by the hash of each client. The floor is taking the remainder of a hash that is already there.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use placement::Partitioner;

fn place(c: &mut Criterion) {
    let keys: Vec<String> = (0..200).map(|i| format!("KRW-C{i}")).collect();
    let mut group = c.benchmark_group("placement");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("floor: remainder", |b| {
        b.iter(|| (0..keys.len() as u32).fold(0, |sum, hash| sum ^ (black_box(hash) % black_box(6))));
    });
    for partitioner in [Partitioner::Murmur2, Partitioner::Crc32, Partitioner::Fnv1a] {
        group.bench_function(format!("{partitioner:?}"), |b| {
            b.iter(|| {
                for key in &keys {
                    let _ = black_box(partitioner.partition(Some(key.as_bytes()), black_box(6)));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, place);
criterion_main!(benches);
