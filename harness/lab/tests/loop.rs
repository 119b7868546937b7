//! The reader's loop on a toy workbook: start, test, what was deleted, the bonus.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::fs;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use toy::{TASK_1, Toy, assert_has, assert_refused};

/// The tests that `cargo test` shows red, of the whole lab.
fn red_by_cargo(toy: &Toy) -> Vec<String> {
    let said = toy.cargo(&["test", "--release", "--locked", "-p", "lab-07-toy", "--no-fail-fast"]);
    let mut red: Vec<String> = said
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::to_owned)
        .collect();
    red.sort();
    red
}

#[test]
fn start_announces_exactly_the_tests_that_are_red() {
    let toy = Toy::new();
    let start = toy.lab(&["start", "07"]);
    assert_has(
        &start,
        &[
            "5 of its tests are red now",
            "1 Adding  (2 red tests)",
            "2 Sharing  (3 red tests)",
            "labs/07-toy/README.md",
            "Where:\n  labs/07-toy/src/lib.rs:7\n",
            "Before you write:\n  What does the sum of the most and one do?",
            "Next: ./lab watch 07",
        ],
    );
    let declared = [
        "task1_nothing_wraps",
        "task1_two_and_three_are_five",
        "task2_a_purse_adds_up",
        "task2_among_nobody_there_is_no_share",
        "task2_six_among_two_are_three",
    ];
    assert_eq!(red_by_cargo(&toy), declared);

    toy.build_task_1();
    assert_has(
        &toy.lab(&["start", "07"]),
        &["3 of its tests are red now", "not built yet", "Begun on "],
    );
    assert_eq!(red_by_cargo(&toy), declared[2..]);
}

#[test]
fn from_the_first_red_test_to_the_last_green_one() {
    let toy = Toy::new();
    let red = toy.lab(&["test", "07"]);
    assert_eq!(red.code, Some(1), "{red:#?}");
    assert_has(
        &red,
        &[
            "07-toy  code: yours  servers: local",
            "1 Adding    0 of 2  not built yet",
            "2 Sharing   0 of 3  not built yet",
            "the other tests: 1 of 1",
            "Look at adding::task1_two_and_three_are_five  labs/07-toy/src/lib.rs:7",
            "it met task 1, which is not built yet",
            "to be built: labs/07-toy/src/lib.rs:7",
            "0 of the 5 tests of the tasks pass.",
            "Next: task 1, labs/07-toy/src/lib.rs:7",
        ],
    );

    // Wrong, and so red with the test's own words.
    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "left.wrapping_add(right)");
    let wrong = toy.lab(&["test", "07"]);
    assert_eq!(wrong.code, Some(1), "{wrong:#?}");
    assert_has(
        &wrong,
        &[
            "1 Adding    1 of 2",
            "Look at adding::task1_nothing_wraps  solutions/07-toy/tests/adding.rs:10",
            "look at add: what is too much stays at the top",
            "Next: ./lab hint 07",
        ],
    );

    toy.edit("labs/07-toy/src/lib.rs", "wrapping_add", "saturating_add");
    let first = toy.lab(&["test", "07"]);
    assert_eq!(first.code, Some(1), "{first:#?}");
    assert_has(
        &first,
        &[
            "Task 1 is built: Adding",
            "What does the sum of the most and one do?\n  →\n    It stays where it is.",
            "./lab reveal 07 1   how the reference does it",
            "Next: task 2, labs/07-toy/src/lib.rs:",
        ],
    );
    assert_has(
        &toy.lab(&["next"]),
        &["07-toy, task 2 of 2: Sharing", "labs/07-toy/src/purse.rs:14"],
    );
    assert_has(&toy.lab(&["list"]), &["1 of 2 tasks", "Next: ./lab watch 07"]);
    let again = toy.lab(&["test", "07"]);
    assert!(
        !again.stdout.contains("Task 1 is built"),
        "it was told already: {again:#?}"
    );

    toy.build_task_2();
    let all = toy.lab(&["test", "07"]);
    assert_eq!(all.code, Some(0), "{all:#?}");
    assert_has(
        &all,
        &[
            "Task 2 is built: Sharing",
            "5 of the 5 tests of the tasks pass.",
            "Lab 07 is built.",
            "./lab test 07 --bonus",
            "Next: ./lab up --mine 07",
            "solutions/07-toy/DISCUSSION.md",
        ],
    );
    assert_has(
        &toy.lab(&["list"]),
        &["2 of 2 tasks", "bonus open", "Next: ./lab next 07"],
    );
    assert_has(
        &toy.lab(&["next", "07"]),
        &["every task passes", "./lab test 07 --bonus"],
    );
    assert_has(
        &toy.lab(&["status", "07"]),
        &[
            "2 of 2 tasks pass",
            "1 Adding: passed 2",
            "bonus: open",
            "5 of the 5 tests of the tasks passed; code: yours; servers: local",
        ],
    );

    // What is red again is not passed.
    toy.edit("labs/07-toy/src/lib.rs", "saturating_add", "wrapping_add");
    assert_eq!(toy.lab(&["test", "07"]).code, Some(1));
    assert_has(
        &toy.lab(&["status", "07"]),
        &["1 of 2 tasks pass", "1 Adding: written, not passed"],
    );
}

