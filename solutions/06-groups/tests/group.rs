//! Groups on a real coordinator: who reads what while members come, stay silent, and go.

mod common;

use std::time::{Duration, Instant};

use common::{Driven, LIMIT, config, drive, fill};
use consumer::{Assignor, Commit, CommitError, Committed, EARLIEST, MemberConfig, PollError};
use stack::{Stack, unique};

const PARTITIONS: i32 = 4;

/// A topic with 100 numbers in each partition, and a group.
fn group() -> MemberConfig {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (topic, group) = (unique("groups"), unique("group"));
    let brokers = runtime.block_on(async {
        let kafka = Stack::shared().await.expect("the servers").kafka();
        kafka.create_topic(&topic, PARTITIONS, &[]).await.expect("a topic");
        kafka.bootstrap()
    });
    fill(brokers, &topic, PARTITIONS, 0..100);
    config(brokers, &topic, &group)
}

fn commit(partition: i32, offset: i64, metadata: &str) -> Commit {
    Commit {
        partition,
        offset,
        metadata: metadata.to_owned(),
    }
}

#[test]
fn partitions_are_shared_with_who_joins_and_come_back_from_who_leaves() {
    let config = group();
    let mut a = Driven::join("a", &config);
    drive(&mut [&mut a], "all partitions for the only member", |m| {
        m[0].held() == [0, 1, 2, 3] && m[0].records() == 400
    });
    let mut b = Driven::join("b", &config);
    drive(&mut [&mut a, &mut b], "half for each", |m| {
        m[0].held().len() == 2 && m[1].held().len() == 2
    });
    let moved = b.held();
    assert_eq!(
        a.revoked,
        std::slice::from_ref(&moved),
        "only what moves is given back, once"
    );
    assert!(moved.iter().all(|p| !a.held().contains(p)), "one owner each");
    fill(&config.brokers, &config.topic, PARTITIONS, 100..200);
    drive(&mut [&mut a, &mut b], "the new records", |m| {
        m[0].records() == 600 && m[1].records() == 400
    });
    b.member.leave(LIMIT).expect("left");
    let started = Instant::now();
    drive(&mut [&mut a], "everything again", |m| m[0].held() == [0, 1, 2, 3]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a leave is told at once, and it took {:?}",
        started.elapsed()
    );
    assert!(
        a.lost.is_empty() && b.lost.is_empty(),
        "nothing was lost, everything was asked for"
    );
}

#[test]
fn an_assignment_may_wait_for_its_answer_while_other_partitions_are_read_on() {
    let config = group();
    let (mut a, mut b) = (Driven::join("a", &config), Driven::join("b", &config));
    drive(&mut [&mut a, &mut b], "half for each", |m| {
        m[0].held().len() == 2 && m[1].records() + m[0].records() >= 400
    });
    let (own, moved) = (a.held(), b.held());
    a.starts = false;
    b.member.leave(LIMIT).expect("left");
    let told = a.assigned.len();
    drive(&mut [&mut a], "the other half", |m| m[0].assigned.len() > told);
    // Unanswered for longer than a session, and the member still reads and commits what it had.
    let asked = Instant::now();
    let before = a.records();
    fill(&config.brokers, &config.topic, PARTITIONS, 100..200);
    drive(&mut [&mut a], "the records of its own partitions", |m| {
        m[0].records() == before + 200
    });
    drive(&mut [&mut a], "a session to pass", |_| {
        asked.elapsed() > config.session_timeout * 2
    });
    assert_eq!(
        a.records(),
        before + 200,
        "no record of a partition that was not started"
    );
    let committer = a.member.committer();
    committer
        .commit_sync(&[commit(own[0], 200, "own"), commit(moved[0], 0, "taken over")])
        .expect("still a member");
    assert!(a.lost.is_empty(), "heartbeats must go on while an answer is pending");
    let from: Vec<_> = moved.iter().map(|&p| (p, 150)).collect();
    a.member.start(&from).expect("started");
    drive(&mut [&mut a], "the records from where they were started", |m| {
        m[0].records() == before + 300
    });
    assert_eq!(
        a.read[&moved[0]]
            .iter()
            .rev()
            .take(50)
            .rev()
            .copied()
            .collect::<Vec<_>>(),
        (150..200).collect::<Vec<u64>>()
    );
}

