//! `check book`: whether the book treats of the guide what it says it does, and every claim can be judged, by figures of today.

use std::collections::BTreeSet;
use std::path::Path;

use measure::FigureName;

use crate::bank::template::{self, Blank};
use crate::bank::{self, Bank};
use crate::guide::{Guide, Places, check, table};
use crate::keep::files;
use crate::measuring::Known;
use crate::measuring::claims::Row;
use crate::measuring::known::By;

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
            .all()
            .map(|claim| (claim.id.clone(), claim.guide.clone()))
            .collect(),
        questions: bank
            .questions
            .iter()
            .map(|question| (question.id.clone(), question.guide.clone()))
            .collect(),
        pages: pages(root, &mut findings),
    };
    findings.extend(check(&guide, &places).iter().map(ToString::to_string));
    findings.extend(figures(&known, &bank, &places));
    findings.extend(stale(&known));
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

/// Figures that are named and not there, in claims, in the bank and in what is to be predicted; and experiments of one name.
fn figures(known: &Known, bank: &Bank, places: &Places) -> Vec<String> {
    let mut findings = Vec::new();
    for Row { file, line, claim } in known.claims.rows() {
        let said = claim.figure.iter().map(|said| &said.of);
        let mut names: Vec<&FigureName> = claim.figures().chain(said).collect();
        names.dedup();
        for name in names {
            if let Some(wrong) = lacks(known, name) {
                findings.push(format!("{file}:{line}: claim {}: {name}: {wrong}", claim.id));
            }
        }
    }
    for question in &bank.questions {
        // Both sides quote the same figures: one of them is looked at.
        let blanks: Vec<Blank> = question.en.templates().flat_map(template::blanks).collect();
        let names: BTreeSet<&FigureName> = blanks.iter().flat_map(Blank::figures).collect();
        let place = &question.place;
        for name in names {
            // What no experiment has is told by the bank's own check.
            if let (Some(_), Some(wrong)) = (known.figure(name), lacks(known, name)) {
                findings.push(format!(
                    "{}:{}: {}: {{{{{name}}}}}: {wrong}",
                    place.file, place.en, question.id
                ));
            }
        }
    }
    for (lab, experiment) in known.experiments() {
        let manifest = format!("solutions/{}/lab.toml", lab.manifest.folder());
        // What is to be predicted belongs to a chapter: until that is written, nobody has to have measured it.
        let written = places.is_written(&lab.manifest.short());
        if let Some(wrong) = lacks(known, &experiment.predict.of).filter(|_| written) {
            findings.push(format!(
                "{manifest}:1: experiment {}: its prediction is of {}: {wrong}",
                experiment.id, experiment.predict.of
            ));
        }
        if let Some((other, _)) = known
            .experiments()
            .find(|(other, each)| each.id == experiment.id && other.manifest.number < lab.manifest.number)
        {
            findings.push(format!(
                "{manifest}:1: experiment {} is also one of {}; rename one",
                experiment.id,
                other.manifest.folder()
            ));
        }
    }
    findings
}

/// Why a figure cannot be quoted to who has measured nothing.
fn lacks(known: &Known, name: &FigureName) -> Option<&'static str> {
    match known.figure(name) {
        None => Some("no experiment has this figure; correct its name"),
        Some(shown) if shown.reference.is_none() => {
            Some("the reference has not measured this; correct its arm, or run ./lab bench --reference")
        }
        Some(_) => None,
    }
}

/// Records of the reference that say nothing of today: no reader could quote them.
fn stale(known: &Known) -> Vec<String> {
    let told = known.experiments().filter_map(|(lab, experiment)| {
        let stale = known.taken(&experiment.id, By::Reference)?.stale?;
        let (folder, short) = (lab.manifest.folder(), lab.manifest.short());
        Some(format!(
            "book/reference/{folder}.jsonl:1: {0}: stale: {1}; measure it again: ./lab bench {short} --only {0} --reference",
            experiment.id,
            stale.why()
        ))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keep::files;

    /// The checkout of the tests' own book, whose reference is fresh, and which quotes one figure that nobody has measured.
    fn shelf() -> tempfile::TempDir {
        let from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shelf"));
        let root = tempfile::tempdir().unwrap();
        for (path, about) in files::walk(from).unwrap() {
            let to = root.path().join(&path);
            match about.is_dir() {
                true => std::fs::create_dir_all(to).unwrap(),
                false => {
                    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                    std::fs::copy(from.join(path), to).unwrap();
                }
            }
        }
        root
    }

    fn edit(root: &Path, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(root.join(file), text.replace(from, to)).unwrap();
    }

    fn said(root: &Path) -> String {
        findings(root).unwrap().0.join("\n")
    }

    const NOT_MEASURED: &str = "the reference has not measured this; correct its arm";

    #[test]
    fn a_reference_of_other_code_or_servers_is_told() {
        let shelf = shelf();
        let root = shelf.path();
        assert!(!said(root).contains("stale"), "{}", said(root));
        edit(
            root,
            "book/reference/05-acks.jsonl",
            "\"provider\": \"none\", \"servers\": {}",
            "\"provider\": \"local\", \"servers\": {\"Kafka\": \"0.1\"}",
        );
        let wanted = "05-acks.jsonl:1: acks-cost: stale: a server's version has changed since; measure it again: \
                      ./lab bench 05 --only acks-cost --reference";
        assert!(said(root).contains(wanted), "{}", said(root));
        edit(root, "solutions/05-acks/src/lib.rs", "{}", "{ }");
        let wanted = "lateness: stale: the code has changed since";
        assert!(said(root).contains(wanted), "{}", said(root));
    }

    #[test]
    fn an_arm_that_the_reference_lacks_is_told_where_it_is_named() {
        let shelf = shelf();
        let root = shelf.path();
        let unmeasured = "solutions/05-acks/lab.toml:1: experiment full-queue: its prediction is of full-queue waited";
        assert!(said(root).contains(unmeasured), "{}", said(root));
        for (file, from, to, told) in [
            (
                "solutions/05-acks/lab.toml",
                "of = \"lateness late bound=500 ",
                "of = \"lateness late bound=50 ",
                "experiment lateness: its prediction is of lateness late bound=50 disorder=200: ",
            ),
            (
                "book/claims/05-acks.toml",
                "figure = { of = \"acks-cost p99 acks=all ",
                "figure = { of = \"acks-cost p99 acks=al ",
                "claim all-is-slow: acks-cost p99 acks=al brokers=3: ",
            ),
            (
                "book/questions/05-acks.toml",
                "{{acks-cost p99 acks=1 ",
                "{{acks-cost p99 acks=2 ",
                "acks-all-or-one: {{acks-cost p99 acks=2 brokers=3}}: ",
            ),
        ] {
            assert!(!said(root).contains(told), "{}", said(root));
            edit(root, file, from, to);
            let wanted = format!("{told}{NOT_MEASURED}");
            assert!(said(root).contains(&wanted), "no {wanted:?} in\n{}", said(root));
        }
    }
}
