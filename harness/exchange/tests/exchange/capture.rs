//! Captures: written, read, imported, replayed. The same is asked of the capture in the repository, of a recording in the
//! foreign format that a test writes and, where `TICKBOOK_CAPTURE` names it, of a real one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use exchange::capture::{Reader, Writer, import};
use exchange::{CaptureError, Rate, Source, journal};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::client::*;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/small.capture.jsonl")
}

#[test]
fn what_is_written_is_read_back_also_bytes_that_are_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.capture.jsonl");
    let markets = ["KRW-BTC".parse().unwrap()];
    let mut writer = Writer::create(&path, "here", &markets).unwrap();
    let text = "{\"type\":\"trade\",\"x\":\"\\\"é\"}";
    let frames: [(i64, &[u8]); 3] = [(1, text.as_bytes()), (1, &[0xff, 0, 0xfe]), (9, b"")];
    for (received_us, frame) in frames {
        writer.write(received_us, frame).unwrap();
    }
    assert_eq!(writer.frames(), 3);
    drop(writer);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(
        (reader.header().source.as_str(), reader.header().markets.as_slice()),
        ("here", &markets[..])
    );
    let got: Vec<_> = reader
        .map(Result::unwrap)
        .map(|captured| (captured.received_us, captured.frame))
        .collect();
    assert_eq!(got, frames.map(|(at, frame)| (at, frame.to_vec())));
    let again = Writer::create(&path, "here", &markets)
        .err()
        .expect("a recording is not overwritten");
    assert!(again.to_string().contains("a.capture.jsonl"), "{again}");
}

#[test]
fn a_clock_that_is_set_back_stands_still_in_a_capture_so_that_it_can_be_read_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.capture.jsonl");
    let mut writer = Writer::create(&path, "", &[]).unwrap();
    for received_us in [5, 9, 3, 8, 10, -1] {
        writer.write(received_us, b"{}").unwrap();
    }
    drop(writer);
    let times: Vec<_> = Reader::open(&path)
        .unwrap()
        .map(|captured| captured.unwrap().received_us)
        .collect();
    assert_eq!(times, [5, 9, 9, 9, 10, 10]);
}

