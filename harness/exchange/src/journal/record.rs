//! One executed trade as it stands in the journal: 48 bytes.

use market::{Decimal, EventTime, Market, Side, Trade};

/// Bytes of a record.
pub(crate) const RECORD_BYTES: usize = 48;

/// Flag: the trade came later than one of its market with a higher id.
pub(crate) const LATE: u8 = 1;

/// One executed trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) sequential_id: u64,
    pub(crate) event_ms: i64,
    pub(crate) price: i64,
    pub(crate) volume: i64,
    /// Number of the same market's previous record, from 1; 0 for none.
    pub(crate) previous: u64,
    pub(crate) market: u16,
    pub(crate) side: Side,
    pub(crate) flags: u8,
    pub(crate) sent_delta_ms: u32,
}

impl Record {
    /// Its 48 bytes.
    #[inline]
    pub(crate) fn to_bytes(self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        bytes[0..8].copy_from_slice(&self.sequential_id.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.event_ms.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.price.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.volume.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.previous.to_le_bytes());
        bytes[40..42].copy_from_slice(&self.market.to_le_bytes());
        bytes[42] = match self.side {
            Side::Bid => 1,
            Side::Ask => 2,
        };
        bytes[43] = self.flags;
        bytes[44..48].copy_from_slice(&self.sent_delta_ms.to_le_bytes());
        bytes
    }

    /// Reads 48 bytes; `None` if the side is neither bid nor ask, which no record is.
    #[inline]
    pub(crate) fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Option<Self> {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            word
        };
        Some(Self {
            sequential_id: u64::from_le_bytes(word(0)),
            event_ms: i64::from_le_bytes(word(8)),
            price: i64::from_le_bytes(word(16)),
            volume: i64::from_le_bytes(word(24)),
            previous: u64::from_le_bytes(word(32)),
            market: u16::from_le_bytes([bytes[40], bytes[41]]),
            side: match bytes[42] {
                1 => Side::Bid,
                2 => Side::Ask,
                _ => return None,
            },
            flags: bytes[43],
            sent_delta_ms: u32::from_le_bytes([bytes[44], bytes[45], bytes[46], bytes[47]]),
        })
    }

    /// The trade, of the market that its number means.
    #[inline]
    pub(crate) fn trade(&self, market: Market) -> Trade {
        Trade {
            market,
            sequential_id: self.sequential_id,
            event_time: EventTime::from_millis(self.event_ms),
            sent_time: EventTime::from_millis(self.event_ms.saturating_add(i64::from(self.sent_delta_ms))),
            price: decimal(self.price),
            volume: decimal(self.volume),
            side: self.side,
        }
    }
}

/// Units of 10⁻⁸ as a decimal: an `i64` is always inside a decimal's 38 digits.
#[inline]
pub(crate) fn decimal(units: i64) -> Decimal {
    Decimal::from_units(i128::from(units)).unwrap_or(Decimal::ZERO)
}
