//! Partitions of a cluster in the process: what one reader knows of each, and of all together. No server needed.

mod common;

use std::time::Duration;

use common::{Met, Reader, at, write};
use market::EventTime;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use watermarks::{Alignment, BoundedOutOfOrderness, Combiner, Completeness, Idleness, Reading, WindowState};

const BOUND_MS: i64 = 10;
const HOUR: i64 = 3_600_000;

fn topic(partitions: i32, records: &[(i32, i64)]) -> (MockCluster<'static, DefaultProducerContext>, String) {
    let cluster = MockCluster::new(1).expect("a cluster in the process");
    cluster.create_topic("t", partitions, 1).expect("a topic");
    let brokers = cluster.bootstrap_servers();
    write(&brokers, "t", records.iter().copied());
    (cluster, brokers)
}

fn generators<const N: usize>() -> [BoundedOutOfOrderness; N] {
    [BoundedOutOfOrderness::new(BOUND_MS).expect("valid"); N]
}

fn combiner(partitions: std::ops::Range<i32>) -> Combiner<i32> {
    let mut combiner = Combiner::new();
    partitions.for_each(|partition| assert!(combiner.register(partition), "look at `register`"));
    combiner
}

#[test]
fn task1_a_replay_gives_the_same_watermark_after_every_record() {
    let times = [1_000, 1_005, 1_002, 1_050, 1_041, 1_050, 2_000];
    let (_cluster, brokers) = topic(1, &times.map(|time| (0, time)));
    let reader = Reader::new(&brokers, "t", &[0]);
    let run = || {
        let [mut generator] = generators();
        let records = reader.take(times.len());
        records
            .into_iter()
            .map(|(_, time)| generator.observe(time).millis())
            .collect::<Vec<_>>()
    };
    let first = run();
    assert_eq!(
        first,
        [989, 994, 994, 1_039, 1_039, 1_039, 1_989],
        "the newest time − 10 ms − 1 ms after each record; look at `observe`"
    );
    reader.restart(&[0]);
    assert_eq!(
        run(),
        first,
        "a watermark is a function of the log, not of when it is read; look at `observe`"
    );
}

#[test]
fn task2_the_slowest_partition_decides_in_whatever_order_they_are_read() {
    let records: Vec<_> = (0..60)
        .flat_map(|n| [(0, 1_000 + n * 100), (1, 1_000 + n * 10), (2, 1_000 + n)])
        .collect();
    let (_cluster, brokers) = topic(3, &records);
    let reader = Reader::new(&brokers, "t", &[0, 1, 2]);
    let (mut generators, mut combiner) = (generators::<3>(), combiner(0..3));
    for (partition, time) in reader.take(records.len()) {
        let watermark = generators[partition as usize].observe(time);
        combiner.on_watermark(&partition, watermark);
        let slowest = generators.iter().map(BoundedOutOfOrderness::watermark).min();
        assert_eq!(
            Some(combiner.watermark()),
            slowest,
            "after a record of partition {partition}; look at `emit`"
        );
    }
    assert_eq!(
        combiner.watermark(),
        at(1_048),
        "partition 2 came to 1059; look at `emit`"
    );
    // A rebalance takes partition 2 away and gives it back from its beginning.
    combiner.unregister(&2);
    assert_eq!(
        combiner.emit(),
        Some(at(1_579)),
        "partition 1 came to 1590; look at `unregister` and `emit`"
    );
    combiner.register(2);
    reader.restart(&[2]);
    let [mut again] = self::generators();
    for (partition, time) in reader.take(60) {
        combiner.on_watermark(&partition, again.observe(time));
        assert_eq!(
            combiner.watermark(),
            at(1_579),
            "what is read again takes nothing back; look at `emit`"
        );
    }
}

#[test]
fn task3_a_partition_without_records_is_idle_by_the_fed_clock_and_wakes_with_its_first() {
    let (_cluster, brokers) = topic(2, &[(0, 1_000), (0, 2_000)]);
    let reader = Reader::new(&brokers, "t", &[0, 1]);
    let (mut generators, mut combiner) = (generators::<2>(), combiner(0..2));
    let timeout = Duration::from_secs(30);
    let mut idleness = [(); 2].map(|()| Idleness::new(timeout).expect("valid"));
    let mut now = Duration::ZERO;
    for (partition, time) in reader.take(2) {
        combiner.on_watermark(&partition, generators[partition as usize].observe(time));
        idleness[partition as usize].activity();
    }
    assert_eq!(
        combiner.watermark(),
        EventTime::MIN,
        "partition 1 has not begun; look at `emit`"
    );
    // One probe a second; partition 0 stays busy, as if it had a record before each.
    for _ in 0..=30 {
        idleness[0].activity();
        for partition in [0, 1] {
            let idle = idleness[partition as usize].check(now);
            combiner.mark_idle(&partition, idle);
        }
        assert_eq!(
            combiner.watermark(),
            EventTime::MIN,
            "{now:?} are not more than {timeout:?}; look at `check`"
        );
        now += Duration::from_secs(1);
    }
    let idle = idleness[1].check(now);
    assert!(idle, "quiet for {now:?}; look at `check`");
    combiner.mark_idle(&1, idle);
    assert_eq!(
        combiner.watermark(),
        at(1_989),
        "nobody waits for partition 1; look at `emit`"
    );
    // Its first record is older than what was said: late, and from now on it holds the others back.
    for (partition, time) in [(1, 1_500), (0, 9_000)] {
        write(&brokers, "t", [(partition, time)]);
        assert_eq!(reader.take(1), [(partition, at(time))]);
        idleness[partition as usize].activity();
        combiner.on_watermark(&partition, generators[partition as usize].observe(at(time)));
        assert_eq!(
            combiner.watermark(),
            at(1_989),
            "nothing goes back, and partition 1 holds it; look at `on_watermark`"
        );
    }
    assert!(!idleness[1].check(now), "a record came; look at `activity`");
}

