//! `conformance`: the pipeline's program, with the reader's labs if asked, on a file of cases; what it prints and how it ends is the
//! answer.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};

use crate::cli::Subject;
use crate::{cargo, mine, note};

pub(crate) fn run(subject: Subject, file: &Path, labs: &[String]) -> anyhow::Result<ExitCode> {
    ensure!(
        file.is_file(),
        "there is no file {}; give one JSON object per line",
        file.display()
    );
    let mine = mine::find(labs, &cargo::root())?;
    // Held until it has ended: a path alone could become another variant of the program meanwhile.
    let built = super::runtime()?.block_on(cargo::pipeline(&mine))?;
    let program = built.path();
    note(&format!("code: {}", ledger::whose(&mine::folders(&mine))));
    let word = match subject {
        Subject::Windows => "windows",
        Subject::Partitioner => "partitioner",
    };
    let status = Command::new(program)
        .args(["conformance", word])
        .arg(file)
        .status()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
