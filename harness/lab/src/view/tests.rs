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
        rate: Some(rate),
        total: Some(total),
        waiting,
    };
    View {
        title: "generate · 120 markets · 2,000/s · json".into(),
        mine: Vec::new(),
        elapsed: Duration::from_millis(42_300),
        limit: Some(Duration::from_secs(60)),
        phase: Phase::Running,
        wished: false,
        stages: vec![
            stage("exchange", 2_003.0, 84_120, None),
            stage("ingest", 2_003.4, 84_118, Some(2)),
            stage("topic", 2_001.0, 84_101, Some(17)),
            stage("worker", 2_000.0, 84_101, Some(0)),
            stage("table", 1_988.0, 82_052, Some(2_049)),
        ],
        rates_over: Some(Duration::from_secs(5)),
        stalled: None,
        partitions: (0..6)
            .map(|id| Partition {
                id,
                lag: Some([3, 0, 12, 1_204, 0, 7][id as usize]),
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
            chart("KRW-ETH 1s", 4_120_000.0, 42),
            chart("KRW-SOL 1s", 201_300.0, 42),
            chart("KRW-DOGE 1s", 214.0, 42),
        ],
        faults: vec![
            Fault {
                name: "worker-kill".into(),
                at: Duration::from_secs(20),
                state: FaultState::Struck("process 4711 killed; process 4790 works on after 1.9 s".into()),
                over: Duration::from_millis(21_900),
            },
            Fault {
                name: "broker-kill".into(),
                at: Duration::from_secs(50),
                ..Fault::default()
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
fn the_header_says_whose_code_runs_as_far_as_there_is_room() {
    let mut view = sample();
    view.mine = vec!["05-acks".into(), "08-watermarks".into()];
    let header = |width| {
        let text = drawn(&view, width, 24);
        text.lines().next().unwrap_or_default().to_owned()
    };
    for (width, words) in [
        (120, " · yours: 05-acks, 08-watermarks; the rest reference "),
        (100, " · yours: 05-acks, 08-watermarks "),
        (82, " · yours: 05 08 "),
    ] {
        let header = header(width);
        assert!(header.contains(words), "{words:?} is not in {header:?}");
    }
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
    view.wished = true;
    let text = drawn(&view, 80, 24);
    assert!(text.contains("q: stop at once"), "{text}");
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
            lag: Some(u64::from(id == 63) * 9_999),
            ..Partition::default()
        })
        .collect();
    let text = drawn(&view, 80, 24);
    assert!(text.contains("9,999"), "the partition that lags is not shown:\n{text}");
}

#[test]
fn the_live_view_on_160_by_48() {
    insta::assert_snapshot!(drawn(&sample(), 160, 48));
}

/// Second 31 of a run whose broker was killed: no worker lives, three faults are to come.
fn broken() -> View {
    let mut view = sample();
    view.stalled = Some(Duration::from_millis(6_200));
    for (id, partition) in (0_u64..).zip(&mut view.partitions) {
        partition.lag = (id != 2).then_some(2_300 + 11 * id);
        partition.idle = false;
        partition.worker = String::new();
    }
    let names = ["worker-kill", "worker-freeze", "clickhouse-restart"];
    view.faults.extend((0_u64..).zip(names).map(|(i, name)| Fault {
        name: name.into(),
        at: Duration::from_secs(60 + 10 * i),
        ..Fault::default()
    }));
    view
}

#[test]
fn what_waits_is_shown_while_nothing_arrives() {
    let text = drawn(&broken(), 80, 24);
    insta::assert_snapshot!(text);
    assert!(
        text.contains("2,311") && !text.contains("idle"),
        "lag is not shown:\n{text}"
    );
    assert!(!text.contains("8.4 ms"), "old latencies are shown as new:\n{text}");
}

#[test]
fn the_past_is_not_hidden_by_faults_that_are_to_come() {
    let text = drawn(&broken(), 80, 24);
    assert!(text.contains("worker-1 died"), "{text}");
    assert!(text.contains("works on after 1.9 s"), "{text}");
    assert!(text.contains("broker-kill  in 8 s, 3 more after it"), "{text}");
    let mut view = broken();
    view.events.extend((30..40).map(|second| Event {
        at: Duration::from_secs(second),
        text: format!("event {second}"),
        trouble: false,
    }));
    let text = drawn(&view, 80, 24);
    assert!(text.contains("event 39") && text.contains("broker-kill"), "{text}");
    let text = drawn(&view, 100, 50);
    assert!(
        text.contains("worker-1 died"),
        "a taller terminal shows no more:\n{text}"
    );
}

#[test]
fn owners_can_be_told_apart() {
    let names = [
        "worker-1",
        "worker-12",
        "worker-1-0",
        "worker-1-1",
        "joined-4194303-0",
        "joined-4194303-1",
    ];
    let mut view = sample();
    for (partition, name) in view.partitions.iter_mut().zip(names) {
        partition.worker = name.into();
    }
    let text = drawn(&view, 80, 24);
    for name in ["w1 ", "w12 ", "w1.0 ", "w1.1 ", "j4194303.0", "j4194303.1"] {
        assert!(text.contains(name), "{name} is not shown:\n{text}");
    }
    let text = drawn(&view, 160, 48);
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
}

#[test]
fn a_fault_that_is_awaited_at_the_end_is_named() {
    let mut view = sample();
    view.phase = Phase::Ending("worker-freeze to end".into());
    for text in [drawn(&view, 80, 24), drawn(&view, 100, 30), line(&view)] {
        assert!(text.contains("waiting for worker-freeze to end"), "{text}");
        assert!(!text.contains("draining"), "{text}");
    }
    let text = drawn(&view, 100, 30);
    assert!(text.contains("worker-freeze to end; trades still flow"), "{text}");
}

#[test]
fn a_round_under_audit_does_not_claim_that_trades_flow() {
    let mut view = sample();
    view.phase = Phase::Auditing(3);
    for text in [drawn(&view, 100, 30), line(&view)] {
        assert!(
            text.contains("round 3") && text.contains("the exchange pauses"),
            "{text}"
        );
        assert!(!text.contains("still flow"), "{text}");
    }
}

#[test]
fn a_run_that_has_just_begun_fills_its_chart() {
    let mut view = sample();
    for chart in &mut view.charts {
        chart.candles.truncate(9);
    }
    insta::assert_snapshot!(drawn(&view, 100, 30));
}

#[test]
fn the_plain_line() {
    let mut view = sample();
    let mut lines = vec![heads(), line(&view)];
    for stage in &mut view.stages {
        stage.rate = Some(184_211.0);
    }
    view.stages[0].total = None;
    view.partitions[0].lag = Some(1_204_000);
    view.elapsed = Duration::from_secs(3_723);
    lines.push(line(&view));
    view.stalled = Some(Duration::from_secs(12));
    view.partitions[0].lag = None;
    lines.push(line(&view));
    view.phase = Phase::Draining("the ingest to bring 84,101 trades into the topic".into());
    lines.push(line(&view));
    for line in &lines {
        assert!(line.chars().count() <= 80, "{line}");
    }
    insta::assert_snapshot!(lines.join("\n"));
}
