//! What a watermark costs per record, and combining it over many partitions. The floor of the first is one comparison.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use market::EventTime;
use watermarks::{BoundedOutOfOrderness, Combiner};

const BOUND_MS: i64 = 1_000;

fn largest(times: &[EventTime]) -> EventTime {
    // Shown to the black box, and not passed through it: each comparison would wait for memory then.
    let mut newest = EventTime::MIN;
    for time in times {
        newest = newest.max(*time);
        black_box(newest);
    }
    newest
}

fn watermark(times: &[EventTime]) -> EventTime {
    let mut generator = BoundedOutOfOrderness::new(BOUND_MS).expect("valid");
    times
        .iter()
        .fold(EventTime::MIN, |_, time| black_box(generator.observe(*time)))
}

fn observe(c: &mut Criterion) {
    let times: Vec<EventTime> = (0..100_000i64)
        .map(|i| EventTime::from_millis(i / 10 - i * 7919 % 1000))
        .collect();
    assert_eq!(
        watermark(&times),
        largest(&times).saturating_sub(BOUND_MS + 1),
        "both must find the same newest time"
    );
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/observe"));
    group.throughput(Throughput::Elements(times.len() as u64));
    group.bench_function("floor", |b| b.iter(|| largest(&times)));
    group.bench_function("per record", |b| b.iter(|| watermark(&times)));
    group.finish();
}

fn combine(c: &mut Criterion) {
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/combine"));
    for partitions in [6i64, 64, 512] {
        let mut combiner = Combiner::new();
        (0..partitions).for_each(|partition| {
            combiner.register(partition);
        });
        let mut time = 0;
        let mut step = |combiner: &mut Combiner<i64>| {
            time += 1;
            combiner.on_watermark(&(time % partitions), EventTime::from_millis(time));
            (combiner.watermark(), time)
        };
        let warm = (0..2 * partitions).map(|_| step(&mut combiner)).last();
        assert_eq!(
            warm.map(|(watermark, time)| watermark.millis() - time),
            Some(1 - partitions),
            "after a round the slowest partition is one round behind"
        );
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("partitions", partitions), |b| {
            b.iter(|| black_box(step(&mut combiner)));
        });
    }
    group.finish();
}

criterion_group!(benches, observe, combine);

// `criterion_main!`, but that a task which is not built yet is told as one.
fn main() {
    measure::tell_of_what_is_unbuilt();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
