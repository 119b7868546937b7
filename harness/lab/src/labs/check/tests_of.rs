//! Building the test programs of one of a lab's two crates in the copy, and the next while the last are run.

use futures_util::future::OptionFuture;

use super::super::found::{Lab, Whose};
use super::super::runner::{Build, build};
use super::Scratch;

/// Those that are named, or all that the manifest names.
///
/// # Errors
/// Cargo cannot be started.
pub(super) async fn build(
    scratch: &Scratch,
    lab: &Lab,
    whose: Whose,
    programs: Option<&[&str]>,
) -> anyhow::Result<Build> {
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
    match build::build(cargo, &lab.place(whose)).await? {
        Build::Ready { binaries, warnings } => Ok(Build::Ready {
            binaries: scratch.put_aside(binaries)?,
            warnings,
        }),
        broken => Ok(broken),
    }
}

/// Builds each step, and runs the tests of the one before meanwhile: those mostly wait, and a build never does. Gives what is
/// wrong, in the order of the steps.
///
/// # Errors
/// The first of a step.
pub(super) async fn overlapped<S, B>(
    steps: impl IntoIterator<Item = S>,
    build: impl AsyncFn(&S) -> anyhow::Result<B>,
    test: impl AsyncFn(S, B) -> anyhow::Result<Vec<String>>,
) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut testing = OptionFuture::default();
    for step in steps {
        let (built, tested) = tokio::join!(build(&step), testing);
        wrong.extend(tested.transpose()?.into_iter().flatten());
        testing = OptionFuture::from(Some(Box::pin(test(step, built?))));
    }
    wrong.extend(testing.await.transpose()?.into_iter().flatten());
    Ok(wrong)
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
        let wrong = overlapped([1, 2, 3], build, test).await.expect("no step fails");
        assert_eq!(wrong, ["1 with 10", "2 with 20", "3 with 30"]);
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
        let ended = overlapped([1, 2, 3], build, test).await;
        assert_eq!(ended.expect_err("step 2 fails").to_string(), "the disk is full");
        assert_eq!(tested.get(), 1, "the test of step 1 was left in the middle");
    }
}
