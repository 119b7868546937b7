//! Updates: what comes, what is kept, and what an interruption leaves.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod refusals;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::keep::Progress;
use crate::keep::fake::{Fake, LINK, MINE, all, lines};
use crate::keep::progress::today;

fn updated(fake: &Fake) -> Updated {
    update(&fake.root, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// A reader who has edited 05, and a newer workbook that changes the same file elsewhere, another lab, a test and a page.
fn edited() -> Fake {
    let fake = Fake::new();
    fake.write(LINK, lines(&[(1, "// yours")]));
    fake.write(MINE, "my tests\n");
    fake.write("labs/05-acks/notes.txt", "a note\n");
    fake.publish(&[
        (LINK, Some(&lines(&[(10, "// theirs")]))),
        (MINE, Some("// your tests, newer\n")),
        ("labs/06-groups/src/lib.rs", Some("// newer\n")),
        ("README.md", Some("a newer workbook\n")),
        ("book/page.md", Some("a page\n")),
        ("solutions/05-acks/tests/settings.rs", Some("// newer tests\n")),
    ]);
    fake
}

fn is_merged(fake: &Fake) {
    assert_eq!(
        fake.read(LINK),
        lines(&[(1, "// yours"), (10, "// theirs")]),
        "see merge_lab"
    );
    assert_eq!(fake.read(MINE), "my tests\n", "the reader's own tests are the reader's");
    assert_eq!(fake.read("labs/05-acks/notes.txt"), "a note\n");
    assert_eq!(fake.read("labs/06-groups/src/lib.rs"), "// newer\n");
    assert_eq!(fake.read("README.md"), "a newer workbook\n");
    assert_eq!(fake.read("book/page.md"), "a page\n");
    assert_eq!(
        fake.git(&["diff", "--name-only", "--cached"]),
        "",
        "the index is the new commit"
    );
    assert!(!is_half_way(&fake.root), "see Plan::remove");
}

#[test]
fn an_edited_lab_has_both_changes_and_the_rest_is_the_new_commit() {
    let fake = edited();
    let before = all(&fake.root.join("labs/05-acks"));
    for lab in ["05-acks", "06-groups"] {
        Progress::change(&fake.root, lab, |progress| progress.task_mut(1).passed = Some(today())).unwrap();
    }
    let mut told = Vec::new();
    let done = update(&fake.root, &mut |backup| told.push(backup.to_path_buf())).unwrap();
    is_merged(&fake);
    assert_eq!((done.commits.len(), done.labs.len()), (1, 1), "{done:?}");
    let lab = &done.labs[0];
    assert_eq!(
        (lab.merged, lab.conflicts.len(), &told),
        (1, 0, &vec![lab.backup.clone()]),
        "{done:?}"
    );
    assert_eq!(all(&fake.root.join(&lab.backup)), before, "see backup::make");
    assert_eq!(done.tests_changed, ["05-acks"]);
    let passed = |lab| Progress::read(&fake.root, lab).unwrap().task(1).passed;
    assert_eq!(
        (passed("05-acks"), passed("06-groups")),
        (None, Some(today())),
        "see forget"
    );
}

#[test]
fn a_second_update_brings_what_came_after_the_first_and_a_third_has_nothing_to_do() {
    let fake = edited();
    updated(&fake);
    fake.publish(&[(LINK, Some(&lines(&[(5, "// newest"), (10, "// theirs")])))]);
    let done = updated(&fake);
    assert_eq!(done.labs.len(), 1, "{done:?}");
    assert_eq!(
        fake.read(LINK),
        lines(&[(1, "// yours"), (5, "// newest"), (10, "// theirs")])
    );
    assert_eq!(fake.backups().len(), 2, "one of each update");
    assert!(updated(&fake).commits.is_empty());
    assert_eq!(fake.backups().len(), 2, "nothing newer, nothing to back up");
}

#[test]
fn an_update_that_is_interrupted_after_any_step_is_ended_by_the_next() {
    for steps in 0..=STEPS.len() {
        let fake = edited();
        let before = all(&fake.root.join("labs/05-acks"));
        let mut run = begin(&fake.root).unwrap().unwrap();
        for step in &STEPS[..steps] {
            step(&mut run, &mut |_| {}).unwrap();
        }
        // The system gives back the lock of one that was killed.
        drop(run);
        assert!(is_half_way(&fake.root), "after {steps} steps nobody knows of it");
        let done = updated(&fake);
        assert!(done.resumed, "after {steps} steps: {done:?}");
        is_merged(&fake);
        assert_eq!(
            (done.labs.len(), done.labs[0].merged),
            (1, 1),
            "after {steps} steps: {done:?}"
        );
        assert_eq!(
            done.tests_changed,
            Vec::<String>::new(),
            "no progress was noted: {done:?}"
        );
        assert_eq!(
            all(&fake.root.join(&done.labs[0].backup)),
            before,
            "after {steps} steps"
        );
        assert_eq!(fake.backups().len(), 1, "after {steps} steps: {:?}", fake.backups());
    }
}

#[test]
fn what_is_written_while_an_update_is_interrupted_is_backed_up_too() {
    for steps in [3, 4] {
        let fake = edited();
        let mut run = begin(&fake.root).unwrap().unwrap();
        for step in &STEPS[..steps] {
            step(&mut run, &mut |_| {}).unwrap();
        }
        drop(run);
        // The reader sees the workbook's file there, and begins anew.
        fake.write(LINK, "begun anew\n");
        fake.write("labs/06-groups/src/extra.rs", "more\n");
        let done = updated(&fake);
        is_merged(&fake);
        let later = &done.labs[0].later;
        assert_eq!(later.len(), 1, "after {steps} steps: {done:?}");
        assert_eq!(
            fake.read(later[0].join("src/link.rs").to_str().unwrap()),
            "begun anew\n"
        );
        assert_eq!(fake.read("labs/06-groups/src/extra.rs"), "more\n");
    }
}

#[test]
fn a_git_that_was_killed_while_it_wrote_the_new_files_does_not_stop_the_next_update() {
    let fake = edited();
    let mut run = begin(&fake.root).unwrap().unwrap();
    for step in &STEPS[..3] {
        step(&mut run, &mut |_| {}).unwrap();
    }
    run.plan.moving = true;
    run.plan.save(&fake.root).unwrap();
    drop(run);
    // One file whole, one half, one taken away and not yet written; and in a lab.
    fake.write("book/page.md", "a page\n");
    fake.write("README.md", "a newer w");
    fake.write("labs/06-groups/src/lib.rs", "// ne");
    fs::remove_file(fake.root.join("solutions/05-acks/tests/settings.rs")).unwrap();
    updated(&fake);
    is_merged(&fake);
    assert_eq!(fake.git(&["status", "--porcelain", "--", ":!labs"]), "");
}

#[test]
fn a_conflict_is_marked_in_the_file_and_the_next_update_waits_until_it_is_settled() {
    let fake = Fake::new();
    fake.write(LINK, lines(&[(4, "// yours")]));
    fake.publish(&[(LINK, Some(&lines(&[(4, "// theirs")])))]);
    let done = updated(&fake);
    assert_eq!(done.labs[0].conflicts, [format!("{LINK}:4")], "{done:?}");
    let marked = "<<<<<<< yours\n// yours\n||||||| workbook-old\n// line 4\n=======\n// theirs\n>>>>>>> workbook-new";
    assert_eq!(fake.read(LINK), lines(&[(4, marked)]), "see three_way");

    fake.publish(&[(LINK, Some(&lines(&[(4, "// theirs"), (9, "// newest")])))]);
    let words = update(&fake.root, &mut |_| {}).unwrap_err().to_string();
    assert!(words.contains(&format!("still open: {LINK}:4")), "{words}");
    assert_eq!(fake.read(LINK), lines(&[(4, marked)]), "nothing was changed");
    fake.write(LINK, lines(&[(4, "// both")]));
    let done = updated(&fake);
    assert_eq!(done.labs[0].conflicts, Vec::<String>::new(), "{done:?}");
    assert_eq!(fake.read(LINK), lines(&[(4, "// both"), (9, "// newest")]));
}

#[test]
fn the_readers_file_survives_whatever_the_workbook_does_with_its_own() {
    let fake = Fake::new();
    let book = fake.book().join("labs/05-acks");
    fs::write(book.join("figure.bin"), b"\0one").unwrap();
    for name in ["gone.rs", "left.rs", "moved.rs", "tool.sh"] {
        fs::write(book.join(name), lines(&[])).unwrap();
    }
    symlink("left.rs", book.join("leads")).unwrap();
    let strange = OsStr::from_bytes(b"odd \xff\n*[a]\".rs");
    fs::write(book.join(strange), lines(&[])).unwrap();
    fake.publish_all();
    updated(&fake);

    let mine = fake.root.join("labs/05-acks");
    fs::write(mine.join("figure.bin"), b"\0mine").unwrap();
    fs::write(mine.join("gone.rs"), "kept\n").unwrap();
    fs::remove_file(mine.join("left.rs")).unwrap();
    fs::remove_file(mine.join("moved.rs")).unwrap();
    fs::write(mine.join("tool.sh"), lines(&[(1, "# yours")])).unwrap();
    fs::remove_file(mine.join("leads")).unwrap();
    symlink("src", mine.join("leads")).unwrap();
    fs::write(mine.join(strange), lines(&[(1, "// yours")])).unwrap();
    fs::write(mine.join("both.rs"), "yours\n").unwrap();
    fs::write(mine.join("same.rs"), "same\n").unwrap();
    fs::create_dir(mine.join("deep")).unwrap();
    fs::write(mine.join("deep/er"), "yours\n").unwrap();

    fs::write(book.join("figure.bin"), b"\0two").unwrap();
    fs::remove_file(book.join("gone.rs")).unwrap();
    fs::write(book.join("moved.rs"), "newer\n").unwrap();
    fs::write(book.join("tool.sh"), lines(&[(10, "# theirs")])).unwrap();
    fs::set_permissions(book.join("tool.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(book.join("leads")).unwrap();
    symlink("tool.sh", book.join("leads")).unwrap();
    fs::write(book.join(strange), lines(&[(10, "// theirs")])).unwrap();
    fs::write(book.join("both.rs"), "theirs\n").unwrap();
    fs::write(book.join("same.rs"), "same\n").unwrap();
    // Where the reader has a folder, a file comes.
    fs::write(book.join("deep"), "theirs\n").unwrap();
    fake.publish_all();
    let done = updated(&fake);

    let read = |name: &str| String::from_utf8_lossy(&fs::read(mine.join(name)).unwrap()).into_owned();
    let merged = |mark: &str| lines(&[(1, &format!("{mark} yours")), (10, &format!("{mark} theirs"))]);
    for (name, text) in [
        ("figure.bin", "\0mine"),
        ("figure.bin.workbook-new", "\0two"),
        ("gone.rs", "kept\n"),
        ("moved.rs", "newer\n"),
        ("tool.sh", &merged("#")),
        ("both.rs", "yours\n"),
        ("both.rs.workbook-new", "theirs\n"),
        ("same.rs", "same\n"),
        ("deep/er", "yours\n"),
    ] {
        assert_eq!(read(name), text, "{name}; {done:#?}");
    }
    assert_eq!(fs::read_to_string(mine.join(strange)).unwrap(), merged("//"));
    assert!(
        !mine.join("left.rs").exists(),
        "the workbook has not changed it since it was removed"
    );
    assert_eq!(fs::read_link(mine.join("leads")).unwrap(), Path::new("src"));
    assert_eq!(
        fs::read_link(mine.join("leads.workbook-new")).unwrap(),
        Path::new("tool.sh")
    );
    let mode = fs::metadata(mine.join("tool.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100, "the workbook made it a program");
    let notes = done.labs[0].notes.join("\n");
    for words in [
        "gone.rs is yours alone now",
        "moved.rs is back",
        "figure.bin is as you had it",
        "not text",
    ] {
        assert!(notes.contains(words), "{words:?} is not in {notes}");
    }
    assert!(!mine.join("same.rs.workbook-new").exists(), "{notes}");
    assert_eq!(fake.git(&["diff", "--name-only", "--cached"]), "");
}

#[test]
fn what_was_staged_and_then_changed_again_is_kept_as_well() {
    let fake = edited();
    fake.write(LINK, lines(&[(1, "// staged")]));
    fake.git(&["add", LINK]);
    fake.write(LINK, lines(&[(1, "// yours")]));
    // And what git was told to overlook.
    fake.write("labs/06-groups/Cargo.toml", "mine\n");
    fake.git(&["update-index", "--assume-unchanged", "labs/06-groups/Cargo.toml"]);
    let done = updated(&fake);
    is_merged(&fake);
    let staged = format!("{}-staged/src/link.rs", done.labs[0].backup.display());
    assert_eq!(fake.read(&staged), lines(&[(1, "// staged")]), "see save_staged");
    assert_eq!(fake.read("labs/06-groups/Cargo.toml"), "mine\n");
}

#[test]
fn a_lab_that_was_deleted_comes_back_and_a_new_one_comes() {
    let fake = Fake::new();
    fs::remove_dir_all(fake.root.join("labs/05-acks")).unwrap();
    fake.write("labs/07-windows/src/lib.rs", "begun too early\n");
    fake.publish(&[
        ("labs/07-windows/src/lib.rs", Some("// windows\n")),
        ("labs/07-windows/Cargo.toml", Some("[package]\n")),
        ("labs/08-watermarks/Cargo.toml", Some("[package]\n")),
    ]);
    let done = updated(&fake);
    assert_eq!(fake.read(LINK), lines(&[]), "{done:?}");
    assert_eq!(fake.read("labs/07-windows/src/lib.rs"), "begun too early\n");
    assert_eq!(fake.read("labs/07-windows/src/lib.rs.workbook-new"), "// windows\n");
    assert_eq!(fake.read("labs/08-watermarks/Cargo.toml"), "[package]\n");
}

#[test]
fn where_git_will_not_go_on_the_labs_are_put_back_as_they_were() {
    let fake = edited();
    let before = all(&fake.root.join("labs"));
    let mut run = begin(&fake.root).unwrap().unwrap();
    for step in &STEPS[..3] {
        step(&mut run, &mut |_| {}).unwrap();
    }
    assert_ne!(all(&fake.root.join("labs")), before, "the labs are the workbook's now");
    fake.write(".git/index.lock", "");
    let words = forward(&mut run, &mut |_| {}).unwrap_err().to_string();
    assert!(
        words.contains("index.lock") && words.contains("your labs are as they were"),
        "{words}"
    );
    drop(run);
    assert_eq!(all(&fake.root.join("labs")), before, "see forward");
    assert!(!is_half_way(&fake.root), "{words}");
    fs::remove_file(fake.root.join(".git/index.lock")).unwrap();
    updated(&fake);
    is_merged(&fake);
}

#[test]
fn no_reset_while_an_update_is_half_way() {
    let fake = edited();
    drop(begin(&fake.root).unwrap());
    let words = crate::keep::reset::reset(&fake.root, "05", false, &|_| None, &mut |_| {})
        .unwrap_err()
        .to_string();
    assert!(words.contains("./lab update"), "{words}");
    assert_eq!(fake.read(LINK), lines(&[(1, "// yours")]));
}
