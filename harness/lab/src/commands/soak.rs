//! `soak`: a long run under faults that a seed draws, audited again and again on the way.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use ledger::Verdict;
use serde::Serialize;

use super::up;
use crate::cli::{self, SoakArgs, UpArgs};
use crate::faults::Fault;
use crate::run::plan::Plan;
use crate::run::rounds::Round;
use crate::{note, out, text};

/// What a soak came to, as JSON.
#[derive(Serialize)]
struct SoakReport<'a> {
    seed: u64,
    verdict: Verdict,
    rounds: &'a [Round],
    report: &'a ledger::Report,
}

pub(crate) fn run(args: &SoakArgs) -> anyhow::Result<ExitCode> {
    let seed = args.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let up = as_up(args, seed)?;
    let (json, brokers) = (up.json, up.brokers);
    let kinds = kinds(&args.faults, brokers)?;
    // First of all: whoever breaks the run off may want the same again.
    note(&format!("seed {seed}: {} draws the same faults", same(args, seed)));
    if let Some(limit) = up.length.limit() {
        ensure!(
            limit >= args.every,
            "a soak of {limit:?} ends before its first round of {:?}; give a longer --for, or a shorter --every",
            args.every
        );
    }
    let plan = Plan::soak(up, args.every, &kinds)?;
    let done = up::carried_out(plan)?;
    let verdict = worst(
        done.rounds
            .iter()
            .map(|round| round.verdict)
            .chain([done.report.verdict]),
    );
    if json {
        let soak = SoakReport {
            seed,
            verdict,
            rounds: &done.rounds,
            report: &done.report,
        };
        out(&format!("{}\n", serde_json::to_string_pretty(&soak)?));
    }
    note(&summary(seed, verdict, done.report.verdict, &done.rounds));
    Ok(ExitCode::from(verdict.exit_code()))
}

/// The command that draws the same: from the same faults, for rounds of the same length.
fn same(args: &SoakArgs, seed: u64) -> String {
    let mut words = format!(
        "./lab soak --seed {seed} --brokers {} --every {:?}",
        args.brokers, args.every
    );
    if !args.faults.is_empty() {
        let names: Vec<&str> = args.faults.iter().map(|fault| fault.name()).collect();
        words.push_str(&format!(" --faults {}", names.join(",")));
    }
    words
}

/// What `up` is asked for: what stands behind `--`, and the soak's own.
fn as_up(args: &SoakArgs, seed: u64) -> anyhow::Result<UpArgs> {
    let mut up = cli::up_with(&args.rest)?;
    ensure!(
        up.faults.is_empty(),
        "the seed draws the faults and their moments; --faults NAME,NAME says which there are to draw from"
    );
    ensure!(
        up.source != cli::Source::Upbit,
        "a soak pauses the exchange for each audit, which only the project's own can do: leave --source upbit away"
    );
    // They would say one thing, and the soak's own another.
    let own = ["--for", "--brokers", "--seed", "--stack"];
    let twice = |word: &&String| {
        own.iter()
            .any(|own| *word == own || word.starts_with(&format!("{own}=")))
    };
    if let Some(word) = args.rest.iter().find(twice) {
        bail!("{word} belongs before the --: ./lab soak {word} …");
    }
    up.length = args.length;
    up.brokers = args.brokers;
    up.seed = seed;
    up.stack = args.stack;
    up.plain |= args.plain;
    Ok(up)
}

/// The faults to draw from: those that were named, else all that this number of brokers allows.
fn kinds(named: &[Fault], brokers: u8) -> anyhow::Result<Vec<Fault>> {
    let possible = |fault: &Fault| brokers >= 3 || !fault.needs_three_brokers();
    if let Some(fault) = named.iter().find(|fault| !possible(fault)) {
        bail!("{} needs brokers beside the controller: add --brokers 3", fault.name());
    }
    Ok(match named {
        [] => Fault::ALL.into_iter().filter(possible).collect(),
        named => named.to_vec(),
    })
}

/// A round that failed is not made good by a later one.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts
        .max_by_key(|verdict| match verdict {
            Verdict::Pass => 0,
            Verdict::Inconclusive => 1,
            Verdict::Fail => 2,
        })
        .unwrap_or(Verdict::Inconclusive)
}

