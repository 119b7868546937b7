//! Task 2: what a failed write has done, and how often a record may be in the log.

use proptest::prelude::*;
use quorum::{Acks, Code, Doubt, Fate, Next, fate, next};

use crate::seeded;

#[test]
fn task2_a_refusal_before_the_append_leaves_nothing() {
    for code in [
        Code::NotEnoughReplicas,
        Code::LeaderNotAvailable,
        Code::MessageSizeTooLarge,
        Code::ProducerFenced,
    ] {
        assert_eq!(
            fate(code, Acks::All),
            Fate::NotWritten,
            "{code:?} comes before the append"
        );
    }
}

#[test]
fn task2_too_few_replicas_before_and_after_the_append_are_two_things() {
    assert_eq!(next(Code::NotEnoughReplicas, Acks::All, false), Next::Again);
    assert_eq!(fate(Code::NotEnoughReplicasAfterAppend, Acks::All), Fate::MayBeWritten);
    assert_eq!(
        next(Code::NotEnoughReplicasAfterAppend, Acks::All, false),
        Next::ReadBack,
        "it is in the leader's log: sent again it is there twice"
    );
}

#[test]
fn task2_what_was_not_heard_may_be_written() {
    use Code::*;
    for code in [
        RequestTimedOut,
        MessageTimedOut,
        BrokerTransportFailure,
        OperationTimedOut,
        KafkaStorageError,
    ] {
        assert_eq!(
            fate(code, Acks::All),
            Fate::MayBeWritten,
            "{code:?}: nobody said that it was refused"
        );
    }
    assert_eq!(
        fate(ElectionNotNeeded, Acks::All),
        Fate::MayBeWritten,
        "an answer that nobody thought of is a doubt"
    );
}

#[test]
fn task2_a_deposed_leader_may_have_appended_only_if_it_had_to_wait() {
    let code = Code::NotLeaderForPartition;
    assert_eq!(
        fate(code, Acks::All),
        Fate::MayBeWritten,
        "it waited for its followers when it was deposed"
    );
    for acks in [Acks::None, Acks::Leader] {
        assert_eq!(fate(code, acks), Fate::NotWritten, "{acks:?}: it waits for nobody");
        assert_eq!(next(code, acks, false), Next::Again, "there is another leader");
    }
}

#[test]
fn task2_an_acknowledgement_is_worth_what_was_asked_for() {
    assert_eq!(fate(Code::NoError, Acks::All), Fate::Written);
    assert_eq!(fate(Code::NoError, Acks::None), Fate::MayBeWritten, "nobody answered");
    assert_eq!(next(Code::NoError, Acks::None, false), Next::Done, "and none will");
    assert_eq!(
        fate(Code::DuplicateSequenceNumber, Acks::All),
        Fate::Written,
        "an earlier attempt is there"
    );
    assert_eq!(next(Code::DuplicateSequenceNumber, Acks::All, true), Next::Done);
}

#[test]
fn task2_a_doubt_is_repeated_only_while_the_broker_would_recognise_it() {
    let next = |code, recognised| next(code, Acks::All, recognised);
    assert_eq!(
        next(Code::RequestTimedOut, true),
        Next::Again,
        "same id, epoch and sequence"
    );
    assert_eq!(next(Code::RequestTimedOut, false), Next::ReadBack);
    for code in [Code::MessageTimedOut, Code::PurgeInflight] {
        assert_eq!(
            next(code, true),
            Next::ReadBack,
            "{code:?}: the client holds it no longer, the next is a new record"
        );
    }
}

#[test]
fn task2_what_stays_is_refused_and_a_producer_that_is_over_stops() {
    for code in [
        Code::MessageSizeTooLarge,
        Code::InvalidRecord,
        Code::TopicAuthorizationFailed,
    ] {
        assert_eq!(
            next(code, Acks::All, true),
            Next::Refuse,
            "{code:?} is the same next time"
        );
    }
    for code in [Code::ProducerFenced, Code::OutOfOrderSequenceNumber, Code::Fatal] {
        assert_eq!(
            next(code, Acks::All, true),
            Next::Stop,
            "{code:?}: this producer is over"
        );
    }
    assert_eq!(
        fate(Code::Fatal, Acks::All),
        Fate::MayBeWritten,
        "it tells of the producer, not of the record"
    );
}

#[test]
fn task2_attempts_with_one_identity_are_one_record() {
    let mut doubt = Doubt::default();
    doubt.attempt(Some(1), Fate::MayBeWritten);
    doubt.attempt(Some(1), Fate::MayBeWritten);
    assert_eq!(doubt.copies(), 0..=1, "the broker appends it once");
    doubt.attempt(Some(1), Fate::NotWritten);
    assert_eq!(doubt.copies(), 0..=1, "a later refusal takes nothing back");
    doubt.attempt(Some(1), Fate::Written);
    assert_eq!(doubt.copies(), 1..=1);
    doubt.attempt(Some(2), Fate::MayBeWritten);
    assert_eq!(
        doubt.copies(),
        1..=2,
        "the caller's own repeat has a new sequence number"
    );
}

#[test]
fn task2_without_idempotence_each_attempt_is_a_record() {
    let mut doubt = Doubt::default();
    for fate in [Fate::MayBeWritten, Fate::NotWritten, Fate::MayBeWritten, Fate::Written] {
        doubt.attempt(None, fate);
    }
    assert_eq!(doubt.copies(), 1..=3);
}

/// A broker that appends or not, and answers or not; what the client then knows.
fn attempts() -> impl Strategy<Value = Vec<(Option<u64>, bool, bool)>> {
    proptest::collection::vec((proptest::option::of(0..3u64), any::<bool>(), any::<bool>()), 0..8)
}

proptest! {
    #![proptest_config(seeded(512))]

    #[test]
    fn task2_what_is_in_the_log_lies_between_least_and_most(attempts in attempts()) {
        let (mut doubt, mut known, mut log) = (Doubt::default(), std::collections::BTreeSet::new(), 0);
        for (identity, appends, answers) in &attempts {
            let there = identity.is_some_and(|identity| known.contains(&identity));
            if *appends && !there {
                log += 1;
                known.extend(*identity);
            }
            let code = match (answers, appends) {
                (false, _) => Code::RequestTimedOut,
                (true, true) if there => Code::DuplicateSequenceNumber,
                (true, true) => Code::NoError,
                (true, false) => Code::NotEnoughReplicas,
            };
            doubt.attempt(*identity, fate(code, Acks::All));
        }
        prop_assert!(doubt.copies().contains(&log), "{log} in the log, and {:?} are thought possible", doubt.copies());
        let all_answered = attempts.iter().all(|(_, _, answers)| *answers);
        prop_assert!(!all_answered || doubt.copies() == (log..=log), "all was answered: no doubt is left");
    }
}
