//! Market codes.

use std::fmt;
use std::str::FromStr;

/// A market code such as `KRW-BTC`: quote currency, a dash, base currency.
///
/// At most 15 bytes, held in place: a code is copied for every trade, and a heap string per trade would cost more than
/// the rest of the decoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Market([u8; 16]);

/// A text that is no market code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a market code: want QUOTE-BASE in capitals and digits, at most 15 bytes, such as KRW-BTC")]
pub struct MarketError;

impl Market {
    /// Reads a code.
    ///
    /// # Errors
    /// [`MarketError`] for anything that is not capitals and digits around one dash, or is longer than 15 bytes.
    #[inline]
    pub fn new(code: &[u8]) -> Result<Self, MarketError> {
        if code.len() > 15 {
            return Err(MarketError);
        }
        let mut bytes = [0; 16];
        let mut dash = None;
        for (i, &byte) in code.iter().enumerate() {
            match byte {
                b'A'..=b'Z' | b'0'..=b'9' => {}
                b'-' if dash.is_none() => dash = Some(i),
                _ => return Err(MarketError),
            }
            bytes[i] = byte;
        }
        match dash {
            Some(at) if at > 0 && at + 1 < code.len() => {
                bytes[15] = code.len() as u8;
                Ok(Self(bytes))
            }
            _ => Err(MarketError),
        }
    }

    /// The code as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so this never falls back.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The code as bytes: the key of its records.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0[..usize::from(self.0[15])]
    }
}

impl std::hash::Hash for Market {
    /// One 16-byte word, length included: a hasher takes it in one or two steps.
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl FromStr for Market {
    type Err = MarketError;
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::new(code.as_bytes())
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Market {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Market {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
