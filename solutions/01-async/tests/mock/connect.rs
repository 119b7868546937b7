//! One connection: what it asks for, what comes over it, and what must not cost it.

use std::sync::Arc;
use std::time::Duration;

use exchange::BadFrame;
use feed::{ConfigError, FeedConfig, FeedError, Origin};
use market::Reason;

use crate::common::{LIMIT, Plain, Running, Venue};
use crate::scripted::{Manner, Scripted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task1_every_trade_of_every_market_comes_by_the_socket() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    running.trades(2000).await;
    let (received, stats) = venue.complete(running, 0).await;
    assert!(
        received.trades.iter().all(|got| got.origin == Origin::Realtime),
        "nothing was there to be repaired"
    );
    assert_eq!(
        (stats.gaps, stats.repaired, stats.bad_frames, stats.rest_requests),
        (0, 0, 0, 0),
        "{stats:?}"
    );
}

#[tokio::test]
async fn task1_each_connection_sends_one_message_under_a_ticket_of_its_own() {
    let server = Scripted::open(Manner::Says("")).await;
    // No PING within the test: what is only queued would go out with the first one.
    let hour = Duration::from_secs(3_600);
    for connection in 0..2 {
        let running = Running::start(FeedConfig {
            ping_every: hour,
            silence_limit: 2 * hour,
            ..server.config()
        });
        running
            .until("a subscription", |stats| {
                stats.connected && server.sent().get(connection).is_some_and(|sent| !sent.is_empty())
            })
            .await;
        drop(running);
    }
    let sent = server.sent();
    let tickets: Vec<String> = sent
        .iter()
        .map(|messages| {
            assert_eq!(
                messages.len(),
                1,
                "a second message replaces the first; see open: {messages:?}"
            );
            let parts: serde_json::Value = serde_json::from_str(&messages[0]).expect("JSON");
            assert_eq!(
                parts[1]["codes"].as_array().map(Vec::len),
                Some(3),
                "all markets: {parts}"
            );
            parts[0]["ticket"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert!(
        tickets[0].len() >= 16 && tickets[0] != tickets[1],
        "a ticket says which connection a message is of: {tickets:?}"
    );
}

#[tokio::test]
async fn task1_a_refused_subscription_is_fatal_and_named() {
    let server = Scripted::open(Manner::Says(r#"{"error":{"name":"WRONG_FORMAT","message":"no"}}"#)).await;
    let running = Running::start(server.config());
    let ended = tokio::time::timeout(LIMIT, running.feed.ended()).await.unwrap();
    assert_eq!(
        ended,
        Err(FeedError::Refused {
            name: "WRONG_FORMAT".into(),
            message: "no".into()
        }),
        "asking again would change nothing"
    );
    assert_eq!(running.feed.stats().server_errors, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task1_bad_frames_are_handed_over_with_their_bytes_and_the_stream_goes_on() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    for kind in BadFrame::UNREADABLE {
        venue.exchange.faults().inject(kind, 3);
    }
    // Without its connection it would be waited for in vain.
    running
        .until("the bad frames", |stats| {
            stats.bad_frames >= 15 || stats.connections > 1
        })
        .await;
    assert_eq!(
        running.feed.stats().connections,
        1,
        "no bad frame costs the connection, an oversized one neither; look at the limits in open: {:?}",
        running.feed.stats()
    );
    let (received, stats) = venue.complete(running, 0).await;
    assert_eq!((stats.bad_frames, stats.connections), (15, 1), "{stats:?}");
    let injected = exchange::journal::bad_frames(&venue.journal()).unwrap();
    for entry in &injected {
        let same = |frame: &&feed::BadFrame| {
            frame.bytes.len() == entry.bytes
                && entry
                    .hex
                    .as_ref()
                    .is_none_or(|hex| *hex == frame.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        };
        assert!(
            received.bad.iter().any(|frame| same(&frame)),
            "{entry:?} was not handed over"
        );
    }
    let oversized = received
        .bad
        .iter()
        .filter(|frame| frame.why.reason == Reason::Oversized)
        .count();
    assert_eq!(oversized, 3, "a frame over the limit is told from an unreadable one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task1_repeated_frames_are_passed_on_and_swapped_ones_kept() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    venue.exchange.faults().duplicate(50);
    venue.exchange.faults().reorder(50);
    venue.exchange.faults().inject(BadFrame::UnknownKey, 20);
    let now = running.feed.stats().trades;
    running.trades(now + 2000).await;
    assert_eq!(
        venue.exchange.counters().duplicated,
        50,
        "the exchange did not commit the fault"
    );
    // A repeat is judged in log order, by who reads the log: the feed drops only what it asked for twice itself.
    venue.complete(running, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task1_a_stall_of_the_exchange_loses_nothing() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    venue.exchange.faults().stall(Duration::from_millis(700));
    let now = running.feed.stats().trades;
    running.trades(now + 2500).await;
    let (_, stats) = venue.complete(running, 0).await;
    assert_eq!(stats.connections, 1, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task1_tls_is_trusted_by_the_extra_authority_and_refused_without_it() {
    let venue = Venue::with(10, 2000.0, |config| config.tls = true).await;
    let refused = Running::start(venue.config());
    let error = tokio::time::timeout(LIMIT, refused.feed.ended()).await.unwrap();
    assert!(
        matches!(&error, Err(FeedError::Untrusted(why)) if why.contains("localhost")),
        "a certificate that nobody vouches for does not get better by waiting: {error:?}"
    );
    let config = FeedConfig {
        extra_ca_pem: venue.exchange.ca_pem().map(str::to_owned),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.complete(running, 0).await;
}

#[tokio::test]
async fn task1_a_feed_ends_with_its_receiver_and_with_its_handle() {
    let venue = Venue::open(5, 500.0).await;
    let (feed, batches) = feed::connect(venue.config(), Arc::new(Plain)).unwrap();
    let subscribed = async {
        while venue.exchange.counters().subscribed == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, subscribed).await.expect("a subscription");
    drop(batches);
    let ended = tokio::time::timeout(LIMIT, feed.ended()).await.unwrap();
    assert_eq!(ended, Err(FeedError::ConsumerGone));
    let (feed, mut batches) = feed::connect(venue.config(), Arc::new(Plain)).unwrap();
    drop(feed);
    let end = async { while batches.recv().await.is_some() {} };
    tokio::time::timeout(LIMIT, end)
        .await
        .expect("the channel ends with the handle");
}

#[tokio::test]
async fn task1_a_feed_that_is_still_connecting_ends_with_its_receiver() {
    let server = Scripted::open(Manner::Silent).await;
    let config = FeedConfig {
        connect_limit: 10 * LIMIT,
        ..server.config()
    };
    let (feed, batches) = feed::connect(config, Arc::new(Plain)).unwrap();
    let came = async {
        while server.came().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, came).await.expect("an attempt to connect");
    drop(batches);
    let ended = tokio::time::timeout(LIMIT, feed.ended()).await;
    assert_eq!(
        ended.expect(
            "nothing has arrived whose handing over would tell that nobody takes it; see run in src/connection.rs"
        ),
        Err(FeedError::ConsumerGone)
    );
}

#[tokio::test]
async fn certificates_that_are_none_are_refused_at_once() {
    let server = Scripted::open(Manner::Silent).await;
    let pem = FeedConfig {
        extra_ca_pem: Some("no certificate".into()),
        ..server.config()
    };
    assert!(matches!(
        feed::connect(pem, Arc::new(Plain)),
        Err(ConfigError::Certificates(_))
    ));
}
