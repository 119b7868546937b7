//! What a member holds, which of it is being read, and how the group's questions are answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::commit::Holding;
use crate::config::EARLIEST;
use crate::error::{AnswerError, PollError, poll_error};
use crate::member::Event;
use crate::rebalance::{Rebalances, Told, What};

type Client = BaseConsumer<Rebalances>;

/// Not started, or being given back: no record of it is handed over.
pub(crate) const STILL: i64 = -1;

/// A revocation that is still to be answered.
#[derive(Debug)]
struct Question {
    eager: bool,
    all: Vec<i32>,
    open: BTreeSet<i32>,
}

/// The bookkeeping of a member, used by its thread alone; only `holding` is shared.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) topic: Arc<str>,
    pub(crate) holding: Arc<Holding>,
    /// Partitions held: true once started.
    pub(crate) held: BTreeMap<i32, bool>,
    /// The next offset per partition, or `STILL`.
    next: Vec<i64>,
    revoking: Option<Question>,
    /// An eager assignment that waits to be started as a whole.
    assigning: Option<BTreeSet<i32>>,
}

impl Assignment {
    pub(crate) fn new(topic: &str) -> Self {
        Self {
            topic: topic.into(),
            holding: Arc::default(),
            held: BTreeMap::new(),
            next: Vec::new(),
            revoking: None,
            assigning: None,
        }
    }

