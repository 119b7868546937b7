//! One pass over a JSON text: checks its grammar to the last byte and notes where the members that matter stand.
//!
//! Why not `serde_json`: to keep a number exact it must be kept as text (`RawValue`), and then every frame pays for a
//! visitor per member. An exchange frame is one flat object of twenty members of which nine matter; noting nine spans and
//! skipping the rest costs less than half. The grammar is RFC 8259; duplicates are noted, because a frame that names two
//! prices has none.

use crate::escape::{UNESCAPED, Unescaped, unescape};
use crate::members::{Field, Keys, Kind, Members, Value};

/// Nesting deeper than this is refused. The exchange nests three deep.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The text breaks the grammar at a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// What stood there that should not.
    pub(crate) what: &'static str,
    /// Where.
    pub(crate) at: usize,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Marks, in the top bit of its byte, the first of eight bytes that a string cannot step over: a quote, a backslash, a
/// control character. Marks behind the first may be wrong (a borrow). Source: A. Mycroft's test for a zero byte in a word.
#[inline(always)]
fn special(word: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    (zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64)) | (word.wrapping_sub(ONES * 0x20) & !word))
        & HIGH
}

/// Marks, in the top bit of its byte, the first of eight bytes that is no digit. Marks behind the first may be wrong (a
/// carry).
#[inline(always)]
pub(crate) fn no_digit(word: u64) -> u64 {
    let digits = word ^ (ONES * b'0' as u64);
    (digits.wrapping_add(ONES * (0x80 - 10)) | digits) & HIGH
}

/// What a rule of the grammar found, and where it ended.
type Found<T> = Result<(T, usize), Syntax>;

#[cold]
#[inline(never)]
fn wrong<T>(what: &'static str, at: usize) -> Result<T, Syntax> {
    Err(Syntax { what, at })
}

