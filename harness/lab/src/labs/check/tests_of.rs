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
    cargo.args(["--package", &lab.package(whose)]);
    crate::cargo::with_ours(&scratch.root, &mut cargo);
    let all: Vec<&str> = lab
        .manifest
        .programs
        .iter()
        .map(|program| program.name.as_str())
        .collect();
    for program in programs.unwrap_or(&all) {
        cargo.args(["--test", program]);
    }
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
