//! Captures: written, read, imported, replayed. The same is asked of the capture in the repository and, where
//! `TICKBOOK_CAPTURE` names it, of a real recording.

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

#[tokio::test]
async fn a_real_recording_is_imported_and_replayed_the_same_way() {
    let Some(foreign) = std::env::var_os("TICKBOOK_CAPTURE").map(PathBuf::from) else {
        eprintln!("TICKBOOK_CAPTURE is not set: only the shipped capture was replayed, no real recording");
        return replays(&shipped()).await;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("real.capture.jsonl");
    let frames = import(&foreign, &path).unwrap();
    let lines = std::fs::read_to_string(&foreign).unwrap();
    assert_eq!(
        frames,
        lines.lines().count() as u64,
        "every frame of whatever kind is kept"
    );
    for (captured, line) in Reader::open(&path).unwrap().zip(lines.lines()) {
        let (captured, line): (_, Value) = (captured.unwrap(), serde_json::from_str(line).unwrap());
        assert_eq!(line["recv_us"], captured.received_us);
        assert_eq!(
            line["raw"].as_str().unwrap().as_bytes(),
            captured.frame,
            "frames are kept in their own words"
        );
    }
    assert!(trades(&path).len() > 100);
    replays(&path).await;
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
