//! `./lab generate` on a toy workbook: only what differs, and nothing over somebody's work.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::fs;

use toy::{TASK_1, Toy, assert_has};

#[test]
fn a_workbook_that_was_never_generated_is_made_whole_by_one_call() {
    let toy = Toy::unfinished(&[]);
    toy.lab(&["generate"]).well();
    for file in ["Cargo.toml", "README.md", "src/lib.rs", "src/purse.rs", "tests/mine.rs"] {
        assert!(toy.path("labs/07-toy").join(file).is_file(), "{file} is not there");
    }
    let source = toy.read("labs/07-toy/src/lib.rs");
    assert!(
        source.contains(TASK_1.0) && !source.contains("saturating_add"),
        "{source}"
    );
    assert!(
        !source.contains("a purse, not a ring") && !source.contains("cfg(test)"),
        "{source}"
    );
    assert!(toy.read("Cargo.lock").contains("lab-07-toy"), "the lockfile has no lab");
    assert_eq!(
        toy.cargo(&["metadata", "--locked", "--format-version", "1"]).code,
        Some(0)
    );
}

#[test]
fn generating_again_changes_nothing_and_after_a_change_only_what_it_means() {
    let toy = Toy::new();
    toy.write("labs/07-toy/tests/mine.rs", "//! Mine.\n");
    let before = toy::written(&toy.path("labs"));
    let again = toy.lab(&["generate"]);
    assert_has(&again, &["labs/07-toy: as it was", "labs/09-other: as it was"]);
    assert_eq!(
        toy::written(&toy.path("labs")),
        before,
        "what did not change was written"
    );

    for (from, to) in [
        ("/// Given:", "/// Still given:"),
        ("/// Still given:", "/// At last given:"),
    ] {
        toy.edit("solutions/07-toy/src/lib.rs", from, to);
        // Twice without a commit between: what was generated last is nobody's work.
        assert_has(
            &toy.lab(&["generate"]),
            &["labs/07-toy: 1 file written, 0 removed", "labs/09-other: as it was"],
        );
    }
    let after = toy::written(&toy.path("labs"));
    let changed: Vec<_> = after.iter().filter(|file| !before.contains(file)).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(toy.read("labs/07-toy/tests/mine.rs"), "//! Mine.\n");

    toy.write("solutions/07-toy/src/more.rs", "//! More.\n");
    toy.lab(&["generate", "07"]).well();
    assert!(toy.path("labs/07-toy/src/more.rs").is_file());
    fs::remove_file(toy.path("solutions/07-toy/src/more.rs")).unwrap();
    assert_has(
        &toy.lab(&["generate", "toy"]),
        &["labs/07-toy: 0 files written, 1 removed"],
    );
    assert!(
        !toy.path("labs/07-toy/src/more.rs").exists(),
        "it is no longer generated"
    );
}

#[test]
fn generating_over_uncommitted_work_is_refused_before_anything_is_written() {
    let toy = Toy::new();
    toy.edit("solutions/07-toy/src/lib.rs", "/// Given:", "/// Still given:");
    toy.edit("solutions/09-other/src/lib.rs", "/// One more.", "/// One more of it.");
    toy.build_task_1();
    toy.write("labs/09-other/src/own.rs", "//! Mine.\n");
    let before = toy::written(&toy.path("labs"));
    let refused = toy.lab(&["generate"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert_has(
        &refused,
        &[
            "labs/07-toy/src/lib.rs",
            "labs/09-other/src/own.rs",
            "nothing is written",
        ],
    );
    assert!(!refused.stderr.contains("purse.rs"), "it was not changed: {refused:#?}");
    assert_eq!(toy::written(&toy.path("labs")), before, "something was written");
}

#[test]
fn a_marker_that_does_not_fit_is_told_with_its_file_and_line() {
    let toy = Toy::new();
    toy.edit("solutions/07-toy/src/purse.rs", "// END TASK 2", "// END TASK 3");
    let refused = toy.lab(&["generate"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert_has(
        &refused,
        &[
            "solutions/07-toy/src/purse.rs",
            "line 14: no line // END TASK 2 follows",
        ],
    );
}
