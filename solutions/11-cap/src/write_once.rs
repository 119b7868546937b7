//! A client that writes a record once, as far as that can be known: it looks into the log before it repeats a doubt.

use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::Acks;
use crate::outcome::{Fate, Next, fate, next};

/// The log could not be read now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the log cannot be read: {0}")]
pub struct Unreadable(pub String);

/// One partition, as a careful writer needs it.
pub trait Log {
    /// Where the log ends: the offset that the next record gets.
    fn end(&mut self) -> impl Future<Output = Result<i64, Unreadable>>;

    /// One attempt to write a record with this identity; gives its offset, or how the attempt ended.
    fn send(&mut self, identity: u64) -> impl Future<Output = Result<i64, Code>>;

    /// The offset of the first record with this identity at or after `from`, of all that is in the log now.
    fn find(&mut self, identity: u64, from: i64) -> impl Future<Output = Result<Option<i64>, Unreadable>>;
}

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Attempts to write, at least 1 (0 counts as 1), and of each reading as many.
    pub attempts: u32,
    /// Between two attempts, and before each reading: what is on its way gets the time to arrive.
    pub pause: Duration,
}

/// A record that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Where; `None` if an answer said that it is there, and not where.
    pub offset: Option<i64>,
    /// Attempts to write.
    pub attempts: u32,
    /// It was sent again after an attempt in doubt that had left nothing to be read: that attempt may still arrive.
    pub may_be_doubled: bool,
}

/// Why a record was given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GaveUp {
    /// Surely not in the log.
    #[error("not written: {0}")]
    NotWritten(Code),
    /// It may be in the log. Nobody may send it again without looking.
    #[error("may be written: {0}")]
    InDoubt(Code),
}

/// Writes a record once. The clients behind [`Log::send`] keep nothing between two attempts: no broker recognises a repeat (`recognised` of
/// [`next`] is `false`).
///
/// Before the first attempt it notes where the log ends: readings begin there. If that cannot be read, nothing is sent:
/// [`GaveUp::NotWritten`] with [`Code::AllBrokersDown`].
///
/// After each attempt: [`Next::Done`] gives its offset; a record that is there by another answer is placed at `None`. [`Next::Refuse`] and [`Next::Stop`]
/// end it. After [`Next::Again`] and [`Next::ReadBack`] it pauses. Once *any* attempt was in doubt, each further one is preceded by a reading,
/// also where the last answer was a plain refusal: what was in doubt may have come meanwhile. A reading comes after the pause; if it finds the record, that is
/// its place; if it fails, it is repeated after another pause, [`Patience::attempts`] times in all. What cannot be read is not sent again.
/// The last attempt is followed by a pause and a reading as well, if there is a doubt.
///
/// # Errors
/// [`GaveUp`] with the answer to the last attempt: in doubt if any attempt was.
pub async fn write_once<L: Log>(log: &mut L, identity: u64, acks: Acks, patience: Patience) -> Result<Placed, GaveUp> {
    // TASK 3: write a record once, and look before a doubt is repeated
    let from = log.end().await.map_err(|_| GaveUp::NotWritten(Code::AllBrokersDown))?;
    let (mut attempts, mut doubted) = (0, false);
    loop {
        attempts += 1;
        let may_be_doubled = doubted;
        let (offset, code) = match log.send(identity).await {
            Ok(offset) => (Some(offset), Code::NoError),
            Err(code) => (None, code),
        };
        doubted |= fate(code, acks) == Fate::MayBeWritten;
        let gave_up = if doubted {
            GaveUp::InDoubt(code)
        } else {
            GaveUp::NotWritten(code)
        };
        match next(code, acks, false) {
            Next::Done => {
                return Ok(Placed {
                    offset,
                    attempts,
                    may_be_doubled,
                });
            }
            Next::Refuse | Next::Stop => return Err(gave_up),
            Next::Again | Next::ReadBack => tokio::time::sleep(patience.pause).await,
        }
        if doubted {
            let offset = read_back(log, identity, from, patience).await.ok_or(gave_up.clone())?;
            if offset.is_some() {
                return Ok(Placed {
                    offset,
                    attempts,
                    may_be_doubled,
                });
            }
        }
        if attempts >= patience.attempts {
            return Err(gave_up);
        }
    }
    // END TASK 3
}

/// Where the record stands: `Some(None)` if it is not there, `None` if the log could not be read, however often it was tried.
async fn read_back<L: Log>(log: &mut L, identity: u64, from: i64, patience: Patience) -> Option<Option<i64>> {
    for reading in 1.. {
        match log.find(identity, from).await {
            Ok(found) => return Some(found),
            Err(_) if reading >= patience.attempts => return None,
            Err(_) => tokio::time::sleep(patience.pause).await,
        }
    }
    None
}
