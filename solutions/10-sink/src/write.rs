//! Writing a block: attempts until every row is in its table once, under guards, after a look at what is there.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use market::Candle;

use crate::insert::{Limits, Table};
use crate::patience::Patience;
use crate::server::Failure;
use crate::sink::{Purpose, Sink, State};
use crate::{Block, Point, SinkError, TradeRow, encode, readback};

/// What a [`Sink::write`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows of the block that are in `trades` now.
    pub trades: u64,
    /// Rows of the block that are in `candles` now.
    pub candles: u64,
    /// How many of these were there before: of a former owner, or of an insert whose answer did not arrive.
    pub found: u64,
    /// Partitions of which no row of this call was written after they were lost: another worker has claimed them, or they
    /// were never claimed. Drop their state. If the group still gives one to this worker, take it over anew.
    pub lost: Vec<i32>,
    /// How many inserts were sent.
    pub inserts: u32,
    /// From call to return.
    pub took: Duration,
}

/// How one [`Sink::write`] stands.
struct Course {
    /// Partitions that are still ours.
    active: BTreeSet<i32>,
    /// Whether new entries must be made before anything else.
    fence: bool,
    written: Written,
}

impl Sink {
    /// Writes a block: when it returns, each of its rows is in its table exactly once, but for the lost partitions'.
    ///
    /// Dropping the future is safe: the sink remembers that the outcome is unknown and reads back before it writes to
    /// these partitions again.
    ///
    /// # Errors
    /// Only what trying again cannot cure, and [`SinkError::GaveUp`].
    pub async fn write(&self, block: &Block) -> Result<Written, SinkError> {
        block.check()?;
        let mut state = self.state().await;
        let mut patience = Patience::new(&self.config);
        let (active, lost): (Vec<i32>, Vec<i32>) = block
            .partitions()
            .into_iter()
            .partition(|partition| state.held.contains_key(partition));
        let doubted = |partition: &&i32| state.held.get(partition).is_some_and(|held| held.in_doubt);
        let in_doubt: BTreeSet<i32> = active.iter().filter(doubted).copied().collect();
        let mut course = Course {
            active: active.into_iter().collect(),
            fence: !in_doubt.is_empty(),
            written: Written {
                lost,
                ..Written::default()
            },
        };
        let uncertain: BTreeSet<i32> = in_doubt.into_iter().chain(block.recover.iter().copied()).collect();

        // Trades first, so that nobody sees a candle whose trades are not there. For exactness the order is indifferent:
        // either table is read back by itself, and the epoch counts as done only when both are written.
        for table in [Table::Trades, Table::Candles] {
            let mut look_up = uncertain.clone();
            let mut fenced = false;
            loop {
                match self.attempt(&mut state, &mut course, table, block, &look_up).await {
                    Ok(()) => break,
                    Err(Failure::Fatal(error)) => return Err(error),
                    // Nothing was written: find out which partitions are lost, and send the rest under new entries.
                    Err(Failure::Fenced) => {
                        // Once is a takeover. Again, and at once again, would be a loop that nobody sees.
                        if fenced {
                            patience.wait("the guard refuses the newest claim".into()).await?;
                        }
                        (fenced, course.fence) = (true, true);
                    }
                    Err(Failure::Unknown(why)) => {
                        patience.wait(why).await?;
                        course.fence = true;
                        look_up = course.active.clone();
                    }
                }
            }
            self.at(match table {
                Table::Trades => Point::TradesWritten,
                Table::Candles => Point::Written,
            });
        }
        for partition in &course.active {
            if let Some(held) = state.held.get_mut(partition) {
                held.in_doubt = false;
            }
        }
        course.written.lost.sort_unstable();
        course.written.took = patience.elapsed();
        Ok(course.written)
    }

    /// One attempt to bring a block's rows of one table in. `look_up`: partitions whose rows may be there already.
    async fn attempt(
        &self,
        state: &mut State,
        course: &mut Course,
        table: Table,
        block: &Block,
        look_up: &BTreeSet<i32>,
    ) -> Result<(), Failure> {
        if course.fence {
            let fenced = self
                .fence(state, &course.active, &Purpose::Again, self.config.query_timeout)
                .await?;
            if !fenced.running.is_empty() {
                return Err(Failure::Unknown(format!("own inserts still run: {:?}", fenced.running)));
            }
            for (partition, entry) in fenced.granted {
                if let Some(held) = state.held.get_mut(&partition) {
                    held.entry = entry;
                }
            }
            for partition in fenced.refused {
                state.held.remove(&partition);
                course.active.remove(&partition);
                course.written.lost.push(partition);
            }
            course.fence = false;
        }
        let active = course.active.clone();
        let ours = |partition: i32| active.contains(&partition);
        match table {
            Table::Trades => {
                let rows = block.trades.iter().filter(|row| ours(row.position.partition));
                let unsure = rows.clone().filter(|row| look_up.contains(&row.position.partition));
                let present = self.server.present_trades(unsure).await?;
                let here = |row: &&TradeRow| present.contains(&(row.position.partition, row.position.offset));
                let (found, missing): (Vec<_>, Vec<_>) = if present.is_empty() {
                    (Vec::new(), rows.collect())
                } else {
                    rows.partition(here)
                };
                let partitions = missing.iter().map(|row| row.position.partition).collect();
                self.send(state, course, table, partitions, || encode::trades(&missing))
                    .await?;
                course.written.trades = (missing.len() + found.len()) as u64;
                course.written.found += found.len() as u64;
            }
            Table::Candles => {
                let rows = block.candles.iter().filter(|candle| ours(candle.version.partition));
                let unsure = rows
                    .clone()
                    .filter(|candle| look_up.contains(&candle.version.partition));
                let present = self.server.present_candles(unsure).await?;
                let here = |candle: &&Candle| present.contains(&readback::key(candle));
                let (found, missing): (Vec<_>, Vec<_>) = if present.is_empty() {
                    (Vec::new(), rows.collect())
                } else {
                    rows.partition(here)
                };
                let partitions = missing.iter().map(|candle| candle.version.partition).collect();
                self.send(state, course, table, partitions, || encode::candles(&missing))
                    .await?;
                course.written.candles = (missing.len() + found.len()) as u64;
                course.written.found += found.len() as u64;
            }
        }
        Ok(())
    }

    /// Sends a block, unless it is empty: then it is of no partition.
    async fn send(
        &self,
        state: &mut State,
        course: &mut Course,
        table: Table,
        partitions: BTreeSet<i32>,
        encode: impl FnOnce() -> Vec<Bytes>,
    ) -> Result<(), Failure> {
        if partitions.is_empty() {
            return Ok(());
        }
        let mut claims = Vec::new();
        for (partition, held) in state
            .held
            .iter_mut()
            .filter(|(partition, _)| partitions.contains(partition))
        {
            held.in_doubt = true;
            claims.push((*partition, &held.entry));
        }
        course.written.inserts += 1;
        let limits = Limits {
            send: self.config.send_timeout,
            end: self.config.insert_timeout,
        };
        self.server
            .insert(&self.inserting, table, &claims, encode(), limits)
            .await
    }
}
