//! `./lab check` on a toy workbook that is broken in each way: what is wrong is told in the row and the words it belongs to.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::sync::OnceLock;

use toy::{Ended, Small, Toy};

fn broken() -> &'static Ended {
    &broken_toy().1
}

/// A workbook in which each lab but the toy is broken in a way of its own, checked once.
fn broken_toy() -> &'static (Toy, Ended) {
    static CHECKED: OnceLock<(Toy, Ended)> = OnceLock::new();
    CHECKED.get_or_init(|| {
        let toy = Toy::with(&[
            differs(),
            warns(),
            does_not_compile(),
            not_as_declared(),
            misnamed(),
            mutants(),
            reference_fails(),
            out_of_order(),
            Small::new(18, "torn"),
            Small::new(19, "stranger"),
        ]);
        toy.edit("labs/11-differs/src/lib.rs", "/// One more.", "/// One more!");
        toy.git(&["rm", "-q", "labs/11-differs/README.md"]);
        toy.write("labs/11-differs/src/more.rs", "//! More.\n");
        toy.write("labs/11-differs/notes.md", "More.\n");
        toy.edit("solutions/18-torn/lab.toml", "number = 1\n", "number = 2\n");
        // What a comment names is no member.
        toy.edit("Cargo.toml", ", \"labs/19-stranger\"", "");
        toy.edit("Cargo.toml", "\nmembers", "\n# \"labs/19-stranger\"\nmembers");
        assert_eq!(toy.cargo(&["update", "--workspace", "--offline"]).code, Some(0));
        toy.commit();
        let checked = toy.lab(&["check"]);
        (toy, checked)
    })
}

/// What is said of one gate of one lab, with its lines.
fn said(folder: &str, gate: &str) -> &'static str {
    let all = &broken().stdout;
    let head = format!("\n{folder}: {gate}\n");
    let Some((_, after)) = all.split_once(&head) else {
        panic!("nothing is said of {gate:?} of {folder}: {:#?}", broken());
    };
    after.split("\n\n").next().unwrap()
}

fn assert_says(folder: &str, gate: &str, wanted: &[&str]) {
    let said = said(folder, gate);
    for words in wanted {
        assert!(said.contains(words), "no {words:?} in {folder}, {gate}:\n{said}");
    }
}

/// Fails unless a lab's gates hold but for these.
fn assert_holds_but_for(folder: &str, gates: &[&str]) {
    let heads: Vec<&str> = broken()
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{folder}: ")))
        .collect();
    assert_eq!(heads, gates, "the gates of {folder} that do not hold: {:#?}", broken());
}

#[test]
fn of_a_workbook_that_is_broken_here_and_there_the_rest_is_checked_all_the_same() {
    let ended = broken();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("10 of 12 labs broken"), "{ended:#?}");
    assert_holds_but_for("07-toy", &[]);
    assert_holds_but_for("09-other", &[]);
}

fn differs() -> Small {
    Small::new(11, "differs")
}

#[test]
fn a_committed_lab_that_is_not_what_is_generated_is_told_file_by_file() {
    assert_says(
        "11-differs",
        "generated = committed",
        &[
            "labs/11-differs/src/lib.rs:3 differs from what is generated",
            "labs/11-differs/README.md is not committed",
            "labs/11-differs/src/more.rs is committed and no longer generated",
            "labs/11-differs/notes.md is committed and no longer generated",
            "Next: ./lab generate, then commit labs/",
        ],
    );
    assert_holds_but_for("11-differs", &["generated = committed"]);
}

fn warns() -> Small {
    let mut small = Small::new(12, "warns");
    small.library.push_str("\npub fn unsaid() {}\n");
    small
}

#[test]
fn a_warning_in_the_skeleton_is_told() {
    assert_says("12-warns", "no warnings", &["missing documentation for a function"]);
    assert_holds_but_for("12-warns", &["no warnings"]);
    // And again, now that nothing is left to be compiled.
    let again = broken_toy().0.lab(&["check", "12"]);
    assert_eq!(again.code, Some(1), "{again:#?}");
    assert!(
        again.stdout.contains("missing documentation for a function"),
        "{again:#?}"
    );
}

fn does_not_compile() -> Small {
    let mut small = Small::new(13, "uneven");
    // A span that is not the whole body leaves the rest to stand behind the todo!.
    small.library = "//! One.\n\n/// One more.\npub const fn next(value: u8) -> u8 {\n    // TASK 1: one more\n    value + 1\n    // END TASK 1\n}\n".into();
    small
}

#[test]
fn a_skeleton_that_does_not_compile_is_told_with_its_first_error() {
    assert_says(
        "13-uneven",
        "no warnings",
        &["the skeleton does not compile:", "error[E0015]"],
    );
    assert_holds_but_for("13-uneven", &["no warnings"]);
}

