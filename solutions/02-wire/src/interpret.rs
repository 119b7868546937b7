//! From the members of an object to the fields of a trade: types, ranges, and the reason where they do not fit.

use std::fmt::Display;

use market::{Decimal, EventTime, Market, Reason, Side, Trade, Undecodable};

use crate::escape::{UNESCAPED, Unescaped, unescape};
use crate::members::{Field, Kind, Members, Value};
use crate::scan::{Syntax, no_digit};

#[cold]
pub(crate) fn refuse(reason: Reason, detail: String) -> Undecodable {
    Undecodable { reason, detail }
}

impl From<Syntax> for Undecodable {
    #[cold]
    fn from(syntax: Syntax) -> Self {
        refuse(Reason::Malformed, format!("{} at byte {}", syntax.what, syntax.at))
    }
}

/// The texts here are read as UTF-8 once, in whole, instead of string by string.
#[inline]
pub(crate) fn utf8(bytes: &[u8]) -> Result<(), Undecodable> {
    if bytes.len() > u32::MAX as usize {
        return Err(refuse(Reason::Oversized, "more than 4 GiB".into()));
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(refuse(Reason::Malformed, error.to_string())),
    }
}

/// The members of one object, and the bytes in which they stand.
pub(crate) struct Object<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) members: Members,
}

impl<'a> Object<'a> {
    #[inline]
    fn number(&self, field: Field) -> Result<&'a [u8], Undecodable> {
        let value = self.members.get(field);
        match value.kind {
            Kind::Number => Ok(value.of(self.bytes)),
            _ => Err(self.not_a(field, value, "a number")),
        }
    }

    /// Applies `read` to a text without its escapes.
    #[inline]
    pub(crate) fn text<T, E: Display>(
        &self,
        field: Field,
        read: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<T, Undecodable> {
        let value = self.members.get(field);
        let result = match value.kind {
            Kind::Plain => read(value.of(self.bytes)),
            Kind::Escaped => match unescape(value.of(self.bytes), &mut [0; UNESCAPED]) {
                Unescaped::Text(text) => read(text),
                // Longer than any text that means something: let `read` refuse what it sees.
                Unescaped::TooLong => read(value.of(self.bytes)),
                Unescaped::NoText => {
                    return Err(refuse(Reason::Malformed, format!("{field:?}: half a surrogate pair")));
                }
            },
            _ => return Err(self.not_a(field, value, "a string")),
        };
        result.map_err(|error| out_of_range(field, error))
    }

    #[cold]
    fn not_a(&self, field: Field, value: Value, want: &str) -> Undecodable {
        match value.kind {
            Kind::Absent => refuse(Reason::MissingField, format!("{field:?} is absent")),
            kind => refuse(Reason::WrongType, format!("{field:?} is {}, not {want}", kind.name())),
        }
    }

    /// A whole number, in any spelling that is one exactly: `17`, `17.0`, `1.7E1`.
    #[inline]
    fn integer<T: TryFrom<i128>>(&self, field: Field) -> Result<T, Undecodable> {
        let text = self.number(field)?;
        let whole = if let Some(whole) = digits(text) {
            i128::from(whole)
        } else {
            const ONE: i128 = 100_000_000;
            let units = Decimal::parse(text)
                .map_err(|error| out_of_range(field, error))?
                .units();
            if units % ONE != 0 {
                return Err(out_of_range(field, "not a whole number"));
            }
            units / ONE
        };
        T::try_from(whole).map_err(|_| out_of_range(field, "too large or negative"))
    }

    #[inline]
    fn decimal(&self, field: Field) -> Result<Decimal, Undecodable> {
        Decimal::parse(self.number(field)?).map_err(|error| out_of_range(field, error))
    }

    #[inline]
    fn time(&self, field: Field) -> Result<EventTime, Undecodable> {
        self.integer(field).map(EventTime::from_millis)
    }

    /// The trade, checked. `event` and `sent` name the members that hold its two times.
    #[inline]
    pub(crate) fn trade(&self, event: Field, sent: Field) -> Result<Trade, Undecodable> {
        if self.members.any_twice() {
            return Err(refuse(Reason::Malformed, "a member stands more than once".into()));
        }
        let trade = Trade {
            market: self.text(Field::Market, Market::new)?,
            sequential_id: self.integer(Field::Id)?,
            event_time: self.time(event)?,
            sent_time: self.time(sent)?,
            price: self.decimal(Field::Price)?,
            volume: self.decimal(Field::Volume)?,
            side: self.text(Field::Side, side)?,
        };
        valid(trade)
    }
}

/// The value of up to eighteen digits, which cannot overflow; `None` for any other spelling.
///
/// Eight at a time, by adding neighbours, then pairs, then fours: ids and times are fifty digits of a frame. Source:
/// D. Lemire, "Quickly parsing eight digits" (2018).
#[inline]
fn digits(text: &[u8]) -> Option<u64> {
    if text.len() > 18 {
        return None;
    }
    let mut value = 0u64;
    let mut rest = text;
    while let Some((eight, tail)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        if no_digit(word) != 0 {
            return None;
        }
        let word = (word & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(2561) >> 8;
        let word = (word & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
        let word = (word & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32;
        value = value * 100_000_000 + word;
        rest = tail;
    }
    for &digit in rest {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u64::from(digit - b'0');
    }
    Some(value)
}

/// Checks what every later stage relies on.
#[inline]
pub(crate) fn valid(trade: Trade) -> Result<Trade, Undecodable> {
    match trade.validate() {
        Ok(()) => Ok(trade),
        Err(error) => Err(refuse(Reason::OutOfRange, error.to_string())),
    }
}

#[cold]
fn out_of_range(field: Field, why: impl Display) -> Undecodable {
    refuse(Reason::OutOfRange, format!("{field:?}: {why}"))
}

#[inline]
fn side(text: &[u8]) -> Result<Side, &'static str> {
    match text {
        b"BID" => Ok(Side::Bid),
        b"ASK" => Ok(Side::Ask),
        _ => Err("neither BID nor ASK"),
    }
}
