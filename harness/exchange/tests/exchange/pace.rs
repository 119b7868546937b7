//! When trades are executed, and that a seed says which.

use std::collections::HashMap;

use exchange::Rate;
use exchange::journal::{Entry, Reader};

use crate::client::*;

#[tokio::test]
async fn nothing_is_executed_before_begin() {
    let running = start(generated(5, Rate::PerSecond(100_000.0))).await;
    let mut ws = subscribed(&running.exchange).await;
    assert_eq!(ws.frames_until_pong().await.len(), 0);
    assert_eq!(running.exchange.counters().executed, 0);
    running.exchange.begin();
    eventually("trades after begin", || running.exchange.counters().executed > 0).await;
}

#[tokio::test]
async fn at_a_rate_trades_are_executed_whether_somebody_listens_or_not() {
    let running = start(generated(5, Rate::PerSecond(2_000.0))).await;
    running.exchange.begin();
    eventually("trades without a client", || running.exchange.counters().executed > 100).await;
}

#[tokio::test]
async fn at_the_maximum_nothing_is_executed_while_nobody_listens() {
    let running = start(generated(5, Rate::Max)).await;
    running.exchange.begin();
    let ws = connect(&running.exchange).await; // connected, not subscribed
    assert_eq!(get(&running.exchange, "/market/all", &[]).await.status, 200);
    assert_eq!(running.exchange.counters().executed, 0);
    drop(ws);
    let mut ws = subscribed(&running.exchange).await;
    ws.json().await;
    assert!(running.exchange.counters().executed > 0);
    drop(ws);
    eventually("the connection is gone", || running.exchange.counters().open == 0).await;
    let paused = running.exchange.counters().executed;
    assert_eq!(get(&running.exchange, "/market/all", &[]).await.status, 200);
    assert!(
        running.exchange.counters().executed <= paused + 512,
        "at most the batch that was on its way"
    );
}

#[tokio::test]
async fn a_pause_leaves_a_whole_journal_and_a_resumed_exchange_trades_on() {
    let running = start(generated(5, Rate::PerSecond(5_000.0))).await;
    let exchange = &running.exchange;
    let ws = subscribed(exchange).await;
    exchange.begin();
    eventually("trades", || exchange.counters().executed > 1_000).await;
    // Somebody must read, or the queues never empty.
    let reader = tokio::spawn(async move {
        let mut ws = ws;
        loop {
            ws.frame().await;
        }
    });
    let paused = exchange.pause().await;
    assert_eq!(paused.queued, 0);
    let written = Reader::open(running.dir.path()).expect("a journal").records();
    assert_eq!(
        (written, exchange.counters().executed),
        (paused.executed, paused.executed)
    );
    exchange.resume();
    eventually("trades after the pause", || {
        exchange.counters().executed > paused.executed + 1_000
    })
    .await;
    reader.abort();
}

#[tokio::test]
async fn a_slow_client_moves_no_intended_send_time_and_the_delay_is_reported() {
    const TRADES: usize = 400_000;
    let running = start(generated(120, Rate::PerSecond(400_000.0))).await;
    let exchange = &running.exchange;
    let mut ws = subscribed(exchange).await;
    exchange.begin(); // the client does not read: the queue fills, execution waits
    eventually("execution falls behind", || exchange.counters().behind_ms > 300).await;
    assert!(exchange.counters().queued <= 65_536 + 512, "the queue is bounded");
    let mut last = 0;
    // Up to 120 of the frames are snapshots, which are not in the journal.
    for _ in 0..TRADES + 121 {
        let frame = ws.frame().await;
        let from = frame
            .windows(12)
            .position(|window| window == b"\"timestamp\":")
            .unwrap()
            + 12;
        let digits = frame[from..from + 13]
            .iter()
            .fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0'));
        assert!(digits >= last, "send times must not fall: {digits} after {last}");
        last = digits;
    }
    exchange.faults().drop_sockets();
    exchange.finish().await;
    let first = Reader::open(running.dir.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .trade
        .sent_time
        .millis();
    let nth = Reader::open(running.dir.path())
        .unwrap()
        .nth(TRADES)
        .unwrap()
        .unwrap()
        .trade
        .sent_time
        .millis();
    assert!(
        (990..=1_010).contains(&(nth - first)),
        "400,000 trades at 400,000/s span {} ms of intended time",
        nth - first
    );
}

async fn relative(seed: u64, rate: f64, trades: u64) -> Vec<(String, i64, i64, i64, String, String, u64)> {
    let source = exchange::Source::Generate {
        seed,
        markets: 50,
        rate: Rate::PerSecond(rate),
    };
    let running = start(source).await;
    running.exchange.begin();
    eventually("enough trades", || running.exchange.counters().executed > trades).await;
    running.exchange.finish().await;
    let entries: Vec<Entry> = Reader::open(running.dir.path())
        .unwrap()
        .take(trades as usize)
        .map(Result::unwrap)
        .collect();
    // The start falls anywhere into a millisecond; times are counted from the first trade's.
    let start = entries[0].trade.sent_time.millis();
    entries
        .iter()
        .map(|Entry { trade, .. }| {
            let (sent, event) = (trade.sent_time.millis() - start, trade.event_time.millis() - start);
            let n = trade.sequential_id % 10_000;
            let (price, volume) = (trade.price.to_string(), trade.volume.to_string());
            (
                trade.market.to_string(),
                sent,
                event,
                n as i64,
                price,
                volume,
                trade.side as u64,
            )
        })
        .collect()
}

#[tokio::test]
async fn a_seed_says_which_trades_at_which_time_after_the_start() {
    let (one, two, other) = (
        relative(7, 20_000.0, 4_000).await,
        relative(7, 20_000.0, 4_000).await,
        relative(8, 20_000.0, 4_000).await,
    );
    assert_eq!(
        one, two,
        "the same seed must give the same trades, relative to the start"
    );
    assert_ne!(one, other, "another seed must give others");
}

#[tokio::test]
async fn trades_come_in_order_of_sending_and_some_late_in_order_of_execution() {
    let running = start(generated(20, Rate::PerSecond(50_000.0))).await;
    running.exchange.begin();
    eventually("enough trades", || running.exchange.counters().executed > 30_000).await;
    running.exchange.finish().await;
    let mut newest: HashMap<_, (u64, i64)> = HashMap::new();
    let (mut sent, mut late, mut all) = (i64::MIN, 0, 0);
    for entry in Reader::open(running.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let (id, event) = (entry.trade.sequential_id, entry.trade.event_time.millis());
        assert!(
            entry.trade.sent_time.millis() >= sent,
            "send times must not fall: {entry:?}"
        );
        sent = entry.trade.sent_time.millis();
        let newest = newest.entry(entry.trade.market).or_insert((id, event));
        assert_eq!(
            entry.out_of_order,
            id < newest.0,
            "the flag must say whether it came late: {entry:?}"
        );
        assert!(event >= newest.1 - 1_000, "{entry:?} is more than a second late");
        late += u32::from(entry.out_of_order);
        all += 1;
        *newest = (newest.0.max(id), newest.1.max(event));
    }
    let share = f64::from(late) / f64::from(all);
    assert!(
        (0.01..0.03).contains(&share),
        "{share} of the trades came late, on Upbit 0.02"
    );
}