fn not_as_declared() -> Small {
    let mut small = Small::new(14, "red");
    small.library.push_str(
        "\n/// Given.\npub fn given() -> u8 {\n    1\n}\n\n/// Two more.\npub fn later(value: u8) -> u8 {\n    // TASK 2: two more\n    value + 2\n    \
         // END TASK 2\n}\n",
    );
    small.more = "\n[[task]]\nnumber = 2\ntitle = \"Two more\"\nwhat = \"Twice, in `later`.\"\ntests = [\"one::task2_two_more\"]\nhints = [\"Count.\", \
                  \"By two.\", \"Add it.\"]\n"
        .into();
    small.declared = vec![
        "task1_one_more",
        "task1_green_already",
        "task1_is_not_there",
        "task1_hangs",
        "task1_aborts",
        "task1_aborts_by_its_todo",
        "task1_needs_a_later_one",
    ];
    small.tests.push_str(
        r#"
#[test]
fn task1_green_already() {
    assert_eq!(red::given(), 1);
}

#[test]
fn task1_hangs() {
    let built = std::panic::catch_unwind(|| red::next(1));
    while built.is_err() {
        std::thread::park();
    }
}

#[test]
fn task1_aborts() {
    if std::panic::catch_unwind(|| red::next(1)).is_err() {
        std::process::abort();
    }
}

#[test]
fn task1_aborts_by_its_todo() {
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            red::next(1);
        }
    }
    let _guard = Guard;
    red::next(1);
}

#[test]
fn task1_needs_a_later_one() {
    assert_eq!(red::later(red::given()), 3);
}

#[test]
fn task2_two_more() {
    assert_eq!(red::later(1), 3);
}

#[test]
fn task1_not_in_the_manifest() {
    assert_eq!(red::next(1), 2);
}

#[test]
fn red_and_no_tasks() {
    assert_eq!(red::next(1), 2, "look at next");
}
"#,
    );
    small
}

#[test]
fn tests_that_are_not_red_as_declared_are_told_each_for_its_reason() {
    assert_says(
        "14-red",
        "red as declared",
        &[
            "one::task1_is_not_there is declared and there is no such test",
            "one::task1_green_already is green though its task is not built",
            "one::task1_hangs: not by its todo!, but: one::task1_hangs: it did not end within 20 s",
            "one::task1_aborts: not by its todo!, but: one::task1_aborts: the process was ended by SIGABRT",
            "one::task1_aborts_by_its_todo: not by its todo!, but: one::task1_aborts_by_its_todo: the process was ended by SIGABRT",
            "one::task1_needs_a_later_one needs task 2, which comes after its own",
            "one::task1_not_in_the_manifest is named for a task and not declared in lab.toml",
            "not declared, and red: one::red_and_no_tasks: it met task 1, which is not built yet",
        ],
    );
    let said = said("14-red", "red as declared");
    assert!(
        !said.contains("task1_one_more") && !said.contains("task2_two_more"),
        "they are as declared:\n{said}"
    );
    assert_holds_but_for("14-red", &["red as declared", "solved in order"]);
}

fn out_of_order() -> Small {
    let mut small = Small::new(20, "order");
    small.library.push_str(
        "\n/// Two more.\npub fn second(value: u8) -> u8 {\n    // TASK 2: two more\n    next(next(value))\n    // END TASK 2\n}\n\n\
         /// Three more.\npub fn third(value: u8) -> u8 {\n    // TASK 3: three more\n    second(next(value))\n    // END TASK 3\n}\n",
    );
    small.declared.push("task1_by_the_third");
    for (number, test) in [(2, "task2_by_the_first"), (3, "task3_three_more")] {
        small.more.push_str(&format!(
            "\n[[task]]\nnumber = {number}\ntitle = \"More\"\nwhat = \"More.\"\ntests = [\"one::{test}\"]\nhints = [\"Count.\", \"By \
             more.\", \"Add it.\"]\n"
        ));
    }
    small.tests.push_str(
        r#"
// On the skeleton it meets the first task's todo, and once that is built the third's.
#[test]
fn task1_by_the_third() {
    assert_eq!(order::next(0), 1);
    assert_eq!(order::third(1), 4, "look at third");
}

// Named for the second task, of which it needs nothing.
#[test]
fn task2_by_the_first() {
    assert_eq!(order::next(1), 2, "look at next");
}

#[test]
fn task3_three_more() {
    assert_eq!(order::third(1), 4, "look at third");
}
"#,
    );
    small
}

#[test]
fn tests_that_cannot_be_solved_in_the_order_of_their_tasks_are_told() {
    assert_says(
        "20-order",
        "solved in order",
        &[
            "with task 1 built, and none after it: one::task1_by_the_third: it met task 3, which is not built yet",
            "one::task2_by_the_first is green once task 1 is built, before its own",
        ],
    );
    assert!(
        !said("20-order", "solved in order").contains("task3_three_more"),
        "it is in order"
    );
    assert_holds_but_for("20-order", &["solved in order"]);
}

