//! One commit at a time, made by a thread of its own and waited for with a limit.
//!
//! librdkafka's synchronous commit has no limit: with the coordinator away it was seen to block for as long as that lasted.
//! And a commit that was given up may still be sent later, so no other may be sent before its outcome is known: sent
//! after a newer one it would take the group back. That none outlives a hand-over is librdkafka's doing: it joins the next
//! generation only when no commit is under way (`rd_kafka_assignment_serve`, 2.12, of the classic protocol).

use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};

use crate::error::CommitError;
use crate::rebalance::Rebalances;

/// What to commit, and where the outcome goes if somebody still waits for it.
type Job = (TopicPartitionList, SyncSender<KafkaResult<()>>);

/// Whether a commit is undecided.
#[derive(Debug, Default)]
struct Busy {
    now: Mutex<bool>,
    ended: Condvar,
}

/// Commits in flight: at most one. The thread ends when the last owner of the desk drops it.
#[derive(Debug)]
pub(crate) struct Desk {
    busy: Arc<Busy>,
    jobs: Mutex<Sender<Job>>,
    limit: Duration,
}

impl Desk {
    pub(crate) fn open(consumer: Arc<BaseConsumer<Rebalances>>, limit: Duration) -> std::io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let busy = Arc::new(Busy::default());
        let theirs = Arc::clone(&busy);
        std::thread::Builder::new().name("commits".to_owned()).spawn(move || {
            for (list, reply) in queue {
                let outcome = consumer.commit(&list, CommitMode::Sync);
                *theirs.now.lock().unwrap_or_else(PoisonError::into_inner) = false;
                theirs.ended.notify_all();
                // Nobody listens any more where the limit has passed.
                let _ = reply.send(outcome);
            }
        })?;
        Ok(Self {
            busy,
            jobs: Mutex::new(jobs),
            limit,
        })
    }

    /// Commits, and waits for the outcome up to the limit.
    pub(crate) fn commit(&self, list: TopicPartitionList) -> Result<(), CommitError> {
        let deadline = Instant::now() + self.limit;
        let left = || deadline.saturating_duration_since(Instant::now());
        let now = self.busy.now.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.busy.ended.wait_timeout_while(now, left(), |busy| *busy);
        let (mut now, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if *now {
            return Err(CommitError::Retriable {
                reason: "an earlier commit is still undecided".to_owned(),
            });
        }
        *now = true;
        drop(now);
        let (reply, outcome) = sync_channel(1);
        let sent = self
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .send((list, reply));
        match sent
            .map_err(|_| RecvTimeoutError::Disconnected)
            .and_then(|()| outcome.recv_timeout(left()))
        {
            Ok(Ok(())) => Ok(()),
            Ok(Err(KafkaError::ConsumerCommit(code))) => Err(CommitError::from_code(code)),
            Ok(Err(error)) => Err(CommitError::Fatal {
                reason: error.to_string(),
            }),
            Err(RecvTimeoutError::Timeout) => Err(CommitError::Retriable {
                reason: format!("no answer within {:?}", self.limit),
            }),
            Err(RecvTimeoutError::Disconnected) => Err(CommitError::Fatal {
                reason: "the thread that commits is gone".to_owned(),
            }),
        }
    }
}
