//! `./lab rehearse` and `./lab questions` as a reader and a script have them, on a checkout that holds a bank and nothing else.

#![allow(clippy::unwrap_used)] // a panic is the failure

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const ACKS: &str = include_str!("../src/rehearse/tests/acks.toml");
const WATERMARKS: &str = include_str!("../src/rehearse/tests/watermarks.toml");
const RUBRIC: &str = include_str!("../src/rehearse/tests/rubric.toml");

/// One question with four follow-ups: said aloud, all points named, scored 3 each.
const THROUGH: &str = "spoken\nall\nspoken\nall\nspoken\nall\nspoken\nall\n3\n3\n3\n3\n";

struct Checkout(TempDir);

impl Checkout {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("book/questions")).unwrap();
        fs::create_dir_all(root.path().join("solutions")).unwrap();
        for (name, text) in files {
            fs::write(root.path().join("book/questions").join(name), text).unwrap();
        }
        Self(root)
    }

    fn whole() -> Self {
        Self::new(&[
            ("05-acks.toml", ACKS),
            ("08-watermarks.toml", WATERMARKS),
            ("rubric.toml", RUBRIC),
        ])
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// Calls the command with this input, and waits for its end.
    fn lab(&self, args: &[&str], input: &str) -> (Option<i32>, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lab"))
            .args(args)
            .env("TICKBOOK_ROOT", self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who ends early leaves some of it unread.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code(), text(stdout), text(stderr))
    }
}

#[test]
fn a_script_answers_in_a_pipe_and_is_asked_the_rest_the_next_time() {
    let checkout = Checkout::whole();
    let (code, said, told) = checkout.lab(&["rehearse", "--chapter", "8"], THROUGH);
    assert_eq!((code, told.as_str()), (Some(0), ""), "{said}");
    assert!(
        said.contains("idle-partition: 12 of 16"),
        "see rehearse::summary: {said}"
    );
    let reviews = fs::read_to_string(checkout.path(".lab/rehearsal/reviews.jsonl")).unwrap();
    assert_eq!(reviews.lines().count(), 1, "{reviews}");

    let (code, said, _) = checkout.lab(&["rehearse", "--chapter", "8"], THROUGH);
    assert!(
        code == Some(0) && said.contains("Nothing is due before") && said.contains("--mock"),
        "{said}"
    );
    let (_, said, _) = checkout.lab(&["rehearse"], "");
    assert!(
        said.contains("acks-all-or-one") && !said.contains("idle-partition · "),
        "{said}"
    );
}

#[test]
fn what_is_due_next_is_of_the_questions_that_are_asked_for() {
    let checkout = Checkout::whole();
    checkout.lab(&["rehearse", "--chapter", "8"], THROUGH);
    let file = checkout.path(".lab/rehearsal/reviews.jsonl");
    let review = fs::read_to_string(&file).unwrap();
    let (before, after) = review.split_once("\"day\":\"").unwrap();
    let long_ago = format!("{before}\"day\":\"2020-01-01{}", &after["2020-01-01".len()..]);
    // Of another chapter, and of a question that the bank has no more: both overdue.
    for id in ["acks-all-or-one", "gone"] {
        let other = long_ago.replace("idle-partition", id);
        fs::write(&file, fs::read_to_string(&file).unwrap() + &other).unwrap();
    }
    let (code, said, told) = checkout.lab(&["rehearse", "--chapter", "8"], "");
    assert!(
        code == Some(0) && said.contains("Nothing is due before"),
        "{said}{told}"
    );
    assert!(!said.contains("2020"), "a day that has passed: {said}");
}

#[test]
fn an_end_of_input_keeps_what_was_typed_and_ends_with_the_summary() {
    let checkout = Checkout::whole();
    let (code, said, _) = checkout.lab(&["rehearse", "--lang", "ko", "--plain"], "리더가 먼저\n응답한다");
    assert!(code == Some(0) && said.contains("이번 세션: 질문 1개"), "{said}");
    let answers: Vec<_> = fs::read_dir(checkout.path(".lab/rehearsal/answers")).unwrap().collect();
    assert_eq!(answers.len(), 1);
    let answer = fs::read_to_string(answers[0].as_ref().unwrap().path()).unwrap();
    assert!(answer.contains("리더가 먼저\n응답한다\n"), "{answer}");
    assert!(
        !checkout.path(".lab/rehearsal/reviews.jsonl").exists(),
        "nothing was scored"
    );
    let ignored = fs::read_to_string(checkout.path(".lab/.gitignore")).unwrap();
    assert_eq!(ignored, "*\n", "answers are the reader's own");
}

