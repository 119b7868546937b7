//! Fixed-point decimals that are exact from the text of a frame to a `Decimal(38, S)` column.
//!
//! Why not `f64`: 0.1 has no exact binary form, so a sum of volumes depends on the order in which it was taken, and two
//! replicas of one computation differ in the last bits. Why not an arbitrary-scale decimal: ClickHouse stores one scale
//! per column, so any other scale would have to be rounded, or refused, at the very end of the pipeline. And why not
//! `rust_decimal`, the best kept of them: its 96 bits end at 28 digits of 38, and it rounds what does not fit where we
//! refuse it. It is also the slower reader: `benches/decimal.rs`.

use std::fmt;
use std::ops::Neg;
use std::str::FromStr;

/// A price or a volume: 8 decimal places, as `Decimal(38, 8)`.
pub type Decimal = Fixed<8>;

/// A product of a price and a volume: 16 decimal places, as `Decimal(38, 16)`, so that no product is ever rounded.
pub type Amount = Fixed<16>;

/// A decimal with exactly `S` places, held as a count of units of 10⁻ˢ; less than 10³⁸ units either way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fixed<const S: u32>(i128);

/// Why a text or a computation gives no decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not a JSON number.
    #[error("not a number")]
    NotANumber,
    /// The value has a digit other than zero past the last place.
    #[error("more than {0} decimal places")]
    TooPrecise(u32),
    /// The value has more than 38 digits.
    #[error("more than 38 digits")]
    TooLarge,
}

const LIMIT: i128 = 10i128.pow(38);

const fn powers() -> [u128; 39] {
    let mut table = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
}

const POW10: [u128; 39] = powers();

impl<const S: u32> Fixed<S> {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest value: 38 nines.
    pub const MAX: Self = Self(LIMIT - 1);

    /// The decimal that is `units` × 10⁻ˢ.
    ///
    /// # Errors
    /// [`DecimalError::TooLarge`] from 10³⁸ units on.
    pub const fn from_units(units: i128) -> Result<Self, DecimalError> {
        if units > -LIMIT && units < LIMIT {
            Ok(Self(units))
        } else {
            Err(DecimalError::TooLarge)
        }
    }

    /// The count of units of 10⁻ˢ: what ClickHouse stores.
    #[inline]
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The sum, or `None` from 10³⁸ units on.
    #[inline]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        // Two values below 10³⁸ cannot overflow an i128 (1.7 × 10³⁸) by more than its range, so check before the limit.
        self.0
            .checked_add(other.0)
            .and_then(|units| Self::from_units(units).ok())
    }

    /// The nearest `f64`: for charts and messages, never for a computation whose result is stored.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / POW10[S as usize] as f64
    }

    /// Reads a JSON number: digits, an optional fraction, an optional exponent.
    ///
    /// Zeros past the last place are no more than a spelling of the same value and are accepted; any other digit there
    /// is an error, because dropping it would be rounding.
    ///
    /// # Errors
    /// See [`DecimalError`].
    #[inline]
    pub fn parse(text: &[u8]) -> Result<Self, DecimalError> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut i = 0;
        let mut small: u64 = 0; // 19 digits fit, which is every price and volume seen; more go the slow way
        while i < rest.len() && rest[i].is_ascii_digit() {
            if i == 19 {
                return parse_wide::<S>(rest, negative);
            }
            small = small * 10 + u64::from(rest[i] - b'0');
            i += 1;
        }
        if i == 0 || (i > 1 && rest[0] == b'0') {
            return Err(DecimalError::NotANumber);
        }
        if i == rest.len() {
            return finish::<S>(u128::from(small), S as i64, negative);
        }
        if rest[i] != b'.' {
            return parse_wide::<S>(rest, negative);
        }
        let point = i;
        i += 1;
        while i < rest.len() && rest[i].is_ascii_digit() {
            if i > 19 {
                return parse_wide::<S>(rest, negative);
            }
            small = small * 10 + u64::from(rest[i] - b'0');
            i += 1;
        }
        let places = i - point - 1;
        if places == 0 {
            return Err(DecimalError::NotANumber);
        }
        if i != rest.len() {
            return parse_wide::<S>(rest, negative);
        }
        finish::<S>(u128::from(small), S as i64 - places as i64, negative)
    }

    /// Appends the shortest plain spelling: no exponent, no trailing zero.
    pub fn write_to(self, out: &mut Vec<u8>) {
        if self.0 < 0 {
            out.push(b'-');
        }
        let units = self.0.unsigned_abs();
        let one = POW10[S as usize];
        // A division of 128 bits costs ten times one of 64; nearly every value fits in 64.
        let (whole, mut fraction) = match (u64::try_from(units), u64::try_from(one)) {
            (Ok(units), Ok(one)) => (u128::from(units / one), units % one),
            _ => (units / one, (units % one) as u64),
        };
        match u64::try_from(whole) {
            Ok(small) => out.extend_from_slice(itoa::Buffer::new().format(small).as_bytes()),
            Err(_) => out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes()),
        }
        if fraction == 0 {
            return;
        }
        let mut places = S as usize;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            places -= 1;
        }
        let from = out.len();
        out.resize(from + 1 + places, b'0');
        out[from] = b'.';
        for digit in out[from + 1..].iter_mut().rev() {
            *digit = b'0' + (fraction % 10) as u8;
            fraction /= 10;
        }
    }
}

