//! Trades as WebSocket frames, straight into the bytes of a write.
//!
//! A frame is some 480 bytes of which 100 are new each time. Going through a JSON serializer and a message per frame costs
//! several times what copying prebuilt parts and printing a dozen integers does; see `benches/framing.rs`.

use market::{Market, Side};

use super::subscription::Format;
use crate::source::{Execution, OWN_SPELLING, Spelling, tick_size};

/// What is the same in all frames of a market.
pub(crate) struct Face {
    pub(crate) market: Market,
    quote: &'static str,
    /// Yesterday's closing price, units of 10⁻⁸.
    pub(crate) previous_close: i64,
    previous_close_text: Vec<u8>,
    head: [Vec<u8>; 2],
}

impl Face {
    /// A market whose previous closing price is `previous_close`, in units of 10⁻⁸.
    pub(crate) fn new(market: Market, previous_close: i64) -> Self {
        let mut previous_close_text = Vec::new();
        write_units(&mut previous_close_text, previous_close, Places::Eight);
        let quote = match market.as_str().split('-').next() {
            Some("KRW") => "KRW",
            Some("USDT") => "USDT",
            _ => "BTC",
        };
        let head = |keys: &Keys| {
            [
                &b"{"[..],
                keys.kind,
                b"\"trade\",",
                keys.code,
                b"\"",
                market.as_bytes(),
                b"\",",
                keys.sent,
            ]
            .concat()
        };
        Self {
            market,
            quote,
            previous_close,
            previous_close_text,
            head: [head(&DEFAULT), head(&SIMPLE)],
        }
    }
}

struct Keys {
    kind: &'static [u8],
    code: &'static [u8],
    sent: &'static [u8],
    date: &'static [u8],
    time: &'static [u8],
    event: &'static [u8],
    price: &'static [u8],
    volume: &'static [u8],
    ask: &'static [u8],
    bid: &'static [u8],
    rise: &'static [u8],
    even: &'static [u8],
    fall: &'static [u8],
    change: &'static [u8],
    change_price: &'static [u8],
    id: &'static [u8],
    best: [&'static [u8]; 4],
    snapshot: &'static [u8],
    realtime: &'static [u8],
}

const DEFAULT: Keys = Keys {
    kind: b"\"type\":",
    code: b"\"code\":",
    sent: b"\"timestamp\":",
    date: b",\"trade_date\":\"",
    time: b"\",\"trade_time\":\"",
    event: b"\",\"trade_timestamp\":",
    price: b",\"trade_price\":",
    volume: b",\"trade_volume\":",
    ask: b",\"ask_bid\":\"ASK\",\"prev_closing_price\":",
    bid: b",\"ask_bid\":\"BID\",\"prev_closing_price\":",
    rise: b",\"change\":\"RISE\",\"change_price\":",
    even: b",\"change\":\"EVEN\",\"change_price\":",
    fall: b",\"change\":\"FALL\",\"change_price\":",
    change: b",\"change\":\"",
    change_price: b"\",\"change_price\":",
    id: b",\"sequential_id\":",
    best: [
        b",\"best_ask_price\":",
        b",\"best_ask_size\":",
        b",\"best_bid_price\":",
        b",\"best_bid_size\":",
    ],
    snapshot: b",\"stream_type\":\"SNAPSHOT\"",
    realtime: b",\"stream_type\":\"REALTIME\"",
};

const SIMPLE: Keys = Keys {
    kind: b"\"ty\":",
    code: b"\"cd\":",
    sent: b"\"tms\":",
    date: b",\"td\":\"",
    time: b"\",\"ttm\":\"",
    event: b"\",\"ttms\":",
    price: b",\"tp\":",
    volume: b",\"tv\":",
    ask: b",\"ab\":\"ASK\",\"pcp\":",
    bid: b",\"ab\":\"BID\",\"pcp\":",
    rise: b",\"c\":\"RISE\",\"cp\":",
    even: b",\"c\":\"EVEN\",\"cp\":",
    fall: b",\"c\":\"FALL\",\"cp\":",
    change: b",\"c\":\"",
    change_price: b"\",\"cp\":",
    id: b",\"sid\":",
    best: [b",\"bap\":", b",\"bas\":", b",\"bbp\":", b",\"bbs\":"],
    snapshot: b",\"st\":\"SNAPSHOT\"",
    realtime: b",\"st\":\"REALTIME\"",
};

/// How a decimal is spelled. The exchange is not of one mind, and a client must read them all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// `127.0`, `0.5`: at least one.
    Fewest,
    /// `4.00000000`.
    Eight,
    /// `7.9276E-4`, for values below 0.001; else as `Fewest`.
    Exponent,
}

