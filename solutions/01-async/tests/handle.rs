//! What the handle does at once, and what the configuration refuses.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;

use common::{LIMIT, Plain, Running, Venue};
use feed::{ConfigError, FeedConfig, FeedError};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn stop_ends_at_once_and_says_that_nothing_was_drained() {
    let venue = Venue::open(5, 500.0).await;
    let running = venue.feed().await;
    running.feed.stop();
    let ended = tokio::time::timeout(LIMIT, running.feed.ended()).await.unwrap();
    assert_eq!(ended, Err(FeedError::Stopped));
    assert_eq!(
        running.feed.drain().await,
        Err(FeedError::Stopped),
        "a drain after the end does not wait"
    );
}

#[tokio::test]
async fn a_feed_ends_with_its_receiver_and_with_its_handle() {
    let venue = Venue::open(5, 500.0).await;
    let (feed, batches) = feed::connect(venue.config(), Arc::new(Plain)).unwrap();
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
async fn a_refused_subscription_is_fatal_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
        let request = socket.next().await.unwrap().unwrap();
        assert!(request.into_text().unwrap().contains("KRW-BTC"));
        let error = r#"{"error":{"name":"WRONG_FORMAT","message":"no"}}"#;
        socket.send(Message::binary(error)).await.unwrap();
        while socket.next().await.is_some() {}
    });
    let rest = "http://127.0.0.1:9/v1".parse().unwrap();
    let running = Running::start(FeedConfig::new(
        url.parse().unwrap(),
        rest,
        vec!["KRW-BTC".parse().unwrap()],
    ));
    let ended = tokio::time::timeout(LIMIT, running.feed.ended()).await.unwrap();
    assert_eq!(
        ended,
        Err(FeedError::Refused {
            name: "WRONG_FORMAT".into(),
            message: "no".into()
        })
    );
    assert_eq!(running.feed.stats().server_errors, 1);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_a_sentence() {
    let url = |url: &str| url.parse::<url::Url>().unwrap();
    let good = || {
        FeedConfig::new(
            url("wss://api.upbit.com/websocket/v1"),
            url("https://api.upbit.com/v1"),
            vec!["KRW-BTC".parse().unwrap()],
        )
    };
    assert_eq!(good().check(), Ok(()));
    let refused = |change: &dyn Fn(&mut FeedConfig)| {
        let mut config = good();
        change(&mut config);
        config.check().unwrap_err()
    };
    assert!(matches!(
        refused(&|config| config.ws = url("https://api.upbit.com")),
        ConfigError::NoWebSocketUrl(_)
    ));
    assert!(matches!(
        refused(&|config| config.rest = url("ws://api.upbit.com")),
        ConfigError::NoRestUrl(_)
    ));
    assert_eq!(refused(&|config| config.markets.clear()), ConfigError::NoMarkets);
    assert!(matches!(
        refused(&|config| config.markets.push(config.markets[0])),
        ConfigError::MarketTwice(_)
    ));
    assert_eq!(
        refused(&|config| config.silence_limit = config.ping_every),
        ConfigError::Liveness
    );
    assert_eq!(refused(&|config| config.batches = 0), ConfigError::NothingFits);
    let pem = FeedConfig {
        extra_ca_pem: Some("no certificate".into()),
        ..good()
    };
    assert!(matches!(
        feed::connect(pem, Arc::new(Plain)),
        Err(ConfigError::Certificates(_))
    ));
}
