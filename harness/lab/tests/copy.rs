//! `./lab check` on a right toy workbook, and its copy: nothing of the checkout's is touched or taken for the copy's, nor the other
//! way round.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use toy::Toy;

#[test]
fn a_right_workbook_holds_and_the_readers_own_labs_are_neither_read_nor_touched() {
    let toy = Toy::new();
    // What a reader may have: tasks built, nonsense elsewhere, a file more.
    toy.build_task_1();
    toy.write("labs/07-toy/src/purse.rs", "this is no Rust");
    toy.write("labs/07-toy/tests/mine.rs", "#[test]\nfn mine() { nor is this }\n");
    toy.write("labs/07-toy/src/notes.txt", "mine");
    let before = toy::written(&toy.path("labs"));
    let said = toy.lab(&["check"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.stderr.contains("every gate holds: 2 labs in "), "{said:#?}");
    assert!(said.stderr.contains("the book: nothing is wrong"), "{said:#?}");
    for row in [
        "lab.toml               2 tasks, 5 tests",
        "red as declared        5 of 6",
        "reference passes       6 tests",
        "mutants killed         2",
    ] {
        assert!(said.stdout.contains(row), "no row {row:?}: {said:#?}");
    }
    assert_eq!(toy::written(&toy.path("labs")), before, "the reader's tree was touched");
}

#[test]
fn what_is_built_in_the_copy_is_never_taken_for_the_checkouts_own() {
    let toy = Toy::new();
    toy.build_task_1();
    let solution = ["test", "--release", "--locked", "-p", "solution-07-toy"];
    let lab = ["test", "--release", "--locked", "-p", "lab-07-toy", "--test", "adding"];
    let both = |when: &str| {
        let reference = toy.cargo(&solution);
        assert_eq!(reference.code, Some(0), "the reference, {when}: {reference:#?}");
        let mine = toy.cargo(&lab);
        assert_eq!(mine.code, Some(0), "the lab, {when}: {mine:#?}");
    };
    both("before");
    let said = toy.lab(&["check", "07"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    both("after a check");
    // Nor the other way round: a mistake of the checkout's own is not the copy's.
    toy.edit("solutions/07-toy/src/lib.rs", "saturating_add", "wrapping_add");
    let mistaken = toy.cargo(&solution);
    assert_ne!(mistaken.code, Some(0), "the mistake is not built: {mistaken:#?}");
    toy.edit("solutions/07-toy/src/lib.rs", "wrapping_add", "saturating_add");
    let said = toy.lab(&["check", "07"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    both("after a mistake and a check");
}

#[test]
fn a_check_that_is_told_to_end_leaves_nobody_behind() {
    let toy = Toy::new();
    for signal in [Signal::TERM, Signal::INT] {
        let mut call = toy.call(&["check"]);
        call.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = call.spawn().unwrap();
        toy.runs(" test --manifest-path ");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(130), "{signal:?}: {said:?}");
        assert!(
            String::from_utf8_lossy(&said.stderr).contains("./lab check begins anew"),
            "{said:?}"
        );
        toy.nobody_left();
    }
}
