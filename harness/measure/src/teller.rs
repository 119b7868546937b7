//! How a program that runs experiments is told what to run, and tells what it finds: JSON lines on standard output.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Once;

use serde::{Deserialize, Serialize};

use crate::{Figure, Mode, Unbuilt};

/// One line of such a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It begins with step `done + 1` of `of`.
    Step {
        /// Steps done.
        done: usize,
        /// Steps in all.
        of: usize,
        /// The one that begins now, in a few words.
        name: String,
    },
    /// Something was measured.
    Figure(Figure),
    /// Which servers there are.
    Servers {
        /// `local`, `containers` or `external`.
        provider: String,
        /// Versions by name.
        versions: BTreeMap<String, String>,
    },
    /// Something cannot be measured here; a sentence that says what, and why.
    NotHere(String),
    /// A task of the lab is not built yet.
    Unbuilt(Unbuilt),
}

/// How much is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Everything.
    Full,
    /// A first answer within a minute.
    Quick,
    /// Each step once and as short as can be: whether it runs at all. No figure of it is kept.
    Try,
}

/// What a program of experiments was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Ids of experiments; empty for all of the program.
    pub experiments: Vec<String>,
    /// How much.
    pub effort: Effort,
}

impl Asked {
    /// From the program's arguments: ids, `--quick`. Cargo's `--bench` says that figures are wanted; without it, as under
    /// `cargo test --benches`, the program is only tried.
    #[must_use]
    pub fn from_args() -> Self {
        Self::of(std::env::args().skip(1))
    }

    fn of(words: impl Iterator<Item = String>) -> Self {
        let words: Vec<String> = words.collect();
        let has = |flag: &str| words.iter().any(|word| word == flag);
        Self {
            effort: match (has("--bench"), has("--quick")) {
                (false, _) => Effort::Try,
                (true, true) => Effort::Quick,
                (true, false) => Effort::Full,
            },
            experiments: words.into_iter().filter(|word| !word.starts_with('-')).collect(),
        }
    }

    /// Whether this experiment is to run.
    #[must_use]
    pub fn wants(&self, experiment: &str) -> bool {
        self.experiments.is_empty() || self.experiments.iter().any(|asked| asked == experiment)
    }
}

impl From<Mode> for Effort {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Full => Self::Full,
            Mode::Quick => Self::Quick,
        }
    }
}

/// Tells what an experiment does and finds, a line at a time.
#[derive(Debug, Default)]
pub struct Teller {
    done: usize,
    of: usize,
}

impl Teller {
    /// For an experiment of `steps` steps.
    #[must_use]
    pub fn new(steps: usize) -> Self {
        Self { done: 0, of: steps }
    }

    /// The next step begins.
    pub fn step(&mut self, name: &str) {
        tell(&Told::Step {
            done: self.done,
            of: self.of.max(self.done + 1),
            name: name.to_owned(),
        });
        self.done += 1;
    }

    /// `samples`, one per repetition, were measured under `arm`, from `n` observations in all.
    ///
    /// # Panics
    /// A sample is no finite number: written down, it could not be read again.
    pub fn figure(&self, arm: &str, metric: &str, samples: Vec<f64>, n: u64) {
        assert!(
            samples.iter().all(|sample| sample.is_finite()),
            "{metric} {arm} is no number in some repetition: {samples:?}"
        );
        tell(&Told::Figure(Figure {
            arm: arm.to_owned(),
            metric: metric.to_owned(),
            samples,
            n,
        }));
    }

    /// The servers that it talks to.
    pub fn servers(&self, provider: &str, versions: &BTreeMap<String, String>) {
        tell(&Told::Servers {
            provider: provider.to_owned(),
            versions: versions.clone(),
        });
    }

    /// Something cannot be measured here; `why` is a sentence that says what, and why.
    pub fn not_here(&self, why: &str) {
        tell(&Told::NotHere(why.to_owned()));
    }
}

/// How a program of experiments ends that met a task of a lab which is not built yet: neither done (0) nor a panic (101).
const UNBUILT: i32 = 3;

/// Has this program tell of a task of a lab that is not built yet, in whichever thread it meets one, and end. Other panics
/// stay as they are. To be called first.
pub fn tell_of_what_is_unbuilt() {
    static FIRST: Once = Once::new();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match Unbuilt::of_panic(panic) {
        // Of threads that panic at once the first one ends the program, and the others wait for that.
        Some(unbuilt) => FIRST.call_once(|| {
            tell(&Told::Unbuilt(unbuilt));
            std::process::exit(UNBUILT);
        }),
        None => usual(panic),
    }));
}

/// Writes a line; who asked may have gone away, which is no error of the experiment.
fn tell(told: &Told) {
    if let Ok(mut line) = serde_json::to_vec(told) {
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &str) -> Asked {
        Asked::of(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn figures_are_taken_only_where_cargo_says_that_it_is_a_bench() {
        assert_eq!(asked("acks-cost --bench").effort, Effort::Full);
        assert_eq!(asked("--quick acks-cost --bench").effort, Effort::Quick);
        assert_eq!(asked("--quick").effort, Effort::Try);
        assert!(asked("acks-cost --bench").wants("acks-cost"));
        assert!(!asked("acks-cost --bench").wants("leader-loss"));
        assert!(asked("").wants("leader-loss"), "all are meant where none is named");
    }

    #[test]
    fn a_line_is_read_back_as_it_was_told() {
        let told = Told::Step {
            done: 1,
            of: 3,
            name: "acks=all brokers=3".into(),
        };
        let line = serde_json::to_string(&told).unwrap();
        assert_eq!(line, r#"{"step":{"done":1,"of":3,"name":"acks=all brokers=3"}}"#);
        assert_eq!(serde_json::from_str::<Told>(&line).unwrap(), told);
    }
}
