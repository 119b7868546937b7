//! What a watermark costs per record, and combining it over many partitions. The floor of the first is one comparison.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use market::EventTime;
use watermarks::{BoundedOutOfOrderness, Combiner};

fn observe(c: &mut Criterion) {
    let times: Vec<EventTime> = (0..100_000i64)
        .map(|i| EventTime::from_millis(i / 10 - i * 7919 % 1000))
        .collect();
    let mut group = c.benchmark_group("watermarks");
    group.throughput(Throughput::Elements(times.len() as u64));
    group.bench_function("per record, floor: the largest", |b| {
        b.iter(|| {
            times
                .iter()
                .fold(EventTime::MIN, |newest, time| black_box(newest.max(*time)))
        });
    });
    group.bench_function("per record", |b| {
        b.iter(|| {
            let mut generator = BoundedOutOfOrderness::new(1_000).expect("valid");
            times.iter().for_each(|time| {
                black_box(generator.observe(*time));
            });
        });
    });
    group.finish();
}

fn combine(c: &mut Criterion) {
    let mut group = c.benchmark_group("combiner");
    for partitions in [6, 64, 512] {
        let mut combiner = Combiner::new();
        (0..partitions).for_each(|partition| {
            combiner.register(partition);
        });
        let mut time = 0;
        group.throughput(Throughput::Elements(1));
        group.bench_with_input(
            BenchmarkId::new("partitions", partitions),
            &partitions,
            |b, partitions| {
                b.iter(|| {
                    time += 1;
                    combiner.on_watermark(&(time % partitions), EventTime::from_millis(i64::from(time)));
                    black_box(combiner.watermark())
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, observe, combine);
criterion_main!(benches);
