//! `test`: cargo's own, on the parts that are meant, with a word on whose code ran and on which servers, which all its test
//! programs share.

mod board;
mod child;
mod labs;
mod lanes;
mod programs;
mod which;

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{bail, ensure};
use stack::Provider;

use crate::cli::TestArgs;
use crate::note;
use crate::servers::Servers;
use crate::signals::Signals;
use child::{Ended, to_its_end};
use programs::Program;
use which::Which;

/// Test programs at a time where everything is tested, on machines that have as many cores: each has servers of its own
/// beside the shared ones, if it hurts them.
const AT_ONCE: usize = 2;
/// For the servers of two of them, and the shared ones: a cluster of three brokers and ClickHouse take one and a half GiB.
#[cfg(target_os = "linux")]
const ENOUGH_MEMORY: u64 = 8 << 30;
/// The exit code of a shell's commands that end by Ctrl-C.
const INTERRUPTED: u8 = 130;

pub(crate) struct Wanted<'a> {
    pub(crate) args: &'a TestArgs,
    pub(crate) programs: &'a [String],
    pub(crate) brokers: Option<u8>,
    pub(crate) jobs: Option<u8>,
    /// The solutions also where there is a lab.
    pub(crate) reference: bool,
    /// The reader's own tests against a mistake.
    pub(crate) bonus: bool,
}

pub(crate) fn run(wanted: &Wanted<'_>) -> anyhow::Result<ExitCode> {
    let Wanted {
        args,
        programs,
        brokers,
        jobs,
        reference,
        bonus,
    } = *wanted;
    if let Some(labs) = labs::meant(&args.parts, reference)? {
        ensure!(
            jobs.is_none(),
            "--jobs is not for labs: their tests choose how many run at a time. Next: ./lab test {}",
            args.parts.join(" ")
        );
        return labs::run(&labs, wanted);
    }
    if bonus {
        bail!("--bonus holds the tests of one lab's tests/mine.rs against a mistake: ./lab test 05 --bonus");
    }
    let which = Which::find(&args.parts, programs)?;
    let servers = Servers::open(args.stack, brokers)?;
    let provider = servers.provider();
    let at_once = at_once(jobs, provider, which.parts() > 0 || which.by_program())?;
    // One part, or a few: cargo shows the words of each test program as they come. It cannot choose programs of one part.
    let by_cargo = at_once == 1 && !which.by_program();
    let programs = match by_cargo {
        true => Vec::new(),
        false => match programs::build(which.cargo())? {
            Some(built) => which.of(built)?,
            None => {
                note(&format!("\n{which}: does not compile; cargo's words are above."));
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let stays = provider == Provider::External;
    if stays {
        servers.start();
    }
    let with_servers = |mut command: Command| {
        command.envs(servers.environment());
        command
    };
    let ended = super::runtime()?.block_on(async {
        let mut signals = Signals::listen()?;
        match by_cargo {
            true => cargo(&which, &args.rest, with_servers, &mut signals).await,
            false => several(programs, at_once, &which, &args.rest, with_servers, &mut signals).await,
        }
    })?;
    let (word, code) = match ended {
        Ended::Passed => ("passed", ExitCode::SUCCESS),
        Ended::Failed => ("FAILED", ExitCode::FAILURE),
        Ended::Interrupted => ("interrupted", ExitCode::from(INTERRUPTED)),
    };
    note(&format!("\n{which}: {word}. Code: reference. Servers: {provider}."));
    if ended == Ended::Failed
        && let Some(place) = servers.keep_logs()
    {
        note(&format!(
            "The logs of the servers that the tests shared: {}",
            place.display()
        ));
    }
    if stays {
        note("The servers are made whole again, which takes a minute if a test was ended in the middle of a fault.");
    }
    servers.close()?;
    Ok(code)
}

/// How many test programs run at a time; those of named parts by default one by one, because somebody watches them.
fn at_once(jobs: Option<u8>, provider: Provider, named: bool) -> anyhow::Result<usize> {
    match (jobs.map(usize::from), provider) {
        (Some(0), _) => bail!("--jobs 0 would run nothing; 1 is one test program after the other"),
        (Some(2..), Provider::External) => {
            bail!("--jobs 1 is all that external servers allow: some tests kill them, and the others would notice")
        }
        (_, Provider::External) => Ok(1),
        (Some(jobs), _) => Ok(jobs),
        (None, _) if named => Ok(1),
        (None, _) => {
            let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
            Ok(if has_memory() { cores.min(AT_ONCE) } else { 1 })
        }
    }
}

#[cfg(target_os = "linux")]
fn has_memory() -> bool {
    let memory = rustix::system::sysinfo();
    // An unsigned long, which is not of the same size everywhere.
    (memory.totalram as u64).saturating_mul(memory.mem_unit.into()) >= ENOUGH_MEMORY
}

#[cfg(not(target_os = "linux"))]
fn has_memory() -> bool {
    true
}

/// Has cargo run them.
async fn cargo(
    which: &Which,
    arguments: &[String],
    with_servers: impl Fn(Command) -> Command,
    signals: &mut Signals,
) -> anyhow::Result<Ended> {
    let mut cargo = with_servers(which.cargo());
    if which.parts() != 1 {
        // One part that fails says nothing about the others; the whole picture costs one run, not one for each.
        cargo.arg("--no-fail-fast");
    }
    if !arguments.is_empty() {
        cargo.arg("--").args(arguments);
    }
    to_its_end(cargo, signals).await
}

/// Runs what cargo would run, several programs at a time, and after them the examples in the docs.
async fn several(
    programs: Vec<Program>,
    at_once: usize,
    which: &Which,
    arguments: &[String],
    with_servers: impl Fn(Command) -> Command,
    signals: &mut Signals,
) -> anyhow::Result<Ended> {
    let from = Instant::now();
    let count = programs.len();
    let prepare = |program: &Program| {
        let mut command = with_servers(Command::new(&program.path));
        command.args(arguments).current_dir(&program.folder);
        command
    };
    let mut outcome = lanes::run(programs, at_once, signals, prepare).await?;
    // The examples have no name to be chosen by.
    if !which.by_program() && !outcome.interrupted {
        note("\n--- the examples in the docs");
        let mut cargo = with_servers(which.cargo());
        cargo.args(["--doc", "--no-fail-fast", "--quiet", "--"]).args(arguments);
        match to_its_end(cargo, signals).await? {
            Ended::Passed => {}
            Ended::Failed => outcome.failed.push("the examples in the docs".into()),
            Ended::Interrupted => outcome.interrupted = true,
        }
    }
    note(&format!(
        "\n{} of {count} test programs ended, {at_once} at a time, in {:.0} s; {} failed.",
        outcome.done,
        from.elapsed().as_secs_f64(),
        outcome.failed.len()
    ));
    for name in &outcome.failed {
        note(&format!("  FAILED: {name}"));
    }
    Ok(match (outcome.failed.is_empty(), outcome.interrupted) {
        (true, false) => Ended::Passed,
        (false, false) => Ended::Failed,
        (_, true) => Ended::Interrupted,
    })
}
