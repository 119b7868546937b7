//! What stays when a run ends, and what does not; what is refused before one begins.

use super::*;

#[tokio::test]
async fn stopping_ends_the_servers_and_removes_the_run_directory() {
    if !are_ours() {
        return;
    }
    let stack = Stack::start(wanted()).await.expect("a stack of its own");
    let (run_dir, broker) = (stack.run_dir().to_path_buf(), stack.kafka().brokers()[0].clone());
    let pids = [broker.pid(), stack.clickhouse().server().pid()];
    // What a run keeps beside its servers.
    std::fs::create_dir_all(run_dir.join("lab/journal")).expect("creating");
    assert!(
        run_dir.is_dir() && broker.log().starts_with(&run_dir),
        "{}",
        run_dir.display()
    );
    stack.stop().await.expect("stopping");
    assert!(!run_dir.exists(), "{} is still there", run_dir.display());
    assert!(
        !broker.is_alive() && !pids.into_iter().flatten().any(exists),
        "a server of {pids:?} is still there"
    );
    let error = broker.restart().await.expect_err("its stack is gone");
    assert!(error.to_string().contains("stopped"), "{error}");
}

#[tokio::test]
async fn a_kept_run_directory_stays_and_its_servers_do_not() {
    if !are_ours() {
        return;
    }
    // With the other sizing, so that it has been seen to start.
    let spec = StackSpec {
        keep: true,
        sizing: Sizing::Throughput,
        ..wanted()
    };
    let stack = Stack::start(spec).await.expect("a stack of its own");
    let (run_dir, server) = (stack.run_dir().to_path_buf(), stack.clickhouse().server().clone());
    drop(stack);
    for data in ["clickhouse/data/metadata", "kafka-1/data"] {
        assert!(run_dir.join(data).is_dir(), "{data} must stay in {}", run_dir.display());
    }
    assert!(!server.is_alive(), "{server:?} is still there");
    std::fs::remove_dir_all(run_dir).expect("removing it");
}

#[tokio::test]
async fn two_brokers_are_refused_in_one_sentence_that_names_the_way_out_before_anything_is_started() {
    for provider in [Provider::Local, Provider::Containers] {
        let spec = StackSpec {
            provider,
            brokers: 2,
            ..StackSpec::default()
        };
        let error = Stack::start(spec).await.expect_err("two have no majority").to_string();
        assert!(
            error.contains("use --brokers") && error.lines().count() == 1,
            "{provider}: {error}"
        );
    }
}

#[tokio::test]
async fn what_was_hurt_of_servers_that_stay_is_whole_when_the_run_ends_in_the_middle_of_a_fault() {
    if wanted().provider != Provider::External {
        not_tested("these servers go with the run");
        return;
    }
    let _turn = TURN.lock().await;
    let stack = Stack::start(wanted()).await.expect("the servers");
    let frozen = stack.clickhouse().server().clone();
    hurt(&stack).await;
    let ending = stack.ending();
    drop(stack);
    tokio::task::spawn_blocking(move || ending.now())
        .await
        .expect("a thread")
        .expect("all of them come back");
    let late = frozen.freeze().await.expect_err("the run is over").to_string();
    assert!(late.contains("its stack has been stopped"), "{late}");
    assert_whole().await;
}

#[tokio::test]
async fn what_a_test_process_that_was_ended_had_hurt_is_whole_when_the_test_run_ends() {
    if wanted().provider != Provider::External {
        not_tested("these servers go with the run");
        return;
    }
    let _turn = TURN.lock().await;
    let host = Host::open(wanted()).expect("a place to listen");
    host.start();
    let from = Instant::now();
    while host.run_dir().is_none() {
        assert!(from.elapsed() < Duration::from_secs(60), "the host has no servers");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stack = Stack::start(wanted()).await.expect("the servers");
    hurt(&stack).await;
    // As a process that is killed does: nothing of it is dropped.
    std::mem::forget(stack);
    tokio::task::spawn_blocking(move || host.close())
        .await
        .expect("a thread")
        .expect("all of them come back");
    assert_whole().await;
}

/// One server in each way.
async fn hurt(stack: &Stack) {
    let (clickhouse, brokers) = (stack.clickhouse().server(), stack.kafka().brokers());
    clickhouse.freeze().await.expect("freezing");
    brokers[0].kill().await.expect("killing");
    brokers[1].cut().await.expect("cutting off");
}

/// Starting is a record's and a row's way there and back.
async fn assert_whole() {
    let again = Stack::start(wanted()).await.expect("the servers as they were");
    let topic = unique("trades");
    again.kafka().create_topic(&topic, 1, &[]).await.expect("a topic");
    let all = again.kafka().brokers().len();
    until_placed(again.kafka(), &topic, |placed| placed.in_sync.len() == all).await;
    again.stop().await.expect("stopping");
}

#[tokio::test]
async fn what_a_run_made_in_servers_that_stay_is_gone_after_it() {
    if wanted().provider != Provider::External {
        not_tested("these servers go with the run");
        return;
    }
    let _turn = TURN.lock().await;
    let (topic, database) = (unique("trades"), unique("lab"));
    let stack = Stack::start(wanted()).await.expect("the servers");
    stack.kafka().create_topic(&topic, 1, &[]).await.expect("a topic");
    stack.clickhouse().create_database(&database).await.expect("a database");
    let (kafka, clickhouse) = (stack.kafka().clone(), stack.clickhouse().clone());
    stack.stop().await.expect("stopping");
    let mut gone = false;
    let from = Instant::now();
    // The controller has agreed; a broker hears of it a moment later.
    while !gone && from.elapsed() < Duration::from_secs(10) {
        gone = kafka.placed(&topic).await.is_err();
    }
    assert!(gone, "topic {topic} is still there");
    let count = "SELECT count() FROM system.databases WHERE name = ?";
    let left: u64 = clickhouse
        .client()
        .query(count)
        .bind(&database)
        .fetch_one()
        .await
        .expect("a count");
    assert_eq!(left, 0, "database {database} is still there");
    assert!(clickhouse.server().is_alive(), "the servers themselves stay");
}
