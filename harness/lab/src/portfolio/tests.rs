//! A small page, from a checkout that is made for it.

use std::path::Path;

use jiff::civil::date;
use measure::Machine;
use tempfile::TempDir;

use super::*;
use crate::labs::found;
use crate::rehearse::review;

const LAB: &str = r#"number = 5
name = "acks"
library = "producer"
title = "The producer & its queue"
about = "A lab of the tests' own."

[programs]
pure = ["pure"]

[[task]]
number = 1
title = "Settings that `exclude` each other"
what = "Refuse them."
tests = ["pure::task1_refused"]
hints = ["one", "two", "three"]

[[task]]
number = 2
title = "The bounded queue"
what = "Wait."
tests = ["pure::task2_waits"]
hints = ["one", "two", "three"]

[[mutant]]
name = "forgets-the-bound"
killed_by = "pure::task2_waits"
question = "What then?"

[bonus]
mutant = "forgets-the-bound"
what = "See it."

[[experiment]]
id = "acks-cost"
title = "What does an acknowledgement cost?"
how = "Each record is timed."
program = "experiments"
minutes = 6
quick_seconds = 20
disk_mb = 400
spread = 0.3
metrics = { p99 = "ms" }
predict = { question = "Your p99, in ms?", of = "acks-cost p99 acks=all" }

[[experiment.chart]]
title = "All replicas cost a round trip"
metric = "p99"

[[experiment]]
id = "full-queue"
title = "What does a full queue cost?"
how = "Nobody has run it."
program = "experiments"
minutes = 1
quick_seconds = 5
disk_mb = 10
spread = 0.3
metrics = { waited = "ms" }
predict = { question = "How long, in ms?", of = "full-queue waited queue=full" }
"#;

const PROGRESS: &str = "started = 2026-11-02\n\n[task.1]\nhints = 3\npassed = 2026-11-03\nrevealed = 2026-11-03\ngave_up = true\n\n\
    [last]\ndate = 2026-11-04\npassed = 1\ncode = \"yours\"\nstack = \"none\"\n";

const PREDICTION: &str =
    r#"{"of":"acks-cost p99 acks=all","value":10,"factor":2,"unit":"ms","date":"2026-11-05T08:00:00.000Z"}"#;

const RECORD: &str = r#"{"experiment":"acks-cost","lab":"05-acks","mode":"quick","code":"yours","code_digest":"e3b0c44298fc","revision":"2b1d343","date":"2026-11-05T09:00:00.000Z","machine":{"cpu":"A processor of <others>","cores":4,"memory_gib":8,"system":"linux x86_64"},"provider":"local","servers":{"Kafka":"4.1.1"},"seconds":19,"figures":[{"arm":"acks=all","metric":"p99","samples":[24,25,26],"n":3000},{"arm":"acks=1","metric":"p99","samples":[12],"n":1000}],"notes":["There is no <disk>."]}"#;

const CLAIM: &str = r#"[[claim]]
id = "acks-are-slow"
chapter = "05"
guide = []
says = "acks=all is slower than acks=1"
because = "It waits for more."
check = [{ when = "here", of = "acks-cost p99 acks=all", over = "acks-cost p99 acks=1", at_least = 1.5 }]
"#;

const REVIEW: &str = r#"{"question":"gone-since","date":"2026-11-06T20:00:00.000Z","day":"2026-11-06","lang":"en","mock":true,"seconds":120,"spoken":false,"scores":{"mechanism":3,"evidence":2,"limits":9},"named":4,"of":7,"missed":[],"digest":"x"}"#;

fn write(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn checkout(done: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "solutions/05-acks/lab.toml", LAB);
    write(
        root,
        "labs/05-acks/src/lib.rs",
        "fn wait() {\n    todo!(\"task 2: wait\")\n}\n",
    );
    write(root, "book/claims/05-acks.toml", CLAIM);
    write(
        root,
        "book/questions/rubric.toml",
        include_str!("../rehearse/tests/rubric.toml"),
    );
    if done {
        write(root, ".lab/progress/05-acks.toml", PROGRESS);
        write(root, ".lab/predictions.jsonl", PREDICTION);
        write(root, ".lab/records/05-acks.jsonl", RECORD);
        write(root, ".lab/rehearsal/reviews.jsonl", REVIEW);
    }
    folder
}

fn facts(root: &Path) -> Facts {
    let known = Known::read(root).unwrap();
    assert_eq!(known.broken, Vec::<String>::new(), "see the texts above");
    let labs = found::all(root).unwrap().into_iter().flatten();
    Facts {
        head: Head {
            name: Some("A. <Reader>".into()),
            date: date(2026, 11, 22),
            machine: Machine {
                cpu: "A processor".into(),
                cores: 2,
                memory_gib: 4,
                system: "linux x86_64".into(),
            },
            revision: "2b1d343 with changes".into(),
            labs_changed: Some(true),
        },
        standings: labs.map(|lab| Standing::of(lab).unwrap()).collect(),
        known,
        bank: Bank::read(root),
        reviews: review::read(root).unwrap(),
    }
}

/// Without the stylesheets.
fn body(page: &str) -> &str {
    page.split_once("<body>").unwrap().1
}

#[test]
fn a_small_page() {
    // The record is of other code than the checkout's, so that it is stale, and for the same reason everywhere.
    let root = checkout(true);
    let facts = facts(root.path());
    insta::assert_snapshot!(body(&page(&facts)));
    assert_eq!(page(&facts), page(&facts), "the same facts give the same page");
}

#[test]
fn where_nothing_was_done_the_page_says_what_to_do_first() {
    let root = checkout(false);
    let facts = facts(root.path());
    assert!(facts.is_empty(), "see checkout()");
    insta::assert_snapshot!(body(&page(&facts)));
}

#[test]
fn the_stylesheets_load_nothing_and_leave_every_colour_defined() {
    for (name, css) in [("chart.css", CHARTS), ("portfolio.css", STYLE)] {
        for word in ["url(", "@import", "</", "http"] {
            assert!(
                !css.contains(word),
                "{name} has {word:?}, which a page of its own cannot have"
            );
        }
    }
    for used in [CHARTS, STYLE].concat().split("var(").skip(1) {
        let name = used.split(')').next().unwrap();
        let defined = [CHARTS, STYLE].iter().any(|css| css.contains(&format!("{name}: ")));
        assert!(
            defined,
            "{name} is used and defined nowhere: tickbook.css is not part of the page"
        );
    }
}

#[test]
fn a_question_counts_by_its_last_review() {
    let of = |day: i8, score: u8| {
        let mut review: review::Review = serde_json::from_str(REVIEW).unwrap();
        review.day = date(2026, 11, day);
        review.scores.insert("mechanism".into(), score);
        review
    };
    let reviews = [of(9, 4), of(7, 1)];
    let last = rehearsed::last(&reviews);
    let (times, review) = last["gone-since"];
    assert_eq!(
        (times, review.scores["mechanism"]),
        (2, 4),
        "a later day is later, whatever the file's order"
    );
}