fn misnamed() -> Small {
    let mut small = Small::new(15, "names");
    small.hint = "See `nowhere` and `src/absent.rs`.";
    small.discussion =
        "# One\n\n`next` and `one::task1_one_more` and `tests/one.rs` and `./lab hint 15 --again` and `cargo test -p \
                        lab-15-names --test one` are there.\n`Names::lost` and `src/lost.rs` and `./lab dance` and \
                        `one::task1_lost` and `cargo test -p lab-15-lost` are not.\n"
            .into();
    small
}

#[test]
fn what_prose_names_and_is_not_there_is_told_and_nothing_else() {
    let wanted = [
        "lab.toml, task 1, hint 1 names `nowhere`: nothing in the code is called nowhere",
        "lab.toml, task 1, hint 1 names `src/absent.rs`: no such file",
        "DISCUSSION.md names `Names::lost`: nothing in the code is called Names, lost",
        "DISCUSSION.md names `src/lost.rs`: no such file",
        "DISCUSSION.md names `./lab dance`: there is no command \"dance\"",
        "DISCUSSION.md names `one::task1_lost`: nothing in the code is called task1_lost;",
        "DISCUSSION.md names `cargo test -p lab-15-lost`: there is no lab-15-lost",
    ];
    assert_says("15-names", "names exist", &wanted);
    let said = said("15-names", "names exist");
    assert_eq!(
        said.matches("- solutions/").count(),
        wanted.len(),
        "more is told:\n{said}"
    );
    assert_holds_but_for("15-names", &["names exist"]);
}

fn patch(file: &str, from: &str, to: &str) -> String {
    format!(
        "--- a/{file}\n+++ b/{file}\n@@ -4,5 +4,5 @@\n pub fn next(value: u8) -> u8 {{\n     // TASK 1: one more\n-    {from}\n+    {to}\n     // END TASK 1\n }}\n"
    )
}

fn mutants() -> Small {
    let mut small = Small::new(16, "mutants");
    small.mutants = vec![
        ("killed", patch("src/lib.rs", "value + 1", "value")),
        ("survives", patch("src/lib.rs", "value + 1", "1 + value")),
        ("outdated", patch("src/lib.rs", "value + 2", "value")),
        ("no-rust", patch("src/lib.rs", "value + 1", "value plus 1")),
        (
            "of-a-test",
            "--- a/tests/one.rs\n+++ b/tests/one.rs\n@@ -1 +1 @@\n-//! Task 1.\n+//! Task 2.\n".into(),
        ),
    ];
    small
}

#[test]
fn a_mutant_that_survives_or_cannot_be_tried_is_told_and_one_that_is_killed_is_not() {
    assert_says(
        "16-mutants",
        "mutants killed",
        &[
            "survives survives one::task1_one_more. The question that it stands for: Why survives?",
            "outdated: mutants/outdated.patch does not fit src/lib.rs any more: make it anew",
            "no-rust does not compile:\n    error:",
            "of-a-test: mutants/of-a-test.patch changes tests/one.rs, and a mutant may only change src/",
        ],
    );
    assert!(
        !said("16-mutants", "mutants killed").contains("- killed"),
        "it is killed"
    );
    assert_holds_but_for("16-mutants", &["mutants killed"]);
}

fn reference_fails() -> Small {
    let mut small = Small::new(17, "fails");
    small.declared.push("task1_two_more");
    small
        .tests
        .push_str("\n#[test]\nfn task1_two_more() {\n    assert_eq!(fails::next(1), 3, \"look at next\");\n}\n");
    small
}

#[test]
fn a_test_that_the_reference_fails_is_told_with_its_place_and_words() {
    assert_says(
        "17-fails",
        "reference passes",
        &[
            "one::task1_two_more: failed at solutions/17-fails/tests/one.rs:10",
            "look at next",
        ],
    );
    assert_holds_but_for("17-fails", &["reference passes"]);
}

#[test]
fn a_manifest_that_is_broken_is_told_with_its_file_its_line_and_what_to_do() {
    assert_says(
        "18-torn",
        "lab.toml",
        &["solutions/18-torn/lab.toml:11: this is task 1 of the file, and its number is 2; number them 1, 2, 3"],
    );
    assert_holds_but_for("18-torn", &["lab.toml"]);
}

#[test]
fn a_lab_that_is_no_member_of_the_workspace_is_told() {
    assert_says(
        "19-stranger",
        "lab.toml",
        &["the root's Cargo.toml does not name \"labs/19-stranger\" among its members"],
    );
}