/// Appends a decimal of `units` × 10⁻⁸, `units` ≥ 0.
#[inline]
pub(crate) fn write_units(out: &mut Vec<u8>, units: i64, places: Places) {
    const ONE: u64 = 100_000_000;
    let units = units.unsigned_abs();
    if places == Places::Exponent && units > 0 && units < ONE / 1000 {
        return write_exponent(out, units);
    }
    let mut buffer = itoa::Buffer::new();
    out.extend_from_slice(buffer.format(units / ONE).as_bytes());
    let mut fraction = units % ONE;
    if fraction == 0 {
        out.extend_from_slice(if places == Places::Eight { b".00000000" } else { b".0" });
        return;
    }
    let mut digits = *b".00000000";
    for at in (1..9).rev() {
        digits[at] = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    let mut length = 9;
    if places != Places::Eight {
        while digits[length - 1] == b'0' {
            length -= 1;
        }
    }
    out.extend_from_slice(&digits[..length]);
}

/// As Java prints a small double: one digit, a point, at least one more digit, `E-4` to `E-8`.
fn write_exponent(out: &mut Vec<u8>, units: u64) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units);
    let exponent = 9 - digits.len();
    let (first, rest) = digits.split_at(1);
    let rest = rest.trim_end_matches('0');
    out.extend_from_slice(first.as_bytes());
    out.push(b'.');
    out.extend_from_slice(if rest.is_empty() { b"0" } else { rest.as_bytes() });
    out.extend_from_slice(b"E-");
    out.push(b'0' + exponent as u8);
}

/// Frames trades in one format.
pub(crate) struct Framer {
    keys: &'static Keys,
    format: Format,
    /// The second for which `date` and `time` stand.
    second: i64,
    date: [u8; 10],
    time: [u8; 8],
}

