//! Task 3: a client that looks before it repeats a doubt. The log is a fake that fails as it is told; time is paused.

use std::collections::VecDeque;
use std::time::Duration;

use quorum::{Acks, Code, GaveUp, Log, Patience, Placed, Unreadable, write_once};

const PAUSE: Duration = Duration::from_millis(100);

/// What an attempt does: whether it appends, and what it answers. Appends at the next reading, if it is late.
#[derive(Clone, Copy)]
enum Attempt {
    Answered,
    Refused(Code),
    AppendedAnd(Code),
    LateAnd(Code),
}

#[derive(Default)]
struct Fake {
    log: Vec<u64>,
    late: Vec<u64>,
    attempts: VecDeque<Attempt>,
    /// Readings that fail.
    unreadable: u32,
    end_unreadable: bool,
    sent: u32,
    calls: Vec<&'static str>,
}

impl Fake {
    fn new(attempts: impl IntoIterator<Item = Attempt>) -> Self {
        // Somebody else's records, one with the same identity before the first attempt: an older run's.
        Self {
            log: vec![7, 1, 8],
            attempts: attempts.into_iter().collect(),
            ..Self::default()
        }
    }

    fn copies(&self) -> usize {
        self.log[3..].iter().filter(|identity| **identity == 1).count()
    }
}

impl Log for Fake {
    async fn end(&mut self) -> Result<i64, Unreadable> {
        self.calls.push("end");
        match self.end_unreadable {
            true => Err(Unreadable("nobody leads".into())),
            false => Ok(self.log.len() as i64),
        }
    }

    async fn send(&mut self, identity: u64) -> Result<i64, Code> {
        self.calls.push("send");
        self.sent += 1;
        let attempt = self
            .attempts
            .pop_front()
            .expect("an attempt too many: either the last one settled it, or all that patience allows were made");
        if matches!(attempt, Attempt::Answered | Attempt::AppendedAnd(_)) {
            self.log.push(identity);
        }
        match attempt {
            Attempt::Answered => Ok(self.log.len() as i64 - 1),
            Attempt::LateAnd(code) => {
                self.late.push(identity);
                Err(code)
            }
            Attempt::Refused(code) | Attempt::AppendedAnd(code) => Err(code),
        }
    }

    async fn find(&mut self, identity: u64, from: i64) -> Result<Option<i64>, Unreadable> {
        self.calls.push("find");
        if self.unreadable > 0 {
            self.unreadable -= 1;
            return Err(Unreadable("nobody leads".into()));
        }
        let found = (from..)
            .zip(&self.log[from as usize..])
            .find(|(_, at)| **at == identity);
        let found = found.map(|(offset, _)| offset);
        // What was on its way arrives behind the reader's back.
        self.log.append(&mut self.late);
        Ok(found)
    }
}

async fn write(fake: &mut Fake) -> Result<Placed, GaveUp> {
    write_with(fake, Acks::All, 3).await
}

async fn write_with(fake: &mut Fake, acks: Acks, attempts: u32) -> Result<Placed, GaveUp> {
    let patience = Patience { attempts, pause: PAUSE };
    write_once(fake, 1, acks, patience).await
}

fn placed(offset: i64, attempts: u32, may_be_doubled: bool) -> Result<Placed, GaveUp> {
    Ok(Placed {
        offset: Some(offset),
        attempts,
        may_be_doubled,
    })
}

use Attempt::{Answered, AppendedAnd, LateAnd, Refused};

