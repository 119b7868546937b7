//! What placing a key costs: by the hash of each client, and by the ways of stores. The floor is taking the remainder of a hash
//! that is already there.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use placement::{Partitioner, Ring, hash64, jump, rendezvous};

const PARTITIONS: i32 = 12;

/// A way to place a hash on a node.
type Way<'a> = &'a dyn Fn(u64) -> Option<u32>;

fn keys() -> Vec<String> {
    (0..200).map(|i| format!("KRW-C{i}")).collect()
}

fn place(c: &mut Criterion) {
    let keys = keys();
    assert_eq!(
        Partitioner::Murmur2.partition(Some(b"KRW-BTC"), PARTITIONS),
        Ok(4),
        "where a Java producer puts it"
    );
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/place"));
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function("floor", |b| {
        b.iter(|| (0..keys.len() as u32).fold(0, |sum, hash| sum ^ (black_box(hash) % black_box(6))));
    });
    for (name, partitioner) in [
        ("murmur2", Partitioner::Murmur2),
        ("crc32", Partitioner::Crc32),
        ("fnv1a", Partitioner::Fnv1a),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                for key in &keys {
                    let _ = black_box(partitioner.partition(Some(key.as_bytes()), black_box(PARTITIONS)));
                }
            });
        });
    }
    group.finish();
}

fn store(c: &mut Criterion) {
    let keys = keys();
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/store"));
    group.throughput(Throughput::Elements(keys.len() as u64));
    for nodes in [12u32, 48] {
        let ids: Vec<u64> = (0..nodes).map(u64::from).collect();
        let mut ring = Ring::new(128);
        ids.iter().for_each(|id| {
            ring.add(*id as u32);
        });
        let ways: [(&str, Way<'_>); 3] = [
            ("jump", &|hash| jump(hash, black_box(nodes))),
            ("rendezvous", &|hash| {
                rendezvous(hash, black_box(&ids)).map(|at| at as u32)
            }),
            ("ring", &|hash| black_box(&ring).node(hash)),
        ];
        for (name, way) in ways {
            let within = keys
                .iter()
                .all(|key| way(hash64(key.as_bytes())).is_some_and(|node| node < nodes));
            assert!(within, "{name} places every key on one of {nodes} nodes");
            group.bench_function(BenchmarkId::new(name, nodes), |b| {
                b.iter(|| {
                    for key in &keys {
                        black_box(way(hash64(key.as_bytes())));
                    }
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, place, store);

// `criterion_main!`, but that a task which is not built yet is told as one.
fn main() {
    measure::tell_of_what_is_unbuilt();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
