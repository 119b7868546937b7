//! Limits: what Upbit allows, and what it says to those who want more.

use std::time::Duration;

use exchange::{Exchange, ExchangeConfig, ExchangeError, Limits, Rate};
use tokio_tungstenite::tungstenite::Error;

use crate::client::*;

#[tokio::test]
async fn the_eleventh_request_of_a_second_is_refused_in_its_group_only() {
    let running = start_with(generated(1, Rate::Max), |_| {}).await;
    let mut refused = None;
    for n in 0..30 {
        let answer = get(&running.exchange, "/market/all", &[]).await;
        if answer.status == 429 {
            refused = Some((n, answer));
            break;
        }
        assert!(
            answer.remaining.starts_with("group=market; min=600; sec="),
            "{}",
            answer.remaining
        );
    }
    let (n, answer) = refused.expect("thirty requests in a row are too many for a second");
    assert!(n >= 10, "only {n} requests were allowed");
    assert!(
        serde_json::from_slice::<serde_json::Value>(&answer.body.unwrap()).is_err(),
        "a 429's body is no JSON"
    );
    assert_eq!(answer.remaining, "group=market; min=600; sec=0");
    let other = get(&running.exchange, "/trades/ticks?market=KRW-BTC", &[]).await;
    assert_eq!(
        (other.status, other.remaining.as_str()),
        (200, "group=trade; min=600; sec=9")
    );
    assert!(running.exchange.counters().refused >= 1);
}

#[tokio::test]
async fn a_request_with_an_origin_bars_the_next_one() {
    let running = start(generated(1, Rate::Max)).await;
    let origin = [("origin", "https://example.org")];
    assert_eq!(get(&running.exchange, "/market/all", &origin).await.status, 200);
    assert_eq!(get(&running.exchange, "/market/all", &origin).await.status, 429);
    assert_eq!(
        get(&running.exchange, "/market/all", &[]).await.status,
        200,
        "without an origin there is no bar"
    );
}

#[tokio::test]
async fn connections_are_limited_and_the_upgrade_says_how_many_are_left() {
    // A window longer than any machine's hiccup is not to be had: what counts is the sixth handshake in one second, so
    // handshakes are made until one is refused.
    let running = start_with(generated(1, Rate::Max), |_| {}).await;
    let mut open = Vec::new();
    for n in 0..30 {
        match tokio_tungstenite::connect_async(running.exchange.ws_url()).await {
            Ok((ws, response)) => {
                let remaining = response
                    .headers()
                    .get("remaining-req")
                    .expect("the upgrade carries Remaining-Req");
                assert!(
                    remaining
                        .to_str()
                        .unwrap()
                        .starts_with("group=websocket; min=300; sec="),
                    "{remaining:?}"
                );
                open.push(ws);
            }
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 429);
                assert!(n >= 5, "only {n} connections were allowed");
                return;
            }
            Err(other) => panic!("{other}"),
        }
    }
    panic!("thirty connections in a row are too many for a second");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut() {
    let limits = Limits {
        slow: Duration::from_millis(300),
        ..generous()
    };
    let running = start_with(generated(120, Rate::Max), |config| config.limits = limits).await;
    let mut ws = subscribed(&running.exchange).await;
    running.exchange.begin(); // and the client reads nothing
    eventually("the connection ends", || running.exchange.counters().open == 0).await;
    let (_, code) = ws.until_end().await;
    assert_eq!(code, None, "it is cut, not closed");
    let connections = exchange::journal::connections(running.dir.path()).unwrap();
    assert_eq!(connections[0].end, Some(exchange::journal::ConnectionEnd::Slow));
}

#[tokio::test]
async fn a_taken_port_and_impossible_settings_are_told_in_one_sentence() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = |markets, rate| ExchangeConfig::new(generated(markets, rate), dir.path().join("journal"));
    let mut on_taken = config(1, Rate::Max);
    on_taken.address = taken.local_addr().unwrap();
    let refused = |error: ExchangeError| error.to_string();
    let told = refused(Exchange::start(on_taken).await.err().expect("the port is taken"));
    assert!(
        told.contains("cannot listen on 127.0.0.1:") && told.contains("choose another port"),
        "{told}"
    );
    for (config, want) in [
        (config(100_000, Rate::Max), "choose 1 to"),
        (config(0, Rate::Max), "choose 1 to"),
        (config(1, Rate::PerSecond(0.0)), "choose more than 0"),
        (config(1, Rate::PerSecond(f64::NAN)), "choose more than 0"),
    ] {
        let told = refused(Exchange::start(config).await.err().expect(want));
        assert!(told.contains(want) && !told.contains('\n'), "{told}");
    }
}