#[test]
fn of_code_that_does_not_compile_the_first_error_alone_is_shown() {
    let toy = Toy::new();
    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "left.adding(right)");
    toy.edit("labs/07-toy/src/purse.rs", toy::TASK_2_PURSE.0, "self.notes += coins;");
    let broken = toy.lab(&["test", "07"]);
    assert_eq!(broken.code, Some(1), "{broken:#?}");
    assert_has(
        &broken,
        &[
            "It cannot be built:",
            "(1 more, which often go with the first)",
            "Next: mend it, then ./lab test 07",
        ],
    );
    assert_eq!(
        broken.stdout.matches("error[").count(),
        1,
        "more than the first: {broken:#?}"
    );
    assert!(
        !broken.all().contains("could not compile"),
        "cargo's words beside it: {broken:#?}"
    );
}

#[test]
fn a_dependency_of_ones_own_is_answered_with_the_command_that_takes_it_in() {
    let toy = Toy::new();
    toy.write(
        "coins/Cargo.toml",
        "[package]\nname = \"coins\"\nversion = \"1.0.0\"\nedition = \"2024\"\n",
    );
    toy.write("coins/src/lib.rs", "//! Coins.\n");
    toy.edit(
        "labs/07-toy/Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\ncoins = { path = \"../../coins\" }\n",
    );
    let told = toy.lab(&["test", "07"]);
    assert_eq!(told.code, Some(1), "{told:#?}");
    assert_has(
        &told,
        &[
            "a Cargo.toml asks for a dependency that Cargo.lock does not have yet",
            "cargo update --workspace",
        ],
    );
    assert!(!told.all().contains("--locked"), "cargo's own words: {told:#?}");
    assert_eq!(toy.cargo(&["update", "--workspace", "--offline"]).code, Some(0));
    assert_has(&toy.lab(&["test", "07"]), &["0 of the 5 tests of the tasks pass."]);
}

#[test]
fn the_reference_runs_when_it_is_asked_for_and_is_called_so() {
    let toy = Toy::new();
    let reference = toy.lab(&["test", "07", "--reference"]);
    assert_eq!(reference.code, Some(0), "{reference:#?}");
    assert_has(&reference, &["code: reference"]);
    // Everything is the reference's: what a reader has not built yet is red by intention.
    for args in [
        &["test"][..],
        &["test", "--program", "adding"],
        &["test", "solution-07-toy", "--reference"],
    ] {
        let everything = toy.lab(args);
        assert_eq!(everything.code, Some(0), "{args:?}: {everything:#?}");
    }
    assert_has(&toy.lab(&["status", "07"]), &["not begun, 0 of 2 tasks pass"]);
}

#[test]
fn tests_can_be_chosen_by_a_word_of_their_name() {
    let toy = Toy::new();
    toy.build_task_1();
    let some = toy.lab(&["test", "07", "--", "nothing_wraps"]);
    assert_eq!(some.code, Some(0), "{some:#?}");
    assert_has(&some, &["the tests with that name: 1 of 1", "1 of 1 test passed."]);
    // A part of a task's tests says nothing of the task.
    assert_has(&toy.lab(&["status", "07"]), &["0 of 2 tasks pass"]);
    assert_refused(
        &toy.lab(&["test", "07", "--", "no_such"]),
        &["no test of 07-toy has no_such in its name", "./lab test 07"],
    );
}

#[test]
fn a_test_run_that_is_told_to_end_leaves_nobody_behind_and_notes_nothing() {
    let toy = Toy::new();
    toy.edit("labs/07-toy/src/lib.rs", TASK_1.0, "loop { std::hint::spin_loop() }");
    for signal in [Signal::INT, Signal::TERM] {
        let mut call = toy.call(&["test", "07"]);
        call.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = call.spawn().unwrap();
        toy.runs(" --exact ");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let said = child.wait_with_output().unwrap();
        assert_eq!(said.status.code(), Some(130), "{signal:?}: {said:?}");
        toy.nobody_left();
    }
    assert_has(&toy.lab(&["status", "07"]), &["not begun, 0 of 2 tasks pass"]);
}

