//! What a reader asks without a build, on a toy workbook: hints, the reference, how far one is; and what is refused.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::process::Stdio;
use std::time::Duration;

use toy::{Toy, assert_has, assert_refused};

/// What answers without a build takes a fraction of this.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn hints_come_one_at_a_time_and_are_counted() {
    let toy = Toy::new();
    assert_has(
        &toy.lab(&["hint", "07", "--again"]),
        &["No hint of this task was asked for yet. Next: ./lab hint 07 1"],
    );
    let first = toy.lab(&["hint", "07"]).well();
    assert!(
        first.contains("hint 1/3\n  What is more than the most?") && !first.contains("\nhint 2/3\n"),
        "{first}"
    );
    for _ in 0..2 {
        let again = toy.lab(&["hint", "07", "--again"]).well();
        assert!(again.contains("hint 1/3") && !again.contains("\nhint 2/3\n"), "{again}");
    }
    assert_has(&toy.lab(&["status", "07"]), &["1 Adding: not built  hints 1/3"]);
    assert_has(&toy.lab(&["hint", "07", "1"]), &["hint 2/3"]);
    assert_has(
        &toy.lab(&["hint", "toy"]),
        &[
            "hint 3/3",
            "`saturating_add` is its name.",
            "./lab reveal 07 1 --give-up",
        ],
    );
    assert_has(&toy.lab(&["hint", "07"]), &["hint 3/3"]);
    assert_has(
        &toy.lab(&["status"]),
        &["1 Adding: not built  hints 3/3", "2 Sharing: not built\n"],
    );

    // Of what passes the hints are no help, and are not counted.
    toy.build_task_1();
    toy.build_task_2();
    toy.lab(&["test", "07"]).well();
    assert_has(&toy.lab(&["hint", "07", "2"]), &["hint 3/3", "./lab reveal 07 2"]);
    assert_has(&toy.lab(&["status", "07"]), &["2 Sharing: passed"]);
    assert!(
        !toy.lab(&["status", "07"])
            .stdout
            .contains("Sharing: passed 2026  hints")
    );
    let line = toy.lab(&["status", "07"]).well();
    let line = line.lines().find(|line| line.contains("2 Sharing")).unwrap();
    assert!(!line.contains("hints"), "a hint of a passed task was counted: {line}");
    assert_refused(&toy.lab(&["hint", "07"]), &["all tasks of lab 07 pass"]);
    assert_refused(
        &toy.lab(&["hint", "07", "9"]),
        &["lab 07 has tasks 1 to 2, and no 9", "./lab status 07"],
    );
}

#[test]
fn two_hints_at_once_leave_the_progress_whole() {
    let toy = Toy::new();
    let all: Vec<_> = (0..8)
        .map(|at| {
            let task = if at % 2 == 0 { "1" } else { "2" };
            let mut call = toy.call(&["hint", "07", task]);
            call.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            call.spawn().unwrap()
        })
        .collect();
    for child in all {
        let said = child.wait_with_output().unwrap();
        assert!(said.status.success(), "{said:?}");
    }
    let status = toy.lab(&["status", "07"]).well();
    assert_eq!(
        status.matches("  hints ").count(),
        2,
        "both tasks' hints are counted: {status}"
    );
    let files: Vec<_> = toy::written(&toy.path(".lab"))
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    assert!(
        files
            .iter()
            .all(|path| path.extension().is_none_or(|kind| kind != "new")),
        "half a file is left: {files:?}"
    );
    assert_eq!(
        toy.git(&["status", "--porcelain"]),
        "",
        "progress is no part of the checkout"
    );
}

#[test]
fn the_reference_is_shown_once_a_task_passes_or_to_who_gives_up() {
    let toy = Toy::new();
    let refused = toy.lab(&["reveal", "07", "1"]);
    assert_refused(
        &refused,
        &[
            "task 1 of 07-toy does not pass yet",
            "./lab test 07",
            "./lab reveal 07 1 --give-up",
        ],
    );
    let given_up = toy.lab(&["reveal", "07", "2", "--give-up"]).well();
    assert!(
        given_up.contains("pub fn share(coins: u64, heads: u64)") && given_up.contains("coins.checked_div(heads)"),
        "{given_up}"
    );
    assert!(
        given_up.contains("solutions/07-toy/src/purse.rs:13")
            && given_up.contains("self.coins = add(self.coins, coins);"),
        "{given_up}"
    );
    assert!(
        !given_up.contains("TASK") && !given_up.contains("saturating_add"),
        "{given_up}"
    );
    assert_has(
        &toy.lab(&["status", "07"]),
        &["2 Sharing: not built  revealed 2", ", given up"],
    );

    toy.build_task_1();
    toy.lab(&["test", "07"]);
    let shown = toy.lab(&["reveal", "07", "1"]).well();
    assert!(
        shown.contains("left.saturating_add(right)") && shown.contains("Next: ./lab next 07"),
        "{shown}"
    );
    let status = toy.lab(&["status", "07"]).well();
    let line = status.lines().find(|line| line.contains("1 Adding")).unwrap();
    assert!(line.contains("revealed") && !line.contains("given up"), "{line}");
    assert_refused(&toy.lab(&["reveal", "07", "9"]), &["lab 07 has tasks 1 to 2, and no 9"]);
}

#[test]
fn every_refusal_says_how_to_go_on() {
    let toy = Toy::new();
    for args in [
        &["start", "12"][..],
        &["test", "07", "nowhere"],
        &["hint", "12"],
        &["status", "12"],
        &["next", "12"],
        &["watch", "12"],
        &["reveal", "12", "1"],
        &["check", "12"],
        &["generate", "12"],
        &["test", "09", "--bonus"],
        &["test", "--bonus"],
        &["hint", "07", "x"],
        &["hint"],
    ] {
        assert_refused(&toy.lab(args), &[]);
    }
    let nowhere = toy.lab(&["test", "nowhere"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:#?}");
    assert_has(&nowhere, &["no part is called \"nowhere\"; there are 07-toy, 09-other"]);
}

#[test]
fn what_builds_nothing_answers_at_once() {
    let toy = Toy::new();
    for args in [&["list"][..], &["hint", "07"], &["status"], &["next"], &["start", "07"]] {
        let ended = toy.lab(args);
        println!("{args:?}: {:?}", ended.took);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert!(
            ended.took < SOON,
            "{args:?} took {:?}; does it build something?",
            ended.took
        );
    }
    assert!(!toy.path("../built").exists(), "something was built");
}

#[test]
fn a_manifest_that_is_broken_keeps_nobody_from_the_other_labs() {
    let toy = Toy::new();
    toy.edit(
        "solutions/07-toy/lab.toml",
        "[[task]]\nnumber = 2",
        "[[task]]\nnumber = 3",
    );
    let list = toy.lab(&["list"]);
    assert_eq!(list.code, Some(1), "{list:#?}");
    assert_has(
        &list,
        &[
            "solutions/07-toy/lab.toml:24: this is task 2 of the file",
            "09-other",
            "Next: ./lab start 09",
        ],
    );
    assert_has(&toy.lab(&["next"]), &["09-other, task 1 of 1"]);
    assert_has(&toy.lab(&["test", "09"]), &["0 of the 1 tests of the tasks pass."]);
    let refused = toy.lab(&["test", "07"]);
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert_has(&refused, &["solutions/07-toy/lab.toml:24", "number them 1, 2, 3"]);
}
