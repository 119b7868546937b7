//! Frames that are not what they should be.

use crate::BadFrame;

/// Bytes of an oversized frame: past the 64 KiB that a client should take.
const OVERSIZED: usize = 70_000;

const QUESTION: &str = "bad frame ";

/// What a ping right behind the `n`th bad frame says. The client's answer proves that it has read the frame: its socket
/// took it long before that, and its own pings go on while it reads nothing.
pub(super) fn question(n: u64) -> Vec<u8> {
    format!("{QUESTION}{n}").into_bytes()
}

/// Which bad frame a pong proves to have been read.
pub(super) fn answered(pong: &[u8]) -> Option<u64> {
    std::str::from_utf8(pong).ok()?.strip_prefix(QUESTION)?.parse().ok()
}

/// Makes the `n`th bad frame of a run out of a good trade's JSON. Each carries its number, so that no two are alike.
pub(super) fn make(kind: BadFrame, n: u64, trade: &[u8]) -> Vec<u8> {
    let numbered = |trade: &[u8]| prefix(trade, format!("\"bad\":{n},").as_bytes());
    match kind {
        BadFrame::Garbage => {
            // 0xff and 0xfe occur in no UTF-8. The rest is a multiplicative generator's bytes.
            let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut bytes = vec![0xff, 0xfe];
            bytes.extend_from_slice(&n.to_le_bytes());
            for _ in 0..54 {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                bytes.push((state >> 56) as u8);
            }
            bytes
        }
        BadFrame::Truncated => {
            let mut bytes = numbered(trade);
            bytes.truncate(bytes.len() * 3 / 5);
            bytes
        }
        BadFrame::WrongType => value(&numbered(trade), &[b"\"trade_price\":", b"\"tp\":"], b"true"),
        BadFrame::MissingField => {
            let bytes = numbered(trade);
            let renamed = value(&bytes, &[b"\"sequential_id\":", b"\"sid\":"], b"");
            [b"\"sequential_id\":,".as_slice(), b"\"sid\":,"]
                .iter()
                .fold(renamed, |bytes, key| without(&bytes, key))
        }
        BadFrame::Oversized => {
            let bytes = numbered(trade);
            let padding = OVERSIZED.saturating_sub(bytes.len() + 13);
            prefix(
                &bytes,
                &[b"\"padding\":\"", vec![b'x'; padding].as_slice(), b"\","].concat(),
            )
        }
        BadFrame::UnknownKey => unknown_key(trade),
    }
}

/// The trade with a key that nobody has heard of.
pub(super) fn unknown_key(trade: &[u8]) -> Vec<u8> {
    prefix(trade, br#""unheard_of":{"of":[1,null,"\"}"]},"#)
}

/// Puts `pairs` behind the first brace.
fn prefix(json: &[u8], pairs: &[u8]) -> Vec<u8> {
    let at = json.iter().position(|byte| *byte == b'{').map_or(0, |at| at + 1);
    [&json[..at], pairs, &json[at..]].concat()
}

/// Replaces the number behind the first of `keys` that occurs.
fn value(json: &[u8], keys: &[&[u8]], with: &[u8]) -> Vec<u8> {
    for key in keys {
        if let Some(at) = find(json, key) {
            let from = at + key.len();
            let to = json[from..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}'))
                .map_or(json.len(), |n| from + n);
            return [&json[..from], with, &json[to..]].concat();
        }
    }
    json.to_vec()
}

fn without(json: &[u8], part: &[u8]) -> Vec<u8> {
    find(json, part).map_or_else(|| json.to_vec(), |at| [&json[..at], &json[at + part.len()..]].concat())
}

fn find(json: &[u8], part: &[u8]) -> Option<usize> {
    json.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRADE: &[u8] =
        br#"{"type":"trade","code":"KRW-BTC","trade_price":127.0,"sequential_id":17,"stream_type":"REALTIME"}"#;

    #[test]
    fn each_kind_is_bad_in_its_own_way_and_no_two_are_alike() {
        let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes);
        for kind in BadFrame::UNREADABLE {
            assert_ne!(
                make(kind, 1, TRADE),
                make(kind, 2, TRADE),
                "{kind} must carry its number"
            );
        }
        assert!(std::str::from_utf8(&make(BadFrame::Garbage, 1, TRADE)).is_err());
        assert!(json(&make(BadFrame::Truncated, 1, TRADE)).is_err());
        assert_eq!(json(&make(BadFrame::WrongType, 1, TRADE)).unwrap()["trade_price"], true);
        let missing = json(&make(BadFrame::MissingField, 1, TRADE)).unwrap();
        assert!(
            missing.get("sequential_id").is_none() && missing["trade_price"] == 127.0,
            "{missing}"
        );
        let oversized = make(BadFrame::Oversized, 1, TRADE);
        assert!(oversized.len() == OVERSIZED && json(&oversized).is_ok());
        let unknown = json(&unknown_key(TRADE)).unwrap();
        assert_eq!(
            (&unknown["sequential_id"], &unknown["trade_price"]),
            (&17.into(), &127.0.into())
        );
    }
}
