//! A member against a cluster in the process: answers, commits and their errors. No server needed.

mod common;

use std::time::{Duration, Instant};

use common::{Driven, LIMIT, config, drive, fill};
use consumer::{AnswerError, Commit, CommitError, Committed, ConfigError, Event, Member, MemberConfig, PollError};
use rdkafka::mocking::{MockCluster, MockCoordinator};
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

fn cluster(partitions: i32) -> (MockCluster<'static, DefaultProducerContext>, MemberConfig) {
    let cluster = MockCluster::new(1).expect("a cluster in the process");
    cluster.create_topic("t", partitions, 1).expect("a topic");
    cluster
        .coordinator(MockCoordinator::Group("g".to_owned()), 1)
        .expect("a coordinator");
    let config = MemberConfig {
        // The cluster in the process lets a group's first members wait for three seconds, which counts as silence.
        session_timeout: Duration::from_secs(6),
        ..config(&cluster.bootstrap_servers(), "t", "g")
    };
    fill(&config.brokers, "t", partitions, 0..100);
    (cluster, config)
}

fn commit(partition: i32, offset: i64, metadata: &str) -> Commit {
    Commit {
        partition,
        offset,
        metadata: metadata.to_owned(),
    }
}

#[test]
fn records_come_in_order_from_where_each_partition_was_started() {
    let (_cluster, config) = cluster(3);
    let mut m = Driven::join("m", &config);
    m.starts = false;
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    assert_eq!(m.assigned, [vec![0, 1, 2]]);
    // In two calls: the group does not wait for either.
    m.member.start(&[(0, 0), (1, 40)]).expect("started");
    assert_eq!(m.member.start(&[(0, 0)]), Err(AnswerError::Started(0)));
    assert_eq!(m.member.start(&[(7, 0)]), Err(AnswerError::NotAssigned(7)));
    drive(&mut [&mut m], "the records of two partitions", |m| {
        m[0].records() == 160
    });
    m.member.start(&[(2, 99)]).expect("started");
    drive(&mut [&mut m], "the record of the third", |m| {
        m[0].records() == 161 && m[0].ends.len() == 3
    });
    assert_eq!(m.read[&0], (0..100).collect::<Vec<u64>>());
    assert_eq!(m.read[&1], (40..100).collect::<Vec<u64>>());
    assert_eq!(m.read[&2], [99]);
    assert_eq!(m.ends.values().copied().collect::<Vec<_>>(), [100, 100, 100]);
    assert_eq!((m.member.position(1), m.member.end_offset(1)), (Some(100), Some(100)));
    m.member.leave(LIMIT).expect("left");
}

#[test]
fn a_batch_is_handed_over_in_one_call_and_ends_with_the_event_that_cut_it() {
    let (_cluster, config) = cluster(1);
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    let (mut offsets, mut ended) = (Vec::new(), false);
    let started = Instant::now();
    while !ended && started.elapsed() < LIMIT {
        let polled = m
            .member
            .poll_batch(30, common::TICK, |r| offsets.push(r.offset()))
            .expect("no error");
        assert!(polled.records <= 30);
        ended = matches!(
            polled.then,
            Event::End {
                partition: 0,
                offset: 100
            }
        );
    }
    assert!(ended, "the end of the partition never came");
    assert_eq!(offsets, (0..100).collect::<Vec<i64>>());
}

#[test]
fn a_commit_keeps_its_text_and_nothing_committed_is_told_from_offset_zero() {
    let (_cluster, config) = cluster(2);
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    let committer = m.member.committer();
    committer.commit_sync(&[commit(1, 17, "17-40")]).expect("committed");
    let committed = committer.committed(&[0, 1], LIMIT).expect("an answer");
    assert_eq!(
        committed,
        [
            Committed {
                partition: 0,
                offset: None,
                metadata: String::new()
            },
            Committed {
                partition: 1,
                offset: Some(17),
                metadata: "17-40".to_owned()
            },
        ]
    );
}

#[test]
fn the_errors_of_a_commit_say_what_to_do_next() {
    let (cluster, config) = cluster(1);
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    let committer = m.member.committer();
    cluster.request_errors(
        RDKafkaApiKey::OffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS],
    );
    assert!(matches!(
        committer.commit_sync(&[commit(0, 1, "")]),
        Err(CommitError::Retriable { .. })
    ));
    committer.commit_sync(&[commit(0, 1, "")]).expect("the same again");
    cluster.request_errors(
        RDKafkaApiKey::OffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED],
    );
    assert!(matches!(
        committer.commit_sync(&[commit(0, 2, "")]),
        Err(CommitError::Fatal { .. })
    ));
    assert!(
        matches!(
            committer.commit_sync(&[commit(0, -5, "")]),
            Err(CommitError::Fatal { .. })
        ),
        "no offset"
    );
    let long = "x".repeat(5_000);
    assert!(
        matches!(
            committer.commit_sync(&[commit(0, 2, &long)]),
            Err(CommitError::Fatal { .. })
        ),
        "too long"
    );
    assert!(
        matches!(
            committer.commit_sync(&[commit(5, 2, "")]),
            Err(CommitError::Fenced { .. })
        ),
        "not ours"
    );
    cluster.request_errors(
        RDKafkaApiKey::OffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION],
    );
    assert!(matches!(
        committer.commit_sync(&[commit(0, 3, "")]),
        Err(CommitError::Fenced { .. })
    ));
    // From now on the member is out, told or not: nothing more is even sent.
    assert!(matches!(
        committer.commit_sync(&[commit(0, 3, "")]),
        Err(CommitError::Fenced { .. })
    ));
    drive(&mut [&mut m], "the loss", |m| !m[0].lost.is_empty());
    drive(&mut [&mut m], "the way back into the group", |m| {
        m[0].assigned.len() == 2
    });
    committer.commit_sync(&[commit(0, 3, "")]).expect("a member again");
}

