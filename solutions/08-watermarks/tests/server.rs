//! The whole loop on a real broker: watermarks per partition, idleness, alignment, and what is complete.

mod common;

use std::time::{Duration, Instant};

use common::{Met, Reader, at, write};
use market::EventTime;
use stack::{Stack, unique};
use watermarks::{Alignment, BoundedOutOfOrderness, Combiner, Completeness, Idleness, Reading, WindowState};

const WITHIN: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_millis(100);
const BOUND_MS: i64 = 1_000;
const MINUTE: i64 = 60_000;
/// The first minute of 2021. A topic that deletes by time would delete such records: these tests ask for one that keeps them.
const THEN: i64 = 1_609_459_200_000;

async fn topic(partitions: i32, records: Vec<(i32, i64)>) -> (&'static str, String) {
    let kafka = Stack::shared().await.expect("the servers").kafka();
    let topic = unique("watermarks");
    let kept = [("retention.ms", "-1")];
    kafka.create_topic(&topic, partitions, &kept).await.expect("a topic");
    let (brokers, name) = (kafka.bootstrap(), topic.clone());
    let written = tokio::task::spawn_blocking(move || write(brokers, &name, records)).await;
    written.expect("records in the topic");
    (brokers, topic)
}

/// One partition, as a worker keeps it.
struct Part {
    generator: BoundedOutOfOrderness,
    idleness: Idleness,
    /// Whether all there was of it has been read: only then does its silence mean anything.
    ended: bool,
}

/// A reader with all that a worker needs to know how far event time has come.
struct Worker {
    reader: Reader,
    parts: Vec<Part>,
    inputs: Vec<Reading<i32>>,
    combiner: Combiner<i32>,
    started: Instant,
}

impl Worker {
    fn new(brokers: &str, topic: &str, partitions: i32) -> Self {
        let ids: Vec<i32> = (0..partitions).collect();
        let mut combiner = Combiner::new();
        ids.iter()
            .for_each(|id| assert!(combiner.register(*id), "look at `register`"));
        let part = |_: &i32| Part {
            generator: BoundedOutOfOrderness::new(BOUND_MS).expect("valid"),
            idleness: Idleness::new(TIMEOUT).expect("valid"),
            ended: false,
        };
        let input = |id: &i32| Reading {
            id: *id,
            watermark: EventTime::MIN,
            idle: false,
            paused: false,
        };
        Self {
            reader: Reader::new(brokers, topic, &ids),
            parts: ids.iter().map(part).collect(),
            inputs: ids.iter().map(input).collect(),
            combiner,
            started: Instant::now(),
        }
    }

    /// One look at the topic and at the clock. Gives the record, if there was one.
    fn turn(&mut self) -> Option<(i32, EventTime)> {
        assert!(
            self.started.elapsed() < WITHIN,
            "not done within {WITHIN:?}: {:?} combine to {:?}; is a partition paused for ever, or never idle?",
            self.inputs,
            self.combiner.watermark()
        );
        let record = match self.reader.poll(Duration::from_millis(20)) {
            Some(Met::Record(id, time)) => {
                let at = id as usize;
                self.parts[at].idleness.activity();
                self.inputs[at].watermark = self.parts[at].generator.observe(time);
                self.combiner.on_watermark(&id, self.inputs[at].watermark);
                Some((id, time))
            }
            Some(Met::End(id)) => {
                self.parts[id as usize].ended = true;
                None
            }
            None => None,
        };
        let now = self.started.elapsed();
        for (input, part) in self.inputs.iter_mut().zip(&mut self.parts) {
            input.idle = part.idleness.check(now) && part.ended;
            self.combiner.mark_idle(&input.id, input.idle);
        }
        record
    }

    /// Pauses and resumes. Gives how many were paused.
    fn align(&mut self, alignment: Alignment) -> usize {
        let now = self.started.elapsed();
        let changes = alignment.decide(&self.inputs);
        for (ids, paused) in [(&changes.pause, true), (&changes.resume, false)] {
            for &id in ids {
                let at = id as usize;
                self.inputs[at].paused = paused;
                if paused {
                    self.reader.pause(&[id]);
                    self.parts[at].idleness.pause(now);
                } else {
                    self.reader.resume(&[id]);
                    self.parts[at].idleness.resume(now);
                }
            }
        }
        changes.pause.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task3_a_partition_without_records_stops_holding_the_others_back_after_the_timeout() {
    let records = (0..100).map(|n| (0, THEN + n * 1_000)).collect();
    let (brokers, topic) = topic(2, records).await;
    let done = tokio::task::spawn_blocking(move || {
        let mut worker = Worker::new(brokers, &topic, 2);
        let mut read = 0;
        while worker.combiner.watermark() == EventTime::MIN || read < 100 {
            read += usize::from(worker.turn().is_some());
        }
        assert!(
            worker.started.elapsed() > TIMEOUT,
            "idle before the timeout; look at `check`"
        );
        assert_eq!(
            worker.combiner.watermark(),
            at(THEN + 99_000 - BOUND_MS - 1),
            "the newest time of partition 0 − the bound − 1 ms; look at `emit`"
        );
    });
    done.await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task5_in_a_replay_with_alignment_no_record_comes_to_a_minute_that_was_shown_as_complete() {
    // The same half hour in big and in small steps, and a partition without records.
    let fast = (0..300).map(|n| (0, THEN + n * 6_000));
    let slow = (0..1_800).map(|n| (1, THEN + n * 1_000));
    let records: Vec<_> = fast.chain(slow).collect();
    let count = records.len();
    let (brokers, topic) = topic(3, records).await;
    let done = tokio::task::spawn_blocking(move || {
        let minutes = Completeness::new(MINUTE, 0).expect("valid; look at `Completeness::new`");
        let alignment = Alignment::new(5 * MINUTE, MINUTE).expect("valid; look at `Alignment::new`");
        let mut worker = Worker::new(brokers, &topic, 3);
        let (mut read, mut pauses, mut shown) = (0, 0, None);
        while read < count || !worker.combiner.is_idle() {
            let before = worker.combiner.watermark();
            if let Some((partition, time)) = worker.turn() {
                read += 1;
                assert_eq!(
                    minutes.state(time, before),
                    WindowState::Open,
                    "{time:?} of partition {partition} came under {before:?}; look at `emit` and `state`"
                );
            }
            let until = minutes.until(worker.combiner.watermark());
            assert!(until >= shown, "{until:?} after {shown:?} was shown; look at `until`");
            shown = until;
            pauses += worker.align(alignment);
        }
        assert!(pauses > 0, "no partition was ever held back; look at `decide`");
        assert_eq!(
            shown,
            Some(at(THEN + 29 * MINUTE)),
            "the last minute is open: its last second may still be followed by others; look at `until`"
        );
    });
    done.await
        .unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
}
