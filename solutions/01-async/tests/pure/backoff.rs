//! How long a client waits before it tries again.

use std::time::Duration;

use feed::backoff::{Backoff, Jitter};
use rand::SeedableRng;
use rand::rngs::StdRng;

const STABLE: Duration = Duration::from_secs(30);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn seeded() -> StdRng {
    StdRng::seed_from_u64(7)
}

/// After so many failures, of waits from 100 ms to 1 s.
fn after(failures: u32, jitter: Jitter, random: &mut StdRng) -> Backoff {
    let mut backoff = Backoff::new(ms(100), ms(1_000), jitter);
    for _ in 0..failures {
        backoff.next(random);
    }
    backoff
}

/// How many of so many first waits, each with a bound of a second, are below these milliseconds.
fn below(jitter: Jitter, limits: [u64; 4]) -> [usize; 4] {
    let mut random = seeded();
    let waits: Vec<Duration> = (0..1_000)
        .map(|_| Backoff::new(ms(1_000), ms(1_000), jitter).next(&mut random))
        .collect();
    limits.map(|limit| waits.iter().filter(|wait| **wait < ms(limit)).count())
}

#[test]
fn task2_the_bound_doubles_with_each_failure_up_to_the_cap() {
    let mut random = seeded();
    let bounds = [0, 1, 2, 3, 4, 5].map(|failures| after(failures, Jitter::Full, &mut random).bound().as_millis());
    assert_eq!(bounds, [100, 200, 400, 800, 1_000, 1_000], "see Backoff::bound");
}

#[test]
fn task2_no_number_of_failures_leads_out_of_the_bound() {
    let mut random = seeded();
    for failures in [31, 32, 33, 63, 64, 65, 200] {
        let bound = after(failures, Jitter::Full, &mut random).bound();
        assert_eq!(bound, ms(1_000), "after {failures} failures; look at what 2ⁿ is then");
    }
    let mut long = Backoff::new(Duration::from_secs(u64::MAX / 2), Duration::MAX, Jitter::Full);
    long.next(&mut random);
    long.next(&mut random);
    assert_eq!(long.bound(), Duration::MAX, "a bound too long to be said is the cap");
}

#[test]
fn task2_a_wait_is_drawn_below_the_bound_that_stood_before_the_failure() {
    let mut random = seeded();
    for jitter in [Jitter::Full, Jitter::Equal] {
        for failures in 0..8 {
            let mut backoff = after(failures, jitter, &mut random);
            let bound = backoff.bound();
            let wait = backoff.next(&mut random);
            assert!(
                wait < bound,
                "{wait:?} of {bound:?}: the first wait has the first bound, with {jitter:?}"
            );
            assert_eq!(backoff.failures(), failures + 1, "each wait is asked for by a failure");
        }
    }
}

#[test]
fn task2_full_jitter_spreads_waits_over_the_whole_range_below_the_bound() {
    let [first, half, third, all] = below(Jitter::Full, [250, 500, 750, 1_000]);
    assert_eq!(all, 1_000, "no wait reaches the bound");
    for (count, expected) in [(first, 250), (half, 500), (third, 750)] {
        assert!(
            count.abs_diff(expected) < 60,
            "{count} of 1000 waits lie where {expected} should: each quarter of the bound gets a quarter"
        );
    }
}

#[test]
fn task2_equal_jitter_waits_half_the_bound_at_least_and_spreads_over_the_other_half() {
    let [none, three_quarters, most, all] = below(Jitter::Equal, [500, 750, 875, 1_000]);
    assert_eq!(
        (none, all),
        (0, 1_000),
        "no wait is below half the bound, and none reaches it"
    );
    assert!(
        three_quarters.abs_diff(500) < 60,
        "{three_quarters} of 1000, and half of them should be"
    );
    assert!(
        most.abs_diff(750) < 60,
        "{most} of 1000, and three quarters of them should be"
    );
}

#[test]
fn task2_a_stable_connection_begins_the_waits_again_and_a_short_one_does_not() {
    let mut random = seeded();
    let mut backoff = after(5, Jitter::Equal, &mut random);
    backoff.lost(STABLE - ms(1), STABLE, &mut random);
    assert_eq!(
        backoff.failures(),
        6,
        "a connection that was lost at once is one more failure, however well it was made"
    );
    let wait = backoff.lost(STABLE, STABLE, &mut random);
    assert!(
        wait < ms(100),
        "{wait:?}: after a stable connection the first bound holds again"
    );
    assert_eq!(backoff.failures(), 1, "and the loss itself counts");
}

#[test]
fn task2_clients_that_fail_together_do_not_come_back_together() {
    // A thousand clients lose their server in the same moment. What matters is how many of them come back in the same 10 ms.
    let mut random = seeded();
    let mut arrivals = [0u32; 100];
    for _ in 0..1_000 {
        let mut backoff = Backoff::new(ms(1_000), ms(10_000), Jitter::Full);
        let wait = backoff.lost(Duration::from_secs(3_600), STABLE, &mut random);
        arrivals[wait.as_millis() as usize / 10] += 1;
    }
    let most = arrivals.into_iter().max().unwrap();
    assert!(
        most < 30,
        "{most} of 1000 clients within 10 ms; evenly spread it would be about 10 (see Jitter)"
    );
}
