//! Faults drawn by a seed: the same seed, the same faults at the same moments.

use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Fault;

/// Nothing strikes so soon after the beginning of a round: it begins with a pipeline that runs.
const QUIET: Duration = Duration::from_secs(3);

/// Draws round by round, for as long as it is asked.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    random: ChaCha8Rng,
    round: Duration,
    kinds: Vec<Fault>,
    /// Rounds drawn so far.
    rounds: u32,
}

impl Draw {
    pub(crate) fn new(seed: u64, round: Duration, kinds: &[Fault]) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            round: round.max(Duration::from_millis(1)),
            kinds: kinds.to_vec(),
            rounds: 0,
        }
    }

    /// The faults of all rounds that begin before `time` and have not been drawn yet, in the order in which they strike.
    pub(crate) fn until(&mut self, time: Duration) -> Vec<(Fault, Duration)> {
        let mut drawn = Vec::new();
        while self.round.saturating_mul(self.rounds) < time {
            let from = self.round.saturating_mul(self.rounds);
            drawn.extend(self.one_round(from));
            self.rounds += 1;
        }
        drawn
    }

    /// At most three, and in every third round two at the same moment. None strikes in the second half of its round, so
    /// that most have been survived when it ends.
    fn one_round(&mut self, from: Duration) -> Vec<(Fault, Duration)> {
        let mut drawn = Vec::new();
        let span = (self.round / 2).saturating_sub(QUIET).max(Duration::from_millis(1));
        let moment = |random: &mut ChaCha8Rng| from + QUIET + span.mul_f64(random.random::<f64>());
        let mut at = moment(&mut self.random);
        for nth in 0..self.random.random_range(1..=3) {
            let together = nth == 1 && self.rounds % 3 == 2;
            if nth > 0 && !together {
                at = moment(&mut self.random);
            }
            if let Some(fault) = self.kinds.choose(&mut self.random) {
                drawn.push((*fault, at));
            }
        }
        drawn.sort_by_key(|(_, at)| *at);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_seed_draws_the_same_faults_again_and_another_seed_others() {
        let drawn = |seed| Draw::new(seed, MINUTE, &Fault::ALL).until(30 * MINUTE);
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn what_is_drawn_as_the_rounds_come_is_what_is_drawn_at_once() {
        let at_once = Draw::new(7, MINUTE, &Fault::ALL).until(60 * MINUTE);
        let mut draw = Draw::new(7, MINUTE, &Fault::ALL);
        let by_and_by: Vec<_> = (0..=240).flat_map(|quarter| draw.until(quarter * MINUTE / 4)).collect();
        assert_eq!(by_and_by, at_once);
        assert_eq!(draw.until(60 * MINUTE), [], "nothing is drawn twice");
        assert!(
            !draw.until(61 * MINUTE).is_empty(),
            "a soak that goes on has faults to come"
        );
    }

    #[test]
    fn every_round_has_one_to_three_faults_in_its_first_half_and_some_strike_together() {
        let drawn = Draw::new(7, MINUTE, &Fault::ALL).until(60 * MINUTE);
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