#[test]
fn a_commit_that_no_coordinator_answers_is_left_open_in_bounded_time_and_goes_before_the_next() {
    let (cluster, config) = cluster(1);
    let config = MemberConfig {
        session_timeout: Duration::from_secs(60),
        commit_timeout: Duration::from_millis(500),
        ..config
    };
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    let committer = m.member.committer();
    cluster.broker_down(1).expect("down");
    let started = Instant::now();
    for _ in 0..3 {
        let outcome = committer.commit_sync(&[commit(0, 1, "open")]);
        assert!(matches!(outcome, Err(CommitError::Retriable { .. })), "{outcome:?}");
    }
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "three commits of half a second took {:?}",
        started.elapsed()
    );
    cluster.broker_up(1).expect("up");
    let again = Instant::now();
    while let Err(error) = committer.commit_sync(&[commit(0, 2, "later")]) {
        assert!(
            matches!(error, CommitError::Retriable { .. }) && again.elapsed() < LIMIT,
            "{error}"
        );
        m.turn();
    }
    let committed = committer.committed(&[0], LIMIT).expect("an answer");
    assert_eq!(
        (committed[0].offset, committed[0].metadata.as_str()),
        (Some(2), "later")
    );
}

#[test]
fn a_member_that_was_never_answered_leaves_without_hanging() {
    let (_cluster, config) = cluster(1);
    let mut m = Driven::join("m", &config);
    m.starts = false;
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    let committer = m.member.committer();
    m.member.leave(Duration::from_secs(10)).expect("left");
    assert!(matches!(
        committer.commit_sync(&[commit(0, 1, "")]),
        Err(CommitError::Fenced { .. })
    ));
    // And one that was polled never at all.
    drop(Member::join(&config).expect("a member"));
}

#[test]
fn an_offset_that_the_log_does_not_have_is_an_error_and_not_a_jump() {
    let (_cluster, config) = cluster(1);
    let mut m = Driven::join("m", &config);
    m.starts = false;
    drive(&mut [&mut m], "an assignment", |m| !m[0].assigned.is_empty());
    m.member.start(&[(0, 5_000)]).expect("taken; the log is asked later");
    let started = Instant::now();
    loop {
        match m.member.poll(common::TICK) {
            Err(consumer::PollError::OffsetOutOfRange(_)) => break,
            Ok(Event::Record(r)) => panic!("the reader jumped to offset {}", r.offset()),
            Ok(_) => assert!(started.elapsed() < LIMIT, "no error came"),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn settings_that_the_rules_rest_on_are_refused() {
    let with = |name: &str| MemberConfig {
        settings: vec![(name.to_owned(), "true".to_owned())],
        ..config("127.0.0.1:1", "t", "g")
    };
    for name in ["enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset"] {
        assert_eq!(
            Member::join(&with(name)).err(),
            Some(ConfigError::Decided(name.to_owned()))
        );
    }
    let hasty = MemberConfig {
        heartbeat: Duration::from_secs(2),
        ..config("127.0.0.1:1", "t", "g")
    };
    assert!(matches!(
        Member::join(&hasty).err(),
        Some(ConfigError::Contradiction(_))
    ));
}

#[test]
fn a_member_that_has_lost_its_coordinator_for_good_says_so_once_the_cluster_is_well() {
    let cluster = MockCluster::new(2).expect("a cluster in the process");
    cluster.create_topic("t", 1, 1).expect("a topic");
    cluster.partition_leader("t", 0, Some(1)).expect("a leader");
    cluster
        .coordinator(MockCoordinator::Group("g".to_owned()), 2)
        .expect("a coordinator");
    // The coordinator takes what it is asked and answers nobody.
    cluster
        .broker_round_trip_time(2, Duration::from_secs(240))
        .expect("slow");
    let config = MemberConfig {
        still_limit: Duration::from_secs(3),
        ..config(&cluster.bootstrap_servers(), "t", "g")
    };
    let mut member = Member::join(&config).expect("a member");
    let from = Instant::now();
    let ended = loop {
        match member.poll(Duration::from_millis(50)) {
            Ok(_) => assert!(from.elapsed() < LIMIT, "the member still waits after {LIMIT:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(ended, PollError::Still);
    assert!(
        from.elapsed() >= config.still_limit,
        "given up after {:?}",
        from.elapsed()
    );
}
