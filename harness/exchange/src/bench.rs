//! What the benches of this crate need of its inside; no part of its interface.

use std::path::Path;

use crate::JournalError;
use crate::journal::{Journal, Record};
use crate::server::{Face, Framer, simple_or_not};
use crate::source::{Execution, Generator, catalog};

/// Framing of generated trades.
pub struct Framing {
    faces: Vec<Face>,
    trades: Vec<Execution>,
    framer: Framer,
    out: Vec<u8>,
}

impl Framing {
    /// That many trades of 120 markets, to be framed in the SIMPLE or the DEFAULT format.
    pub fn new(simple: bool, trades: usize) -> Self {
        let listings = catalog::listings(120).unwrap_or_default();
        let mut generator = Generator::new(1, &listings);
        Self {
            faces: listings
                .iter()
                .map(|listing| Face::new(listing.market, listing.start_price))
                .collect(),
            trades: (0..trades)
                .map(|n| generator.next(1_700_000_000_000 + (n / 1000) as i64))
                .collect(),
            framer: Framer::new(simple_or_not(simple)),
            out: Vec::new(),
        }
    }

    /// Frames them all; the bytes of their WebSocket frames.
    pub fn run(&mut self) -> &[u8] {
        self.out.clear();
        for trade in &self.trades {
            self.framer.frame(
                &mut self.out,
                &self.faces[usize::from(trade.market)],
                trade,
                None,
                false,
            );
        }
        &self.out
    }
}

/// Generation of trades.
pub struct Generating {
    generator: Generator,
    now_ms: i64,
}

impl Generating {
    /// Over 120 markets.
    #[allow(clippy::new_without_default)] // a default generator would hide its seed
    pub fn new() -> Self {
        let listings = catalog::listings(120).unwrap_or_default();
        Self {
            generator: Generator::new(1, &listings),
            now_ms: 1_700_000_000_000,
        }
    }

    /// That many trades, a thousand to the millisecond; their ids' sum, so that nothing is optimised away.
    pub fn run(&mut self, trades: usize) -> u64 {
        self.now_ms += (trades / 1000) as i64;
        (0..trades).fold(0, |sum, _| sum ^ self.generator.next(self.now_ms).sequential_id)
    }
}

/// Writing of the journal.
pub struct Journaling(Journal);

impl Journaling {
    /// In folder `dir`.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn new(dir: &Path) -> Result<Self, JournalError> {
        let markets: Vec<_> = catalog::listings(120)
            .unwrap_or_default()
            .iter()
            .map(|listing| listing.market)
            .collect();
        Ok(Self(Journal::create(dir, &markets)?))
    }

    /// Appends that many trades.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn run(&mut self, trades: usize) -> Result<u64, JournalError> {
        for n in 0..trades as u64 {
            let number = self.0.records();
            self.0.append(Record {
                sequential_id: 17_000_000_000_000_000 + number,
                event_ms: 1_700_000_000_000 + (number / 1000) as i64,
                price: 100_000_000,
                volume: 100_000_000,
                previous: 0,
                market: (n % 120) as u16,
                side: market::Side::Bid,
                flags: 0,
                sent_delta_ms: 10,
            })?;
        }
        Ok(self.0.records())
    }
}
