//! What checking a history costs by its length and by how much happens at once, and what making one costs. The floor looks at each operation once.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use quorum::{Action, Operation, Plan, Quorum, Reads, check, simulate};

fn plan(operations: usize) -> Plan {
    let quorum = Quorum::new(3, 2, 2).expect("a quorum");
    Plan {
        operations,
        ..Plan::new(quorum, Reads::WriteBack)
    }
}

/// Less than any checker must do.
fn latest(history: &[Operation]) -> u64 {
    let values = history.iter().map(|operation| match operation.action {
        Action::Write(value) | Action::Read(value) => value,
    });
    values.fold(0, |latest, value| latest.max(black_box(value)))
}

/// Rounds in which so many write at once, and one reads afterwards what the first of them wrote.
fn crowded(at_once: u64, rounds: u64) -> Vec<Operation> {
    let of = |client: u64, action, call, end| Operation {
        client: client as usize,
        action,
        call,
        end: Some(end),
    };
    let rounds = (0..rounds).flat_map(|round| {
        let (t, first) = (round * 100, round * at_once + 1);
        let writes = (0..at_once).map(move |n| of(n, Action::Write(first + n), t, t + 50));
        writes.chain([of(at_once, Action::Read(first), t + 60, t + 70)])
    });
    rounds.collect()
}

fn checker(c: &mut Criterion) {
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/check"));
    for operations in [20, 80, 320] {
        let history = simulate(&plan(operations), 7).history;
        assert_eq!(history.len(), 4 * operations, "every operation is answered");
        assert_eq!(
            latest(&history),
            operations as u64,
            "the newest value is the last one written"
        );
        assert!(check(&history).is_ok(), "with write-back there is an order");
        group.throughput(Throughput::Elements(history.len() as u64));
        let of = |name| BenchmarkId::new(name, history.len());
        if operations == 20 {
            group.bench_function(of("floor"), |b| b.iter(|| latest(&history)));
        }
        group.bench_function(of("four clients"), |b| b.iter(|| check(&history)));
    }
    for at_once in [2, 4, 8] {
        let history = crowded(at_once, 10);
        assert!(check(&history).is_ok(), "the first of each round may come last");
        group.throughput(Throughput::Elements(history.len() as u64));
        group.bench_function(BenchmarkId::new("writers at once", at_once), |b| {
            b.iter(|| check(&history))
        });
    }
    let mut wrong = simulate(&plan(20), 7).history;
    let late = wrong.iter().filter_map(|operation| operation.end).max().unwrap_or(0) + 1;
    wrong.push(Operation {
        client: 9,
        action: Action::Read(10),
        call: late,
        end: Some(late + 1),
    });
    let shown = check(&wrong).expect_err("ten writes later").operations;
    assert_eq!(shown.len(), 3, "a write, one after it, and the read");
    group.throughput(Throughput::Elements(wrong.len() as u64));
    group.bench_function(BenchmarkId::new("counterexample", wrong.len()), |b| {
        b.iter(|| check(&wrong))
    });
    group.finish();
}

fn simulator(c: &mut Criterion) {
    let mut group = c.benchmark_group(concat!(env!("CARGO_PKG_NAME"), "/simulate"));
    let plan = plan(20);
    group.throughput(Throughput::Elements(simulate(&plan, 7).messages));
    group.bench_function("messages", |b| b.iter(|| simulate(&plan, 7)));
    group.finish();
}

criterion_group!(benches, checker, simulator);

fn main() {
    measure::tell_of_what_is_unbuilt();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