#[test]
fn a_broken_line_is_named_and_one_cut_short_is_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.capture.jsonl");
    let head = r#"{"format":"tickbook-capture","version":1,"source":"","markets":[]}"#;
    let good = r#"{"received_us":5,"frame":"{}"}"#;
    for (text, want) in [
        (format!("{head}\n{good}\n{{\"received_us\":6,\"fr"), Ok(1)),
        (format!("{head}\n{good}\nnonsense\n{good}\n"), Err("line 3: ")),
        (
            format!("{head}\n{good}\n{{\"received_us\":4,\"frame\":\"\"}}\n"),
            Err("line 3: received_us falls"),
        ),
        (format!("{head}\n{{\"received_us\":4}}\n"), Err("line 2: want one of")),
        (
            format!("{head}\n{{\"received_us\":4,\"frame_hex\":\"zz\"}}\n"),
            Err("line 2: frame_hex"),
        ),
        (format!("{good}\n"), Err("line 1: ")),
        (String::new(), Err("line 1: ")),
    ] {
        std::fs::write(&path, &text).unwrap();
        let read = Reader::open(&path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match want {
            Ok(frames) => assert_eq!(read.unwrap().len(), frames, "{text}"),
            Err(want) => {
                let told = read.expect_err(&text).to_string();
                assert!(told.contains(want) && told.contains("a.capture.jsonl"), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_trade_that_cannot_be_kept_exactly_stops_the_import_and_the_replay() {
    let dir = tempfile::tempdir().unwrap();
    let trade = |price: &str| {
        format!(r#"{{"ty":"trade","cd":"KRW-BTC","tms":1,"ttms":1,"tp":{price},"tv":1.0,"ab":"BID","sid":1}}"#)
    };
    for (n, (price, want)) in [
        ("0.000000001", "places"),
        ("1e12", "64 bits"),
        ("-1", "negative"),
        ("true", "not a"),
    ]
    .iter()
    .enumerate()
    {
        let foreign = dir.path().join(format!("{n}.jsonl"));
        let line = serde_json::json!({ "recv_us": 1, "opcode": "binary", "raw": trade(price) });
        std::fs::write(&foreign, format!("{line}\n")).unwrap();
        let told = import(&foreign, &dir.path().join(format!("{n}.capture.jsonl")))
            .expect_err(price)
            .to_string();
        assert!(told.contains("line 1") && told.contains(want), "{price}: {told}");
        let own = dir.path().join(format!("{n}.own.capture.jsonl"));
        Writer::create(&own, "", &[])
            .unwrap()
            .write(1, trade(price).as_bytes())
            .unwrap();
        let source = Source::Capture {
            path: own,
            rate: None,
            looped: false,
        };
        let config = exchange::ExchangeConfig::new(source, dir.path().join("journal"));
        let told = exchange::Exchange::start(config).await.err().expect(price).to_string();
        assert!(told.contains("line 2") && told.contains(want), "{price}: {told}");
    }
    let empty = dir.path().join("empty.capture.jsonl");
    drop(Writer::create(&empty, "", &[]).unwrap());
    let source = Source::Capture {
        path: empty,
        rate: None,
        looped: true,
    };
    let started = exchange::Exchange::start(exchange::ExchangeConfig::new(source, dir.path().join("journal"))).await;
    assert!(matches!(
        started.err(),
        Some(exchange::ExchangeError::Capture(CaptureError::NoTrades { .. }))
    ));
}

/// What a trade frame spells, in either format.
#[derive(serde::Deserialize)]
struct Spelled {
    #[serde(alias = "cd")]
    code: String,
    #[serde(alias = "tms")]
    timestamp: i64,
    #[serde(alias = "ttms")]
    trade_timestamp: i64,
    #[serde(alias = "tp")]
    trade_price: Box<RawValue>,
    #[serde(alias = "tv")]
    trade_volume: Box<RawValue>,
    #[serde(alias = "ab")]
    ask_bid: String,
}

fn trades(path: &Path) -> Vec<Spelled> {
    let frames = Reader::open(path).unwrap().map(|captured| captured.unwrap().frame);
    let is_trade = |frame: &Vec<u8>| {
        let value: Value = serde_json::from_slice(frame).unwrap_or_default();
        value["type"] == "trade" || value["ty"] == "trade"
    };
    frames
        .filter(is_trade)
        .map(|frame| serde_json::from_slice(&frame).unwrap())
        .collect()
}

/// Everything that holds for a replay of any capture.
async fn replays(path: &Path) {
    let recorded = trades(path);
    let rounds = 3;
    let source = Source::Capture {
        path: path.into(),
        rate: Some(Rate::Max),
        looped: true,
    };
    let running = start(source).await;
    let mut ws = subscribed(&running.exchange).await;
    let before_ms = jiff::Timestamp::now().as_millisecond();
    running.exchange.begin();
    let mut frames = Vec::new();
    while frames.len() < recorded.len() * rounds {
        frames.push(ws.frame().await);
    }
    let after_ms = jiff::Timestamp::now().as_millisecond();
    running.exchange.faults().drop_sockets();
    running.exchange.finish().await;
    let mut seen = HashMap::new();
    for (n, (frame, entry)) in frames
        .iter()
        .zip(journal::Reader::open(running.dir.path()).unwrap())
        .enumerate()
    {
        let was = &recorded[n % recorded.len()];
        let is: Spelled = serde_json::from_slice(frame).unwrap();
        let spelling = |s: &Spelled| {
            (
                s.code.clone(),
                s.trade_price.get().to_owned(),
                s.trade_volume.get().to_owned(),
                s.ask_bid.clone(),
            )
        };
        assert_eq!(
            spelling(&is),
            spelling(was),
            "frame {n} keeps market, side and the spelling of its numbers"
        );
        assert!(
            (before_ms..=after_ms).contains(&is.timestamp),
            "frame {n} is sent now: {}",
            is.timestamp
        );
        if was.trade_timestamp % 1000 == 0 {
            let seconds = |s: &Spelled| s.timestamp.div_euclid(1000) - s.trade_timestamp.div_euclid(1000);
            assert_eq!(seconds(&is), seconds(was), "frame {n} keeps its age in seconds");
        }
        let (market, id) = identity(frame).unwrap();
        assert_eq!(
            id / 10_000,
            is.trade_timestamp as u64,
            "frame {n}: an id says the execution time"
        );
        assert_eq!(seen.insert((market, id), n), None, "frame {n} repeats an identity");
        assert_eq!(entry.unwrap().trade.sequential_id, id, "frame {n} and its record");
    }
}

#[tokio::test]
async fn the_shipped_capture_is_replayed_looped_with_new_ids_and_times() {
    assert!(trades(&shipped()).len() >= 1_500);
    replays(&shipped()).await;
}

/// Everything that holds for the import of any recording in the foreign format, and for a replay of what comes of it.
async fn imports_and_replays(foreign: &Path, at_least: usize) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("imported.capture.jsonl");
    let frames = import(foreign, &path).unwrap();
    let text = std::fs::read_to_string(foreign).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|line: &Value| matches!(line["opcode"].as_str(), None | Some("text" | "binary")))
        .collect();
    assert_eq!(frames, lines.len() as u64, "every data frame of whatever kind is kept");
    let mut latest = i64::MIN;
    for (captured, line) in Reader::open(&path).unwrap().zip(&lines) {
        let captured = captured.unwrap();
        latest = latest.max(line["recv_us"].as_i64().unwrap());
        assert_eq!(captured.received_us, latest, "a time that falls is the one before it");
        assert_eq!(
            line["raw"].as_str().unwrap().as_bytes(),
            captured.frame,
            "frames are kept in their own words"
        );
    }
    let trades = trades(&path).len();
    assert!(trades >= at_least, "{trades} trades");
    replays(&path).await;
}

/// A recording in the foreign format: trades in both spellings of keys and several of numbers, frames that are no trades,
/// a ping, and a clock that is set back in the middle.
fn foreign_recording(path: &Path) -> usize {
    let markets = ["KRW-BTC", "KRW-XRP", "BTC-ETH"];
    let numbers = [("127.0", "4.00000000"), ("91154000", "6E-8"), ("0.05120000", "12.5")];
    let (mut lines, mut trades) = (Vec::new(), 0);
    let mut put = |at_us: i64, opcode: &str, raw: String| {
        lines.push(serde_json::json!({ "recv_us": at_us, "opcode": opcode, "raw": raw }).to_string());
    };
    for n in 0..120_i64 {
        let (sent_ms, market) = (1_600_000_000_000 + 7 * n, markets[n as usize % 3]);
        let (price, volume) = numbers[n as usize / 3 % 3];
        let set_back_us = if n < 60 { 0 } else { 300_000 };
        let at_us = sent_ms * 1_000 + 1_500 - set_back_us;
        let event_ms = match n % 4 {
            0 => sent_ms - sent_ms % 1_000, // as in the days when execution times were whole seconds
            _ => sent_ms - 12,
        };
        let side = if n % 2 == 0 { "BID" } else { "ASK" };
        let id = 16_000_000_000_000_000 + n;
        trades += 1;
        if n % 2 == 0 {
            let raw = format!(
                r#"{{"type":"trade","code":"{market}","timestamp":{sent_ms},"trade_timestamp":{event_ms},"trade_price":{price},"trade_volume":{volume},"ask_bid":"{side}","prev_closing_price":{price},"change":"RISE","change_price":0.5,"sequential_id":{id},"stream_type":"REALTIME"}}"#
            );
            put(at_us, "binary", raw);
        } else {
            let raw = format!(
                r#"{{"ty":"trade","cd":"{market}","tms":{sent_ms},"ttms":{event_ms},"tp":{price},"tv":{volume},"ab":"{side}","sid":{id},"st":"REALTIME"}}"#
            );
            put(at_us, "text", raw);
        }
        if n % 40 == 0 {
            put(at_us, "ping", String::new());
            put(at_us, "binary", r#"{"status":"UP"}"#.into());
        }
    }
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
    trades
}

#[tokio::test]
async fn a_recording_in_the_foreign_format_is_imported_and_replayed_the_same_way() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = dir.path().join("foreign.jsonl");
    let trades = foreign_recording(&foreign);
    imports_and_replays(&foreign, trades).await;
}

#[tokio::test]
async fn the_recording_that_the_environment_names_or_else_the_own_one_is_imported_and_replayed_the_same_way() {
    let dir = tempfile::tempdir().unwrap();
    match std::env::var_os("TICKBOOK_CAPTURE").map(PathBuf::from) {
        Some(real) => imports_and_replays(&real, 100).await,
        None => {
            let own = dir.path().join("foreign.jsonl");
            let trades = foreign_recording(&own);
            imports_and_replays(&own, trades).await;
        }
    }
}

#[tokio::test]
async fn once_through_at_the_recorded_pace_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("short.capture.jsonl");
    let mut writer = Writer::create(&path, "", &[]).unwrap();
    let mut first = None;
    for captured in Reader::open(&shipped()).unwrap().take(100) {
        let captured = captured.unwrap();
        let from = *first.get_or_insert(captured.received_us);
        writer
            .write((captured.received_us - from).min(400_000), &captured.frame)
            .unwrap();
    }
    writer.flush().unwrap();
    let want = trades(&path).len() as u64;
    let source = Source::Capture {
        path,
        rate: None,
        looped: false,
    };
    let running = start(source).await;
    running.exchange.begin();
    eventually("the end of the capture", || running.exchange.counters().at_end).await;
    assert_eq!(running.exchange.finish().await.executed, want);
}
