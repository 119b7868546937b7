//! The broker is killed under a member, on servers that nobody else uses.

mod common;

use std::time::Instant;

use common::{Driven, LIMIT, config, drive, fill};
use consumer::{Commit, CommitError, MemberConfig};
use stack::{Stack, unique};

#[test]
fn a_member_outlives_its_broker_and_reads_each_record_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let stack = runtime.block_on(Stack::own(0)).expect("the servers");
    let kafka = stack.kafka();
    let (topic, group) = (unique("kill"), unique("group"));
    runtime.block_on(kafka.create_topic(&topic, 2, &[])).expect("a topic");
    let config = MemberConfig {
        session_timeout: LIMIT,
        ..config(kafka.bootstrap(), &topic, &group)
    };
    fill(&config.brokers, &topic, 2, 0..1_000);
    let mut m = Driven::join("m", &config);
    drive(&mut [&mut m], "half of the records", |m| m[0].records() > 1_000);
    runtime.block_on(kafka.brokers()[0].kill()).expect("the broker dies");
    let away = Instant::now();
    // What was fetched ahead still comes, then nothing: no error, no loss of the assignment.
    drive(&mut [&mut m], "two seconds to pass", |_| away.elapsed().as_secs() >= 2);
    runtime
        .block_on(kafka.brokers()[0].restart())
        .expect("the broker is back");
    fill(&config.brokers, &topic, 2, 1_000..2_000);
    drive(&mut [&mut m], "all records", |m| m[0].records() >= 4_000);
    for p in 0..2 {
        assert_eq!(
            m.read[&p],
            (0..2_000).collect::<Vec<u64>>(),
            "partition {p}: each record once and in order"
        );
    }
    assert!(
        m.member.stats().last_error.is_some(),
        "the outage must show in the statistics"
    );
    let committer = m.member.committer();
    let commits = [0, 1].map(|partition| Commit {
        partition,
        offset: 2_000,
        metadata: "after".to_owned(),
    });
    let started = Instant::now();
    loop {
        // Every commit is made by whoever holds the partitions now, also if the restart cost the member its place.
        match committer.commit_sync(&commits) {
            Ok(()) => break,
            Err(CommitError::Retriable { .. } | CommitError::Fenced { .. }) => m.turn(),
            Err(error) => panic!("{error}"),
        }
        assert!(started.elapsed() < LIMIT, "the group never took the commit");
    }
    let committed = committer.committed(&[0, 1], LIMIT).expect("an answer");
    assert!(
        committed
            .iter()
            .all(|c| c.offset == Some(2_000) && c.metadata == "after"),
        "{committed:?}"
    );
}