/// Rules of the grammar over a text that is known to be UTF-8 and shorter than 4 GiB.
///
/// The place is an argument and a result, never a member: kept in memory, each step would wait for the store before it.
#[derive(Clone, Copy)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The byte at a place; 0, which no rule allows, at the end.
    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// Steps over white space; the byte behind it, and its place.
    #[inline(always)]
    pub(crate) fn next(self, at: usize) -> (u8, usize) {
        let byte = self.byte(at);
        if byte > b' ' {
            (byte, at)
        } else {
            self.next_after_space(at)
        }
    }

    #[inline(never)]
    fn next_after_space(self, mut at: usize) -> (u8, usize) {
        while matches!(self.byte(at), b' ' | b'\t' | b'\n' | b'\r') {
            at += 1;
        }
        (self.byte(at), at)
    }

    /// Nothing but white space may follow.
    #[inline]
    pub(crate) fn end(self, at: usize) -> Result<(), Syntax> {
        let (_, at) = self.next(at);
        if at == self.bytes.len() {
            Ok(())
        } else {
            wrong("something after the end", at)
        }
    }

    /// Reads an object, white space before it included.
    #[inline]
    pub(crate) fn members<K: Keys>(self, at: usize) -> Found<Members> {
        let mut members = Members::new();
        let (byte, mut at) = self.next(at);
        if byte != b'{' {
            return wrong("no object", at);
        }
        let (byte, after) = self.next(at + 1);
        if byte == b'}' {
            return Ok((members, after + 1));
        }
        loop {
            let (field, colon) = match self.short_key(at + 1) {
                Some((key, colon)) => (K::short(key), colon),
                None => self.long_key::<K>(at + 1)?,
            };
            let (value, after) = self.value(colon + 1)?;
            if let Some(field) = field {
                members.note(field, value);
            }
            let (byte, comma) = self.next(after);
            match byte {
                b',' => at = comma,
                b'}' => return Ok((members, comma + 1)),
                _ => return wrong("no comma or brace after a value", comma),
            }
        }
    }

    /// A key of up to six plain bytes with its quotes and its colon and no white space: read in one step.
    #[inline(always)]
    fn short_key(self, at: usize) -> Option<(u64, usize)> {
        let [b'"', eight @ ..] = self.bytes.get(at..)?.first_chunk::<9>()? else {
            return None;
        };
        let word = u64::from_le_bytes(*eight);
        let marks = special(word);
        // The first mark is bit 8n + 7 for a key of n bytes; without a mark the shift is 64, and no colon is found.
        let bits = marks.trailing_zeros() & !7;
        let end = word.checked_shr(bits).unwrap_or(0);
        if end & 0xffff != 0x3a22 {
            return None; // not a quote and a colon
        }
        Some((word & !(u64::MAX << bits), at + 1 + bits as usize / 8 + 1))
    }

    /// Any other key. Not inlined: the loop around it stays small for short keys.
    #[inline(never)]
    fn long_key<K: Keys>(self, at: usize) -> Found<Option<Field>> {
        let (key, colon) = self.key(at)?;
        match key.kind {
            Kind::Plain => Ok((K::field(key.of(self.bytes)), colon)),
            _ => self.escaped_key::<K>(key, at, colon),
        }
    }

    /// A key that cannot be spelled out is refused.
    #[cold]
    #[inline(never)]
    fn escaped_key<K: Keys>(self, key: Value, at: usize, colon: usize) -> Found<Option<Field>> {
        match unescape(key.of(self.bytes), &mut [0; UNESCAPED]) {
            Unescaped::Text(text) => Ok((K::field(text), colon)),
            Unescaped::TooLong => Ok((None, colon)),
            Unescaped::NoText => wrong("half a surrogate pair in a key", at),
        }
    }

    /// Reads a key, and the place of the colon behind it.
    #[inline(always)]
    fn key(self, at: usize) -> Found<Value> {
        let (byte, at) = self.next(at);
        if byte != b'"' {
            return wrong("no key", at);
        }
        let (key, after) = self.string(at)?;
        let (byte, colon) = self.next(after);
        if byte != b':' {
            return wrong("no colon after a key", colon);
        }
        Ok((key, colon))
    }

    /// Reads any value.
    #[inline(always)]
    pub(crate) fn value(self, at: usize) -> Found<Value> {
        let (byte, at) = self.next(at);
        match byte {
            b'{' | b'[' => self.nested(at),
            _ => self.flat(byte, at),
        }
    }

    #[inline(always)]
    fn flat(self, byte: u8, at: usize) -> Found<Value> {
        match byte {
            b'"' => self.string(at),
            b'-' | b'0'..=b'9' => self.number(at),
            _ => self.word(at),
        }
    }

    /// Reads a string whose quote is here.
    #[inline(always)]
    fn string(self, at: usize) -> Found<Value> {
        let from = at + 1;
        let at = self.string_part(from);
        if self.byte(at) != b'"' {
            return self.string_with_escapes(from, at);
        }
        let value = Value::new(Kind::Plain, from, at);
        Ok((value, at + 1))
    }

    /// Steps over what is plain inside a string.
    #[inline(always)]
    fn string_part(self, mut at: usize) -> usize {
        while let Some(eight) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let marks = special(u64::from_le_bytes(*eight));
            if marks != 0 {
                return at + marks.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        while !matches!(self.byte(at), b'"' | b'\\' | 0..0x20) {
            at += 1;
        }
        at
    }

    #[cold]
    #[inline(never)]
    fn string_with_escapes(self, from: usize, mut at: usize) -> Found<Value> {
        loop {
            match self.byte(at) {
                b'"' => {
                    let value = Value::new(Kind::Escaped, from, at);
                    return Ok((value, at + 1));
                }
                b'\\' => {}
                _ if at == self.bytes.len() => return wrong("the end inside a string", at),
                _ => return wrong("a control character inside a string", at),
            }
            at = match self.byte(at + 1) {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at + 2,
                b'u' if (at + 2..at + 6).all(|digit| self.byte(digit).is_ascii_hexdigit()) => at + 6,
                _ => return wrong("an unknown escape", at),
            };
            at = self.string_part(at);
        }
    }

    /// Steps over digits, of which there must be one.
    #[inline(always)]
    fn digits(self, from: usize) -> Result<usize, Syntax> {
        let mut at = from;
        loop {
            let Some(eight) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) else {
                while self.byte(at).is_ascii_digit() {
                    at += 1;
                }
                break;
            };
            let marks = no_digit(u64::from_le_bytes(*eight));
            if marks != 0 {
                at += marks.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        if at == from {
            wrong("no digit in a number", at)
        } else {
            Ok(at)
        }
    }

    #[inline(always)]
    fn number(self, from: usize) -> Found<Value> {
        let mut at = from + usize::from(self.byte(from) == b'-');
        let first = at;
        at = self.digits(at)?;
        if self.byte(first) == b'0' && at > first + 1 {
            return wrong("a zero before a number", first);
        }
        if self.byte(at) == b'.' {
            at = self.digits(at + 1)?;
        }
        if matches!(self.byte(at), b'e' | b'E') {
            at += 1 + usize::from(matches!(self.byte(at + 1), b'+' | b'-'));
            at = self.digits(at)?;
        }
        let value = Value::new(Kind::Number, from, at);
        Ok((value, at))
    }

    #[inline(never)]
    fn word(self, from: usize) -> Found<Value> {
        let rest = self.bytes.get(from..).unwrap_or_default();
        for word in [&b"null"[..], b"true", b"false"] {
            if rest.starts_with(word) {
                let to = from + word.len();
                let value = Value::new(Kind::Word, from, to);
                return Ok((value, to));
            }
        }
        wrong(if rest.is_empty() { "the end" } else { "no value" }, from)
    }

    /// Steps over an object or an array of any content, without recursion: a hostile frame must not exhaust the stack.
    #[inline(never)]
    fn nested(self, from: usize) -> Found<Value> {
        let kind = if self.byte(from) == b'{' {
            Kind::Object
        } else {
            Kind::Array
        };
        let mut objects = 0u128; // bit n: whether the nth level from within is an object
        let mut depth = 0u32;
        let mut at = from;
        loop {
            // A value begins here.
            let (byte, start) = self.next(at);
            let opened = matches!(byte, b'{' | b'[');
            if opened {
                if depth == MAX_DEPTH {
                    return wrong("nesting too deep", start);
                }
                objects = (objects << 1) | u128::from(byte == b'{');
                depth += 1;
                at = start + 1;
            } else {
                at = self.flat(byte, start)?.1;
            }
            // It has ended, or its first member begins.
            loop {
                let object = objects & 1 == 1;
                let (byte, place) = self.next(at);
                let first = opened && at == start + 1;
                match byte {
                    b'}' if object => {}
                    b']' if !object => {}
                    b',' if !first => {
                        at = if object { self.key(place + 1)?.1 + 1 } else { place + 1 };
                        break;
                    }
                    _ if first => {
                        at = if object { self.key(place)?.1 + 1 } else { place };
                        break;
                    }
                    _ => return wrong("no comma or bracket after a value", place),
                }
                at = place + 1;
                objects >>= 1;
                depth -= 1;
                if depth == 0 {
                    let value = Value::new(kind, from, at);
                    return Ok((value, at));
                }
                // From here on nothing is a first member: `at` has passed the start.
            }
        }
    }
}
