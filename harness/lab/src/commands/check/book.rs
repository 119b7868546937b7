//! `check book`: whether the book treats of the guide what it says it does, and every claim can be judged.

use std::collections::BTreeSet;
use std::path::Path;

use measure::FigureName;

use crate::bank::{self, Bank};
use crate::guide::{Guide, Places, check, table};
use crate::keep::files;
use crate::measuring::Known;

/// The word that asks for this alone.
pub(super) const WORD: &str = "book";

/// What is wrong, each with its file and line; and how much of the guide is treated.
///
/// # Errors
/// This is no checkout.
pub(super) fn findings(root: &Path) -> anyhow::Result<(Vec<String>, String)> {
    let known = Known::read(root)?;
    let guide = Guide::read(root);
    let bank = Bank::read(root);
    let items: BTreeSet<String> = guide.items().map(|item| item.id.clone()).collect();
    let mut findings = known.broken.clone();
    let places = Places {
        claims: known
            .claims
            .all
            .iter()
            .map(|(_, claim)| (claim.id.clone(), claim.guide.clone()))
            .collect(),
        questions: bank
            .questions
            .iter()
            .map(|question| (question.id.clone(), question.guide.clone()))
            .collect(),
        pages: pages(root, &mut findings),
    };
    findings.extend(check(&guide, &places).iter().map(ToString::to_string));
    findings.extend(figures(&known));
    findings.extend(bank::check(root, Some(&items)).iter().map(ToString::to_string));
    Ok((findings, table(&guide)))
}

/// A book without its pages is one more thing that is wrong: the labs are checked all the same.
fn pages(root: &Path, findings: &mut Vec<String>) -> BTreeSet<String> {
    match files::walk(&root.join("book/src")) {
        Ok(pages) => pages
            .into_keys()
            .filter(|page| page.extension().is_some_and(|kind| kind == "md"))
            .map(|page| page.to_string_lossy().into_owned())
            .collect(),
        Err(err) => {
            findings.push(format!("{err}; restore it with git checkout -- book"));
            BTreeSet::new()
        }
    }
}

/// Claims that name a figure which no experiment has, or which the reference did not measure.
fn figures(known: &Known) -> Vec<String> {
    let mut findings = Vec::new();
    for (line, claim) in &known.claims.all {
        let mut names: Vec<&FigureName> = claim.figures().collect();
        names.dedup();
        for name in names {
            let wrong = match known.figure(name) {
                None => "no experiment has this figure; correct its name",
                Some(shown) if shown.reference.is_none() => {
                    "the reference has not measured this; correct its arm, or run ./lab bench --reference"
                }
                Some(_) => continue,
            };
            findings.push(format!(
                "{}:{line}: claim {}: {name}: {wrong}",
                crate::measuring::claims::FILE,
                claim.id
            ));
        }
    }
    for (lab, experiment) in known.experiments() {
        if let Some((other, _)) = known
            .experiments()
            .find(|(other, each)| each.id == experiment.id && other.manifest.number < lab.manifest.number)
        {
            findings.push(format!(
                "solutions/{}/lab.toml:1: experiment {} is also one of {}; rename one",
                lab.manifest.folder(),
                experiment.id,
                other.manifest.folder()
            ));
        }
    }
    findings
}
