//! `bench 05`: a lab's experiments, each recorded and compared with what was expected of it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use measure::{Experiment, Mode};
use stack::Provider;

use crate::cli::BenchArgs;
use crate::keep::{Lock, files};
use crate::labs::{Lab, Whose};
use crate::measuring::build::Programs;
use crate::measuring::known::By;
use crate::measuring::run::{Order, Stamp, run as measured};
use crate::measuring::told::told;
use crate::measuring::{Known, known};
use crate::signals::Signals;
use crate::{note, out, text};

/// Runs them.
///
/// # Errors
/// One of them fails; those before it are recorded.
pub(super) fn run(lab: &Lab, whose: Whose, args: &BenchArgs, provider: Provider) -> anyhow::Result<ExitCode> {
    let chosen = chosen(lab, &args.only)?;
    ensure!(
        !(args.reference && args.quick),
        "the reference is measured in full; leave out --quick"
    );
    let mode = if args.quick { Mode::Quick } else { Mode::Full };
    let mut names: Vec<&str> = chosen.iter().map(|each| each.program.as_str()).collect();
    names.dedup();
    let work = async {
        let stamp = Stamp::of(lab, whose)?;
        let programs = Programs::build(lab, whose, &names).await?;
        ensure!(
            stamp == Stamp::of(lab, whose)?,
            "the code of {} changed while it was built, so nothing was measured; the same command begins anew",
            lab.manifest.folder()
        );
        if provider == Provider::Local && chosen.iter().any(|each| !each.brokers.is_empty()) {
            // What is to be fetched is fetched now, with its own progress, and in nobody's measured time.
            tokio::task::spawn_blocking(|| stack::provision::ensure(true)).await??;
        }
        let session = Session {
            lab,
            whose,
            stamp,
            mode,
            provider,
            programs,
            chosen: &chosen,
            reference: args.reference,
        };
        for at in 0..chosen.len() {
            session.one(at).await?;
        }
        anyhow::Ok(())
    };
    let done = super::super::runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            done = work => done.map(|()| true),
            _ = signals.heard() => Ok(false),
        }
    })?;
    let short = lab.manifest.short();
    if !done {
        note(&format!(
            "interrupted: the experiments that were done are kept, and of the one that ran nothing; ./lab bench {short} --only NAME runs one"
        ));
        return Ok(ExitCode::from(130));
    }
    note(&format!(
        "\n{}: measured. Code: {}. Servers: {provider}. Next: ./lab book, then ./lab rehearse --chapter {short}",
        lab.manifest.folder(),
        whose.word()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The experiments that are asked for, in the manifest's order.
///
/// # Errors
/// The lab has no such experiment.
pub(super) fn chosen<'a>(lab: &'a Lab, only: &[String]) -> anyhow::Result<Vec<&'a Experiment>> {
    let all = &lab.manifest.experiments;
    if let Some(unknown) = only.iter().find(|id| all.iter().all(|each| each.id != **id)) {
        let ids: Vec<&str> = all.iter().map(|each| each.id.as_str()).collect();
        bail!(
            "{} has no experiment {unknown:?}; there are {}",
            lab.manifest.folder(),
            ids.join(", ")
        );
    }
    Ok(all
        .iter()
        .filter(|each| only.is_empty() || only.contains(&each.id))
        .collect())
}

/// One call of `bench`.
struct Session<'a> {
    lab: &'a Lab,
    whose: Whose,
    /// What the programs were built of.
    stamp: Stamp,
    mode: Mode,
    provider: Provider,
    programs: Programs,
    chosen: &'a [&'a Experiment],
    /// Whether the figures go into the book.
    reference: bool,
}

impl Session<'_> {
    /// Runs the experiment at this place, records it, and says what came of it.
    async fn one(&self, at: usize) -> anyhow::Result<()> {
        let (lab, experiment) = (self.lab, self.chosen[at]);
        let before = Known::read(&lab.root)?;
        let expected = |each: &Experiment| expected(&before, each, self.mode);
        let left: Duration = self.chosen[at..].iter().map(|each| expected(each)).sum();
        note(&format!(
            "\n{} of {}: {}, about {}; all that is left about {}",
            at + 1,
            self.chosen.len(),
            experiment.title,
            text::clock(expected(experiment)),
            text::clock(left)
        ));
        let prediction = before.prediction(&experiment.predict.of).cloned();
        if prediction.is_none() && !self.reference && !before.measured_before(&experiment.id, &text::now()) {
            note(&format!(
                "  nothing was predicted; Ctrl-C and ./lab predict {} {} if you want to know what you know",
                lab.manifest.short(),
                experiment.id
            ));
        }
        let order = Order {
            lab,
            experiment,
            whose: self.whose,
            stamp: &self.stamp,
            mode: self.mode,
            provider: self.provider,
            expected: expected(experiment),
        };
        let bar = crate::bar::spinner();
        let record = measured(&order, &self.programs, &bar).await;
        bar.finish_and_clear();
        let record = record?;
        let by = if self.reference { By::Reference } else { By::Mine };
        let file = match self.reference {
            false => known::mine_of(&lab.root, &lab.manifest.folder()),
            true => known::reference_of(&lab.root, &lab.manifest.folder()),
        };
        let kept = match self.reference {
            false => measure::lines::append(&file, &record).map_err(Into::into),
            true => refresh(lab, &file, &record),
        };
        if let Err(err) = kept {
            // It took minutes to get: whoever can make room for it finds it here.
            note(&serde_json::to_string(&record)?);
            return Err(err).with_context(|| {
                format!(
                    "the record above cannot be written to {}; make room there, then append it as one line",
                    file.display()
                )
            });
        }
        let after = Known::read(&lab.root)?;
        out(&format!(
            "\n{}",
            told(&after, experiment, &record, by, prediction.as_ref())
        ));
        Ok(())
    }
}

/// Puts a reference record in the place of the older one of the same experiment.
fn refresh(lab: &Lab, file: &Path, record: &measure::Record) -> anyhow::Result<()> {
    let _lock = Lock::take(&lab.root)?;
    let before = measure::Records::read(file)?;
    if let Some(broken) = before.broken.first() {
        bail!("{broken}");
    }
    let mut records: Vec<&measure::Record> = before
        .records
        .iter()
        .filter(|other| other.experiment != record.experiment)
        .chain([record])
        .collect();
    let order = |record: &measure::Record| {
        let all = &lab.manifest.experiments;
        all.iter().position(|each| each.id == record.experiment)
    };
    records.sort_by_key(|record| order(record));
    let mut text = String::new();
    for record in records {
        text.push_str(&serde_json::to_string(record)?);
        text.push('\n');
    }
    files::replace(file, text.as_bytes())?;
    Ok(())
}

/// How long it took last time here, else what the manifest says.
fn expected(known: &Known, experiment: &Experiment, mode: Mode) -> Duration {
    let seconds = known.took(&experiment.id, mode).unwrap_or(match mode {
        Mode::Full => experiment.minutes * 60.0,
        Mode::Quick => experiment.quick_seconds,
    });
    Duration::from_secs_f64(seconds.clamp(1.0, 36_000.0))
}
