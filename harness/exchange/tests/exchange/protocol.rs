//! The WebSocket, point by point as the exchange's documentation and the measurements of its wire have it.

use std::collections::HashSet;

use exchange::Rate;
use futures_util::StreamExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::client::*;

/// Starts, executes for a while without a client, so that there is something to take a snapshot of.
async fn with_history(markets: usize) -> Running {
    let running = start(generated(markets, Rate::PerSecond(5_000.0))).await;
    running.exchange.begin();
    eventually("a hundred trades", || running.exchange.counters().executed >= 100).await;
    running
}

fn subscription(kind: &str, codes: &[&str], format: &str) -> String {
    let codes = serde_json::json!(codes);
    format!(r#"[{{"ticket":"t"}},{{"type":"trade","codes":{codes}{kind}}},{{"format":"{format}"}}]"#)
}

#[tokio::test]
async fn a_default_frame_has_the_documented_keys_and_types() {
    let running = with_history(3).await;
    let mut ws = connect(&running.exchange).await;
    ws.send(&subscription("", &["KRW-BTC"], "DEFAULT")).await;
    let trade = ws.json().await;
    for (key, is_right) in [
        ("type", Value::is_string as fn(&Value) -> bool),
        ("code", Value::is_string),
        ("timestamp", Value::is_i64),
        ("trade_date", Value::is_string),
        ("trade_time", Value::is_string),
        ("trade_timestamp", Value::is_i64),
        ("trade_price", Value::is_number),
        ("trade_volume", Value::is_number),
        ("ask_bid", Value::is_string),
        ("prev_closing_price", Value::is_number),
        ("change", Value::is_string),
        ("change_price", Value::is_number),
        ("sequential_id", Value::is_u64),
        ("best_ask_price", Value::is_number),
        ("best_bid_size", Value::is_number),
        ("stream_type", Value::is_string),
    ] {
        assert!(
            is_right(&trade[key]),
            "{key} is {} in {trade}: see server/framer.rs",
            trade[key]
        );
    }
    let (event, id) = (
        trade["trade_timestamp"].as_u64().unwrap(),
        trade["sequential_id"].as_u64().unwrap(),
    );
    assert_eq!(id / 10_000, event, "an id is execution time × 10,000 + n");
    let shown = format!(
        "{}T{}Z",
        trade["trade_date"].as_str().unwrap(),
        trade["trade_time"].as_str().unwrap()
    );
    let shown: jiff::Timestamp = shown.parse().expect("date and time must be yyyy-MM-dd and HH:mm:ss");
    assert_eq!(shown.as_second() as u64, event / 1000);
}

#[tokio::test]
async fn a_simple_frame_has_the_short_keys() {
    let running = with_history(1).await;
    let mut ws = connect(&running.exchange).await;
    ws.send(&subscription("", &["KRW-BTC"], "SIMPLE")).await;
    let trade = ws.json().await;
    for key in [
        "ty", "cd", "tms", "td", "ttm", "ttms", "tp", "tv", "ab", "pcp", "c", "cp", "sid", "bap", "st",
    ] {
        assert!(
            !trade[key].is_null(),
            "{key} is missing in {trade}: see server/framer.rs"
        );
    }
    assert_eq!((&trade["ty"], &trade["cd"]), (&"trade".into(), &"KRW-BTC".into()));
}

#[tokio::test]
async fn the_list_formats_wrap_the_object_in_an_array_of_one() {
    let running = with_history(1).await;
    for (format, key) in [("JSON_LIST", "code"), ("SIMPLE_LIST", "cd")] {
        let mut ws = connect(&running.exchange).await;
        ws.send(&subscription("", &["KRW-BTC"], format)).await;
        let list = ws.json().await;
        assert_eq!(
            (list.as_array().map(Vec::len), &list[0][key]),
            (Some(1), &"KRW-BTC".into()),
            "{format}: {list}"
        );
    }
}

#[tokio::test]
async fn a_frame_without_format_is_served_as_default() {
    let running = with_history(1).await;
    let mut ws = connect(&running.exchange).await;
    ws.send(r#"[{"ticket":"t"},{"type":"trade","codes":["KRW-BTC"]}]"#)
        .await;
    assert_eq!(ws.json().await["type"], "trade");
}

#[tokio::test]
async fn one_snapshot_per_market_with_a_trade_comes_first_then_realtime_without_a_gap() {
    let running = with_history(200).await;
    let exchange = &running.exchange;
    let mut ws = subscribed(exchange).await;
    eventually("realtime trades", || exchange.counters().executed >= 2_000).await;
    exchange.finish().await;
    let frames = ws.frames_until_pong().await;
    let frames: Vec<Value> = frames
        .iter()
        .map(|frame| serde_json::from_slice(frame).unwrap())
        .collect();
    let snapshots = frames
        .iter()
        .take_while(|frame| frame["stream_type"] == "SNAPSHOT")
        .count();
    assert!(snapshots > 0 && snapshots <= 200);
    assert!(
        frames[snapshots..]
            .iter()
            .all(|frame| frame["stream_type"] == "REALTIME"),
        "a snapshot came late"
    );
    let of: HashSet<_> = frames[..snapshots]
        .iter()
        .map(|frame| frame["code"].as_str().unwrap())
        .collect();
    assert_eq!(of.len(), snapshots, "a market has two snapshots");

    // What was executed before the first realtime trade must be exactly what the snapshots are the newest of.
    let journal: Vec<_> = exchange::journal::Reader::open(running.dir.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let realtime = frames.len() - snapshots;
    let (before, after) = journal.split_at(journal.len() - realtime);
    assert!(
        after
            .iter()
            .zip(&frames[snapshots..])
            .all(|(entry, frame)| frame["sequential_id"] == entry.trade.sequential_id)
    );
    let traded: HashSet<_> = before.iter().map(|entry| entry.trade.market).collect();
    assert_eq!(
        traded.len(),
        snapshots,
        "a market without a trade has no snapshot, every other one has"
    );
    for frame in &frames[..snapshots] {
        let of_market = before
            .iter()
            .filter(|entry| entry.trade.market.as_str() == frame["code"]);
        let newest = of_market.map(|entry| entry.trade.sequential_id).max();
        assert_eq!(
            frame["sequential_id"].as_u64(),
            newest,
            "the snapshot is the trade with the highest id"
        );
    }
}

#[tokio::test]
async fn only_snapshot_sends_one_frame_and_only_realtime_sends_no_snapshot_in_both_spellings() {
    let running = with_history(1).await;
    for flag in ["is_only_snapshot", "isOnlySnapshot"] {
        let mut ws = connect(&running.exchange).await;
        ws.send(&subscription(&format!(r#","{flag}":true"#), &["KRW-BTC"], "DEFAULT"))
            .await;
        assert_eq!(ws.json().await["stream_type"], "SNAPSHOT", "{flag}");
        let before = running.exchange.counters().executed;
        eventually("more trades", || running.exchange.counters().executed > before + 50).await;
        assert_eq!(
            ws.frames_until_pong().await.len(),
            0,
            "{flag}: nothing follows the snapshot"
        );
    }
    for flag in ["is_only_realtime", "isOnlyRealtime"] {
        let mut ws = connect(&running.exchange).await;
        ws.send(&subscription(&format!(r#","{flag}":true"#), &["KRW-BTC"], "DEFAULT"))
            .await;
        assert_eq!(ws.json().await["stream_type"], "REALTIME", "{flag}");
    }
}

#[tokio::test]
async fn a_second_subscription_replaces_the_first() {
    let running = with_history(2).await;
    let mut ws = connect(&running.exchange).await;
    let realtime = r#","is_only_realtime":true"#;
    ws.send(&subscription(realtime, &["KRW-BTC"], "DEFAULT")).await;
    assert_eq!(ws.json().await["code"], "KRW-BTC");
    ws.send(&subscription(realtime, &["KRW-ETH"], "SIMPLE")).await;
    ws.frames_until_pong().await; // the answer to a ping comes behind what was queued for the first
    for _ in 0..50 {
        let trade = ws.json().await;
        assert_eq!(trade["cd"], "KRW-ETH", "after the second subscription: {trade}");
    }
}

#[tokio::test]
async fn unknown_and_lower_case_codes_are_ignored_without_a_word() {
    let running = with_history(1).await;
    let mut ws = connect(&running.exchange).await;
    ws.send(&subscription("", &["KRW-NOPE", "krw-btc"], "DEFAULT")).await;
    let before = running.exchange.counters().executed;
    eventually("more trades", || running.exchange.counters().executed > before + 50).await;
    assert_eq!(
        ws.frames_until_pong().await.len(),
        0,
        "nothing comes, and the socket stays open"
    );
}

#[tokio::test]
async fn other_types_are_taken_and_stay_silent() {
    let running = with_history(1).await;
    let mut ws = connect(&running.exchange).await;
    let kinds = r#"{"type":"ticker","codes":["KRW-BTC"]},{"type":"orderbook","codes":["KRW-BTC.5"]},{"type":"candle.1s","codes":["KRW-BTC"]}"#;
    ws.send(&format!(r#"[{{"ticket":"t"}},{kinds}]"#)).await;
    assert_eq!(ws.frames_until_pong().await.len(), 0);
}

#[tokio::test]
async fn an_error_is_a_binary_frame_and_then_a_close_with_1000() {
    let running = start(generated(1, Rate::Max)).await;
    for (message, name) in [
        ("nonsense", "WRONG_FORMAT"),
        (r#"[{"type":"trade","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
        (r#"[{"ticket":"t"}]"#, "NO_TYPE"),
        (r#"[{"ticket":"t"},{"type":"trade"}]"#, "NO_CODES"),
        (
            r#"[{"ticket":"t"},{"type":"nope","codes":["KRW-BTC"]}]"#,
            "INVALID_PARAM",
        ),
    ] {
        let mut ws = connect(&running.exchange).await;
        ws.send(message).await;
        let error = ws.json().await;
        assert_eq!(error["error"]["name"], name, "{message}: {error}");
        assert!(error["error"]["message"].is_string(), "{error}");
        assert_eq!(ws.until_end().await, (vec![], Some(1000)), "{message}: closed in order");
    }
}

#[tokio::test]
async fn subscriptions_can_be_listed() {
    let running = start(generated(2, Rate::Max)).await;
    let mut ws = connect(&running.exchange).await;
    ws.send(r#"[{"ticket":"a"},{"type":"trade","codes":["KRW-BTC","KRW-ETH"]},{"type":"ticker","codes":["KRW-BTC"]}]"#)
        .await;
    ws.send(r#"[{"ticket":"b"},{"method":"LIST_SUBSCRIPTIONS"},{"format":"DEFAULT"}]"#)
        .await;
    let want = serde_json::json!({
        "method": "LIST_SUBSCRIPTIONS",
        "result": [{"type": "trade", "codes": ["KRW-BTC", "KRW-ETH"]}, {"type": "ticker", "codes": ["KRW-BTC"]}],
        "ticket": "b",
    });
    assert_eq!(ws.json().await, want);
}

#[tokio::test]
async fn a_pong_comes_behind_every_trade_executed_before_its_ping() {
    let running = start(generated(120, Rate::Max)).await;
    let exchange = &running.exchange;
    let mut ws = subscribed(exchange).await;
    exchange.begin();
    let mut received = 0;
    for _ in 0..20 {
        let executed = exchange.counters().executed;
        received += ws.frames_until_pong().await.len() as u64;
        assert!(
            received >= executed,
            "{executed} were executed before the ping, {received} received before the pong"
        );
    }
}

#[tokio::test]
async fn after_finish_a_pong_means_that_everything_has_been_received() {
    let running = start(generated(120, Rate::Max)).await;
    let exchange = &running.exchange;
    let ws = subscribed(exchange).await;
    exchange.begin();
    let (sink, mut stream) = ws.0.split();
    let reading = tokio::spawn(async move {
        let mut frames = 0u64;
        loop {
            // One that reads slowly: queues are full all the time.
            match stream.next().await {
                Some(Ok(Message::Binary(_))) => frames += 1,
                Some(Ok(Message::Pong(_))) => return frames,
                other => panic!("unexpected {other:?}"),
            }
        }
    });
    eventually("many trades", || exchange.counters().executed > 50_000).await;
    let counters = exchange.finish().await;
    assert_eq!(counters.queued, 0, "finish leaves nothing in a queue");
    let mut sink = sink;
    futures_util::SinkExt::send(&mut sink, Message::Ping("end".into()))
        .await
        .unwrap();
    let received = within("the pong", reading).await.unwrap();
    assert_eq!(received, counters.executed, "frames received before the pong");
    assert_eq!(
        exchange.counters().executed,
        counters.executed,
        "nothing is executed after finish"
    );
}

#[tokio::test]
async fn the_same_is_served_over_tls_to_a_client_that_trusts_the_certificate() {
    let running = start_with(generated(1, Rate::PerSecond(500.0)), |config| config.tls = true).await;
    let exchange = &running.exchange;
    let pem = exchange.ca_pem().expect("an exchange with TLS has a certificate");
    use rustls::pki_types::pem::PemObject;
    let certificate = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let port = exchange
        .ws_url()
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .parse::<u16>()
        .unwrap();
    let tcp = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let tls = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    let url = exchange.ws_url();
    assert!(
        url.starts_with("wss://localhost:") && exchange.rest_url().starts_with("https://localhost:"),
        "{url}"
    );
    let (mut ws, _) = tokio_tungstenite::client_async(url, tls).await.unwrap();
    let subscription = exchange::capture::subscription("t", exchange.markets());
    futures_util::SinkExt::send(&mut ws, Message::text(subscription))
        .await
        .unwrap();
    exchange.begin();
    match within("a trade over TLS", ws.next()).await {
        Some(Ok(Message::Binary(frame))) => assert!(identity(&frame).is_some()),
        other => panic!("want a trade, got {other:?}"),
    }
}

#[tokio::test]
async fn a_plain_request_to_the_websocket_is_told_what_it_is() {
    let running = start(generated(1, Rate::Max)).await;
    let rest = running.exchange.rest_url();
    let answer = get(&running.exchange, "/../websocket/v1", &[]).await;
    assert!(
        answer.status == 400 || answer.status == 404,
        "{} from {rest}",
        answer.status
    );
}