#[test]
fn an_interview_is_scored_at_its_end() {
    let checkout = Checkout::whole();
    let answers = "spoken\n".repeat(9);
    let (code, said, _) = checkout.lab(&["rehearse", "--mock"], &answers);
    assert_eq!(code, Some(0), "{said}");
    let asked = said.find("== in production").unwrap();
    let scored = said.find("Which of these did you name?").unwrap();
    assert!(
        asked < scored && said[..scored].contains("idle-partition"),
        "all is asked first: {said}"
    );
}

#[test]
fn a_broken_question_is_told_and_the_others_are_asked() {
    let checkout = Checkout::new(&[
        ("05-acks.toml", &ACKS.replace("minutes = ", "minuts = ")),
        ("06-groups.toml", "[[question]\n"),
        ("08-watermarks.toml", WATERMARKS),
        ("rubric.toml", RUBRIC),
    ]);
    let (code, said, told) = checkout.lab(&["rehearse"], "");
    assert_eq!(code, Some(0), "{told}");
    assert!(said.contains("idle-partition"), "{said}");
    for wanted in [
        "book/questions/05-acks.toml:7: unknown field `minuts`",
        "book/questions/06-groups.toml:1: ",
        "correct this line",
    ] {
        assert!(told.contains(wanted), "no {wanted:?} in {told}");
    }
}

#[test]
fn a_torn_last_review_is_told_and_the_others_count() {
    let checkout = Checkout::whole();
    checkout.lab(&["rehearse", "--chapter", "8"], THROUGH);
    let file = checkout.path(".lab/rehearsal/reviews.jsonl");
    let mut torn = fs::read_to_string(&file).unwrap();
    torn.push_str("{\"question\":\"acks-all-or");
    fs::write(&file, torn).unwrap();
    let (code, said, told) = checkout.lab(&["rehearse"], "");
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("reviews.jsonl:2: no review").count(), 1, "{told}");
    assert!(!said.contains("idle-partition · "), "its review counts: {said}");
}

#[test]
fn what_cannot_be_rehearsed_is_refused_in_a_sentence() {
    let refused = |checkout: &Checkout, args: &[&str], wanted: &[&str]| {
        let (code, said, told) = checkout.lab(args, "");
        assert_eq!((code, said.as_str()), (Some(2), ""), "{told}");
        for words in wanted {
            assert!(told.contains(words), "no {words:?} in {told}");
        }
    };
    let empty = Checkout::new(&[("rubric.toml", RUBRIC)]);
    refused(&empty, &["rehearse"], &["holds no question", "./lab questions check"]);
    let unscored = Checkout::new(&[("08-watermarks.toml", WATERMARKS)]);
    refused(&unscored, &["rehearse"], &["rubric.toml", "./lab questions check"]);
    let whole = Checkout::whole();
    let chapters = ["no questions of chapter 09", "05, 08", "./lab rehearse --chapter 05"];
    refused(&whole, &["rehearse", "--chapter", "9"], &chapters);
    refused(&whole, &["rehearse", "--minutes", "0"], &["--minutes cannot be 0"]);
    refused(
        &whole,
        &["rehearse", "--lang", "fr"],
        &["--lang cannot be \"fr\"", "en, ko"],
    );
}

#[test]
fn authors_are_told_what_is_wrong_and_say_when_both_sides_agree() {
    let unsynced: String = ACKS
        .lines()
        .filter(|line| !line.starts_with("synced"))
        .map(|line| format!("{line}\n"))
        .collect();
    let checkout = Checkout::new(&[("05-acks.toml", &unsynced), ("rubric.toml", RUBRIC)]);
    let (code, said, _) = checkout.lab(&["questions", "check"], "");
    assert!(
        code == Some(1) && said.contains("./lab questions synced acks-all-or-one"),
        "{said}"
    );
    let (code, said, _) = checkout.lab(&["questions", "synced", "acks-all-or-one"], "");
    assert!(
        code == Some(0) && said.contains("en and ko agree as they are now"),
        "{said}"
    );
    let (_, said, _) = checkout.lab(&["questions", "check"], "");
    assert!(!said.contains("synced"), "{said}");
    let (code, _, told) = checkout.lab(&["questions", "synced", "nobody"], "");
    assert!(code == Some(2) && told.contains("no question \"nobody\""), "{told}");
}
