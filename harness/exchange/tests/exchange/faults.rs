//! Faults: each strikes as it says, and the history stays whole.

use std::collections::HashSet;
use std::time::Duration;

use exchange::journal::{ConnectionEnd, Reader, bad_frames, connections};
use exchange::{BadFrame, Rate};
use futures_util::StreamExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::client::*;

async fn trading(rate: Rate) -> (Running, Ws) {
    let running = start(generated(10, rate)).await;
    let mut ws = subscribed(&running.exchange).await;
    running.exchange.begin();
    ws.frame().await;
    (running, ws)
}

/// Stops trading, and returns every trade that the exchange executed.
async fn executed(running: &Running) -> HashSet<(String, u64)> {
    running.exchange.finish().await;
    let reader = Reader::open(running.dir.path()).unwrap();
    reader
        .map(|entry| entry.unwrap().trade)
        .map(|trade| (trade.market.to_string(), trade.sequential_id))
        .collect()
}

#[tokio::test]
async fn dropped_sockets_are_reset_and_trading_goes_on() {
    let (running, mut ws) = trading(Rate::PerSecond(2_000.0)).await;
    running.exchange.faults().drop_sockets();
    let (_, code) = ws.until_end().await;
    assert_eq!(code, None, "a dropped socket has no close frame");
    let counters = running.exchange.counters();
    assert_eq!(counters.cut, 1);
    eventually("trades while nobody is connected", || {
        running.exchange.counters().executed > counters.executed + 100
    })
    .await;
    let mut again = subscribed(&running.exchange).await;
    again.frame().await;
    assert_eq!(
        connections(running.dir.path()).unwrap()[0].end,
        Some(ConnectionEnd::Cut)
    );
}

#[tokio::test]
async fn a_half_open_socket_is_silent_does_not_answer_and_is_reset_in_the_end() {
    let (running, mut ws) = trading(Rate::PerSecond(2_000.0)).await;
    running.exchange.faults().half_open(Duration::from_secs(3));
    eventually("the connection is dead", || running.exchange.counters().subscribed == 0).await;
    let before = running.exchange.counters().executed;
    // What was on its way still arrives; then nothing, not even the answer to a ping.
    futures_util::SinkExt::send(&mut ws.0, Message::Ping("hello".into()))
        .await
        .unwrap();
    while let Ok(Some(Ok(message))) = timeout(Duration::from_millis(300), ws.0.next()).await {
        assert!(!message.is_pong(), "a half-open socket answered");
    }
    assert_eq!(running.exchange.counters().open, 1, "the socket is still there");
    eventually("trading goes on", || {
        running.exchange.counters().executed > before + 100
    })
    .await;
    let mut other = subscribed(&running.exchange).await;
    other.frame().await; // a new connection is well
    let (_, code) = ws.until_end().await;
    assert_eq!(code, None);
    eventually("it is listed", || {
        connections(running.dir.path()).unwrap()[0].end == Some(ConnectionEnd::HalfOpen)
    })
    .await;
}

#[tokio::test]
async fn a_stalled_socket_gets_everything_in_the_end_in_order() {
    let (running, mut ws) = trading(Rate::PerSecond(5_000.0)).await;
    running.exchange.faults().stall(Duration::from_millis(500));
    eventually("the stall strikes", || running.exchange.counters().stalled == 1).await;
    let at = running.exchange.counters().executed;
    eventually("trading goes on", || running.exchange.counters().executed > at + 1_000).await;
    running.exchange.finish().await;
    let received = ws.frames_until_pong().await.len() as u64;
    assert_eq!(
        received + 1,
        running.exchange.counters().executed,
        "a stall loses nothing"
    );
}

#[tokio::test]
async fn duplicated_frames_come_twice_and_no_other() {
    let (running, mut ws) = trading(Rate::PerSecond(5_000.0)).await;
    running.exchange.faults().duplicate(25);
    eventually("all are sent twice", || running.exchange.counters().duplicated == 25).await;
    let executed = executed(&running).await;
    let frames = ws.frames_until_pong().await;
    let counts = counted(&frames);
    assert_eq!(counts.values().filter(|count| **count == 2).count(), 25);
    assert_eq!(
        counts.len() + 1,
        executed.len(),
        "nothing is missing (one frame was read before)"
    );
}

#[tokio::test]
async fn reordered_frames_change_places_with_their_neighbours_also_at_a_low_rate() {
    let (running, mut ws) = trading(Rate::PerSecond(200.0)).await;
    running.exchange.faults().reorder(5);
    eventually("all pairs are swapped", || running.exchange.counters().reordered == 5).await;
    running.exchange.finish().await;
    let got: Vec<_> = ws
        .frames_until_pong()
        .await
        .iter()
        .filter_map(|frame| identity(frame))
        .collect();
    let journal = Reader::open(running.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().trade);
    let sent: Vec<_> = journal
        .map(|trade| (trade.market.to_string(), trade.sequential_id))
        .skip(1)
        .collect();
    assert_eq!(got.len(), sent.len(), "nothing is missing");
    let mut n = 0;
    let mut swapped = 0;
    while n < got.len() {
        if got[n] == sent[n] {
            n += 1;
        } else {
            assert_eq!(
                (&got[n], &got[n + 1]),
                (&sent[n + 1], &sent[n]),
                "frame {n} is not swapped with its neighbour"
            );
            (n, swapped) = (n + 2, swapped + 1);
        }
    }
    assert_eq!(swapped, 5);
}