#[tokio::test(start_paused = true)]
async fn task3_an_acknowledged_record_is_placed_where_the_answer_says() {
    let mut fake = Fake::new([Answered]);
    assert_eq!(write(&mut fake).await, placed(3, 1, false));
    assert_eq!(
        fake.calls,
        ["end", "send"],
        "nothing is in doubt, so nothing is read but where the log ends, before"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_a_refusal_that_passes_is_repeated_after_a_pause_without_reading() {
    let started = tokio::time::Instant::now();
    let mut fake = Fake::new([
        Refused(Code::NotEnoughReplicas),
        Refused(Code::NotEnoughReplicas),
        Answered,
    ]);
    assert_eq!(write(&mut fake).await, placed(3, 3, false));
    assert_eq!(started.elapsed(), 2 * PAUSE, "a pause before each repeat");
    assert_eq!(
        fake.calls,
        ["end", "send", "send", "send"],
        "nothing can be doubled: no reading"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_what_an_error_means_depends_on_the_acknowledgement_that_was_asked_for() {
    let mut fake = Fake::new([Refused(Code::NotLeaderForPartition), Answered]);
    assert_eq!(write_with(&mut fake, Acks::Leader, 3).await, placed(3, 2, false));
    assert_eq!(
        fake.calls,
        ["end", "send", "send"],
        "with acks=1 a deposed leader had no reason to wait: nothing is in doubt; see fate"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_a_refusal_that_stays_ends_it_also_after_a_doubt() {
    let mut fake = Fake::new([LateAnd(Code::RequestTimedOut), Refused(Code::MessageSizeTooLarge)]);
    assert_eq!(
        write(&mut fake).await,
        Err(GaveUp::InDoubt(Code::MessageSizeTooLarge)),
        "the first attempt may be written still"
    );
    assert_eq!(fake.calls, ["end", "send", "find", "send"]);
}

#[tokio::test(start_paused = true)]
async fn task3_there_is_a_pause_before_the_last_reading_too_and_one_attempt_at_least() {
    let started = tokio::time::Instant::now();
    let mut fake = Fake::new([Refused(Code::RequestTimedOut), Refused(Code::RequestTimedOut)]);
    assert_eq!(
        write_with(&mut fake, Acks::All, 2).await,
        Err(GaveUp::InDoubt(Code::RequestTimedOut))
    );
    assert_eq!(fake.calls, ["end", "send", "find", "send", "find"]);
    assert_eq!(started.elapsed(), 2 * PAUSE, "what is on its way needs time to arrive");
    let mut fake = Fake::new([Answered]);
    assert_eq!(write_with(&mut fake, Acks::All, 0).await, placed(3, 1, false));
}

#[tokio::test(start_paused = true)]
async fn task3_a_lost_answer_is_found_in_the_log_and_not_sent_again() {
    for code in [
        Code::RequestTimedOut,
        Code::NotEnoughReplicasAfterAppend,
        Code::MessageTimedOut,
    ] {
        let mut fake = Fake::new([AppendedAnd(code)]);
        assert_eq!(write(&mut fake).await, placed(3, 1, false), "after {code:?}");
        assert_eq!(fake.copies(), 1, "after {code:?}: written once");
    }
}

#[tokio::test(start_paused = true)]
async fn task3_readings_begin_where_the_log_ended_before_the_first_attempt() {
    let mut fake = Fake::new([Refused(Code::RequestTimedOut), Answered]);
    assert_eq!(
        write(&mut fake).await,
        placed(3, 2, true),
        "offset 1 holds an older run's record of this identity"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_a_plain_refusal_after_a_doubt_is_preceded_by_a_reading() {
    // The first attempt arrives after the first reading; the second one is refused.
    let mut fake = Fake::new([LateAnd(Code::RequestTimedOut), Refused(Code::NotEnoughReplicas)]);
    assert_eq!(write(&mut fake).await, placed(3, 2, true));
    assert_eq!(
        (fake.sent, fake.copies()),
        (2, 1),
        "(sent, in the log): found before it was sent a third time"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_what_arrives_after_the_reading_doubles_and_that_is_said() {
    let mut fake = Fake::new([LateAnd(Code::RequestTimedOut), Answered]);
    let placed = write(&mut fake).await.expect("placed");
    assert!(placed.may_be_doubled, "it was sent again after a doubt: {placed:?}");
    assert_eq!(fake.copies(), 2, "no reading closes this hole: only a fence does");
}

#[tokio::test(start_paused = true)]
async fn task3_what_cannot_be_read_is_not_sent_again() {
    let mut fake = Fake::new([AppendedAnd(Code::RequestTimedOut)]);
    fake.unreadable = 9;
    let started = tokio::time::Instant::now();
    assert_eq!(write(&mut fake).await, Err(GaveUp::InDoubt(Code::RequestTimedOut)));
    assert_eq!(
        fake.calls,
        ["end", "send", "find", "find", "find"],
        "three readings, one attempt"
    );
    assert_eq!(started.elapsed(), 3 * PAUSE, "a pause before each reading");
    let mut fake = Fake::new([AppendedAnd(Code::RequestTimedOut)]);
    fake.unreadable = 2;
    assert_eq!(
        write(&mut fake).await,
        placed(3, 1, false),
        "the third reading finds it"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_where_the_log_ends_must_be_known_before_anything_is_sent() {
    let mut fake = Fake::new([]);
    fake.end_unreadable = true;
    assert_eq!(write(&mut fake).await, Err(GaveUp::NotWritten(Code::AllBrokersDown)));
    assert_eq!(fake.sent, 0, "a doubt could not be resolved later");
}

#[tokio::test(start_paused = true)]
async fn task3_giving_up_says_whether_it_may_be_written() {
    let refused = Refused(Code::NotEnoughReplicas);
    let mut fake = Fake::new([refused; 3]);
    assert_eq!(write(&mut fake).await, Err(GaveUp::NotWritten(Code::NotEnoughReplicas)));
    let mut fake = Fake::new([Refused(Code::RequestTimedOut), refused, refused]);
    assert_eq!(
        write(&mut fake).await,
        Err(GaveUp::InDoubt(Code::NotEnoughReplicas)),
        "the first may still arrive"
    );
    assert_eq!(
        fake.calls.last(),
        Some(&"find"),
        "the last attempt is followed by a reading, too"
    );
    let mut fake = Fake::new([Refused(Code::MessageSizeTooLarge)]);
    assert_eq!(
        write(&mut fake).await,
        Err(GaveUp::NotWritten(Code::MessageSizeTooLarge)),
        "not repeated"
    );
    let mut fake = Fake::new([Refused(Code::RequestTimedOut), Refused(Code::ProducerFenced)]);
    assert_eq!(
        write(&mut fake).await,
        Err(GaveUp::InDoubt(Code::ProducerFenced)),
        "over, and in doubt"
    );
}

#[tokio::test(start_paused = true)]
async fn task3_an_answer_that_says_it_is_there_but_not_where_is_enough() {
    let mut fake = Fake::new([Refused(Code::DuplicateSequenceNumber)]);
    let there = Placed {
        offset: None,
        attempts: 1,
        may_be_doubled: false,
    };
    assert_eq!(write(&mut fake).await, Ok(there));
}
