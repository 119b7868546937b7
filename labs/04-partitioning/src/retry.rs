//! A producer that tries again: which of its batches come to a log, in which order, and how often.

use std::collections::VecDeque;

use crate::log::after;
use crate::{Appended, Batch, Log, Producer, Refused};

/// What becomes of one attempt to send a batch. Requests and answers of one connection keep their order, so a connection that
/// breaks takes with it all that is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does the answer.
    Answered,
    /// It arrives, and the leader cannot take it now, as with too few replicas in sync. What is behind it goes on.
    Rejected,
    /// It arrives, and the connection breaks before the answer: that of this attempt and of all behind it.
    Unanswered,
    /// The connection breaks before it arrives, and all that is behind it.
    Lost,
}

/// How a producer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// With whose numbers; `None` without idempotence.
    pub producer: Option<Producer>,
    /// How many requests may be on their way to the partition's leader.
    pub in_flight: usize,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Requests that were sent.
    pub attempts: usize,
    /// The first refusal that no further attempt can cure: an idempotent producer gives up there.
    pub gave_up: Option<Refused>,
}

/// Sends batches to a log until each is acknowledged, trying again what was not. `fate` is asked for the fate of attempt
/// number `attempt` (from 0) of batch number `batch`; one that is never [`Fate::Answered`] is tried for ever.
///
/// It goes in rounds: all that may be in flight is sent, in the order of the batches; then the answers come. A batch that was ahead
/// of its turn is sent again behind what it waited for, as the clients do. One that is behind its turn and not recognised is a
/// repeat that the log remembers no more: whether it is there, the producer cannot know, and it gives up.
///
/// An idempotent producer sends again one batch at a time, as the Java client does: what is behind waits until it is acknowledged.
pub fn send<T: Clone>(
    log: &mut Log<T>,
    batches: &[Vec<T>],
    sending: Sending,
    mut fate: impl FnMut(usize, usize) -> Fate,
) -> Course {
    struct Open {
        batch: usize,
        first: i32,
        attempts: usize,
    }
    let mut next = 0;
    let mut open: VecDeque<Open> = VecDeque::new();
    for (batch, records) in batches.iter().enumerate() {
        let first = next;
        next = after(first, records.len());
        open.push_back(Open {
            batch,
            first,
            attempts: 0,
        });
    }
    let mut attempts = 0;
    while !open.is_empty() {
        let (mut acknowledged, mut connected) = (Vec::new(), true);
        let again = sending.producer.is_some() && open.front().is_some_and(|first| first.attempts > 0);
        let window = if again { 1 } else { sending.in_flight.max(1) };
        for sent in open.iter_mut().take(window) {
            let fate = fate(sent.batch, sent.attempts);
            sent.attempts += 1;
            attempts += 1;
            match fate {
                Fate::Lost => break,
                Fate::Rejected => continue,
                Fate::Unanswered => connected = false,
                Fate::Answered => {}
            }
            let answer = log.append(Batch {
                producer: sending.producer,
                first: sent.first,
                records: batches[sent.batch].clone(),
            });
            match answer {
                Ok(Appended::At(_) | Appended::Before(_)) if connected => acknowledged.push(sent.batch),
                Ok(_) => {}
                Err(Refused::OutOfOrder { expected, got }) if got > expected => {}
                Err(refused) => {
                    let gave_up = Some(refused);
                    return Course { attempts, gave_up };
                }
            }
        }
        open.retain(|sent| !acknowledged.contains(&sent.batch));
    }
    Course {
        attempts,
        gave_up: None,
    }
}