#[tokio::test]
async fn bad_frames_are_added_listed_and_replace_no_trade() {
    let (running, mut ws) = trading(Rate::PerSecond(5_000.0)).await;
    for kind in BadFrame::UNREADABLE {
        running.exchange.faults().inject(kind, 4);
    }
    eventually("all are sent", || running.exchange.counters().bad_frames == 20).await;
    let executed = executed(&running).await;
    let frames = ws.frames_until_pong().await;
    let readable = |frame: &Vec<u8>| frame.len() <= 64 * 1024 && identity(frame).is_some();
    let (good, bad): (Vec<_>, Vec<_>) = frames.into_iter().partition(readable);
    assert_eq!(counted(&good).len() + 1, executed.len(), "no trade is missing");
    let listed = bad_frames(running.dir.path()).unwrap();
    assert_eq!((listed.len(), bad.len()), (20, 20));
    for (entry, frame) in listed.iter().zip(&bad) {
        assert_eq!((entry.bytes, entry.maybe_lost), (frame.len(), false), "{entry:?}");
        let oversized = frame.len() > 64 * 1024;
        assert_eq!(oversized, entry.kind == BadFrame::Oversized, "{entry:?}");
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(oversized || entry.hex.as_deref() == Some(hex.as_str()), "{entry:?}");
        let digest = <sha2::Sha256 as sha2::Digest>::digest(frame);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry.sha256, digest);
    }
}

#[tokio::test]
async fn bad_frames_reach_a_quiet_connection_too() {
    let running = start(generated(10, Rate::PerSecond(1_000.0))).await;
    let mut ws = subscribed(&running.exchange).await; // trading has not begun
    running.exchange.faults().inject(BadFrame::Garbage, 3);
    for _ in 0..3 {
        assert_eq!(identity(&ws.frame().await), None);
    }
}

#[tokio::test]
async fn of_the_bad_frames_before_a_cut_only_those_that_the_client_has_not_read_may_be_lost() {
    for end in [ConnectionEnd::Cut, ConnectionEnd::Gone] {
        let running = start(generated(10, Rate::PerSecond(1_000.0))).await;
        let mut ws = subscribed(&running.exchange).await;
        running.exchange.faults().inject(BadFrame::Garbage, 3);
        for _ in 0..3 {
            ws.frame().await;
        }
        // The answer to the third is written while waiting for the first pong, and has been read when the second comes.
        ws.frames_until_pong().await;
        ws.frames_until_pong().await;
        running.exchange.faults().inject(BadFrame::Garbage, 2);
        eventually("two more, that nobody reads", || {
            running.exchange.counters().bad_frames == 5
        })
        .await;
        match end {
            ConnectionEnd::Cut => running.exchange.faults().drop_sockets(),
            _ => drop(ws), // as a process that crashes
        }
        eventually("its end is listed", || {
            connections(running.dir.path()).unwrap()[0].end == Some(end)
        })
        .await;
        let lost: Vec<_> = bad_frames(running.dir.path())
            .unwrap()
            .iter()
            .map(|entry| entry.maybe_lost)
            .collect();
        assert_eq!(
            lost,
            [false, false, false, true, true],
            "the connection ended as {end:?}"
        );
    }
}

#[tokio::test]
async fn a_trade_with_an_unknown_key_is_sent_once_and_is_no_bad_frame() {
    let (running, mut ws) = trading(Rate::PerSecond(5_000.0)).await;
    running.exchange.faults().inject(BadFrame::UnknownKey, 10);
    eventually("all are sent", || running.exchange.counters().unknown_keys == 10).await;
    let executed = executed(&running).await;
    let frames = ws.frames_until_pong().await;
    let odd = frames
        .iter()
        .filter(|frame| frame.windows(10).any(|window| window == b"unheard_of"))
        .count();
    let counts = counted(&frames);
    assert_eq!((odd, counts.len() + 1), (10, executed.len()));
    assert!(counts.values().all(|count| *count == 1));
    assert_eq!(running.exchange.counters().bad_frames, 0);
}

#[tokio::test]
async fn rest_can_be_refused_unavailable_and_cut_short() {
    let running = start(generated(3, Rate::Max)).await;
    let faults = running.exchange.faults();
    faults.truncate_rest(1);
    assert!(
        get(&running.exchange, "/market/all", &[]).await.body.is_err(),
        "the body must break off"
    );
    assert_eq!(
        get(&running.exchange, "/market/all", &[])
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(3)
    );
    faults.unavailable(Duration::from_secs(60));
    assert_eq!(get(&running.exchange, "/market/all", &[]).await.status, 503);
    faults.rate_limit(Duration::from_secs(60));
    assert_eq!(get(&running.exchange, "/market/all", &[]).await.status, 429);
    faults.rate_limit(Duration::ZERO);
    faults.unavailable(Duration::ZERO);
    assert_eq!(get(&running.exchange, "/market/all", &[]).await.status, 200);
}
