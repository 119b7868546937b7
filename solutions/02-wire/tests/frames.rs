//! What the decoder makes of frames, good and bad.

mod common;

use std::path::Path;

use common::{DEFAULT, SIMPLE, reference, trade};
use market::{Decode, Frame, Reason, Trade};
use wire::FrameDecoder;

fn read(frame: &str) -> Result<Frame, Reason> {
    FrameDecoder.frame(frame.as_bytes()).map_err(|why| why.reason)
}

fn realtime(trade: Trade) -> Result<Frame, Reason> {
    Ok(Frame::Trade { trade, snapshot: false })
}

/// The SIMPLE frame with one text in place of another.
fn with(what: &str, instead: &str) -> String {
    assert!(SIMPLE.contains(what), "the sample has no {what}");
    SIMPLE.replacen(what, instead, 1)
}

#[test]
fn both_formats_and_lists_of_one_give_the_same_trade() {
    for frame in [
        DEFAULT.to_owned(),
        SIMPLE.to_owned(),
        format!("[{SIMPLE}]"),
        format!(" [ {DEFAULT} ]\n"),
    ] {
        assert_eq!(read(&frame), realtime(trade()), "in {frame}");
    }
    let snapshot = with("REALTIME", "SNAPSHOT");
    assert_eq!(
        read(&snapshot),
        Ok(Frame::Trade {
            trade: trade(),
            snapshot: true
        })
    );
    assert_eq!(
        read(&with(r#","st":"REALTIME""#, "")),
        realtime(trade()),
        "without a stream type it is no snapshot"
    );
}

#[test]
fn order_spacing_escapes_and_unknown_keys_do_not_matter() {
    let mut members: Vec<&str> = SIMPLE.trim_matches(['{', '}']).split(',').collect();
    members.reverse();
    assert_eq!(
        read(&format!("{{{}}}", members.join(",\n\t"))),
        realtime(trade()),
        "reversed and spaced"
    );
    let odd = r#""new":{"a":[1,{"b":[[],{},"]}\"",null]},-0.5e+3],"\u00e9\ud83d\ude00":true}"#;
    assert_eq!(
        read(&with("\"td\"", &format!("{odd},\"td\""))),
        realtime(trade()),
        "an unknown key of any content"
    );
    let escaped = with(r#""cd":"KRW-BTC""#, r#""\u0063d":"KRW\u002dBTC""#);
    assert_eq!(read(&escaped), realtime(trade()), "escapes in a key and a value");
}

#[test]
fn numbers_are_exact_in_any_spelling() {
    for (spelling, price) in [
        ("1.04523E8", "104523000"),
        ("104523e3", "104523000"),
        ("0E-8", "0"),
        ("7.9276E-4", "0.00079276"),
    ] {
        let Ok(Frame::Trade { trade, .. }) = read(&with("104523000.00000000", spelling)) else {
            panic!("{spelling} was refused");
        };
        assert_eq!(trade.price, price.parse().unwrap(), "of {spelling}");
    }
    for spelling in ["17900000000870003.0", "1.7900000000870003e16", "1790000000087000300E-2"] {
        assert_eq!(
            read(&with("17900000000870003", spelling)),
            realtime(trade()),
            "an id spelled {spelling}"
        );
    }
    let Ok(Frame::Trade { trade, .. }) = read(&with("17900000000870003", "18446744073709551615")) else {
        panic!("the largest id was refused");
    };
    assert_eq!(trade.sequential_id, u64::MAX);
}

#[test]
fn each_fault_has_its_reason() {
    use Reason::{Malformed, MissingField, OutOfRange, WrongType};
    let cases = [
        (with("\"sid\":17900000000870003,", ""), MissingField),
        (with("\"tp\":104523000.00000000,", ""), MissingField),
        (with("104523000.00000000", "\"104523000\""), WrongType),
        (with("17900000000870003", "null"), WrongType),
        (with("\"KRW-BTC\"", "7"), WrongType),
        (with("\"BID\"", "{}"), WrongType),
        (with("\"trade\"", "[]"), WrongType),
        (with("KRW-BTC", "krw-btc"), OutOfRange),
        (with("BID", "BUY"), OutOfRange),
        (with("REALTIME", "LATER"), OutOfRange),
        (with("0.00420017", "0.004200171"), OutOfRange),
        (with("0.00420017", "-0.00420017"), OutOfRange),
        (with("104523000.00000000", "1e40"), OutOfRange),
        (with("17900000000870003", "1.5"), OutOfRange),
        (with("17900000000870003", "18446744073709551616"), OutOfRange),
        (with("17900000000870003", "-1"), OutOfRange),
        (with("1790000000087", "99999999999999"), OutOfRange),
        (with("104523000.00000000", "0104523000"), Malformed),
        (with("104523000.00000000", "104523000."), Malformed),
        (with("104523000.00000000", "NaN"), Malformed),
        (with("\"st\"", "\"tp\":1,\"st\""), Malformed),
        (with("\"st\"", "\"trade_price\":1,\"st\""), Malformed),
        (
            with("\"ty\":\"trade\"", "\"ty\":\"trade\",\"type\":\"ticker\""),
            Malformed,
        ),
        (with("KRW-BTC", "KRW\tBTC"), Malformed),
        (with("KRW-BTC", "KRW\\xBTC"), Malformed),
        (format!("{SIMPLE}{SIMPLE}"), Malformed),
        (format!("{SIMPLE},"), Malformed),
        (format!("[{SIMPLE},{SIMPLE}]"), WrongType),
        ("[]".into(), WrongType),
        ("[7]".into(), WrongType),
        ("\"trade\"".into(), WrongType),
        ("{}".into(), MissingField),
        ("".into(), Malformed),
        (format!("{{\"a\":{}", "[".repeat(100_000)), Malformed),
    ];
    for (frame, reason) in cases {
        assert_eq!(read(&frame), Err(reason), "of {}", &frame[..frame.len().min(400)]);
    }
    assert_eq!(
        FrameDecoder.frame(b"{\"ty\":\"\xff\"}").map_err(|why| why.reason),
        Err(Malformed),
        "not UTF-8"
    );
}

#[test]
fn a_frame_cut_anywhere_is_malformed() {
    for frame in [DEFAULT, SIMPLE] {
        for cut in 0..frame.len() {
            assert_eq!(read(&frame[..cut]), Err(Reason::Malformed), "cut at byte {cut}");
        }
    }
}

#[test]
fn what_is_no_trade_is_told_apart() {
    assert_eq!(read(r#"{"status":"UP"}"#), Ok(Frame::Status));
    assert_eq!(
        read(r#"{"ty":"ticker","cd":"KRW-BTC","tp":"not even read"}"#),
        Ok(Frame::Other)
    );
    let error = read(r#"{"error":{"message":"bad \u0022codes\u0022","name":"NO_CODES"}}"#);
    assert_eq!(
        error,
        Ok(Frame::Error {
            name: "NO_CODES".into(),
            message: "bad \"codes\"".into()
        })
    );
    assert_eq!(read(r#"{"error":7}"#), Err(Reason::WrongType));
    assert_eq!(read(r#"{"status":7}"#), Err(Reason::WrongType));
}

#[test]
fn a_page_gives_its_ticks_as_they_come() {
    let tick = r#"{"market":"KRW-BTC","trade_date_utc":"2026-09-21","trade_time_utc":"13:33:20","timestamp":1790000000087,"trade_price":104523000.0,"trade_volume":0.00420017,"prev_closing_price":103900000.0,"change_price":623000.0,"ask_bid":"BID","sequential_id":17900000000870003}"#;
    let page = |body: String| FrameDecoder.ticks(body.as_bytes()).map_err(|why| why.reason);
    let want = Trade {
        sent_time: trade().event_time,
        ..trade()
    };
    let older = Trade {
        sequential_id: 7,
        ..want
    };
    let two = format!("[{tick} , {}]", tick.replace("17900000000870003", "7"));
    assert_eq!(
        page(two.clone()),
        Ok(vec![want, older]),
        "the send time of a tick is its execution time"
    );
    assert_eq!(page(" [ ] ".into()), Ok(vec![]));
    for cut in 0..two.len() {
        assert_eq!(page(two[..cut].into()), Err(Reason::Malformed), "cut at byte {cut}");
    }
    assert_eq!(page(r#"{"error":{"name":404}}"#.into()), Err(Reason::WrongType));
    assert_eq!(page("[7]".into()), Err(Reason::Malformed));
    assert_eq!(
        page(format!("[{tick},{}]", tick.replace("0.00420017", "true"))),
        Err(Reason::WrongType)
    );
}

/// The project's own recording, and the real one where `TICKBOOK_CAPTURE` says that there is one.
#[test]
fn recordings_read_as_the_reference_reads_them() {
    let own = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../harness/exchange/captures/small.capture.jsonl"
    );
    reads_as_the_reference(Path::new(own), "frame");
    if let Some(real) = std::env::var_os("TICKBOOK_CAPTURE") {
        reads_as_the_reference(Path::new(&real), "raw");
    }
}

fn reads_as_the_reference(path: &Path, key: &str) {
    let mut trades = 0;
    let recording = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for line in recording.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a recording has JSON in every line");
        // The first line of a capture is no frame.
        let Some(frame) = line[key].as_str() else { continue };
        let got = read(frame);
        assert_eq!(got, reference(frame.as_bytes()), "of {frame}");
        trades += u64::from(matches!(got, Ok(Frame::Trade { .. })));
    }
    assert!(trades > 100, "{trades} trades in {}", path.display());
}