#[test]
fn a_revoked_partition_is_kept_and_can_be_committed_until_it_is_released() {
    let config = group();
    let mut a = Driven::join("a", &config);
    a.releases = false;
    drive(&mut [&mut a], "all partitions", |m| m[0].records() == 400);
    let mut b = Driven::join("b", &config);
    drive(&mut [&mut a, &mut b], "a revocation", |m| !m[0].revoked.is_empty());
    let asked = Instant::now();
    drive(&mut [&mut a, &mut b], "a session to pass", |_| {
        asked.elapsed() > config.session_timeout * 2
    });
    assert_eq!(
        (b.records(), a.lost.len()),
        (0, 0),
        "nobody else reads what was not released, and nobody is put out"
    );
    let moving = a.revoked[0].clone();
    let committer = a.member.committer();
    let commits: Vec<_> = moving.iter().map(|&p| commit(p, 60, "last words")).collect();
    let saved = Instant::now();
    while let Err(error) = committer.commit_sync(&commits) {
        assert!(
            matches!(error, CommitError::Retriable { .. }),
            "still the owner: {error}"
        );
        assert!(saved.elapsed() < LIMIT, "{error}");
        a.turn();
    }
    // Released one by one: the group hears of it with the last.
    for &p in &moving {
        a.member.release(&[p]).expect("released");
    }
    assert!(
        matches!(committer.commit_sync(&commits), Err(CommitError::Fenced { .. })),
        "released is released"
    );
    b.starts = false;
    drive(&mut [&mut a, &mut b], "the new owner", |m| {
        m[1].assigned.iter().flatten().count() == moving.len()
    });
    let found = b.member.committer().committed(&moving, LIMIT).expect("an answer");
    let expected: Vec<_> = moving
        .iter()
        .map(|&partition| Committed {
            partition,
            offset: Some(60),
            metadata: "last words".to_owned(),
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_eager_group_is_answered_as_a_whole() {
    let config = MemberConfig {
        assignor: Assignor::EagerRange,
        ..group()
    };
    let mut a = Driven::join("a", &config);
    a.starts = false;
    drive(&mut [&mut a], "an assignment", |m| !m[0].assigned.is_empty());
    assert_eq!(a.member.start(&[(0, 0)]), Err(consumer::AnswerError::Whole));
    a.start_all(&[0, 1, 2, 3]);
    a.starts = true;
    drive(&mut [&mut a], "all records", |m| m[0].records() == 400);
    let mut b = Driven::join("b", &config);
    drive(&mut [&mut a, &mut b], "half for each", |m| {
        m[0].held().len() == 2 && m[1].records() == 200
    });
    assert_eq!(
        a.revoked,
        [vec![0, 1, 2, 3]],
        "an eager group gives everything back at each change"
    );
}

#[test]
fn pausing_stops_one_partition_and_seeking_goes_back() {
    let config = group();
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "all records", |m| m[0].records() == 400);
    m.member.pause(&[1]).expect("paused");
    fill(&config.brokers, &config.topic, PARTITIONS, 100..200);
    drive(&mut [&mut m], "the records of the others", |m| m[0].records() == 700);
    assert_eq!(m.read[&1].len(), 100, "a paused partition was read");
    m.member.resume(&[1]).expect("resumed");
    drive(&mut [&mut m], "the rest", |m| m[0].records() == 800);
    m.member.seek(2, 190, LIMIT).expect("sought");
    drive(&mut [&mut m], "ten records again", |m| m[0].records() == 810);
    assert_eq!(m.read[&2][200..], (190..200).collect::<Vec<u64>>());
    assert_eq!(m.read[&1], (0..200).collect::<Vec<u64>>());
    assert_eq!(m.member.end_offset(2), Some(200));
}

#[test]
fn a_partition_that_was_paused_when_it_went_is_read_when_it_comes_back() {
    let config = group();
    let mut a = Driven::join("a", &config);
    drive(&mut [&mut a], "all records", |m| m[0].records() == 400);
    a.member.pause(&[0, 1, 2, 3]).expect("paused");
    let mut b = Driven::join("b", &config);
    drive(&mut [&mut a, &mut b], "half for each", |m| {
        m[0].held().len() == 2 && m[1].held().len() == 2
    });
    let moved = b.held();
    b.member.leave(LIMIT).expect("left");
    drive(&mut [&mut a], "everything again", |m| m[0].held() == [0, 1, 2, 3]);
    fill(&config.brokers, &config.topic, PARTITIONS, 100..200);
    // Everything of what went and came, from its beginning; nothing of what stayed, and is paused still.
    drive(&mut [&mut a], "all records of what came back", |m| {
        moved.iter().all(|p| m[0].read[p].len() == 300)
    });
    let stayed = (0..PARTITIONS).filter(|p| !moved.contains(p));
    for partition in stayed {
        assert_eq!(a.read[&partition].len(), 100, "a paused partition was read");
    }
}

#[test]
fn a_session_shorter_than_the_brokers_allow_is_a_fatal_error_with_a_reason() {
    let config = MemberConfig {
        session_timeout: Duration::from_millis(100),
        heartbeat: Duration::from_millis(20),
        ..group()
    };
    let mut member = consumer::Member::join(&config).expect("a member");
    let started = Instant::now();
    let error = loop {
        match member.poll(common::TICK) {
            Err(error) => break error,
            Ok(_) => assert!(started.elapsed() < LIMIT, "no error came"),
        }
    };
    assert!(
        matches!(&error, PollError::Fatal { code, .. } if code == "InvalidSessionTimeout"),
        "{error}"
    );
}

#[test]
fn a_stretch_of_a_topic_is_read_without_a_group() {
    let config = group();
    let ends = consumer::end_offsets(&config.brokers, &config.topic, LIMIT).expect("an answer");
    assert_eq!(ends, [100; 4]);
    let mut found = Vec::new();
    let mut each = |r: &consumer::Record<'_>| found.push(r.offset());
    let read = consumer::read_all(&config.brokers, &config.topic, 3, 10..20, LIMIT, &mut each).expect("read");
    assert_eq!((read.records, read.next), (10, 20));
    let read = consumer::read_all(&config.brokers, &config.topic, 3, EARLIEST..5, LIMIT, &mut each).expect("read");
    assert_eq!(read.records, 5);
    assert_eq!(found, (10..20).chain(0..5).collect::<Vec<i64>>());
    // Nothing there, nothing asked for, and more asked for than there is.
    let read = consumer::read_all(&config.brokers, &config.topic, 3, 100..100, LIMIT, |_| ()).expect("read");
    assert_eq!(read.records, 0);
    let beyond = consumer::read_all(
        &config.brokers,
        &config.topic,
        3,
        90..200,
        Duration::from_millis(500),
        |_| (),
    );
    assert!(
        matches!(beyond, Err(consumer::ReadError::Stalled { at: 100, to: 200, .. })),
        "{beyond:?}"
    );
    let missing = consumer::end_offsets(&config.brokers, &unique("missing"), LIMIT);
    assert!(matches!(missing, Err(consumer::FetchError::Missing(_))), "{missing:?}");
}

#[test]
fn a_reader_passes_over_the_holes_that_transactions_leave() {
    use rdkafka::producer::{BaseRecord, Producer as _};
    let config = group();
    let writer: rdkafka::producer::ThreadedProducer<rdkafka::producer::DefaultProducerContext> =
        rdkafka::ClientConfig::new()
            .set("bootstrap.servers", &config.brokers)
            .set("transactional.id", unique("tx"))
            .create()
            .expect("a writer");
    writer.init_transactions(LIMIT).expect("init");
    writer.begin_transaction().expect("begin");
    let record = BaseRecord::to(&config.topic).partition(0).key("k").payload("100");
    writer.send(record).map_err(|(e, _)| e).expect("queued");
    writer.commit_transaction(LIMIT).expect("commit");
    // 100 numbers, one record of the transaction, its marker: the last offset holds no record. The reader waits for the
    // marker, which is written after the commit has returned.
    let read = consumer::read_all(&config.brokers, &config.topic, 0, 0..102, LIMIT, |_| ()).expect("read");
    assert_eq!(read.records, 101);
    let ends = consumer::end_offsets(&config.brokers, &config.topic, LIMIT).expect("an answer");
    assert_eq!(ends, [102, 100, 100, 100]);
    // Everything is decided by now, and the hole is at the end from the beginning.
    let read = consumer::read_all(&config.brokers, &config.topic, 0, 101..102, LIMIT, |_| ()).expect("read");
    assert_eq!(read.records, 0);
}
