//! Copies of trades in the spill files, and the markets they are on.

use market::{Decimal, EventTime, Market, Position, Side, Trade};

use crate::LedgerError;
use crate::codec::{Cursor, put_signed, put_signed64, put64};
use crate::spill::mix;

/// Whose copy it is. The order is that of the stages: copies of one trade are sorted by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Journal,
    Topic,
    Table,
    DeadLetter,
}

/// One copy of a trade: 80 bytes in memory, about 30 in a spill file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TradeCopy {
    pub(crate) market: u32,
    pub(crate) source: Source,
    pub(crate) side: Side,
    pub(crate) partition: i32,
    pub(crate) id: u64,
    pub(crate) event: i64,
    pub(crate) sent: i64,
    pub(crate) offset: i64,
    pub(crate) price: i128,
    pub(crate) volume: i128,
}

impl TradeCopy {
    pub(crate) fn new(source: Source, market: u32, trade: &Trade, position: Position) -> Self {
        Self {
            market,
            source,
            side: trade.side,
            partition: position.partition,
            id: trade.sequential_id,
            event: trade.event_time.millis(),
            sent: trade.sent_time.millis(),
            offset: position.offset,
            price: trade.price.units(),
            volume: trade.volume.units(),
        }
    }

    /// Decides the bucket: by identity alone, so that all copies of a trade meet.
    pub(crate) fn hash(&self) -> u64 {
        mix(u64::from(self.market), self.id)
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            partition: self.partition,
            offset: self.offset,
        }
    }

    /// Whether both have the same price, volume, side and event time.
    pub(crate) fn same_values(&self, other: &Self) -> bool {
        (self.price, self.volume, self.side, self.event) == (other.price, other.volume, other.side, other.event)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(self.source as u8 | u8::from(self.side == Side::Ask) << 2);
        put64(out, u64::from(self.market));
        out.extend_from_slice(&self.id.to_le_bytes());
        put_signed64(out, self.event);
        put_signed(out, self.price);
        put_signed(out, self.volume);
        if matches!(self.source, Source::Topic | Source::Table) {
            put_signed64(out, self.sent.wrapping_sub(self.event));
            put_signed64(out, i64::from(self.partition));
            put_signed64(out, self.offset);
        }
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, LedgerError> {
        let flags = cursor.byte()?;
        let source = match flags & 3 {
            0 => Source::Journal,
            1 => Source::Topic,
            2 => Source::Table,
            _ => Source::DeadLetter,
        };
        let mut copy = Self {
            source,
            side: if flags & 4 == 0 { Side::Bid } else { Side::Ask },
            market: u32::try_from(cursor.short()?).map_err(|_| cursor.damaged())?,
            id: cursor.word()?,
            event: cursor.signed()?,
            price: cursor.signed_long()?,
            volume: cursor.signed_long()?,
            sent: 0,
            partition: -1,
            offset: -1,
        };
        if matches!(source, Source::Topic | Source::Table) {
            copy.sent = copy.event.wrapping_add(cursor.signed()?);
            copy.partition = i32::try_from(cursor.signed()?).map_err(|_| cursor.damaged())?;
            copy.offset = cursor.signed()?;
        }
        Ok(copy)
    }
}

/// Numbers for markets, in the order in which they were met: four bytes in a spill record instead of sixteen.
#[derive(Default)]
pub(crate) struct Markets {
    numbers: hashbrown::HashMap<Market, u32, foldhash::fast::FixedState>,
    names: Vec<Market>,
}

impl Markets {
    pub(crate) fn number(&mut self, market: Market) -> u32 {
        *self.numbers.entry(market).or_insert_with(|| {
            self.names.push(market);
            (self.names.len() - 1) as u32
        })
    }

    /// The market of that number; a damaged spill file may hold one that was never given.
    pub(crate) fn name(&self, number: u32) -> Option<Market> {
        self.names.get(number as usize).copied()
    }

    /// The trade that a copy stands for. Only for sentences: it costs a check of both decimals.
    pub(crate) fn trade(&self, copy: &TradeCopy) -> Option<Trade> {
        Some(Trade {
            market: self.name(copy.market)?,
            sequential_id: copy.id,
            event_time: EventTime::from_millis(copy.event),
            sent_time: EventTime::from_millis(copy.sent),
            price: Decimal::from_units(copy.price).ok()?,
            volume: Decimal::from_units(copy.volume).ok()?,
            side: copy.side,
        })
    }
}
