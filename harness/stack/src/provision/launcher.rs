//! The launcher, compiled here and now: a test program cannot rely on cargo having built another package's binary.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cures::Tool;
use super::progress::Progress;
use super::store::{install, key_of};
use super::{fetch, tools};
use crate::error::StackError;

const SOURCE: &str = include_str!("../../launcher/src/main.rs");

/// As the launcher's own build script says it to cargo; see there.
const EXPORTS: &[&str] = if cfg!(target_os = "linux") {
    &["-Wl,--export-dynamic-symbol=Py*", "-Wl,--export-dynamic-symbol=_Py_*"]
} else {
    &[]
};

/// What the program is made from.
pub(crate) fn key() -> String {
    key_of([SOURCE].into_iter().chain(EXPORTS.iter().copied()))
}

/// Compiles it into `target/launcher`.
pub(crate) fn compile(staging: &Path, target: &Path, progress: &Progress) -> Result<(), StackError> {
    let rustc = tools::rustc()?;
    if tools::find("cc").is_none() {
        return Err(StackError::MissingTool {
            tool: "a C compiler (cc)".into(),
            needed_for: "rustc links with it",
            cure: Tool::Cc.cure(),
        });
    }
    let task = progress.task("compiling the launcher", 0);
    let (whole, source) = (staging.join("whole"), staging.join("launcher.rs"));
    fs::create_dir_all(&whole).map_err(StackError::io("creating", &whole))?;
    fs::write(&source, SOURCE).map_err(StackError::io("writing", &source))?;
    let mut command = Command::new(rustc);
    command
        .current_dir(staging)
        .args([
            "--edition",
            "2024",
            "--crate-name",
            "launcher",
            "--cap-lints",
            "allow",
            "-O",
            "-C",
            "strip=symbols",
        ])
        .args(
            EXPORTS
                .iter()
                .flat_map(|export| ["-C".to_owned(), format!("link-arg={export}")]),
        )
        .arg("-o")
        .arg(whole.join("launcher"))
        .arg(&source);
    fetch::run("the launcher", command, None, staging, &task).map_err(|error| match error {
        StackError::Fetch { said, .. } => StackError::prepare("compiling the launcher", said),
        other => other,
    })?;
    install(&whole, target, &key(), &[])?;
    task.done();
    Ok(())
}
