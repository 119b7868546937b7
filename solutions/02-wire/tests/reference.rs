//! The scanner and `serde_json` agree on valid, mutated and random frames: the same trade, or the same reason.
#![allow(clippy::unwrap_used)]

mod common;

use common::{DEFAULT, SIMPLE, reference};
use market::Decode;
use proptest::prelude::*;
use wire::FrameDecoder;

fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    let got = FrameDecoder.frame(bytes);
    let reasons = got.clone().map_err(|why| why.reason);
    prop_assert_eq!(
        reasons,
        reference(bytes),
        "{:?} of {}",
        got,
        String::from_utf8_lossy(bytes)
    );
    Ok(())
}

/// Any JSON.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        number(),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(r#""\ud800""#.to_owned()),
        Just(r#""\u00e9\ud83d\ude00\/""#.to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(" ,"))),
            prop::collection::vec((any::<String>(), inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{}: {value}", serde_json::to_string(key).unwrap()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (0u64..1_000_000_000, 0u32..100_000_000).prop_map(|(whole, places)| format!("{whole}.{places:08}")),
        (0u64..1_000_000, -12i32..14).prop_map(|(n, e)| format!("{n}E{e}")),
        (0u64..1_000_000, 0u64..1000, -12i32..14).prop_map(|(n, f, e)| format!("{n}.{f}e{e:+}")),
        Just("0E-8".to_owned()),
        Just("-0".to_owned()),
        Just("1e400".to_owned()),
        Just("17900000000870003.0".to_owned()),
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![8 => (0u64..2_000_000_000_000).prop_map(|n| n.to_string()), 1 => number(), 1 => json()]
}

fn amount() -> impl Strategy<Value = String> {
    let plain = (0u64..1_000_000_000, 0u32..100_000_000).prop_map(|(whole, places)| format!("{whole}.{places:08}"));
    prop_oneof![8 => plain, 2 => number(), 1 => json()]
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![12 => prop::sample::select(words).prop_map(|word| format!("\"{word}\"")), 1 => json()]
}

/// A frame with its members in any order and spelling, and perhaps one too few, too many, or of another type.
fn frame() -> impl Strategy<Value = String> {
    let key = |short: &'static str, long: &'static str| {
        prop_oneof![6 => Just(short.to_owned()), 6 => Just(long.to_owned()),
            1 => Just(format!("\\u{:04x}{}", u32::from(short.as_bytes()[0]), &short[1..]))]
    };
    let members = (
        (
            key("ty", "type"),
            word(&["trade", "trade", "trade", "tr\\u0061de", "ticker"]),
        ),
        (
            key("cd", "code"),
            word(&["KRW-BTC", "BTC-ETH", "USDT-1INCH", "KRW\\u002dXRP", "krw-btc", "KRWBTC"]),
        ),
        (key("tms", "timestamp"), time()),
        (key("ttms", "trade_timestamp"), time()),
        (key("tp", "trade_price"), amount()),
        (key("tv", "trade_volume"), amount()),
        (key("ab", "ask_bid"), word(&["BID", "ASK", "\\u0041SK", "BUY"])),
        (
            key("sid", "sequential_id"),
            prop_oneof![8 => any::<u64>().prop_map(|n| n.to_string()), 2 => number()],
        ),
        (key("st", "stream_type"), word(&["SNAPSHOT", "REALTIME", "X"])),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i)| vec![a, b, c, d, e, f, g, h, i]);
    let odd = prop::collection::vec(
        (
            prop::sample::select(&["td", "bap", "status", "error", "x", "tp", "ty"][..]),
            json(),
        ),
        0..2,
    );
    (
        members,
        odd,
        prop::option::weighted(0.1, 0usize..9),
        any::<bool>(),
        "[ \t\r\n]{0,2}",
    )
        .prop_flat_map(|(mut members, odd, drop, list, space)| {
            if let Some(drop) = drop {
                members.remove(drop);
            }
            members.extend(odd.into_iter().map(|(key, value)| (key.to_owned(), value)));
            (Just(members).prop_shuffle(), Just(list), Just(space))
        })
        .prop_map(|(members, list, space)| {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{space}\"{key}\"{space}:{space}{value}"))
                .collect();
            let object = format!("{{{}{space}}}", members.join(","));
            if list {
                format!("[{space}{object}{space}]")
            } else {
                object
            }
        })
}

/// One damage to some bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
    Repeat(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || {
        prop_oneof![
            prop::sample::select(&b"{}[]\",:\\0123456789.eE+-tfnu \n"[..]),
            any::<u8>()
        ]
    };
    prop_oneof![
        (any::<usize>(), byte()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<usize>(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        any::<usize>().prop_map(Damage::Remove),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match *damage {
        Damage::Set(at, byte) => bytes[at % length] = byte,
        Damage::Insert(at, byte) => bytes.insert(at % (length + 1), byte),
        Damage::Remove(at) => {
            bytes.remove(at % length);
        }
        Damage::Cut(at) => bytes.truncate(at % length),
        Damage::Repeat(from, to) => {
            let from = from % length;
            let to = from + to % (length - from);
            let part = bytes[from..to].to_vec();
            bytes.splice(from..from, part);
        }
    }
}

proptest! {
    #![proptest_config(common::seeded(4000))]

    #[test]
    fn on_frames_in_any_spelling(frame in frame()) {
        agree(frame.as_bytes())?;
    }

    #[test]
    fn on_damaged_frames(
        frame in prop_oneof![frame(), Just(DEFAULT.to_owned()), Just(SIMPLE.to_owned())],
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = frame.into_bytes();
        for damage in &damages {
            apply(&mut bytes, damage);
        }
        agree(&bytes)?;
    }

    #[test]
    fn on_any_json(json in json()) {
        agree(json.as_bytes())?;
    }

    #[test]
    fn on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        agree(&bytes)?;
    }
}
