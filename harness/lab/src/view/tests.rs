//! The views as they look; a change of look is a change of a snapshot.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;

fn chart(name: &str, base: f64, count: usize) -> Chart {
    let mut price = base;
    let candles = (0..count)
        .map(|i| {
            // A walk without chance: two waves of different length.
            let open = price;
            price = base * (1.0 + 0.002 * ((i as f64) / 7.0).sin() + 0.001 * ((i as f64) / 2.3).cos());
            let (high, low) = (open.max(price) * 1.0003, open.min(price) * 0.9996);
            (i % 17 != 5).then_some(Candle {
                open,
                high,
                low,
                close: price,
            })
        })
        .collect();
    Chart {
        name: name.into(),
        candles,
        newest_ms: 1_763_717_462_000,
        interval_ms: 1_000,
    }
}

/// Second 42 of a run.
pub(crate) fn sample() -> View {
    let stage = |name, rate, total, waiting| Stage {
        name,
        rate,
        total: Some(total),
        waiting,
    };
    View {
        title: "generate · 120 markets · 2,000/s · json".into(),
        elapsed: Duration::from_millis(42_300),
        limit: Some(Duration::from_secs(60)),
        phase: Phase::Running,
        stages: vec![
            stage("exchange", 2_003.0, 84_120, None),
            stage("ingest", 2_003.4, 84_118, Some(2)),
            stage("topic", 2_001.0, 84_101, Some(17)),
            stage("worker", 2_000.0, 84_101, Some(0)),
            stage("table", 1_988.0, 82_052, Some(2_049)),
        ],
        partitions: (0..6)
            .map(|id| Partition {
                id,
                lag: [3, 0, 12, 1_204, 0, 7][id as usize],
                delay_ms: (id != 4).then_some(1_040 + i64::from(id) * 13),
                idle: id == 1,
                worker: if id == 3 {
                    String::new()
                } else {
                    format!("worker-{}", id % 2 + 1)
                },
            })
            .collect(),
        latency: Some(Latency {
            p50: 8.4,
            p99: 41.2,
            p999: 118.0,
        }),
        rows_per_second: (0..42).map(|i| 1_900 + (i * 37) % 200).collect(),
        candle_rows: 120_333,
        charts: vec![
            chart("KRW-BTC 1s", 91_154_000.0, 42),
            chart("KRW-XRP 1s", 1_320.0, 42),
            chart("KRW-SHIB 1s", 0.0182, 42),
        ],
        faults: vec![
            Fault {
                name: "worker-kill".into(),
                at: Duration::from_secs(20),
                state: FaultState::Struck("process 4711 killed; process 4790 works on after 1.9 s".into()),
            },
            Fault {
                name: "broker-kill".into(),
                at: Duration::from_secs(50),
                state: FaultState::Waiting,
            },
        ],
        events: vec![Event {
            at: Duration::from_secs(20),
            text: "worker-1 died and was started again".into(),
            trouble: true,
        }],
    }
}

fn drawn(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(view, frame)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_live_view_on_80_by_24() {
    insta::assert_snapshot!(drawn(&sample(), 80, 24));
}

#[test]
fn the_live_view_on_120_by_40() {
    insta::assert_snapshot!(drawn(&sample(), 120, 40));
}

#[test]
fn the_live_view_before_anything_is_known() {
    let view = View {
        title: "upbit · 5 markets · json".into(),
        ..View::default()
    };
    insta::assert_snapshot!(drawn(&view, 80, 24));
}

#[test]
fn the_live_view_while_it_drains() {
    let mut view = sample();
    view.phase = Phase::Draining("1,204 records that no worker has delivered".into());
    insta::assert_snapshot!(drawn(&view, 80, 24));
}

#[test]
fn any_size_of_terminal_is_drawn_without_a_panic() {
    for (width, height) in [(1, 1), (20, 5), (72, 20), (80, 21), (73, 60), (300, 20), (300, 100)] {
        drawn(&sample(), width, height);
    }
}

#[test]
fn many_partitions_show_those_that_lag() {
    let mut view = sample();
    view.partitions = (0..64)
        .map(|id| Partition {
            id,
            lag: u64::from(id == 63) * 9_999,
            ..Partition::default()
        })
        .collect();
    let text = drawn(&view, 80, 24);
    assert!(text.contains("9,999"), "the partition that lags is not shown:\n{text}");
}

#[test]
fn the_plain_line() {
    insta::assert_snapshot!(line(&sample()));
    let mut view = sample();
    view.phase = Phase::Draining("17 records that the broker has not acknowledged".into());
    view.latency = None;
    view.stages[0].total = None;
    insta::assert_snapshot!(line(&view));
}
