use measure::LagOf;

use super::*;

fn line(worker: &str, acked: i64, position: i64, candles: u64) -> Progress {
    let lag = LagOf {
        partition: 0,
        position,
        acked,
        end: 100,
        watermark: Some(position * 10),
        idle: false,
    };
    let mut latency = Latency::default();
    latency.record(2_000, 10);
    Progress::Worker(WorkerProgress {
        worker: worker.into(),
        partitions: vec![lag],
        candles,
        latency,
        ..WorkerProgress::default()
    })
}

#[test]
fn totals_survive_the_death_of_a_worker() {
    let mut board = Board::default();
    board.take("worker-1", line("worker-1", 40, 60, 7));
    board.forget("worker-1");
    assert_eq!(
        (board.rows(), board.applied(), board.sums().candles),
        (40, 60, 7),
        "{board:?}"
    );
    board.take("worker-2", line("worker-2", 90, 95, 5));
    assert_eq!(
        (board.rows(), board.applied(), board.sums().candles),
        (90, 95, 12),
        "{board:?}"
    );
    assert_eq!(board.latency().count(), 20, "{board:?}");
}

#[test]
fn what_a_thawed_worker_says_moves_nothing_back() {
    let mut board = Board::default();
    board.take("worker-1", line("worker-1", 40, 60, 0));
    board.take("worker-2", line("worker-2", 90, 95, 0));
    board.take("worker-1", line("worker-1", 40, 60, 0));
    let partition = &board.partitions(1, 1_000)[0];
    assert_eq!(
        (board.rows(), partition.lag, partition.worker.as_str()),
        (90, Some(5), "worker-2"),
        "{board:?}"
    );
    assert_eq!(partition.delay_ms, Some(50), "the watermark went back: {board:?}");
}

fn owns(worker: &str, partitions: &[i32], cpu_ms: u64) -> Progress {
    let lag = |partition: &i32| LagOf {
        partition: *partition,
        ..LagOf::default()
    };
    Progress::Worker(WorkerProgress {
        worker: worker.into(),
        partitions: partitions.iter().map(lag).collect(),
        cpu_ms,
        ..WorkerProgress::default()
    })
}

#[test]
fn what_others_own_is_counted_once_and_with_those_that_joined() {
    let mut board = Board::default();
    board.take("worker-1", owns("worker-1", &[0, 1, 2], 0));
    assert_eq!(board.owned_without("worker-1"), 0, "{board:?}");
    board.take("joined-7", owns("joined-7", &[3, 4, 5], 0));
    board.take("worker-2", owns("worker-2", &[2, 3], 0));
    assert_eq!(board.owned_without("worker-1"), 4, "2 to 5: {board:?}");
    board.forget("joined-7");
    assert_eq!(board.owned_without("worker-1"), 2, "2 and 3: {board:?}");
}

#[test]
fn processor_time_is_that_of_processes_also_of_those_that_are_gone() {
    let mut board = Board::default();
    board.take("worker-1", owns("a", &[0], 30));
    board.take("worker-1", owns("b", &[1], 31));
    board.take("worker-2", owns("c", &[2], 5));
    assert_eq!(board.cpu_ms(), (0, 36), "{board:?}");
    board.forget("worker-1");
    assert_eq!(board.cpu_ms(), (0, 36), "{board:?}");
}

#[test]
fn rates_are_over_the_last_seconds() {
    let mut board = Board::default();
    for second in 0..20_u64 {
        board.sample(Duration::from_secs(second), Some(second * second * 10));
    }
    // From second 14 to second 19: (361 − 196) × 10 / 5 s.
    assert_eq!(board.stages(Some(3_610))[0].rate, Some(330.0), "{board:?}");
    assert_eq!(board.rows_per_second().len(), 19);
}

#[test]
fn nobody_owns_a_partition_that_no_living_worker_reports() {
    let mut board = Board::default();
    assert_eq!(board.partitions(1, 0)[0].worker, "");
    board.take("worker-1", line("worker-1", 1, 1, 0));
    assert_eq!(board.partitions(1, 0)[0].worker, "worker-1");
    board.forget("worker-1");
    assert_eq!(board.partitions(1, 0)[0].worker, "");
    assert_eq!(board.owned_by("worker-1"), 0);
}

#[test]
fn lag_is_true_while_no_worker_lives() {
    let mut board = Board::default();
    assert_eq!(board.partitions(1, 0)[0].lag, None, "nobody has said anything");
    board.take("worker-1", line("worker-1", 90, 100, 0));
    board.forget("worker-1");
    board.take("ingest", acked(101));
    assert_eq!(board.partitions(1, 0)[0].lag, None, "the log is longer than is known");
    board.ends(&[(0, 1_100), (1, 7)]);
    let lags: Vec<_> = board.partitions(3, 0).iter().map(|partition| partition.lag).collect();
    assert_eq!(lags, [Some(1_000), Some(7), None], "{board:?}");
    board.ends(&[(0, 1_050)]);
    assert_eq!(
        board.partitions(1, 0)[0].lag,
        Some(1_000),
        "an end went back: {board:?}"
    );
}

#[test]
fn a_partition_with_waiting_records_or_without_a_worker_is_not_idle() {
    let mut board = Board::default();
    let idle = |board: &mut Board, position| {
        let Progress::Worker(mut worker) = line("worker-1", position, position, 0) else {
            unreachable!()
        };
        worker.partitions[0].idle = true;
        board.take("worker-1", Progress::Worker(worker));
        board.partitions(1, 0)[0].idle
    };
    assert!(!idle(&mut board, 90), "10 records wait: {board:?}");
    assert!(idle(&mut board, 100), "{board:?}");
    board.forget("worker-1");
    assert!(
        !board.partitions(1, 0)[0].idle,
        "nobody would notice a record: {board:?}"
    );
}

#[test]
fn no_stage_has_more_than_the_one_before_it() {
    let mut board = Board::default();
    board.take("worker-1", line("worker-1", 90, 95, 0));
    let totals =
        |board: &Board, executed| -> Vec<_> { board.stages(executed).iter().map(|stage| stage.total).collect() };
    // The ingest has not said anything yet, but what the log holds came through it.
    assert_eq!(
        totals(&board, Some(120)),
        [120, 100, 100, 95, 90].map(Some),
        "{board:?}"
    );
    // The log holds some trades twice.
    assert_eq!(totals(&board, Some(92)), [92, 92, 92, 92, 90].map(Some), "{board:?}");
    assert_eq!(
        (board.on_the_way(Some(120)), board.on_the_way(None)),
        (30, 10),
        "{board:?}"
    );
}

#[test]
fn rates_of_the_first_seconds_are_over_the_true_span() {
    let mut board = Board::default();
    board.sample(Duration::ZERO, Some(0));
    assert_eq!(
        (board.rates_over(), board.stages(Some(0))[0].rate),
        (None, None),
        "{board:?}"
    );
    board.sample(Duration::from_millis(2_000), Some(4_000));
    assert_eq!(board.stages(Some(4_000))[0].rate, Some(2_000.0), "{board:?}");
    assert_eq!(board.rates_over(), Some(Duration::from_secs(2)), "{board:?}");
}

fn acked(acked: u64) -> Progress {
    Progress::Ingest(IngestProgress {
        acked,
        ..IngestProgress::default()
    })
}
