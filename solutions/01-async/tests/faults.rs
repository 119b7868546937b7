//! Whatever the exchange does to the connection, every trade arrives, and none twice.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Running, Venue};
use exchange::BadFrame;
use feed::{FeedConfig, FeedError, Origin};
use market::Reason;
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_fault_everything_comes_by_the_socket() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    running.trades(2000).await;
    let (received, stats) = venue.audit(running, 0).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_socket_is_repaired() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    let now = running.feed.stats().trades;
    running.trades(now + 1000).await;
    let (_, stats) = venue.audit(running, 0).await;
    assert_eq!(stats.gaps, 1, "{stats:?}");
    assert_eq!(
        (stats.repairing, stats.unrepaired),
        (0, 0),
        "a drained feed owes nothing: {stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drops_again_and_again_also_in_the_middle_of_a_repair_are_repaired() {
    let venue = Venue::open(8, 3000.0).await;
    let running = venue.feed().await;
    for drop in 2..8 {
        venue.exchange.faults().drop_sockets();
        running
            .until("the next connection", |stats| {
                stats.connections >= drop && stats.connected
            })
            .await;
        let frames = running.feed.stats().frames;
        running.until("frames", |stats| stats.frames > frames + 50).await;
    }
    let (_, stats) = venue.audit(running, 0).await;
    assert_eq!(stats.gaps, 6, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_of_many_pages_is_repaired_with_little_memory() {
    let venue = Venue::open(2, 4000.0).await;
    let config = FeedConfig {
        repair_buffer: 700,
        backoff_min: Duration::from_secs(2),
        backoff_max: Duration::from_secs(2),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    let (received, stats) = venue.audit(running, 0).await;
    let repaired: Vec<_> = received
        .trades
        .iter()
        .filter(|got| got.origin == Origin::Repair)
        .collect();
    assert!(stats.rest_requests >= 2, "{stats:?}");
    let backwards = repaired
        .windows(2)
        .filter(|pair| pair[0].trade.market == pair[1].trade.market)
        .filter(|pair| pair[0].trade.sequential_id > pair[1].trade.sequential_id)
        .count();
    assert!(
        backwards <= repaired.len() / 700 + 1,
        "each stretch is handed over oldest first: {backwards} steps back"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_open_connection_is_found_out_and_repaired() {
    let venue = Venue::open(20, 2000.0).await;
    let config = FeedConfig {
        ping_every: Duration::from_millis(200),
        silence_limit: Duration::from_millis(500),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    // Longer than the test: only the feed's own clock can find it out.
    venue.exchange.faults().half_open(Duration::from_secs(600));
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    assert!(
        running
            .feed
            .stats()
            .last_error
            .is_some_and(|error| error.contains("pong")),
        "the reason is told"
    );
    let (_, stats) = venue.audit(running, 0).await;
    assert!(stats.repaired > 0, "trades were lost to the dead connection: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_loses_nothing() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    venue.exchange.faults().stall(Duration::from_millis(700));
    let now = running.feed.stats().trades;
    running.trades(now + 2500).await;
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeated_frames_are_passed_on_and_swapped_ones_kept() {
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
    venue.audit(running, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_frames_are_handed_over_with_their_bytes_and_the_stream_goes_on() {
    let venue = Venue::open(20, 2000.0).await;
    let running = venue.feed().await;
    for kind in BadFrame::UNREADABLE {
        venue.exchange.faults().inject(kind, 3);
    }
    running.until("the bad frames", |stats| stats.bad_frames >= 15).await;
    let (received, stats) = venue.audit(running, 0).await;
    assert_eq!(
        (stats.bad_frames, stats.connections),
        (15, 1),
        "no bad frame costs the connection: {stats:?}"
    );
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
async fn a_repair_outlasts_refusals_outages_and_broken_answers() {
    let venue = Venue::open(4, 2000.0).await;
    let config = FeedConfig {
        repair_tries: 2,
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    let faults = venue.exchange.faults();
    faults.unavailable(Duration::from_millis(1500));
    faults.drop_sockets();
    running
        .until("a market that counts as unrepaired", |stats| stats.unrepaired > 0)
        .await;
    faults.rate_limit(Duration::from_millis(500));
    faults.truncate_rest(3);
    let (_, stats) = venue.audit(running, 0).await;
    assert!(stats.rest_requests > 6, "{stats:?}");
    assert_eq!((stats.repairing, stats.unrepaired), (0, 0), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_that_first_trades_in_the_gap_is_repaired_from_the_start() {
    let venue = Venue::open(40, 400.0).await;
    let config = FeedConfig {
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(1),
        ..venue.config()
    };
    let running = Running::start(config);
    running.until("a connection", |stats| stats.connected).await;
    venue.subscribed().await;
    // Nothing has traded: no market has a snapshot, and all trades up to the reconnect fall into the gap.
    venue.exchange.faults().drop_sockets();
    running.until("the loss", |stats| !stats.connected).await;
    venue.exchange.begin();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    running.trades(200).await;
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_without_a_connection_makes_one_first() {
    let venue = Venue::open(10, 2000.0).await;
    let config = FeedConfig {
        ping_every: Duration::from_millis(200),
        silence_limit: Duration::from_millis(600),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("the loss", |stats| !stats.connected || stats.connections >= 2)
        .await;
    venue.audit(running, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stands_still_stops_the_reading_and_loses_nothing() {
    let venue = Venue::open(10, 3000.0).await;
    let config = FeedConfig {
        batches: 1,
        batch_frames: 16,
        ping_every: Duration::from_millis(100),
        silence_limit: Duration::from_millis(400),
        ..venue.config()
    };
    let (feed, batches) = feed::connect(config, std::sync::Arc::new(common::Plain)).unwrap();
    venue.subscribed().await;
    venue.exchange.begin();
    let waiting = async {
        while feed.stats().stalls == 0 || venue.exchange.counters().executed < 2000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(common::LIMIT, waiting)
        .await
        .expect("the full channel never stopped the reading");
    let before = feed.stats().frames;
    tokio::time::sleep(Duration::from_millis(800)).await; // longer than the silence limit: the silence is the feed's own
    assert_eq!(
        feed.stats().frames,
        before,
        "nothing is read while nobody takes the batches"
    );
    assert_eq!(feed.stats().connections, 1, "and the connection is not given up for it");
    venue.audit(Running::of(feed, batches), 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_trusted_by_the_extra_authority_and_refused_without_it() {
    let venue = Venue::with(10, 2000.0, |config| config.tls = true).await;
    let refused = Running::start(venue.config());
    let error = tokio::time::timeout(common::LIMIT, refused.feed.ended()).await.unwrap();
    assert!(
        matches!(&error, Err(FeedError::Untrusted(why)) if why.contains("localhost")),
        "{error:?}"
    );
    let config = FeedConfig {
        extra_ca_pem: venue.exchange.ca_pem().map(str::to_owned),
        ..venue.config()
    };
    let running = venue.feed_with(config).await;
    venue.exchange.faults().drop_sockets();
    running
        .until("a second connection", |stats| stats.connections >= 2)
        .await;
    let (_, stats) = venue.audit(running, 0).await;
    assert!(stats.rest_requests > 0, "REST goes over TLS as well: {stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_is_not_there_yet_is_waited_for() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let url = |scheme: &str, path: &str| format!("{scheme}://{address}{path}").parse().unwrap();
    let config = FeedConfig {
        backoff_min: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        ..FeedConfig::new(
            url("ws", "/websocket/v1"),
            url("http", "/v1"),
            vec!["KRW-BTC".parse().unwrap()],
        )
    };
    let running = Running::start(config);
    running
        .until("a failure", |stats| {
            stats
                .last_error
                .as_ref()
                .is_some_and(|error| error.contains("cannot connect"))
        })
        .await;
    let venue = Venue::with(1, 500.0, |config| config.address = address).await;
    venue.subscribed().await;
    venue.exchange.begin();
    running.trades(100).await;
    let (_, stats) = venue.audit(running, 0).await;
    assert_eq!(stats.gaps, 0, "what was never connected has no gap: {stats:?}");
}