/// What the rounds say together: verdicts, and what each process took in the first and in the last of them.
fn summary(seed: u64, verdict: Verdict, end: Verdict, rounds: &[Round]) -> String {
    let mut text = String::new();
    for round in rounds {
        if let Some(report) = &round.report {
            text.push_str(&format!("\nround {}:\n{report}", round.number));
        }
    }
    // The end is audited like a round.
    let audits = rounds.iter().map(|round| round.verdict).chain([end]);
    let passed = audits.filter(|verdict| *verdict == Verdict::Pass).count();
    text.push_str(&format!(
        "\nsoak {}: {passed} of {} passed, seed {seed}\n",
        verdict.name(),
        text::plural(rounds.len() as u64 + 1, "audit", "audits")
    ));
    let (Some(first), Some(last)) = (rounds.first(), rounds.last()) else {
        return text;
    };
    text.push_str("\n                    memory          threads         file handles\n");
    text.push_str("                    first    last   first    last   first    last\n");
    for (name, now) in &last.taken {
        let Some(then) = first.taken.get(name) else { continue };
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        text.push_str(&format!(
            "{name:<18}{:>7}{:>8}{:>8}{:>8}{:>8}{:>8}\n",
            mib(then.memory),
            mib(now.memory),
            then.threads,
            now.threads,
            then.handles,
            now.handles
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::run::resources::Taken;

    fn round(number: usize, verdict: Verdict, memory: u64) -> Round {
        let taken = Taken {
            memory: memory << 20,
            threads: 12,
            handles: 40 + memory,
        };
        Round {
            number,
            at_s: 60.0 * number as f64,
            verdict,
            sent: 120_000 * number as u64,
            faults: 2 * number,
            arrived_ms: 812.0,
            audit_ms: 430.0,
            taken: BTreeMap::from([("workers".into(), taken), ("kafka-1".into(), taken)]),
            report: (verdict != Verdict::Pass).then(|| "FAIL\n  3 trades lost on the way to the table\n".into()),
        }
    }

    #[test]
    fn a_soak_says_what_each_process_took_at_first_and_at_last() {
        let rounds = [
            round(1, Verdict::Pass, 31),
            round(2, Verdict::Fail, 33),
            round(3, Verdict::Pass, 32),
        ];
        let verdict = worst(rounds.iter().map(|round| round.verdict));
        insta::assert_snapshot!(format!(
            "{}\n{}",
            rounds[0].line(),
            summary(7, verdict, Verdict::Pass, &rounds)
        ));
    }

    #[test]
    fn a_round_that_could_not_be_audited_is_no_pass() {
        let lost = Round::not_audited(2, std::time::Duration::from_secs(120), &"the task panicked");
        let rounds = [round(1, Verdict::Pass, 31), lost];
        let verdict = worst(rounds.iter().map(|round| round.verdict).chain([Verdict::Pass]));
        assert_eq!(verdict, Verdict::Inconclusive);
        let summary = summary(7, verdict, Verdict::Pass, &rounds);
        assert!(
            summary.contains("round 2:\nit could not be audited: the task panicked"),
            "{summary}"
        );
    }

    fn args(words: &[&str]) -> SoakArgs {
        use clap::Parser;
        let words = ["lab", "soak"].iter().chain(words);
        match cli::Cli::try_parse_from(words).map(|cli| cli.command) {
            Ok(cli::Command::Soak(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_that_is_told_draws_the_same_faults() {
        let args = args(&["--every", "20s", "--brokers", "1", "--faults", "worker-kill,garbage"]);
        assert_eq!(
            same(&args, 7),
            "./lab soak --seed 7 --brokers 1 --every 20s --faults worker-kill,garbage"
        );
    }

    #[test]
    fn what_the_soak_decides_itself_is_refused_behind_the_dashes() {
        for words in [&["--", "--seed", "5"][..], &["--", "--brokers=1"]] {
            let refused = as_up(&args(words), 7).unwrap_err().to_string();
            assert!(refused.contains("belongs before the --"), "{refused}");
        }
        assert!(as_up(&args(&["--", "--rate", "500"]), 7).is_ok());
    }

    #[test]
    fn a_fault_that_cannot_strike_is_refused_and_not_drawn() {
        assert!(!kinds(&[], 1).unwrap().contains(&Fault::BrokerCut));
        assert_eq!(kinds(&[], 3).unwrap().len(), Fault::ALL.len());
        let refused = kinds(&[Fault::BrokerCut], 1).unwrap_err().to_string();
        assert!(refused.contains("--brokers 3"), "{refused}");
    }
}
