//! A digest of the code that an experiment measures: a record of other code is stale.

use std::path::Path;

use anyhow::Context;
use measure::Experiment;
use sha2::{Digest as _, Sha256};

use crate::keep::files;
use crate::labs::{Lab, Whose};

/// The lab's `src` of whoever's code it is, and the experiments and benches (in Python, too), which stand in the solution, without the files that only other
/// experiments are made of. Lines that are empty or a comment do not count: no figure changes with them.
///
/// # Errors
/// A folder is there and cannot be read.
pub(crate) fn of(lab: &Lab, whose: Whose, experiment: &Experiment) -> anyhow::Result<String> {
    let others = |path: &Path| {
        let theirs = |each: &Experiment| each.files.iter().any(|file| Path::new(file) == path);
        lab.manifest.experiments.iter().any(theirs) && !theirs(experiment)
    };
    let mut digest = Sha256::new();
    let folders = [
        lab.place(whose).join("src"),
        lab.solution().join("experiments"),
        lab.solution().join("benches"),
    ];
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for (path, about) in files::walk(folder)? {
            let code = about.is_file() && path.extension().is_some_and(|kind| kind == "rs" || kind == "py");
            let named = folder.strip_prefix(lab.solution()).map(|below| below.join(&path));
            if code && !named.is_ok_and(|named| others(&named)) {
                add(&mut digest, folder, &path)?;
            }
        }
    }
    Ok(digest
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn add(digest: &mut Sha256, folder: &Path, path: &Path) -> anyhow::Result<()> {
    let file = folder.join(path);
    let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    digest.update(path.as_os_str().as_encoded_bytes());
    for line in text.lines().map(str::trim) {
        if !line.is_empty() && !line.starts_with("//") {
            digest.update(b"\n");
            digest.update(line);
        }
    }
    digest.update([0]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labs::found;

    #[test]
    fn a_comment_changes_nothing_and_a_line_of_code_does() {
        let digest_of = |text: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("a.rs"), text).unwrap();
            let mut digest = Sha256::new();
            add(&mut digest, folder.path(), Path::new("a.rs")).unwrap();
            digest.finalize().to_vec()
        };
        let code = digest_of("fn a() {}\n");
        assert_eq!(code, digest_of("//! Says what it is.\n\n    fn a() {}  \n"));
        assert_ne!(code, digest_of("fn b() {}\n"));
    }

    #[test]
    fn the_readers_code_and_the_reference_differ() {
        let lab = found::find(&crate::cargo::root(), "05").unwrap();
        let of = |whose| of(&lab, whose, &lab.manifest.experiments[0]).unwrap();
        assert_ne!(of(Whose::Yours), of(Whose::Reference));
    }

    #[test]
    fn a_file_of_one_experiment_changes_no_others_digest() {
        let mut lab = found::find(&crate::cargo::root(), "05").unwrap();
        let all = |lab: &Lab, nth: usize| of(lab, Whose::Reference, &lab.manifest.experiments[nth]).unwrap();
        let before = all(&lab, 0);
        assert_eq!(before, all(&lab, 1), "what nobody names is everybody's");
        lab.manifest.experiments[0].files = vec!["experiments/acks_cost.rs".into()];
        assert_eq!(before, all(&lab, 0), "its own file counts");
        assert_ne!(before, all(&lab, 1), "another's file does not");
    }
}