impl Decimal {
    /// The exact product, or `None` from 10³⁸ units of 10⁻¹⁶ on.
    #[inline]
    pub fn checked_mul(self, other: Self) -> Option<Amount> {
        match (i64::try_from(self.0), i64::try_from(other.0)) {
            (Ok(a), Ok(b)) => Amount::from_units(i128::from(a) * i128::from(b)).ok(),
            _ => self
                .0
                .checked_mul(other.0)
                .and_then(|units| Amount::from_units(units).ok()),
        }
    }
}

/// Scales a mantissa to units: `shift` is how many powers of ten are missing.
#[inline]
fn finish<const S: u32>(mantissa: u128, shift: i64, negative: bool) -> Result<Fixed<S>, DecimalError> {
    let units = if mantissa == 0 {
        0
    } else if shift >= 0 {
        let factor = POW10.get(shift as usize).ok_or(DecimalError::TooLarge)?;
        mantissa.checked_mul(*factor).ok_or(DecimalError::TooLarge)?
    } else {
        let divisor = POW10
            .get(shift.unsigned_abs() as usize)
            .ok_or(DecimalError::TooPrecise(S))?;
        if !mantissa.is_multiple_of(*divisor) {
            return Err(DecimalError::TooPrecise(S));
        }
        mantissa / divisor
    };
    let units = i128::try_from(units).map_err(|_| DecimalError::TooLarge)?;
    Fixed::from_units(if negative { -units } else { units })
}

/// Exponents, and more than 19 digits.
#[cold]
fn parse_wide<const S: u32>(text: &[u8], negative: bool) -> Result<Fixed<S>, DecimalError> {
    let mut mantissa: u128 = 0;
    let mut shift = i64::from(S);
    let mut dropped = false; // a digit other than zero was past the 38th significant one
    let mut i = 0;
    let mut digit = |byte: u8, fraction: bool, shift: &mut i64| {
        if mantissa < POW10[37] {
            mantissa = mantissa * 10 + u128::from(byte - b'0');
            *shift -= i64::from(fraction);
        } else {
            dropped |= byte != b'0';
            *shift += i64::from(!fraction);
        }
    };
    while i < text.len() && text[i].is_ascii_digit() {
        digit(text[i], false, &mut shift);
        i += 1;
    }
    if i == 0 || (i > 1 && text[0] == b'0') {
        return Err(DecimalError::NotANumber);
    }
    if i < text.len() && text[i] == b'.' {
        let from = i + 1;
        i = from;
        while i < text.len() && text[i].is_ascii_digit() {
            digit(text[i], true, &mut shift);
            i += 1;
        }
        if i == from {
            return Err(DecimalError::NotANumber);
        }
    }
    if i < text.len() {
        if !matches!(text[i], b'e' | b'E') {
            return Err(DecimalError::NotANumber);
        }
        i += 1;
        let minus = match text.get(i) {
            Some(b'-') => true,
            Some(b'+') => false,
            _ => {
                i -= 1;
                false
            }
        };
        i += 1;
        let digits = &text[i..];
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(DecimalError::NotANumber);
        }
        // An exponent past a million moves any mantissa out of range; saturating keeps the sign of the verdict.
        let exponent = digits
            .iter()
            .fold(0i64, |n, byte| (n * 10 + i64::from(byte - b'0')).min(1_000_000));
        shift += if minus { -exponent } else { exponent };
    }
    if dropped {
        return Err(if shift < 0 {
            DecimalError::TooPrecise(S)
        } else {
            DecimalError::TooLarge
        });
    }
    // Zeros at the end of the mantissa stand for nothing: take them off before deciding that there are too many places.
    while shift < 0 && mantissa != 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        shift += 1;
    }
    finish::<S>(mantissa, shift, negative)
}

impl<const S: u32> FromStr for Fixed<S> {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl<const S: u32> Neg for Fixed<S> {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<const S: u32> fmt::Display for Fixed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write_to(&mut text);
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl<const S: u32> fmt::Debug for Fixed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const S: u32> serde::Serialize for Fixed<S> {
    /// As text where a person reads it, as units where a machine does.
    fn serialize<T: serde::Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i128(self.0)
        }
    }
}

impl<'de, const S: u32> serde::Deserialize<'de> for Fixed<S> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            Self::from_units(i128::deserialize(deserializer)?).map_err(D::Error::custom)
        }
    }
}
