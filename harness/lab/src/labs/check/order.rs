//! Whether a lab can be solved in the order of its tasks: with all before a task built, the task's own tests are still red, by its
//! `todo!`; with the task built too, and nothing after it, they pass.

use std::fs;

use anyhow::Context;

use super::super::found::{Lab, Whose};
use super::super::manifest::{Task, TestName};
use super::super::runner::{self, How, Outcome, Ran};
use super::super::skeleton::{Skeleton, sources};
use super::super::{generate, markers};
use super::Scratch;
use super::gates::told;
use super::tests_of::{self, Ready, at_once, overlapped};

/// Builds the lab in the copy as it is before each task but the first, which is the skeleton. A line for each test that is not as
/// it should be then.
///
/// # Errors
/// Cargo cannot be started, or the disk.
pub(super) async fn run(
    scratch: &Scratch,
    lab: &Lab,
    how: &How,
    skeleton: &Skeleton,
    tell: &dyn Fn(&str),
) -> anyhow::Result<Vec<String>> {
    let steps = lab.manifest.tasks.iter().zip(lab.manifest.tasks.iter().skip(1));
    let build = async |(before, now): &(&Task, &Task)| {
        tell(&format!("at task {} of {}", now.number, lab.manifest.tasks.len()));
        build_before(lab, now.number)?;
        let mut programs: Vec<&str> = tests(before, now).map(|test| test.program.as_str()).collect();
        programs.sort_unstable();
        programs.dedup();
        tests_of::build(scratch, lab, Whose::Yours, Some(&programs)).await
    };
    let test = async |(before, now): (&Task, &Task), built| at(lab, how, before, now, built).await;
    let wrong = overlapped(steps, at_once(how), build, test).await?;
    generate::write(skeleton, &lab.mine())?;
    Ok(wrong)
}

/// Writes the lab's source as it is for who has built every task before this one.
fn build_before(lab: &Lab, task: u8) -> anyhow::Result<()> {
    for path in sources(&lab.solution())? {
        let place = lab.mine().join(&path);
        let text =
            fs::read_to_string(lab.solution().join(&path)).with_context(|| format!("reading {}", path.display()))?;
        let text = markers::strip_from(&text, task)?.text;
        if !fs::read(&place).is_ok_and(|there| there == text.as_bytes()) {
            fs::write(&place, text).with_context(|| format!("writing {}", place.display()))?;
        }
    }
    Ok(())
}

fn tests<'a>(before: &'a Task, now: &'a Task) -> impl Iterator<Item = &'a TestName> {
    before.tests.iter().chain(&now.tests)
}

async fn at(
    lab: &Lab,
    how: &How,
    before: &Task,
    now: &Task,
    built: Result<Ready, String>,
) -> anyhow::Result<Vec<String>> {
    let ready = match built {
        Ok(ready) => ready,
        Err(error) => {
            let what = format!(
                "with the tasks before {} built it does not compile:\n{error}",
                now.number
            );
            return Ok(vec![what]);
        }
    };
    let mut cases = runner::cases(&lab.manifest, &ready.binaries).await?;
    cases.retain(|case| tests(before, now).any(|test| *test == case.name));
    let ran = runner::run(cases, how, |_| {}).await?;
    Ok(ran.iter().filter_map(|ran| amiss(ran, before, now)).collect())
}

fn amiss(ran: &Ran, before: &Task, now: &Task) -> Option<String> {
    let own = now.tests.contains(&ran.name);
    match &ran.outcome {
        Outcome::Passed if !own => None,
        Outcome::Unbuilt(met) if own && *met == now.number => None,
        Outcome::Passed => Some(format!(
            "{} is green once task {} is built, before its own",
            ran.name, before.number
        )),
        _ if own => Some(format!(
            "before its task is built: not by its todo!, but: {}",
            told(ran)
        )),
        _ => Some(format!(
            "with task {} built, and none after it: {}",
            before.number,
            told(ran)
        )),
    }
}
