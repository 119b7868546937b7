//! All that is known of experiments in a checkout: declared, predicted, measured here and by the reference, claimed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use measure::claim::{Bounded, Seen};
use measure::{
    Claim, Code, Experiment, Figure, FigureName, Machine, Mode, Outcome, Prediction, Record, Records, Stale, Today,
    Verdict,
};

use super::claims::Claims;
use super::digest;
use super::quoted::Mark;
use crate::keep;
use crate::labs::{Lab, Whose, found};

/// How many repetitions of a quick run say something.
const ENOUGH: usize = 3;

/// What is known.
pub(crate) struct Known {
    pub(crate) root: PathBuf,
    /// The labs whose manifests can be read, in order.
    pub(crate) labs: Vec<Lab>,
    pub(crate) claims: Claims,
    /// In the order in which they were written down.
    pub(crate) predictions: Vec<Prediction>,
    /// What cannot be read, in sentences.
    pub(crate) broken: Vec<String>,
    /// By the lab's folder.
    mine: BTreeMap<String, Records>,
    reference: BTreeMap<String, Records>,
    /// By the experiment, and whose code is measured.
    digests: BTreeMap<(String, &'static str), String>,
    servers: BTreeMap<String, String>,
    machine: Machine,
}

/// A record, and whether it still says something of today.
#[derive(Clone, Copy)]
pub(crate) struct Taken<'a> {
    pub(crate) record: &'a Record,
    pub(crate) stale: Option<Stale>,
}

impl Taken<'_> {
    /// What a reader must know beside the number: nothing for a full record that is fresh.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let quick = (self.record.mode == Mode::Quick).then_some(Mark::Quick);
        quick.into_iter().chain(self.stale.map(Mark::Stale)).collect()
    }
}

/// One figure, as far as it is known.
pub(crate) struct Shown<'a> {
    pub(crate) unit: &'a str,
    pub(crate) mine: Option<(&'a Figure, Taken<'a>)>,
    pub(crate) reference: Option<(&'a Figure, Taken<'a>)>,
}

/// Whose records judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Mine,
    Reference,
}

/// The reader's records of a lab.
pub(crate) fn mine_of(root: &Path, folder: &str) -> PathBuf {
    root.join(keep::PLACE).join("records").join(format!("{folder}.jsonl"))
}

/// The reference's.
pub(crate) fn reference_of(root: &Path, folder: &str) -> PathBuf {
    root.join("book/reference").join(format!("{folder}.jsonl"))
}

/// The reader's predictions.
pub(crate) fn predictions_of(root: &Path) -> PathBuf {
    root.join(keep::PLACE).join("predictions.jsonl")
}

