//! Tasks 6 and 7 together: which quorums are linearizable under thousands of seeded schedules, and which are not.

use quorum::{Action, Anomaly, Crashes, Cut, Plan, Quorum, Reads, check, simulate, stale_reads};

fn plan(n: usize, r: usize, w: usize, reads: Reads) -> Plan {
    Plan::new(Quorum::new(n, r, w).expect("a quorum"), reads)
}

fn with_faults(plan: Plan) -> Plan {
    let cut = Cut {
        during: 8_000..40_000,
        away: 1,
        clients_away: 1,
    };
    let crashes = Crashes {
        every: 60_000,
        down: 12_000,
    };
    Plan {
        cut: Some(cut),
        crashes: Some(crashes),
        timeout: 12_000,
        ..plan
    }
}

/// The first of the seeds whose history is not linearizable, and what shows it.
fn violation(plan: &Plan, seeds: u64) -> Option<(u64, quorum::Counterexample)> {
    (0..seeds).find_map(|seed| check(&simulate(plan, seed).history).err().map(|found| (seed, found)))
}

fn stale(plan: &Plan, seeds: u64) -> usize {
    (0..seeds).map(|seed| stale_reads(&simulate(plan, seed).history)).sum()
}

#[test]
fn task6_the_same_seed_gives_the_same_run_and_another_seed_another() {
    let plan = with_faults(plan(3, 2, 2, Reads::Repair));
    assert_eq!(simulate(&plan, 5), simulate(&plan, 5));
    assert_ne!(simulate(&plan, 5), simulate(&plan, 6));
}

#[test]
fn task6_without_faults_every_operation_is_answered() {
    for reads in [Reads::Plain, Reads::Repair, Reads::WriteBack] {
        let run = simulate(&plan(3, 2, 2, reads), 1);
        assert_eq!(
            run.unanswered(),
            (0, 80),
            "{reads:?}: (unanswered, all) of four clients with 20 operations each"
        );
        let writes = run
            .history
            .iter()
            .filter(|operation| matches!(operation.action, Action::Write(_)));
        assert_eq!(writes.count(), 20, "{reads:?}: client 0 writes");
    }
}

#[test]
fn task6_quorums_that_overlap_read_nothing_stale_and_others_do() {
    for (r, w) in (1..=3).flat_map(|r| (1..=3).map(move |w| (r, w))) {
        let plan = plan(3, r, w, Reads::Plain);
        let stale = stale(&plan, 100);
        let overlaps = plan.quorum.overlaps();
        assert_eq!(
            stale == 0,
            overlaps,
            "N=3 R={r} W={w}: {stale} stale reads, and it is said to overlap: {overlaps}"
        );
    }
}

#[test]
fn task6_a_minority_refuses_and_a_majority_goes_on() {
    let cut = Cut {
        during: 0..u64::MAX,
        away: 1,
        clients_away: 1,
    };
    let plan = Plan {
        cut: Some(cut),
        ..plan(3, 2, 2, Reads::WriteBack)
    };
    let run = simulate(&plan, 3);
    assert!(
        run.refused.iter().all(|read| read.client == 3),
        "only client 3 is on the side of one replica"
    );
    assert_eq!((run.refused.len(), run.history.len()), (20, 60), "(refused, answered)");
}

#[test]
fn task7_overlapping_quorums_without_write_back_are_not_linearizable() {
    for (n, r, w) in [(3, 2, 2), (5, 3, 3), (3, 2, 3), (3, 1, 3)] {
        let (seed, found) = violation(&plan(n, r, w, Reads::Plain), 500).expect("an inversion under some seed");
        assert_eq!(
            found.anomaly(),
            Anomaly::Inversion,
            "N={n} R={r} W={w} seed {seed}: nothing is stale, so it is the order of two reads: {found}"
        );
    }
}

#[test]
fn task7_reads_of_all_replicas_need_no_write_back() {
    for (n, w) in [(3, 1), (3, 3), (5, 2)] {
        if let Some((seed, found)) = violation(&plan(n, n, w, Reads::Plain), 500) {
            panic!("N=R={n} W={w} seed {seed}: who asks everybody meets whatever an earlier read has met: {found}");
        }
    }
}

#[test]
fn task7_read_repair_in_the_background_makes_nothing_linearizable() {
    let (_, found) = violation(&plan(3, 2, 2, Reads::Repair), 2_000).expect("repaired too late under some seed");
    assert_eq!(found.anomaly(), Anomaly::Inversion, "{found}");
}

#[test]
fn task7_with_write_back_no_seed_finds_a_violation() {
    for (n, r, w) in [(3, 2, 2), (5, 3, 3), (3, 3, 1)] {
        if let Some((seed, found)) = violation(&plan(n, r, w, Reads::WriteBack), 1_000) {
            panic!("N={n} R={r} W={w} seed {seed}: look at what on_reply answers before w have it: {found}");
        }
    }
}

#[test]
fn task7_with_write_back_cuts_and_crashes_cost_answers_and_no_order() {
    let plan = with_faults(plan(3, 2, 2, Reads::WriteBack));
    if let Some((seed, found)) = violation(&plan, 1_000) {
        panic!("seed {seed}: {found}");
    }
    let unanswered: usize = (0..50).map(|seed| simulate(&plan, seed).unanswered().0).sum();
    assert!(unanswered > 0, "a cut that costs nobody an answer proves nothing");
}

#[test]
fn task7_a_sloppy_quorum_answers_on_both_sides_of_a_cut_and_is_stale() {
    let cut = Cut {
        during: 2_000..200_000,
        away: 1,
        clients_away: 2,
    };
    let strict = Plan {
        cut: Some(cut),
        timeout: 20_000,
        ..plan(3, 2, 2, Reads::WriteBack)
    };
    let sloppy = Plan {
        sloppy: true,
        ..strict.clone()
    };
    let unanswered = |plan: &Plan| -> usize { (0..20).map(|seed| simulate(plan, seed).unanswered().0).sum() };
    let (strict_refuses, sloppy_refuses) = (unanswered(&strict), unanswered(&sloppy));
    assert!(
        sloppy_refuses * 4 < strict_refuses,
        "sloppy {sloppy_refuses}, strict {strict_refuses} without an answer: the spares must stand in"
    );
    assert!(violation(&strict, 200).is_none(), "refusing is what keeps the order");
    let (_, found) = violation(&sloppy, 20).expect("R + W > N counts nodes that are not the same");
    assert_eq!(found.anomaly(), Anomaly::Stale, "{found}");
}
