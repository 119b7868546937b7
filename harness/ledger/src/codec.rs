//! Compact numbers for spill files: LEB128, and zigzag for what may be negative.
//!
//! Why not fixed-size records: a price needs 97 bits at worst and 50 as a rule, and the disk is what an audit of 10⁸
//! trades spends most of its time on.

use std::path::Path;

use crate::LedgerError;

pub(crate) fn put(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_signed(out: &mut Vec<u8>, value: i128) {
    put(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// Reads what the functions above wrote; `path` is only for the error.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    path: &'a Path,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], path: &'a Path) -> Self {
        Self { bytes, path }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn damaged(&self) -> LedgerError {
        LedgerError::Spill(self.path.to_owned())
    }

    pub(crate) fn byte(&mut self) -> Result<u8, LedgerError> {
        let (&first, rest) = self.bytes.split_first().ok_or_else(|| self.damaged())?;
        self.bytes = rest;
        Ok(first)
    }

    /// A number below 2⁶⁴; the common case has its own loop, because shifts of 128 bits cost several times as much.
    #[inline]
    pub(crate) fn short(&mut self) -> Result<u64, LedgerError> {
        let mut value = 0u64;
        for (i, &byte) in self.bytes.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.bytes = &self.bytes[i + 1..];
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    #[inline]
    pub(crate) fn long(&mut self) -> Result<u128, LedgerError> {
        if self.bytes.iter().take(9).any(|&byte| byte < 0x80) {
            return self.short().map(u128::from);
        }
        let mut value = 0u128;
        for (i, &byte) in self.bytes.iter().take(19).enumerate() {
            value |= u128::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                self.bytes = &self.bytes[i + 1..];
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, LedgerError> {
        let zigzag = self.short()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    pub(crate) fn signed_long(&mut self) -> Result<i128, LedgerError> {
        let zigzag = self.long()?;
        Ok((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128))
    }

    pub(crate) fn word(&mut self) -> Result<u64, LedgerError> {
        let (head, rest) = self.bytes.split_first_chunk::<8>().ok_or_else(|| self.damaged())?;
        self.bytes = rest;
        Ok(u64::from_le_bytes(*head))
    }
}

/// `put_signed` for 64 bits, without the widening.
pub(crate) fn put_signed64(out: &mut Vec<u8>, value: i64) {
    put64(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub(crate) fn put64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(a: u128, b: i128, c: u64, d: i64, e: u64) {
            let mut out = Vec::new();
            put(&mut out, a);
            put_signed(&mut out, b);
            put64(&mut out, c);
            put_signed64(&mut out, d);
            out.extend_from_slice(&e.to_le_bytes());
            let mut cursor = Cursor::new(&out, Path::new("x"));
            prop_assert_eq!(cursor.long().unwrap(), a);
            prop_assert_eq!(cursor.signed_long().unwrap(), b);
            prop_assert_eq!(cursor.short().unwrap(), c);
            prop_assert_eq!(cursor.signed().unwrap(), d);
            prop_assert_eq!(cursor.word().unwrap(), e);
            prop_assert!(cursor.is_empty());
        }
    }

    #[test]
    fn a_file_cut_short_is_an_error_and_not_a_number() {
        let mut out = Vec::new();
        put64(&mut out, u64::MAX);
        out.pop();
        let mut cursor = Cursor::new(&out, Path::new("cut"));
        assert!(matches!(cursor.short(), Err(LedgerError::Spill(path)) if path == Path::new("cut")));
    }
}
