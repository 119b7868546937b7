//! Building the test programs of one of a lab's two crates in the copy, and the next while the last are run.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tempfile::TempDir;

use super::super::found::{Lab, Whose};
use super::super::runner::{Binary, Build, How, build};
use super::Scratch;

/// Steps whose tests run at a time: a mutant that makes a test wait for its deadline keeps nobody else waiting.
const AT_ONCE: usize = 2;

/// Test programs, while this is held.
pub(super) struct Ready {
    pub(super) binaries: Vec<Binary>,
    pub(super) warnings: Vec<String>,
    _place: TempDir,
}

/// Those that are named, or all that the manifest names; or the compiler's first error.
///
/// # Errors
/// Cargo cannot be started.
pub(super) async fn build(
    scratch: &Scratch,
    lab: &Lab,
    whose: Whose,
    programs: Option<&[&str]>,
) -> anyhow::Result<Result<Ready, String>> {
    let mut cargo = scratch.cargo("test");
    let all: Vec<&str> = lab
        .manifest
        .programs
        .iter()
        .map(|program| program.name.as_str())
        .collect();
    let asked = programs.unwrap_or(&all).iter().copied();
    build::ask(&mut cargo, &scratch.root, &lab.package(whose), asked);
    // What ships with the skeleton and no test runs.
    if whose == Whose::Yours && programs.is_none() {
        cargo.args(["--test", "mine", "--benches"]);
    }
    Ok(match build::build(cargo, &lab.place(whose)).await? {
        Build::Ready { binaries, warnings } => {
            let (binaries, place) = scratch.put_aside(binaries)?;
            Ok(Ready {
                binaries,
                warnings,
                _place: place,
            })
        }
        Build::Broken(broken) => Err(broken.first),
    })
}

/// As many steps as may be tested at a time.
pub(super) fn at_once(how: &How) -> usize {
    if how.alone { 1 } else { AT_ONCE }
}

/// Builds each step, and runs the tests of `at_once` before it meanwhile: those mostly wait, and a build never does. Gives what
/// is wrong, in the order of the steps.
///
/// # Errors
/// The first of a step.
pub(super) async fn overlapped<S, B>(
    steps: impl IntoIterator<Item = S>,
    at_once: usize,
    build: impl AsyncFn(&S) -> anyhow::Result<B>,
    test: impl AsyncFn(S, B) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Vec<String>> {
    let test = &test;
    let mut testing = FuturesUnordered::new();
    let mut wrong = BTreeMap::new();
    for (at, step) in steps.into_iter().enumerate() {
        // To its end, also when a test fails meanwhile: what it changes it takes back.
        let built = {
            let mut building = pin!(build(&step));
            loop {
                tokio::select! {
                    built = &mut building => break built,
                    Some((at, tested)) = testing.next() => drop(wrong.insert(at, tested)),
                }
            }
        };
        while testing.len() >= at_once
            && let Some((at, tested)) = testing.next().await
        {
            wrong.insert(at, tested);
        }
        match built {
            Ok(built) => testing.push(async move { (at, test(step, built).await) }),
            Err(error) => drop(wrong.insert(at, Err(error))),
        }
        if wrong.values().any(Result::is_err) {
            break;
        }
    }
    while let Some((at, tested)) = testing.next().await {
        wrong.insert(at, tested);
    }
    let wrong: Vec<Vec<String>> = wrong.into_values().collect::<anyhow::Result<_>>()?;
    Ok(wrong.concat())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_step_is_tested_with_its_own_build_while_the_next_is_built() {
        let built = Cell::new(0);
        let build = async |step: &u32| {
            built.set(*step);
            Ok(step * 10)
        };
        let test = async |step: u32, program: u32| {
            let next = async {
                while step < 3 && built.get() <= step {
                    tokio::task::yield_now().await;
                }
            };
            let met = tokio::time::timeout(Duration::from_secs(10), next).await;
            assert!(met.is_ok(), "step {} is not built while {step} is tested", step + 1);
            Ok(vec![format!("{step} with {program}")])
        };
        let wrong = overlapped([1, 2, 3], 1, build, test).await.expect("no step fails");
        assert_eq!(wrong, ["1 with 10", "2 with 20", "3 with 30"]);
    }

    #[tokio::test]
    async fn a_test_that_waits_holds_up_no_other_step_and_what_is_wrong_comes_in_their_order() {
        let (at_a_time, most) = (Cell::new(0), Cell::new(0));
        let third = tokio::sync::Notify::new();
        let build = async |_: &u32| Ok(());
        let test = async |step: u32, ()| {
            at_a_time.set(at_a_time.get() + 1);
            most.set(most.get().max(at_a_time.get()));
            match step {
                1 => {
                    let met = tokio::time::timeout(Duration::from_secs(10), third.notified()).await;
                    assert!(met.is_ok(), "step 3 is not tested while 1 waits");
                }
                3 => third.notify_one(),
                _ => tokio::task::yield_now().await,
            }
            at_a_time.set(at_a_time.get() - 1);
            Ok(vec![step.to_string()])
        };
        let wrong = overlapped([1, 2, 3, 4], 2, build, test).await.expect("no step fails");
        assert_eq!(wrong, ["1", "2", "3", "4"]);
        assert_eq!(most.get(), 2, "steps that were tested at a time");
    }

    #[tokio::test]
    async fn a_step_that_cannot_be_built_ends_all_after_the_test_before_it() {
        let tested = Cell::new(0);
        let build = async |step: &u32| match step {
            2 => anyhow::bail!("the disk is full"),
            _ => Ok(()),
        };
        let test = async |step: u32, ()| {
            tokio::task::yield_now().await;
            tested.set(step);
            Ok(Vec::new())
        };
        let ended = overlapped([1, 2, 3], 1, build, test).await;
        assert_eq!(ended.expect_err("step 2 fails").to_string(), "the disk is full");
        assert_eq!(tested.get(), 1, "the test of step 1 was left in the middle");
    }
}
