//! Resets: what comes back, what stays, what the backup holds.

#![allow(clippy::unwrap_used)] // a panic is the failure

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::keep::fake::{Fake, LINK, MINE, all, lines};
use crate::keep::shipped::restore_missing;

fn done(fake: &Fake, all: bool) -> Reset {
    reset(&fake.root, "05", all, &|_| None, &mut |_| {}).unwrap()
}

#[test]
fn the_lab_is_what_the_workbook_ships_again_and_the_backup_is_what_was_there() {
    let fake = Fake::new();
    let lab = fake.root.join("labs/05-acks");
    let shipped = all(&lab);
    fake.write(LINK, "mine\r\n\0\u{fffd}");
    fake.write("labs/05-acks/notes/a b*\n\"é.txt", "a note");
    fake.write("labs/05-acks/out.log", "ignored by git");
    fake.write("labs/05-acks/target/CACHEDIR.TAG", "built");
    fs::set_permissions(lab.join("out.log"), fs::Permissions::from_mode(0o751)).unwrap();
    symlink("/nowhere/at/all", lab.join("src/elsewhere.rs")).unwrap();
    fs::remove_file(lab.join("Cargo.toml")).unwrap();
    // What is staged is no part of what the workbook ships.
    fake.git(&["add", "labs"]);
    let before = all(&lab);

    let mut seen = None;
    let reset = reset(&fake.root, "acks", false, &|_| None, &mut |backup| {
        seen = Some(backup.to_path_buf());
        assert_eq!(
            all(&lab),
            before,
            "something was changed before the backup's place was told"
        );
    })
    .unwrap();
    let backup = reset.backup.clone().unwrap();
    assert_eq!(seen, reset.backup, "its place was told");
    assert_eq!(all(&fake.root.join(backup)), before, "see backup::make");
    assert_eq!(all(&lab), shipped, "see reset::reset");
    assert!(
        lab.join("target/CACHEDIR.TAG").exists(),
        "what cargo built stays; see files::walk"
    );
    assert!(reset.changed.contains(&PathBuf::from(LINK)), "{reset:?}");
}

#[test]
fn the_readers_own_tests_stay_unless_all_is_said_and_are_in_the_backup_then() {
    let fake = Fake::new();
    fake.write(MINE, "my tests\n");
    fake.write(LINK, "mine\n");
    assert!(done(&fake, false).mine_stays);
    assert_eq!((fake.read(MINE), fake.read(LINK)), ("my tests\n".into(), lines(&[])));
    let backup = done(&fake, true).backup.unwrap();
    assert_eq!(fake.read(MINE), "// your tests\n");
    assert_eq!(fake.read(backup.join("tests/mine.rs").to_str().unwrap()), "my tests\n");
}

#[test]
fn two_resets_in_one_second_leave_two_backups() {
    let fake = Fake::new();
    for text in ["one", "two", "three"] {
        fake.write(LINK, text);
        let backup = done(&fake, false).backup.unwrap();
        assert_eq!(fake.read(backup.join("src/link.rs").to_str().unwrap()), text);
    }
    assert_eq!(fake.backups().len(), 3, "{:?}", fake.backups());
    assert!(
        done(&fake, false).backup.is_none(),
        "nothing was changed, so nothing is to be backed up"
    );
}

#[test]
fn a_lab_that_was_deleted_comes_back_without_a_backup() {
    let fake = Fake::new();
    let lab = fake.root.join("labs/05-acks");
    let shipped = all(&lab);
    fs::remove_dir_all(&lab).unwrap();
    let reset = done(&fake, false);
    assert_eq!((reset.backup, all(&lab)), (None, shipped));
    assert_eq!(fake.backups(), Vec::<PathBuf>::new());
}

#[test]
fn passes_are_forgotten_and_hints_and_give_ups_are_not() {
    let fake = Fake::new();
    Progress::change(&fake.root, "05-acks", |progress| {
        let task = progress.task_mut(1);
        (task.hints, task.gave_up, task.passed) = (3, true, Some(crate::keep::progress::today()));
    })
    .unwrap();
    assert_eq!(done(&fake, false).forgotten, 1);
    let task = Progress::read(&fake.root, "05-acks").unwrap().task(1);
    assert_eq!((task.hints, task.gave_up, task.passed), (3, true, None));
    // A broken file of progress keeps nobody from a reset, and is left as it is.
    fake.write(".lab/progress/05-acks.toml", "[");
    fake.write(LINK, "mine");
    let error = done(&fake, false).unforgotten.unwrap().to_string();
    assert!(error.contains("line 1"), "{error}");
    assert_eq!(
        (fake.read(LINK), fake.read(".lab/progress/05-acks.toml")),
        (lines(&[]), "[".into())
    );
}

