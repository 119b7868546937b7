//! Building the test programs of one of a lab's two crates in the copy.

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
    build::build(cargo, &lab.place(whose)).await
}
