//! Task 1: what an acknowledgement promises, case by case, and against a model in which everything that may happen does.

use quorum::{Acks, Promise, Refused, Rules, Survives, Topic, TopicError, Visible};

use crate::model::{Fault, Settings, survives};

const RULES: [Rules; 3] = [Rules::Before, Rules::Strict, Rules::Eligible];

fn topic(replicas: u8, min_insync: u8, unclean: bool, rules: Rules) -> Topic {
    Topic::new(replicas, min_insync, unclean, rules).expect("a topic")
}

fn promise(topic: Topic, acks: Acks, in_sync: u8) -> Promise {
    let promise = topic.promise(acks, in_sync);
    promise.unwrap_or_else(|refused| panic!("{acks:?} with {in_sync} in sync is refused: {refused}"))
}

#[test]
fn a_topic_without_replicas_or_with_a_minimum_beyond_them_is_refused() {
    assert_eq!(Topic::new(0, 1, false, Rules::Strict), Err(TopicError::NoReplica));
    for min_insync in [0, 4] {
        let refused = TopicError::MinInsync {
            min_insync,
            replicas: 3,
        };
        assert_eq!(Topic::new(3, min_insync, false, Rules::Strict), Err(refused));
    }
}

#[test]
fn task1_acks_all_waits_for_those_in_sync_and_not_for_all_replicas() {
    let promise = promise(topic(3, 1, false, Rules::Before), Acks::All, 1);
    assert_eq!(
        promise.copies, 1,
        "the leader alone is in sync: copies are those of the in-sync set"
    );
    assert_eq!(
        promise.losses,
        Survives::Faults(0),
        "the one copy is on the leader's disk"
    );
}

#[test]
fn task1_the_minimum_binds_acks_all_and_nobody_else() {
    let topic = topic(3, 2, false, Rules::Strict);
    let refused = Refused::NotEnoughReplicas {
        in_sync: 1,
        min_insync: 2,
    };
    assert_eq!(topic.promise(Acks::All, 1), Err(refused));
    for acks in [Acks::None, Acks::Leader] {
        assert!(topic.promise(acks, 1).is_ok(), "{acks:?} is not asked for the minimum");
        assert_eq!(topic.promise(acks, 0), Err(Refused::NoLeader), "nobody in sync leads");
    }
}

#[test]
fn task1_a_write_below_the_minimum_is_acknowledged_and_not_visible() {
    let visible = |rules, in_sync| promise(topic(3, 2, false, rules), Acks::Leader, in_sync).visible;
    assert_eq!(
        visible(Rules::Before, 1),
        Visible::Now,
        "the leader alone is all in sync"
    );
    for rules in [Rules::Strict, Rules::Eligible] {
        assert_eq!(
            visible(rules, 1),
            Visible::WhenEnoughAreInSync,
            "{rules:?}: the high watermark waits"
        );
    }
    for rules in RULES {
        assert_eq!(
            visible(rules, 3),
            Visible::WhenFetched,
            "{rules:?}: the followers fetch it later"
        );
        let all = promise(topic(3, 2, false, rules), Acks::All, 2);
        assert_eq!(
            all.visible,
            Visible::Now,
            "{rules:?}: it was fetched before it was acknowledged"
        );
    }
}

#[test]
fn task1_a_leader_that_is_alone_in_sync_is_waited_for_unless_another_is_eligible() {
    let outages = |min_insync, rules| promise(topic(3, min_insync, false, rules), Acks::Leader, 1).outages;
    for rules in [Rules::Before, Rules::Strict] {
        assert_eq!(outages(2, rules), Survives::Any, "{rules:?}: nobody else may lead");
    }
    assert_eq!(
        outages(2, Rules::Eligible),
        Survives::Faults(0),
        "an eligible replica leads at once, and has only what was below the high watermark"
    );
    assert_eq!(
        outages(1, Rules::Eligible),
        Survives::Any,
        "above the minimum nobody is eligible"
    );
}

