//! What a client's message asks for.

use std::collections::HashMap;
use std::hash::BuildHasher;

use market::Market;
use serde_json::Value;

use super::refusal::Refusal;

/// How frames are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Format {
    /// Short keys.
    pub(crate) simple: bool,
    /// Wrapped in an array of one.
    pub(crate) list: bool,
}

/// The trades that a connection wants.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Subscription {
    pub(crate) format: Format,
    /// Whether the newest trade of each market comes first.
    pub(crate) snapshot: bool,
    /// Whether trades follow.
    pub(crate) realtime: bool,
    /// By number of market: (wants the snapshot, wants what follows).
    wanted: Vec<(bool, bool)>,
    /// Whether everything that follows is wanted of every market, so that nothing needs to be looked up.
    everything: bool,
    /// As it was asked for, for `LIST_SUBSCRIPTIONS`.
    asked: Vec<(String, Vec<String>)>,
}

impl Subscription {
    /// The markets whose snapshot is wanted.
    pub(crate) fn markets(&self) -> impl Iterator<Item = u16> + '_ {
        (0..).zip(&self.wanted).filter(|(_, wanted)| wanted.0).map(|(n, _)| n)
    }

    /// Whether a trade of this market is wanted.
    #[inline]
    pub(crate) fn wants(&self, market: u16, snapshot: bool) -> bool {
        if self.everything && !snapshot {
            return true;
        }
        self.wanted
            .get(usize::from(market))
            .is_some_and(|wanted| if snapshot { wanted.0 } else { wanted.1 })
    }
}

/// A client's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Subscribe(Subscription),
    List { ticket: String },
}

const TYPES: [&str; 12] = [
    "trade",
    "ticker",
    "orderbook",
    "candle.1s",
    "candle.1m",
    "candle.3m",
    "candle.5m",
    "candle.10m",
    "candle.15m",
    "candle.30m",
    "candle.60m",
    "candle.240m",
];

/// Reads a message. Tickers, order books and candles can be subscribed as on Upbit, and stay silent: only trades happen
/// here. Codes that are unknown or not in capitals are passed over without a word, as there.
///
/// # Errors
/// [`Refusal`].
pub(super) fn read<S: BuildHasher>(text: &[u8], index: &HashMap<Market, u16, S>) -> Result<Request, Refusal> {
    let Ok(Value::Array(parts)) = serde_json::from_slice(text) else {
        return Err(Refusal::wrong_format());
    };
    if parts.iter().any(|part| !part.is_object()) {
        return Err(Refusal::wrong_format());
    }
    let field = |name: &str| parts.iter().find_map(|part| part.get(name));
    let ticket = match field("ticket") {
        Some(Value::String(ticket)) if !ticket.is_empty() => ticket.clone(),
        _ => return Err(Refusal::no_ticket()),
    };
    match field("method") {
        None => {}
        Some(Value::String(method)) if method == "LIST_SUBSCRIPTIONS" => return Ok(Request::List { ticket }),
        Some(other) => return Err(Refusal::invalid_param(&other.to_string())),
    }
    let mut subscription = Subscription {
        wanted: vec![(false, false); index.len()],
        ..Subscription::default()
    };
    subscription.format = match field("format") {
        None => Format::default(),
        Some(format) => match format.as_str() {
            Some("DEFAULT") => Format {
                simple: false,
                list: false,
            },
            Some("SIMPLE") => Format {
                simple: true,
                list: false,
            },
            Some("JSON_LIST") => Format {
                simple: false,
                list: true,
            },
            Some("SIMPLE_LIST") => Format {
                simple: true,
                list: true,
            },
            _ => return Err(Refusal::wrong_format()),
        },
    };
    for part in parts.iter().filter(|part| part.get("type").is_some()) {
        let kind = part["type"].as_str().filter(|kind| TYPES.contains(kind));
        let kind = kind.ok_or_else(|| Refusal::invalid_param(part["type"].as_str().unwrap_or("null")))?;
        let codes = part
            .get("codes")
            .and_then(Value::as_array)
            .filter(|codes| !codes.is_empty());
        let codes = codes.ok_or_else(Refusal::no_codes)?;
        let codes: Vec<String> = codes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if kind == "trade" {
            // The older spelling is what a recording of 2021 used.
            let flag = |names: [&str; 2]| {
                names
                    .iter()
                    .any(|name| part.get(*name).and_then(Value::as_bool) == Some(true))
            };
            let snapshot = !flag(["is_only_realtime", "isOnlyRealtime"]);
            let realtime = !flag(["is_only_snapshot", "isOnlySnapshot"]);
            subscription.snapshot |= snapshot;
            subscription.realtime |= realtime;
            for number in codes.iter().filter_map(|code| index.get(&code.parse().ok()?)) {
                let wanted = &mut subscription.wanted[usize::from(*number)];
                *wanted = (wanted.0 | snapshot, wanted.1 | realtime);
            }
        }
        subscription.asked.push((kind.to_owned(), codes));
    }
    if subscription.asked.is_empty() {
        return Err(Refusal::no_type());
    }
    subscription.everything = subscription.wanted.iter().all(|wanted| wanted.1);
    Ok(Request::Subscribe(subscription))
}