#[test]
fn a_test_without_an_end_is_ended_and_told() {
    let toy = Toy::new();
    toy.edit(
        "labs/07-toy/src/lib.rs",
        TASK_1.0,
        "if left == 2 { loop { std::hint::spin_loop() } }\n    left.saturating_add(right)",
    );
    let told = toy.lab(&["test", "07", "--", "two_and_three"]);
    assert_eq!(told.code, Some(1), "{told:#?}");
    assert_has(
        &told,
        &[
            "Look at adding::task1_two_and_three_are_five",
            "it did not end within 20 s and was stopped",
        ],
    );
}

#[test]
fn what_was_deleted_of_a_lab_is_brought_back_and_said() {
    let toy = Toy::new();
    toy.build_task_1();
    // A module that is gone may have become a part of another one: it is not put beside it unasked.
    let (purse, lib) = ("labs/07-toy/src/purse.rs", "labs/07-toy/src/lib.rs");
    let module = toy.read(purse);
    fs::remove_file(toy.path(purse)).unwrap();
    assert_has(&toy.lab(&["test", "07"]), &["file not found for module `purse`"]);
    assert!(toy.read(lib).contains(TASK_1.1), "what is there stays");
    fs::write(toy.path(purse), module).unwrap();
    fs::remove_file(toy.path("labs/07-toy/src/lib.rs")).unwrap();
    assert_has(
        &toy.lab(&["start", "07"]),
        &["brought back, because it was missing: labs/07-toy/src/lib.rs"],
    );
    fs::remove_dir_all(toy.path("labs/07-toy")).unwrap();
    let back = toy.lab(&["start", "07"]);
    assert_has(&back, &["labs/07-toy/Cargo.toml", "labs/07-toy/tests/mine.rs"]);
    assert_eq!(toy.git(&["status", "--porcelain"]), "");
    // Cargo reads the whole workspace, so another lab's folder is missed, too.
    fs::remove_dir_all(toy.path("labs/09-other")).unwrap();
    let other = toy.lab(&["test", "07"]);
    assert_has(
        &other,
        &["0 of the 5 tests of the tasks pass.", "labs/09-other/Cargo.toml"],
    );
}

#[test]
fn the_bonus_is_won_by_a_test_that_sees_the_mistake_and_not_more() {
    let toy = Toy::new();
    let mine = |text: &str| toy.write("labs/07-toy/tests/mine.rs", text);
    let held = || toy.lab(&["test", "07", "--bonus"]);
    let none = held();
    assert_eq!(none.code, Some(1), "{none:#?}");
    assert_has(&none, &["labs/07-toy/tests/mine.rs has no test yet. Next: write one"]);

    mine("#[test]\nfn a_sum() {\n    assert_eq!(toy::add(1, 1), 3, \"one and one\");\n}\n");
    let red = held();
    assert_eq!(red.code, Some(1), "{red:#?}");
    assert_has(
        &red,
        &["a_sum is red on the reference", "one and one", "Next: weaken it"],
    );

    mine("#[test]\nfn a_sum() {\n    assert_eq!(toy::add(1, 1), 2);\n}\n");
    let blind = held();
    assert_eq!(blind.code, Some(1), "{blind:#?}");
    assert_has(
        &blind,
        &[
            "your tests pass on the mistake, too",
            "A sum of two large numbers shows it.",
            "Next: think of",
        ],
    );

    mine("#[test]\nfn a_sum() {\n    assert_eq!(toy::secret(1), 2);\n}\n");
    let broken = held();
    assert_eq!(broken.code, Some(1), "{broken:#?}");
    assert_has(
        &broken,
        &[
            "your test does not compile with the reference's code",
            "error[E0425]",
            "Next: use only what is pub",
        ],
    );

    mine("#[test]\nfn at_the_top() {\n    assert_eq!(toy::add(u64::MAX, 2), u64::MAX);\n}\n");
    let won = held();
    assert_eq!(won.code, Some(0), "{won:#?}");
    assert_has(
        &won,
        &[
            "The bonus is won: at_the_top is green on the reference and red on the mistake.",
            "Next: ",
        ],
    );
    assert_has(&toy.lab(&["status", "07"]), &["bonus: won 2"]);
    // The mistake was in the copy: the reference and the lab are as they were.
    assert_eq!(toy.lab(&["test", "07", "--reference"]).code, Some(0));
    assert_has(
        &toy.lab(&["test", "07"]),
        &["your own, tests/mine.rs: 0 of 1", "0 of the 5 tests of the tasks pass."],
    );
}
