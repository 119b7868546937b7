//! The one message that asks for trades.

use feed::subscription;
use market::Market;
use serde_json::Value;

fn asked(codes: &[&str]) -> Vec<Value> {
    let markets: Vec<Market> = codes.iter().map(|code| code.parse().unwrap()).collect();
    let text = subscription("a ticket", &markets);
    let parsed = serde_json::from_str(&text);
    let Ok(Value::Array(parts)) = parsed else {
        panic!("the exchange takes an array of objects, and this is none: {text}; see subscription");
    };
    parts
}

#[test]
fn task1_a_subscription_is_a_ticket_a_type_and_a_format_in_this_order() {
    let parts = asked(&["KRW-BTC"]);
    assert_eq!(parts.len(), 3, "ticket, type, format: {parts:?}");
    assert_eq!(
        parts[0]["ticket"], "a ticket",
        "without one the exchange answers NO_TICKET"
    );
    assert_eq!(parts[1]["type"], "trade", "see the documentation of subscription");
    assert_eq!(parts[2]["format"], "SIMPLE", "without it frames are twice as long");
}

#[test]
fn task1_one_type_asks_for_all_markets() {
    let parts = asked(&["KRW-BTC", "KRW-ETH", "USDT-XRP"]);
    let with_codes = parts.iter().filter(|part| part.get("codes").is_some()).count();
    assert_eq!(with_codes, 1, "one type with all codes, not one for each: {parts:?}");
    assert_eq!(parts[1]["codes"], serde_json::json!(["KRW-BTC", "KRW-ETH", "USDT-XRP"]));
}
