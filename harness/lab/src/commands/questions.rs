//! `questions`: for authors, what is wrong with the question bank, and that both languages of a question agree.

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::cli::Questions;
use crate::guide::Guide;
use crate::{bank, cargo, note, out};

pub(crate) fn run(asked: &Questions) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    match asked {
        Questions::Check => {
            let guide: BTreeSet<String> = Guide::read(&root).items().map(|item| item.id.clone()).collect();
            let mistakes = bank::check(&root, (!guide.is_empty()).then_some(&guide));
            for mistake in &mistakes {
                out(&format!("{mistake}\n"));
            }
            let many = bank::Bank::read(&root).questions.len() as u64;
            let many = crate::text::plural(many, "question", "questions");
            note(&match mistakes.len() {
                0 => format!("{many}, and nothing is wrong with them"),
                wrong => format!("{many} can be asked; mend the {wrong} above, then ./lab questions check again"),
            });
            Ok(if mistakes.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
        Questions::Synced { ids } => {
            let written = bank::synced::note(&root, ids)?;
            for id in &written {
                out(&format!("{id}: en and ko agree as they are now\n"));
            }
            if written.is_empty() {
                note("nothing to write: en and ko have not changed since they agreed");
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