impl Known {
    /// Reads it all. What is broken is told in [`Known::broken`] and left out.
    ///
    /// # Errors
    /// This is no checkout, or a file is there and cannot be read.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut known = Self {
            root: root.to_path_buf(),
            labs: Vec::new(),
            claims: Claims::read(root),
            predictions: Vec::new(),
            broken: Vec::new(),
            mine: BTreeMap::new(),
            reference: BTreeMap::new(),
            digests: BTreeMap::new(),
            servers: stack::provision::pinned()?,
            machine: Machine::this(),
        };
        for lab in found::all(root)? {
            match lab {
                Ok(lab) => known.add(lab)?,
                Err(error) => known.broken.push(error.to_string()),
            }
        }
        let (predictions, broken) = measure::lines::read(&predictions_of(root), "prediction")?;
        known.predictions = predictions;
        known.say(root, &broken);
        let mistakes = known.claims.mistakes.iter().map(ToString::to_string);
        known.broken.extend(mistakes);
        Ok(known)
    }

    fn add(&mut self, lab: Lab) -> anyhow::Result<()> {
        let folder = lab.manifest.folder();
        let root = self.root.clone();
        for (file, whose) in [
            (mine_of(&root, &folder), By::Mine),
            (reference_of(&root, &folder), By::Reference),
        ] {
            let records = Records::read(&file)?;
            self.say(&root, &records.broken);
            match whose {
                By::Mine => self.mine.insert(folder.clone(), records),
                By::Reference => self.reference.insert(folder.clone(), records),
            };
        }
        for experiment in &lab.manifest.experiments {
            for whose in [Whose::Yours, Whose::Reference] {
                let digest = digest::of(&lab, whose, experiment)?;
                self.digests.insert((experiment.id.clone(), whose.word()), digest);
            }
        }
        self.labs.push(lab);
        Ok(())
    }

    fn say(&mut self, root: &Path, broken: &[measure::BrokenLine]) {
        for line in broken {
            let said = line.to_string();
            let below = format!("{}/", root.display());
            self.broken.push(said.strip_prefix(&below).unwrap_or(&said).to_owned());
        }
    }

    /// Says what could not be read; the rest is used.
    pub(crate) fn tell_broken(&self) {
        for said in &self.broken {
            crate::note(&format!("lab: {said}"));
        }
    }

    /// All experiments, in the labs' order.
    pub(crate) fn experiments(&self) -> impl Iterator<Item = (&Lab, &Experiment)> {
        self.labs
            .iter()
            .flat_map(|lab| lab.manifest.experiments.iter().map(move |each| (lab, each)))
    }

    pub(crate) fn experiment(&self, id: &str) -> Option<(&Lab, &Experiment)> {
        self.experiments().find(|(_, each)| each.id == id)
    }

    /// The record to show of an experiment.
    pub(crate) fn taken(&self, id: &str, by: By) -> Option<Taken<'_>> {
        let (lab, _) = self.experiment(id)?;
        let folder = lab.manifest.folder();
        let records = match by {
            By::Mine => &self.mine,
            By::Reference => &self.reference,
        };
        let records = records.get(&folder)?;
        let fresh = |record: &Record| self.stale(record, by).is_none();
        // A stale one is shown, and marked, only where there is no other.
        let record = records.best(id, fresh).or_else(|| records.best(id, |_| true))?;
        Some(Taken {
            record,
            stale: self.stale(record, by),
        })
    }

    fn stale(&self, record: &Record, by: By) -> Option<Stale> {
        let whose = match record.code {
            Code::Yours => Whose::Yours,
            Code::Reference => Whose::Reference,
        };
        let digest = self.digests.get(&(record.experiment.clone(), whose.word()));
        let pinned = record.provider != stack::Provider::External.name();
        let today = Today {
            code_digest: digest.cloned(),
            servers: if pinned { self.servers.clone() } else { BTreeMap::new() },
            machine: (by == By::Mine).then(|| self.machine.clone()),
        };
        Stale::of(record, &today)
    }

    /// A figure; `None` if no experiment could have it.
    pub(crate) fn figure(&self, name: &FigureName) -> Option<Shown<'_>> {
        let (_, experiment) = self.experiment(&name.experiment)?;
        let of = |by: By| {
            let taken = self.taken(&name.experiment, by)?;
            Some((taken.record.figure(&name.metric, &name.arm)?, taken))
        };
        experiment.metrics.contains_key(&name.metric).then(|| Shown {
            unit: experiment.unit(&name.metric),
            mine: of(By::Mine),
            reference: of(By::Reference),
        })
    }

    /// What the records of one side say of a claim, what was seen, and the marks of the records that it stands on.
    pub(crate) fn judge(&self, claim: &Claim, by: By) -> (Verdict, Vec<Seen>, Vec<String>) {
        let find = |name: &FigureName| {
            let (_, experiment) = self.experiment(&name.experiment)?;
            let taken = self.taken(&name.experiment, by)?;
            Some(Bounded {
                figure: taken.record.figure(&name.metric, &name.arm)?,
                bound: experiment.spread,
                repetitions: match taken.record.mode {
                    Mode::Quick if !experiment.exact.contains(&name.metric) => ENOUGH,
                    _ => 1,
                },
            })
        };
        let (verdict, seen) = claim.judge(find);
        let mut marks: Vec<String> = Vec::new();
        for name in claim.figures() {
            let these = self.taken(&name.experiment, by).map(|taken| taken.marks());
            for mark in these.into_iter().flatten().map(|mark| mark.to_string()) {
                if !marks.contains(&mark) {
                    marks.push(mark);
                }
            }
        }
        (verdict, seen, marks)
    }

    /// The reader's newest prediction of a figure that was made before it was measured, as [`Known::outcomes`] takes it; a later one only
    /// where there is no such.
    pub(crate) fn prediction(&self, of: &FigureName) -> Option<&Prediction> {
        let these = || self.predictions.iter().rev().filter(|prediction| prediction.of == *of);
        let blind = these().find(|prediction| !self.measured_before(&of.experiment, &prediction.date));
        blind.or_else(|| these().next())
    }

    /// Whether an experiment was measured here before `date`, so that a prediction of then was no prediction.
    pub(crate) fn measured_before(&self, experiment: &str, date: &str) -> bool {
        self.all_mine(experiment).any(|record| record.date.as_str() < date)
    }

    fn all_mine(&self, experiment: &str) -> impl Iterator<Item = &Record> {
        self.mine
            .values()
            .flat_map(|records| &records.records)
            .filter(move |record| record.experiment == experiment)
    }

    /// How long the newest run of that kind took here, seconds.
    pub(crate) fn took(&self, experiment: &str, mode: Mode) -> Option<f64> {
        let these = self.all_mine(experiment).filter(|record| record.mode == mode);
        these.last().map(|record| record.seconds)
    }

    /// Each prediction that was made before the first measurement, with the first full one's figure, or the first quick one's where
    /// there is no full one; but for those whose repetitions spread so much that hit and miss would be a draw.
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.measured().into_iter().map(|(outcome, _)| outcome).collect()
    }

    /// How many predictions were measured and cannot be judged: the repetitions spread too much.
    pub(crate) fn unjudged(&self) -> usize {
        let all = self.all_measured();
        all.iter().filter(|(_, _, wide)| *wide).count()
    }

    /// As [`Known::outcomes`], each with the record of that measurement.
    pub(crate) fn measured(&self) -> Vec<(Outcome, &Record)> {
        let judged = self.all_measured().into_iter().filter(|(_, _, wide)| !wide);
        judged.map(|(outcome, record, _)| (outcome, record)).collect()
    }

    fn all_measured(&self) -> Vec<(Outcome, &Record, bool)> {
        let blind = self
            .predictions
            .iter()
            .filter(|prediction| !self.measured_before(&prediction.of.experiment, &prediction.date));
        let mut outcomes: Vec<(Outcome, &Record, bool)> = Vec::new();
        for prediction in blind {
            let after = |record: &&Record| record.date >= prediction.date;
            let figures = self
                .all_mine(&prediction.of.experiment)
                .filter(after)
                .filter_map(|record| Some((record.figure(&prediction.of.metric, &prediction.of.arm)?, record)));
            // The first of the smallest: a full one before a quick one, then the earliest.
            if let Some((figure, record)) = figures.min_by_key(|(_, record)| record.mode == Mode::Quick) {
                // Who thought again before measuring is judged by the last thought.
                outcomes.retain(|(other, _, _)| other.prediction.of != prediction.of);
                let bound = self
                    .experiment(&prediction.of.experiment)
                    .map_or(f64::INFINITY, |(_, experiment)| experiment.spread);
                let wide = figure.spread().relative() > bound;
                let outcome = Outcome {
                    prediction: prediction.clone(),
                    measured: figure.spread().median,
                };
                outcomes.push((outcome, record, wide));
            }
        }
        outcomes
    }
}