impl Framer {
    pub(crate) fn new(format: Format) -> Self {
        let keys = if format.simple { &SIMPLE } else { &DEFAULT };
        Self {
            keys,
            format,
            second: i64::MIN,
            date: [0; 10],
            time: [0; 8],
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Appends the whole WebSocket frame of a trade.
    #[inline]
    pub(crate) fn frame(
        &mut self,
        out: &mut Vec<u8>,
        face: &Face,
        trade: &Execution,
        spelled: Option<&Spelling>,
        snapshot: bool,
    ) {
        let from = out.len();
        out.extend_from_slice(&[0x80 | super::websocket::BINARY, 126, 0, 0]);
        self.text(out, face, trade, spelled, snapshot);
        let length = out.len() - from - 4;
        if length < 126 {
            out.copy_within(from + 4.., from + 2);
            out.truncate(out.len() - 2);
            out[from + 1] = length as u8;
        } else {
            // No trade comes near 64 KiB: the longest parts are numbers of a recording, checked when it was read.
            out[from + 2..from + 4].copy_from_slice(&(length as u16).to_be_bytes());
        }
    }

    /// Appends the JSON of a trade.
    pub(crate) fn text(
        &mut self,
        out: &mut Vec<u8>,
        face: &Face,
        trade: &Execution,
        spelled: Option<&Spelling>,
        snapshot: bool,
    ) {
        let keys = self.keys;
        out.reserve(768);
        let mut buffer = itoa::Buffer::new();
        if self.format.list {
            out.push(b'[');
        }
        out.extend_from_slice(&face.head[usize::from(self.format.simple)]);
        out.extend_from_slice(buffer.format(trade.sent_ms).as_bytes());
        self.clock(trade.event_ms);
        out.extend_from_slice(keys.date);
        out.extend_from_slice(&self.date);
        out.extend_from_slice(keys.time);
        out.extend_from_slice(&self.time);
        out.extend_from_slice(keys.event);
        out.extend_from_slice(buffer.format(trade.event_ms).as_bytes());
        let side = match trade.side {
            Side::Ask => keys.ask,
            Side::Bid => keys.bid,
        };
        out.extend_from_slice(keys.price);
        match spelled {
            Some(spelled) => {
                out.extend_from_slice(spelled.price.as_bytes());
                out.extend_from_slice(keys.volume);
                out.extend_from_slice(spelled.volume.as_bytes());
                out.extend_from_slice(side);
                out.extend_from_slice(spelled.previous_close.as_bytes());
                out.extend_from_slice(keys.change);
                out.extend_from_slice(spelled.change.as_bytes());
                out.extend_from_slice(keys.change_price);
                out.extend_from_slice(spelled.change_price.as_bytes());
            }
            None => {
                let eight = trade.sequential_id & 3 == 0;
                write_units(out, trade.price, if eight { Places::Eight } else { Places::Fewest });
                out.extend_from_slice(keys.volume);
                let small = if trade.sequential_id & 1 == 0 {
                    Places::Exponent
                } else {
                    Places::Eight
                };
                write_units(out, trade.volume, small);
                out.extend_from_slice(side);
                out.extend_from_slice(&face.previous_close_text);
                out.extend_from_slice(match trade.price.cmp(&face.previous_close) {
                    std::cmp::Ordering::Greater => keys.rise,
                    std::cmp::Ordering::Equal => keys.even,
                    std::cmp::Ordering::Less => keys.fall,
                });
                write_units(out, (trade.price - face.previous_close).abs(), Places::Eight);
            }
        }
        out.extend_from_slice(keys.id);
        out.extend_from_slice(buffer.format(trade.sequential_id).as_bytes());
        if spelled.is_none() {
            self.book(out, face, trade);
        }
        out.extend_from_slice(if snapshot { keys.snapshot } else { keys.realtime });
        out.extend_from_slice(if self.format.list { b"}]" } else { b"}" });
    }

    /// The best prices on either side of a trade, one tick apart; sizes are made up from its id.
    #[inline]
    fn book(&self, out: &mut Vec<u8>, face: &Face, trade: &Execution) {
        let tick = tick_size(face.quote, trade.price);
        let (ask, bid) = match trade.side {
            Side::Bid => (trade.price, trade.price - tick),
            Side::Ask => (trade.price + tick, trade.price),
        };
        let size = ((trade.sequential_id % 9_973 + 1) * 10_000) as i64;
        for (key, value) in self.keys.best.iter().zip([ask, size, bid, size / 2]) {
            out.extend_from_slice(key);
            write_units(out, value, Places::Fewest);
        }
    }

    /// Brings date and time up to a trade; most trades fall into the second of the one before.
    #[inline]
    fn clock(&mut self, event_ms: i64) {
        let second = event_ms.div_euclid(1000);
        if second != self.second {
            self.second = second;
            let (date, time) = date_and_time(second);
            (self.date, self.time) = (date, time);
        }
    }
}

/// `yyyy-MM-dd` and `HH:mm:ss`, UTC.
pub(super) fn date_and_time(second: i64) -> ([u8; 10], [u8; 8]) {
    let (mut date, mut time) = (*b"1970-01-01", *b"00:00:00");
    if let Ok(at) = jiff::Timestamp::from_second(second) {
        let text = at.strftime("%Y-%m-%d%H:%M:%S").to_string();
        if let (Some(from), Some(to)) = (text.as_bytes().first_chunk(), text.as_bytes().last_chunk()) {
            (date, time) = (*from, *to);
        }
    }
    (date, time)
}

/// The recorded spelling of a trade, if it has one.
#[inline]
pub(crate) fn spelling<'a>(trade: &Execution, spellings: Option<&'a [Spelling]>) -> Option<&'a Spelling> {
    if trade.spelling == OWN_SPELLING {
        None
    } else {
        spellings?.get(trade.spelling as usize)
    }
}

#[cfg(test)]
mod tests {
    use market::Decimal;

    use super::*;

    #[test]
    fn every_spelling_of_a_number_is_the_number() {
        let mut units = 1i64;
        while units < 1_000_000_000_000_000_000 {
            for units in [units - 1, units, units + 1, units * 7 / 5] {
                for places in [Places::Fewest, Places::Eight, Places::Exponent] {
                    let mut out = Vec::new();
                    write_units(&mut out, units, places);
                    let read = Decimal::parse(&out).map(Decimal::units);
                    assert_eq!(read, Ok(i128::from(units)), "{}", String::from_utf8_lossy(&out));
                }
            }
            units *= 10;
        }
        for (units, places, text) in [
            (12_700_000_000, Places::Fewest, "127.0"),
            (400_000_000, Places::Eight, "4.00000000"),
            (79_276, Places::Exponent, "7.9276E-4"),
            (6, Places::Exponent, "6.0E-8"),
            (4_648_838_371, Places::Fewest, "46.48838371"),
        ] {
            let mut out = Vec::new();
            write_units(&mut out, units, places);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
