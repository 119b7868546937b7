//! Predicting, measuring and scoring on a toy workbook whose experiment says what a file tells it to.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod toy;

use std::io::Write as _;
use std::process::Stdio;

use toy::{Ended, Toy, assert_has};

const EXPERIMENT: &str = r#"
[[experiment]]
id = "coin-cost"
title = "What a coin costs"
how = "It is said and not measured."
program = "experiments"
minutes = 0.1
quick_seconds = 1
disk_mb = 0
spread = 0.5
metrics = { each = "ns" }
predict = { question = "How long does one coin take, in ns?", of = "coin-cost each way=add" }
"#;

/// Says what `mood` in the checkout says: nothing special, `fails`, `foreign`, `glued`, or `edits`, which changes the code that is
/// measured while it runs.
const PROGRAM: &str = r###"//! Says figures.

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let mood = std::fs::read_to_string("../../mood").unwrap_or_default();
    println!("{}", r##"{"step":{"done":0,"of":2,"name":"adding"}}"##);
    match mood.as_str() {
        "fails" => {
            eprintln!("the purse is torn");
            std::process::exit(3);
        }
        "foreign" => println!("{}", r##"{"figure":{"arm":"way=add","metric":"all","samples":[1.0],"n":1}}"##),
        "glued" => println!("{}", r##"adding {"figure":{"arm":"way=add","metric":"each","samples":[4.0],"n":1}}"##),
        _ if args.iter().any(|arg| arg == "--quick") => {
            if mood == "edits" {
                let code = std::fs::read_to_string("src/lib.rs").unwrap();
                std::fs::write("src/lib.rs", code + "\nconst _EDITED: u8 = 1;\n").unwrap();
            }
            println!("{}", r##"{"figure":{"arm":"way=add","metric":"each","samples":[7.0],"n":10}}"##);
        }
        _ => {
            println!("{}", r##"{"figure":{"arm":"way=add","metric":"each","samples":[4.0,5.0,6.0],"n":30}}"##);
            println!("{}", r##"{"not_here":"There is no mint."}"##);
        }
    }
}
"###;

const CLAIMS: &str = r#"[[claim]]
id = "coins-are-cheap"
chapter = "07"
guide = []
says = "A coin costs less than 10 ns"
because = "Adding is one instruction."
check = [{ when = "adding", of = "coin-cost each way=add", at_most = 10 }]
"#;

fn toy() -> Toy {
    let toy = Toy::unfinished(&[]);
    let manifest = toy.read("solutions/07-toy/lab.toml");
    toy.write("solutions/07-toy/lab.toml", &format!("{manifest}{EXPERIMENT}"));
    toy.write("solutions/07-toy/experiments/main.rs", PROGRAM);
    let bench = "\n[[bench]]\nname = \"experiments\"\npath = \"experiments/main.rs\"\nharness = false\n";
    let package = toy.read("solutions/07-toy/Cargo.toml");
    toy.write("solutions/07-toy/Cargo.toml", &format!("{package}{bench}"));
    toy.write("book/claims/07-toy.toml", CLAIMS);
    toy.lab(&["generate"]).well();
    toy.commit();
    toy
}

fn records(toy: &Toy) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(toy.path(".lab/records/07-toy.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Refused, with these words and a status that is no success.
fn assert_fails(ended: &Ended, wanted: &[&str]) {
    assert_ne!(ended.code, Some(0), "{ended:#?}");
    assert_has(ended, wanted);
}

#[test]
fn a_number_is_predicted_measured_compared_and_scored() {
    let toy = toy();
    let open = toy.lab(&["predict", "07"]);
    assert_has(
        &open,
        &[
            "How long does one coin take, in ns?",
            "./lab predict 07 coin-cost NUMBER --factor 3, in ns",
        ],
    );
    assert_has(
        &toy.lab(&["predict", "07", "coin-cost", "12 ns", "--factor", "3"]),
        &[
            "coin-cost: 12 ns, between 4 ns and 36 ns",
            "Next: ./lab bench 07 --only coin-cost",
        ],
    );

    let bench = toy.lab(&["bench", "07"]);
    assert_has(
        &bench,
        &[
            "task 1 of 07-toy is not built yet, so the reference is measured",
            "1 of 1: What a coin costs",
            "step 1 of 2: adding",
            "way=add",
            "4 – 6",
            "you expected 12 ns within a factor of 3; it is 5 ns: inside your interval",
            "not measured here: There is no mint.",
            "A coin costs less than 10 ns → confirmed",
            "07-toy: measured. Code: reference.",
        ],
    );
    let records = records(&toy);
    assert_eq!(records.len(), 1);
    let said = |key: &str| records[0][key].as_str().unwrap().to_owned();
    assert_eq!((said("mode").as_str(), said("code").as_str()), ("full", "reference"));
    assert_eq!((said("provider").as_str(), said("lab").as_str()), ("none", "07-toy"));
    assert!(records[0]["machine"]["cores"].as_u64().unwrap() > 0);

    assert_has(
        &toy.lab(&["predict", "07", "coin-cost", "5"]),
        &["it was measured here before, so this one is kept and does not count"],
    );
    assert_has(
        &toy.lab(&["bench", "07", "--quick"]),
        &["you expected 12 ns within a factor of 3; it is 7 ns: inside your interval"],
    );
    let score = toy.lab(&["score"]);
    assert_has(
        &score,
        &[
            "you: 12 ns, between 4 ns and 36 ns; measured: 5 ns; hit",
            "1 of 1 lay in your interval",
        ],
    );
}

#[test]
fn a_number_that_is_written_down_after_it_was_measured_is_told_and_does_not_count() {
    let toy = toy();
    assert_has(&toy.lab(&["bench", "07"]), &["way=add"]);
    assert_has(
        &toy.lab(&["predict", "07", "coin-cost", "5"]),
        &["it was measured here before, so this one is kept and does not count"],
    );
    assert_has(
        &toy.lab(&["bench", "07", "--quick"]),
        &["It had been measured here before you wrote that down"],
    );
    assert_has(
        &toy.lab(&["score"]),
        &["had been measured here before, so none of it counts"],
    );
}

#[test]
fn a_first_answer_is_marked_and_the_readers_own_code_is_measured_once_it_is_built() {
    let toy = toy();
    toy.build_task_1();
    toy.build_task_2();
    let bench = toy.lab(&["bench", "07", "--quick"]);
    assert_has(
        &bench,
        &["quick: a first answer", "nothing was predicted", "7 ns", "Code: yours."],
    );
    let record = &records(&toy)[0];
    assert_eq!(
        (record["mode"].as_str(), record["code"].as_str()),
        (Some("quick"), Some("yours"))
    );
}

#[test]
fn the_reference_has_one_record_of_an_experiment_and_it_is_the_newest() {
    let toy = toy();
    for _ in 0..2 {
        toy.lab(&["bench", "07", "--reference"]).well();
    }
    let text = toy.read("book/reference/07-toy.jsonl");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(records(&toy).is_empty(), "a reader's records are the reader's");
    assert_fails(
        &toy.lab(&["bench", "07", "--reference", "--quick"]),
        &["leave out --quick"],
    );
}

#[test]
fn what_cannot_be_measured_leaves_no_record_and_says_why() {
    let toy = toy();
    assert_fails(
        &toy.lab(&["bench", "07", "--only", "coins"]),
        &["no experiment \"coins\"; there are coin-cost"],
    );
    assert_fails(&toy.lab(&["predict", "07", "coins", "1"]), &["no experiment \"coins\""]);
    assert_fails(
        &toy.lab(&["predict", "07", "coin-cost", "12 ms"]),
        &["has another unit", "in ns"],
    );
    assert_fails(&toy.lab(&["predict", "07", "coin-cost", "-1"]), &["is below 0"]);
    assert_fails(
        &toy.lab(&["predict", "07", "coin-cost", "1", "--factor", "0.5"]),
        &["a factor is between 1"],
    );
    toy.write("mood", "fails");
    assert_fails(
        &toy.lab(&["bench", "07"]),
        &["the purse is torn", "coin-cost failed", "nothing was recorded"],
    );
    toy.write("mood", "foreign");
    assert_fails(
        &toy.lab(&["bench", "07"]),
        &["measured all, which solutions/07-toy/lab.toml does not name"],
    );
    assert!(records(&toy).is_empty());
}

#[test]
fn a_record_that_was_cut_short_is_told_and_the_others_are_used() {
    let toy = toy();
    toy.lab(&["predict", "07", "coin-cost", "5"]).well();
    toy.lab(&["bench", "07"]).well();
    let file = toy.path(".lab/records/07-toy.jsonl");
    let mut open = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    open.write_all(b"{\"experiment\":\"coin-co").unwrap();
    let score = toy.lab(&["score"]);
    assert_has(
        &score,
        &[
            ".lab/records/07-toy.jsonl:2: no measurement record",
            "delete this line",
            "1 of 1 lay in your interval",
        ],
    );
}

#[test]
fn interrupted_the_program_goes_and_what_was_measured_stays() {
    let toy = toy();
    toy.lab(&["bench", "07"]).well();
    let stays = "fn main() { loop { std::thread::sleep(std::time::Duration::from_secs(1)); } }";
    toy.write(
        "solutions/07-toy/experiments/main.rs",
        &format!("//! Stays.\n\n{stays}\n"),
    );
    let mut child = toy
        .call(&["bench", "07"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    toy.runs("coin-cost");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    toy.nobody_left();
    assert_eq!(records(&toy).len(), 1, "what was measured before stays");
}

#[test]
fn a_record_names_the_code_that_was_built_however_it_changes_meanwhile() {
    let toy = toy();
    for mood in ["", "edits", ""] {
        toy.write("mood", mood);
        toy.lab(&["bench", "07", "--quick"]).well();
    }
    let records = records(&toy);
    let digests: Vec<&str> = records
        .iter()
        .map(|record| record["code_digest"].as_str().unwrap())
        .collect();
    assert_eq!(digests.len(), 3, "{records:#?}");
    assert_eq!(
        digests[0], digests[1],
        "the second run was of the same code, and changed it afterwards"
    );
    assert_ne!(
        digests[1], digests[2],
        "the third was of what the second had made of it"
    );
}

#[test]
fn a_figure_that_cannot_be_read_is_told_and_nothing_is_recorded() {
    let toy = toy();
    toy.write("mood", "glued");
    assert_fails(
        &toy.lab(&["bench", "07"]),
        &["coin-cost told something that cannot be read", "adding {\"figure\":"],
    );
    assert_eq!(records(&toy).len(), 0);
}