    /// Turns the oldest recorded message of the group into an event.
    pub(crate) fn tell(&mut self, client: &Client) -> Result<Event<'static>, PollError> {
        let Some(Told {
            what,
            eager,
            partitions,
        }) = client.context().next()
        else {
            return Ok(Event::Idle);
        };
        match what {
            What::Assigned => self.assigned(client, eager, partitions),
            What::Revoked | What::Lost => self.revoked(client, what == What::Lost, eager, partitions),
        }
    }

    fn assigned(&mut self, client: &Client, eager: bool, partitions: Vec<i32>) -> Result<Event<'static>, PollError> {
        if eager {
            self.assigning = Some(partitions.iter().copied().collect());
        } else {
            // Answered at once, with nothing: until it is answered librdkafka keeps all partitions of the member paused. What
            // is assigned is added by `start`, when its caller knows from where.
            client
                .incremental_assign(&TopicPartitionList::new())
                .map_err(|e| poll_error(&e, None))?;
        }
        for &p in &partitions {
            self.held.insert(p, false);
        }
        self.holding.grant(&partitions);
        if !partitions.is_empty() {
            return Ok(Event::Assigned(partitions));
        }
        if eager {
            self.start(client, &[]).map_err(|e| refused(&e))?;
        }
        Ok(Event::Idle)
    }

    fn revoked(
        &mut self,
        client: &Client,
        lost: bool,
        eager: bool,
        partitions: Vec<i32>,
    ) -> Result<Event<'static>, PollError> {
        if lost {
            self.holding.lose(&partitions);
        }
        self.assigning = None;
        for &p in &partitions {
            self.set_next(p, STILL);
        }
        let open: BTreeSet<_> = partitions
            .iter()
            .copied()
            .filter(|p| self.held.contains_key(p))
            .collect();
        let nothing = open.is_empty();
        self.revoking = Some(Question {
            eager,
            all: partitions.clone(),
            open,
        });
        if nothing {
            self.answer_revoke(client).map_err(|e| refused(&e))?;
            return Ok(Event::Idle);
        }
        Ok(if lost {
            Event::Lost(partitions)
        } else {
            Event::Revoked(partitions)
        })
    }

    pub(crate) fn start(&mut self, client: &Client, from: &[(i32, i64)]) -> Result<(), AnswerError> {
        let mut list = TopicPartitionList::with_capacity(from.len());
        for &(partition, offset) in from {
            match self.held.get(&partition) {
                None => return Err(AnswerError::NotAssigned(partition)),
                Some(true) => return Err(AnswerError::Started(partition)),
                Some(false) => {}
            }
            if self.revoking.as_ref().is_some_and(|q| q.all.contains(&partition)) {
                return Err(AnswerError::NotAssigned(partition));
            }
            list.add_partition_offset(&self.topic, partition, position(offset)?)?;
        }
        // Starting clears the client's mark of a loss that has not been told yet.
        if client.assignment_lost() {
            return Err(AnswerError::Lost);
        }
        // The client remembers a pause beyond the assignment in which it was asked for: whoever comes back would never be read.
        client.resume(&list)?;
        match &self.assigning {
            None => client.incremental_assign(&list)?,
            Some(whole) if *whole == from.iter().map(|&(p, _)| p).collect() => {
                client.assign(&list)?;
                self.assigning = None;
            }
            Some(_) => return Err(AnswerError::Whole),
        }
        for &(partition, offset) in from {
            self.held.insert(partition, true);
            self.set_next(partition, offset);
        }
        Ok(())
    }

    pub(crate) fn release(&mut self, client: &Client, partitions: &[i32]) -> Result<(), AnswerError> {
        let Some(question) = &mut self.revoking else {
            return partitions.first().map_or(Ok(()), |&p| Err(AnswerError::NotAssigned(p)));
        };
        if let Some(&p) = partitions.iter().find(|p| !question.open.contains(p)) {
            return Err(AnswerError::NotAssigned(p));
        }
        for p in partitions {
            question.open.remove(p);
        }
        let done = question.open.is_empty();
        self.holding.give_back(partitions);
        if done { self.answer_revoke(client) } else { Ok(()) }
    }

    fn answer_revoke(&mut self, client: &Client) -> Result<(), AnswerError> {
        let Some(Question { eager, all, .. }) = self.revoking.take() else {
            return Ok(());
        };
        // Only what was started is in the client's assignment; the rest was never added to it.
        let mut list = TopicPartitionList::with_capacity(all.len());
        for p in &all {
            if self.held.remove(p) == Some(true) {
                list.add_partition(&self.topic, *p);
            }
        }
        if eager {
            client.unassign()?
        } else {
            client.incremental_unassign(&list)?
        }
        Ok(())
    }

    /// Everything is given back: true if a question was open, which then still wants an answer.
    pub(crate) fn close(&mut self) -> bool {
        let all: Vec<i32> = self.held.keys().copied().collect();
        self.holding.lose(&all);
        self.held.clear();
        self.next.clear();
        self.revoking.take().is_some() | self.assigning.take().is_some()
    }

    /// The partitions as a list for the client, if all of them are started.
    pub(crate) fn started(&self, partitions: &[i32]) -> Result<TopicPartitionList, AnswerError> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for &p in partitions {
            if self.held.get(&p) != Some(&true) {
                return Err(AnswerError::NotAssigned(p));
            }
            list.add_partition(&self.topic, p);
        }
        Ok(list)
    }

    /// Notes that a record comes: whether it is to be handed over.
    pub(crate) fn pass(&mut self, partition: i32, offset: i64) -> bool {
        match usize::try_from(partition).ok().and_then(|p| self.next.get_mut(p)) {
            // Handed over already, a moment ago. librdkafka pauses what it fetches while a rebalance is answered, and goes on
            // from the record that it believes to be next: if the last one was handed over in that very moment, it comes once
            // more. Only that one: what is further back is no part of this, and the reader must hear of it.
            Some(next) if offset.checked_add(1) == Some(*next) => false,
            Some(next) if *next != STILL => {
                *next = offset.wrapping_add(1);
                true
            }
            // Fetched before it was given back.
            _ => false,
        }
    }

    pub(crate) fn next(&self, partition: i32) -> Option<i64> {
        let next = usize::try_from(partition)
            .ok()
            .and_then(|p| self.next.get(p).copied())?;
        (next != STILL).then_some(next)
    }

    pub(crate) fn set_next(&mut self, partition: i32, offset: i64) {
        let Ok(p) = usize::try_from(partition) else { return };
        if self.next.len() <= p {
            self.next.resize(p + 1, STILL);
        }
        self.next[p] = offset;
    }
}

pub(crate) fn position(offset: i64) -> Result<Offset, AnswerError> {
    match offset {
        EARLIEST => Ok(Offset::Beginning),
        0.. => Ok(Offset::Offset(offset)),
        _ => Err(AnswerError::Refused(format!("{offset} is no offset"))),
    }
}

fn refused(error: &AnswerError) -> PollError {
    PollError::Fatal {
        code: "answer".to_owned(),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_comes_once_more_is_not_handed_over_again() {
        let mut assignment = Assignment::new("trades");
        assert!(!assignment.pass(2, 7), "nobody reads this partition");
        assignment.set_next(2, EARLIEST);
        for (offset, handed_over) in [
            (0, true),
            (1, true),
            (1, false),
            (2, true),
            (2, false),
            (2, false),
            (3, true),
        ] {
            assert_eq!(assignment.pass(2, offset), handed_over, "offset {offset}");
        }
        assignment.set_next(2, 3);
        assert!(assignment.pass(2, 3), "it was sought");
        assert!(
            assignment.pass(2, 1),
            "another log, or a mistake: the reader must see it"
        );
        assert_eq!(assignment.next(2), Some(2));
    }
}