/// The answer to `LIST_SUBSCRIPTIONS`.
pub(super) fn list(subscription: Option<&Subscription>, ticket: &str) -> String {
    let asked = subscription.map_or(&[][..], |subscription| &subscription.asked);
    let result: Vec<Value> = asked
        .iter()
        .map(|(kind, codes)| serde_json::json!({ "type": kind, "codes": codes }))
        .collect();
    serde_json::json!({ "method": "LIST_SUBSCRIPTIONS", "result": result, "ticket": ticket }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> HashMap<Market, u16> {
        (0..)
            .zip(["KRW-BTC", "KRW-ETH"])
            .map(|(n, code)| (code.parse().unwrap(), n))
            .collect()
    }

    fn refused(text: &str) -> &'static str {
        read(text.as_bytes(), &index()).expect_err(text).name
    }

    #[test]
    fn each_mistake_has_its_name() {
        for (text, name) in [
            ("", "WRONG_FORMAT"),
            ("{}", "WRONG_FORMAT"),
            (r#"[{"ticket":"t"}"#, "WRONG_FORMAT"),
            (r#"["ticket"]"#, "WRONG_FORMAT"),
            (
                r#"[{"ticket":"t"},{"type":"trade","codes":["KRW-BTC"]},{"format":"SHORT"}]"#,
                "WRONG_FORMAT",
            ),
            (r#"[{"type":"trade","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
            (r#"[{"ticket":""},{"type":"trade","codes":["KRW-BTC"]}]"#, "NO_TICKET"),
            (r#"[{"ticket":"t"}]"#, "NO_TYPE"),
            (r#"[{"ticket":"t"},{"type":"trade"}]"#, "NO_CODES"),
            (r#"[{"ticket":"t"},{"type":"trade","codes":[]}]"#, "NO_CODES"),
            (
                r#"[{"ticket":"t"},{"type":"nope","codes":["KRW-BTC"]}]"#,
                "INVALID_PARAM",
            ),
            (r#"[{"ticket":"t"},{"method":"FORGET"}]"#, "INVALID_PARAM"),
        ] {
            assert_eq!(refused(text), name, "{text}: see server/subscription.rs");
        }
    }

    #[test]
    fn unknown_and_lower_case_codes_are_passed_over() {
        let text = r#"[{"ticket":"t"},{"type":"trade","codes":["krw-btc","KRW-NOPE","KRW-ETH"]}]"#;
        let Ok(Request::Subscribe(subscription)) = read(text.as_bytes(), &index()) else {
            panic!("{text} is refused")
        };
        assert_eq!(subscription.markets().collect::<Vec<_>>(), [1]);
        assert!(!subscription.wants(0, false) && subscription.wants(1, false));
    }

    #[test]
    fn both_spellings_of_the_flags_are_understood() {
        for (flag, snapshot, realtime) in [
            ("is_only_snapshot", true, false),
            ("isOnlySnapshot", true, false),
            ("is_only_realtime", false, true),
            ("isOnlyRealtime", false, true),
            ("anything", true, true),
        ] {
            let text = format!(r#"[{{"ticket":"t"}},{{"type":"trade","codes":["KRW-BTC"],"{flag}":true}}]"#);
            let Ok(Request::Subscribe(subscription)) = read(text.as_bytes(), &index()) else {
                panic!("{text}")
            };
            assert_eq!(
                (subscription.wants(0, true), subscription.wants(0, false)),
                (snapshot, realtime),
                "{flag}"
            );
        }
    }
}