#[test]
fn task3_a_partition_that_is_paused_is_silent_and_not_idle() {
    let (_cluster, brokers) = topic(2, &[(0, 1_000), (0, 1_001), (1, 1_000)]);
    let reader = Reader::new(&brokers, "t", &[0, 1]);
    let hour = Duration::from_secs(3_600);
    let mut idleness = Idleness::new(Duration::from_secs(30)).expect("valid");
    idleness.check(Duration::ZERO);
    reader.pause(&[0]);
    idleness.pause(Duration::from_secs(1));
    let records = std::iter::repeat_with(|| reader.next()).take_while(|met| *met != Met::End(1));
    let of_the_paused = records.filter(|met| matches!(met, Met::Record(0, _))).count();
    for _ in 0..of_the_paused {
        idleness.activity();
    }
    assert!(
        !idleness.check(hour),
        "an hour in which nobody read it; look at `pause` and `check`"
    );
    reader.resume(&[0]);
    idleness.resume(hour);
    let rest = reader.take(2 - of_the_paused);
    rest.iter().for_each(|_| idleness.activity());
    assert!(!idleness.check(hour), "its records were waiting; look at `activity`");
    let quiet = hour + Duration::from_secs(1);
    assert!(!idleness.check(quiet), "the first quiet probe; look at `check`");
    assert!(
        idleness.check(quiet + Duration::from_secs(31)),
        "quiet while it was read; look at `resume` and `check`"
    );
}

#[test]
fn task4_a_partition_that_runs_ahead_waits_for_the_others_and_everything_is_read_once() {
    // Partition 0 has an hour in big steps, partition 1 the same hour in small ones, partition 2 nothing at all.
    let fast = (1..=60).map(|n| (0, n * 60_000));
    let slow = (1..=360).map(|n| (1, n * 10_000));
    let records: Vec<_> = fast.chain(slow).collect();
    let (_cluster, brokers) = topic(3, &records);
    let reader = Reader::new(&brokers, "t", &[0, 1, 2]);
    let alignment = Alignment::new(600_000, 60_000).expect("valid; look at `Alignment::new`");
    let mut generators = generators::<3>();
    let mut inputs = [0, 1, 2].map(|id| Reading {
        id,
        watermark: EventTime::MIN,
        idle: false,
        paused: false,
    });
    let (mut read, mut switches) = ([0; 3], 0);
    while read.iter().sum::<usize>() < records.len() {
        let limit = alignment.limit(&inputs);
        match reader.next() {
            Met::Record(partition, time) => {
                let id = partition as usize;
                assert!(
                    limit.is_none_or(|limit| inputs[id].watermark <= limit),
                    "partition {id} was read at {:?}, beyond {limit:?}; look at `decide`",
                    inputs[id].watermark
                );
                (inputs[id].watermark, inputs[id].idle) = (generators[id].observe(time), false);
                read[id] += 1;
            }
            // Nothing left of it, so nobody should wait for it; a real reader's clock would say the same.
            Met::End(partition) => inputs[partition as usize].idle = true,
        }
        let changes = alignment.decide(&inputs);
        switches += changes.pause.len();
        for (partitions, paused) in [(&changes.pause, true), (&changes.resume, false)] {
            match (partitions.is_empty(), paused) {
                (true, _) => {}
                (false, true) => reader.pause(partitions),
                (false, false) => reader.resume(partitions),
            }
            partitions.iter().for_each(|id| inputs[*id as usize].paused = paused);
        }
    }
    assert_eq!(read, [60, 360, 0], "records per partition: none lost, none twice");
    assert!(
        (1..=30).contains(&switches),
        "{switches} pauses: none at all, or back and forth at one bound; look at the two bounds in `decide`"
    );
}

#[test]
fn task5_a_minute_is_complete_when_every_partition_has_passed_it_and_open_again_after_a_restart() {
    let records: Vec<_> = (0..50)
        .flat_map(|n| [(0, HOUR + n * 5_000), (1, HOUR + n * 4_000)])
        .collect();
    let (_cluster, brokers) = topic(2, &records);
    let reader = Reader::new(&brokers, "t", &[0, 1]);
    let minutes = Completeness::new(60_000, 0).expect("valid; look at `Completeness::new`");
    let (mut generators, mut combiner) = (generators::<2>(), combiner(0..2));
    let mut rows = [0; 5];
    for (partition, time) in reader.take(records.len()) {
        let minute = ((time.millis() - HOUR) / 60_000) as usize;
        assert_eq!(
            minutes.state(time, combiner.watermark()),
            WindowState::Open,
            "a record of minute {minute} came, so it was not complete; look at `state`"
        );
        rows[minute] += 1;
        combiner.on_watermark(&partition, generators[partition as usize].observe(time));
    }
    assert_eq!(
        minutes.until(combiner.watermark()),
        Some(at(HOUR + 180_000)),
        "partition 1 came to 196 s after one o'clock; look at `until`"
    );
    assert_eq!(rows[..3], [27; 3], "12 + 15 rows in each complete minute");
    let restarted: Combiner<i32> = self::combiner(0..2);
    assert_eq!(
        minutes.state(at(HOUR), restarted.watermark()),
        WindowState::Open,
        "nothing is known after a restart; look at `state`"
    );
}