#[test]
fn task1_an_unclean_election_loses_what_a_replica_out_of_sync_lacks() {
    let outages = |unclean, in_sync| promise(topic(3, 2, unclean, Rules::Strict), Acks::All, in_sync).outages;
    assert_eq!(
        outages(false, 2),
        Survives::Any,
        "a clean election finds it, or none is held"
    );
    assert_eq!(
        outages(true, 2),
        Survives::Faults(1),
        "both away, and the third is elected without it"
    );
    assert_eq!(outages(true, 3), Survives::Any, "everybody has it");
}

#[test]
fn task1_the_minimum_counts_in_lost_disks_only_where_replicas_are_eligible() {
    let amid = |rules| promise(topic(3, 2, false, rules), Acks::All, 3).losses_amid_outages;
    assert_eq!(
        amid(Rules::Strict),
        Survives::Faults(0),
        "the last one in sync is elected again, empty"
    );
    assert_eq!(
        amid(Rules::Eligible),
        Survives::Faults(1),
        "one of two that are in sync or eligible"
    );
}

#[test]
fn task1_without_acknowledgement_nothing_is_promised() {
    let promise = promise(topic(3, 2, false, Rules::Eligible), Acks::None, 3);
    assert_eq!(promise.copies, 0, "nobody said that it has it");
    let survived = [promise.outages, promise.losses, promise.losses_amid_outages];
    assert_eq!(survived, [Survives::Nothing; 3], "it may not have arrived");
}

#[test]
fn task1_what_nobody_acknowledges_is_seen_by_the_same_rules() {
    let visible = |rules, in_sync| promise(topic(3, 2, false, rules), Acks::None, in_sync).visible;
    assert_eq!(visible(Rules::Strict, 1), Visible::WhenEnoughAreInSync);
    assert_eq!(visible(Rules::Before, 1), Visible::Now, "the leader is alone in sync");
    assert_eq!(visible(Rules::Before, 3), Visible::WhenFetched);
}

#[test]
fn task1_more_in_sync_than_there_are_count_as_all() {
    for acks in [Acks::None, Acks::Leader, Acks::All] {
        let topic = topic(3, 2, true, Rules::Eligible);
        assert_eq!(topic.promise(acks, 9), topic.promise(acks, 3), "{acks:?}");
    }
}

#[test]
fn task1_the_promise_is_that_of_the_model_for_every_small_cluster() {
    let mut cases = 0;
    for replicas in 1..=4u8 {
        for (min_insync, in_sync) in (1..=replicas).flat_map(|m| (1..=replicas).map(move |k| (m, k))) {
            for (unclean, rules) in [false, true].into_iter().flat_map(|u| RULES.map(|rules| (u, rules))) {
                for acks in [Acks::None, Acks::Leader, Acks::All] {
                    let settings = Settings {
                        replicas,
                        min_insync,
                        unclean,
                        rules,
                    };
                    let Ok(promise) = topic(replicas, min_insync, unclean, rules).promise(acks, in_sync) else {
                        assert!(
                            acks == Acks::All && in_sync < min_insync,
                            "{settings:?} {acks:?}: refused"
                        );
                        continue;
                    };
                    let state = settings.acknowledged(acks, in_sync);
                    let least = |counted, free| survives(settings.faults_to_lose(state, counted, free));
                    let what = format!("{settings:?}, {acks:?}, {in_sync} in sync");
                    assert_eq!(promise.outages, least(Fault::Outage, None), "outages: {what}");
                    assert_eq!(promise.losses, least(Fault::Loss, None), "losses: {what}");
                    let amid = least(Fault::Loss, Some(Fault::Outage));
                    assert_eq!(promise.losses_amid_outages, amid, "losses amid outages: {what}");
                    assert_eq!(promise.spare, settings.spare(state, acks), "spare: {what}");
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 400, "{cases} cases are not all small clusters");
}