#[test]
fn what_an_interrupted_reset_left_is_healed_by_the_next_one() {
    let fake = Fake::new();
    let lab = fake.root.join("labs/05-acks");
    let shipped = all(&lab);
    // A backup that was not complete, files that were written beside, and a lab of which half is back.
    fake.write(".lab/backups/.unfinished/src/link.rs", "half");
    fake.write(".lab/staged/0", "half");
    fs::remove_file(lab.join("src/lib.rs")).unwrap();
    fake.write("labs/05-acks/src/more.rs", "more");
    let backup = done(&fake, false).backup.unwrap();
    assert_eq!(all(&lab), shipped);
    let kept: Vec<_> = all(&fake.root.join(backup))
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert!(
        kept.contains(&"src/more.rs".into()) && !kept.contains(&"src/lib.rs".into()),
        "{kept:?}"
    );
    assert_eq!(fake.backups().len(), 1, "{:?}", fake.backups());
    assert!(!fake.root.join(".lab/staged").exists(), "see Staged");
}

#[test]
fn a_link_in_the_place_of_a_folder_goes_and_what_it_leads_to_stays() {
    let fake = Fake::new();
    let (lab, away) = (fake.root.join("labs/05-acks"), fake.root.join("away"));
    let shipped = all(&lab);
    fs::rename(lab.join("src"), &away).unwrap();
    fs::write(away.join("link.rs"), "mine").unwrap();
    symlink(&away, lab.join("src")).unwrap();
    done(&fake, false);
    assert_eq!(all(&lab), shipped);
    assert_eq!(
        fake.read("away/link.rs"),
        "mine",
        "something was written through a link; see Staged"
    );

    fs::rename(&lab, fake.root.join("gone")).unwrap();
    symlink("../gone", &lab).unwrap();
    let refused = reset(&fake.root, "05", false, &|_| None, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(refused.contains("05-acks is no folder but a link"), "{refused}");
}

#[test]
fn what_is_no_lab_and_no_checkout_is_refused_with_what_there_is() {
    let fake = Fake::new();
    let said = |root: &Path, word| {
        reset(root, word, false, &|_| None, &mut |_| {})
            .unwrap_err()
            .to_string()
    };
    let words = said(&fake.root, "07");
    assert!(words.contains("there are 05-acks, 06-groups"), "{words}");
    let nowhere = tempfile::tempdir().unwrap();
    let words = said(nowhere.path(), "05");
    assert!(words.contains("is not a git checkout"), "{words}");
    // Inside another repository there is no checkout of the workbook either.
    let words = said(&fake.root.join("labs"), "05");
    assert!(words.contains("is not a git checkout"), "{words}");
}

#[test]
fn only_what_is_absent_is_written_when_a_lab_is_made_whole() {
    let fake = Fake::new();
    let lab = fake.root.join("labs/05-acks");
    assert_eq!(restore_missing(&fake.root, "05-acks").unwrap(), Vec::<PathBuf>::new());
    assert!(
        !fake.root.join(".lab").exists(),
        "nothing was absent, so nothing is to be made"
    );
    fs::remove_file(lab.join("Cargo.toml")).unwrap();
    fs::remove_file(lab.join("src/lib.rs")).unwrap();
    symlink("nowhere", lab.join("src/lib.rs")).unwrap();
    // Moved, not absent: with both, no crate would build.
    fs::create_dir(lab.join("src/link")).unwrap();
    fs::rename(lab.join("src/link.rs"), lab.join("src/link/mod.rs")).unwrap();
    fake.write(MINE, "mine\n");
    assert_eq!(
        restore_missing(&fake.root, "05-acks").unwrap(),
        [PathBuf::from("labs/05-acks/Cargo.toml")],
        "see shipped::restore_missing"
    );
    assert_eq!(fake.read(MINE), "mine\n");
    assert!(!lab.join("src/link.rs").exists(), "see shipped::moved");
    fs::remove_dir_all(&lab).unwrap();
    assert_eq!(restore_missing(&fake.root, "05-acks").unwrap().len(), 4);
}

#[test]
fn a_lab_whose_solution_was_committed_goes_back_to_what_the_reference_makes() {
    let fake = Fake::new();
    let lab = fake.root.join("labs/05-acks");
    let shipped = all(&lab);
    fake.write(LINK, "the reader's solution\n");
    fake.git(&["commit", "--quiet", "--all", "--message", "mine"]);
    let made = |folder: &str| {
        assert_eq!(folder, "05-acks");
        let files = ["Cargo.toml", "src/lib.rs", "src/link.rs", "tests/mine.rs"];
        let text = |path: &str| match path {
            "Cargo.toml" => "[package]\nname = \"lab-05-acks\"\n".to_owned(),
            "src/lib.rs" => "mod link;\n".to_owned(),
            "src/link.rs" => lines(&[]),
            _ => "// your tests\n".to_owned(),
        };
        Some(
            files
                .iter()
                .map(|path| (path.into(), text(path).into_bytes()))
                .collect(),
        )
    };
    let done = reset(&fake.root, "05", false, &made, &mut |_| {}).unwrap();
    assert_eq!(done.changed, [PathBuf::from(LINK)]);
    assert_eq!(all(&lab), shipped);
    assert!(done.backup.is_some(), "the reader's solution is in no backup");
}
