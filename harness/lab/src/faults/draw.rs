//! Faults drawn by a seed: the same seed, the same faults at the same moments.

use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Fault;

/// Nothing strikes so soon after the beginning of a round: it begins with a pipeline that runs.
const QUIET: Duration = Duration::from_secs(3);

/// The faults of rounds of this length, at most three in each, and in every third round two at the same moment. None
/// strikes in the second half of its round, so that most have been survived when it ends.
pub(crate) fn draw(seed: u64, length: Duration, round: Duration, kinds: &[Fault]) -> Vec<(Fault, Duration)> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = Vec::new();
    let rounds = length.as_millis().div_ceil(round.as_millis().max(1));
    for number in 0..u32::try_from(rounds).unwrap_or(u32::MAX) {
        let from = round * number;
        let span = (round / 2).saturating_sub(QUIET).max(Duration::from_millis(1));
        let moment = |random: &mut ChaCha8Rng| from + QUIET + span.mul_f64(random.random::<f64>());
        let mut at = moment(&mut random);
        for nth in 0..random.random_range(1..=3) {
            let together = nth == 1 && number % 3 == 2;
            if nth > 0 && !together {
                at = moment(&mut random);
            }
            if let Some(fault) = kinds.choose(&mut random)
                && at < length
            {
                drawn.push((*fault, at));
            }
        }
    }
    drawn.sort_by_key(|(_, at)| *at);
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_draws_the_same_faults_again_and_another_seed_others() {
        let drawn = |seed| draw(seed, 30 * MINUTE, MINUTE, &Fault::ALL);
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn every_round_has_one_to_three_faults_in_its_first_half_and_some_strike_together() {
        let drawn = draw(7, 60 * MINUTE, MINUTE, &Fault::ALL);
        for round in 0..60 {
            let (from, to) = (MINUTE * round + QUIET, MINUTE * round + MINUTE / 2);
            let here = drawn.iter().filter(|(_, at)| (from..=to).contains(at)).count();
            assert!((1..=3).contains(&here), "{here} faults in round {round}");
        }
        let together = drawn.windows(2).filter(|two| two[0].1 == two[1].1).count();
        assert!(together >= 5, "only {together} pairs at the same moment");
        for fault in Fault::ALL {
            assert!(
                drawn.iter().any(|(drawn, _)| *drawn == fault),
                "{} is never drawn",
                fault.name()
            );
        }
    }
}
