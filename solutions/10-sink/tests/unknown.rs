//! Inserts whose outcome is unknown: answers lost, bodies cut, requests that arrive when nobody waits for them any more.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use sink::{Sink, SinkConfig, SinkError};
use support::proxy::{Fault, Proxy};
use support::{Database, block, claim, database, until};
use tokio::sync::Notify;

async fn through_proxy(database: &Database) -> (Proxy, Sink) {
    let proxy = Proxy::to(&database.url).await;
    let sink = Sink::connect(SinkConfig {
        url: proxy.url.clone(),
        ..database.config("w")
    })
    .await
    .unwrap();
    claim(&sink, &[0, 1]).await;
    (proxy, sink)
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_is_found_and_not_repeated() {
    let database = database().await;
    let (proxy, sink) = through_proxy(&database).await;
    for (table, first) in [("INSERT+INTO+trades", 0), ("INSERT+INTO+candles", 100)] {
        proxy.arm(table, Fault::LoseAnswer);
        let epoch = block(&[(0, first, first + 99), (1, first, first + 99)]);
        let written = sink.write(&epoch).await.unwrap();
        assert!(proxy.struck(), "{table}: the fault did not strike");
        assert_eq!(
            (written.trades, written.candles, &written.lost),
            (200, 80, &vec![]),
            "{table}: {written:?}"
        );
        assert_eq!(
            written.found,
            if first == 0 { 200 } else { 80 },
            "{table}: rows found by the read-back"
        );
    }
    let all = block(&[(0, 0, 199), (1, 0, 199)]);
    database.holds_exactly(&[&all], "after two lost answers").await;
}

#[tokio::test]
async fn an_insert_whose_body_is_cut_is_sent_again() {
    let database = database().await;
    let (proxy, sink) = through_proxy(&database).await;
    let mut from = 0;
    // Within the head, within a column, within the last one.
    for cut in [100, 20_000, 130_000] {
        proxy.arm("INSERT+INTO+trades", Fault::CutAfter(cut));
        let written = sink.write(&block(&[(0, from, from + 1_999)])).await.unwrap();
        assert!(proxy.struck(), "the cut after {cut} bytes did not strike");
        assert_eq!(
            (written.trades, written.found, written.lost),
            (2_000, 0, vec![]),
            "cut after {cut} bytes"
        );
        from += 2_000;
    }
    database
        .holds_exactly(&[&block(&[(0, 0, 5_999)])], "after three cut bodies")
        .await;
}

/// The case that a retry under the same claim gets wrong: the table is read back, the rows are missing and sent again, and
/// only then the first request reaches the server.
#[tokio::test]
async fn a_request_that_arrives_after_its_retry_writes_nothing() {
    let database = database().await;
    let (proxy, sink) = through_proxy(&database).await;
    let mut epochs = Vec::new();
    for (table, first) in [("INSERT+INTO+trades", 0), ("INSERT+INTO+candles", 100)] {
        let gate = Arc::new(Notify::new());
        proxy.arm(table, Fault::DeliverLate(Arc::clone(&gate)));
        let epoch = block(&[(0, first, first + 99)]);
        let written = sink.write(&epoch).await.unwrap();
        assert_eq!(
            (written.trades, written.found, &written.lost),
            (100, 0, &vec![]),
            "{table}: {written:?}"
        );
        gate.notify_one();
        tokio::time::timeout(Duration::from_secs(20), proxy.delivered.notified())
            .await
            .expect("the late request was never answered");
        let answer = proxy.answer.lock().unwrap().clone();
        assert!(
            answer.contains("Exception-Code: 395"),
            "{table}: the guard should refuse it, but: {answer}"
        );
        epochs.push(epoch);
        database.holds_exactly(&epochs.iter().collect::<Vec<_>>(), table).await;
    }
}

#[tokio::test]
async fn a_lost_answer_to_a_claim_does_not_matter() {
    let database = database().await;
    let (proxy, sink) = through_proxy(&database).await;
    proxy.arm("INSERT INTO owners", Fault::LoseAnswer);
    let claims = sink.claim(&[0]).await.unwrap();
    assert!(proxy.struck(), "the fault did not strike");
    assert_eq!(
        claims.granted[0].generation, 3,
        "one for the first claim, one for the lost answer, one for the retry"
    );
    assert!(sink.write(&block(&[(0, 0, 10)])).await.unwrap().lost.is_empty());
}

#[tokio::test]
async fn a_write_that_was_given_up_by_its_caller_is_read_back_by_the_next() {
    let database = database().await;
    let (proxy, sink) = through_proxy(&database).await;
    let gate = Arc::new(Notify::new());
    proxy.arm("INSERT+INTO+trades", Fault::StallAfter(100_000, Arc::clone(&gate)));
    let epoch = block(&[(0, 0, 1_999)]);
    {
        let writing = sink.write(&epoch);
        tokio::pin!(writing);
        let stuck = until("the body is stuck", async || proxy.struck());
        tokio::select! {
            written = &mut writing => panic!("it cannot be over: {written:?}"),
            () = stuck => {}
        }
    }
    gate.notify_one();
    let written = sink.write(&epoch).await.unwrap();
    assert_eq!((written.trades, written.candles, written.lost), (2_000, 800, vec![]));
    database.holds_exactly(&[&epoch], "after a dropped write").await;
}

#[tokio::test]
async fn a_successor_inserts_only_what_its_predecessor_did_not() {
    let database = database().await;
    let first = database.owner("zed", &[0, 1]).await;
    let mut epoch = block(&[(0, 0, 99), (1, 0, 99)]);
    // What the predecessor got in: some trades of one partition, some candles of the other, of this and an earlier epoch.
    let mut part = epoch.clone();
    part.trades
        .retain(|row| row.position.partition == 0 && row.position.offset % 3 != 0);
    part.candles
        .retain(|candle| candle.version.partition == 1 && candle.version.offset > 40);
    first.write(&part).await.unwrap();
    let there = (part.trades.len() + part.candles.len()) as u64;

    let second = database.owner("abe", &[0, 1]).await;
    epoch.recover = vec![0, 1];
    let written = second.write(&epoch).await.unwrap();
    assert_eq!(
        (written.trades, written.candles, written.found),
        (200, 80, there),
        "{written:?}"
    );
    database.holds_exactly(&[&epoch], "after the takeover").await;
    let again = second.write(&epoch).await.unwrap();
    assert_eq!(
        (again.found, again.inserts),
        (280, 0),
        "a block that is there needs no insert"
    );
}

#[tokio::test]
async fn a_sink_gives_up_when_told_to_and_says_what_was_last() {
    let database = database().await;
    let proxy = Proxy::to(&database.url).await;
    let hasty = SinkConfig {
        url: proxy.url.clone(),
        insert_timeout: Duration::from_millis(150),
        give_up_after: Some(Duration::from_millis(100)),
        ..database.config("w")
    };
    let sink = Sink::connect(hasty).await.unwrap();
    claim(&sink, &[0]).await;
    proxy.arm("INSERT+INTO+trades", Fault::StallAfter(1_000, Arc::new(Notify::new())));
    let error = sink.write(&block(&[(0, 0, 499)])).await.unwrap_err();
    assert!(
        matches!(&error, SinkError::GaveUp { last, .. } if last.contains("timeout")),
        "{error}"
    );
}
