//! What a manifest may say, and how each mistake in it is told.

use super::*;

pub(crate) const SMALL: &str = r#"number = 7
name = "toy"
library = "toy"
title = "A toy"
about = "It adds."
words = ["acks=all"]

[programs]
pure = ["adding"]

[[task]]
number = 1
title = "Add"
what = "Add two numbers."
tests = ["adding::task1_two_and_two"]
hints = ["Think.", "Use a sign.", "It is the plus sign."]
predict = "What is two and two?"
answer = "Four."

[[mutant]]
name = "minus"
killed_by = "adding::task1_two_and_two"
question = "Why does the sign matter?"

[bonus]
mutant = "minus"
what = "It subtracts."

[[experiment]]
id = "toy-cost"
title = "What adding costs"
how = "Adds a million pairs."
program = "experiments"
minutes = 1
quick_seconds = 5
disk_mb = 0
spread = 0.2
metrics = { each = "ns" }
predict = { question = "How long does one addition take, in ns?", of = "toy-cost each way=plus" }
chart = [{ title = "Each way", metric = "each" }]
"#;

fn said(text: &str) -> String {
    match Manifest::parse(text, "solutions/07-toy/lab.toml".into(), "07-toy") {
        Ok(_) => "taken".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = Manifest::parse(SMALL, "x".into(), "07-toy").expect("it is right");
    assert_eq!((manifest.folder().as_str(), manifest.declared()), ("07-toy", 1));
    assert_eq!(manifest.layer("adding"), Some(Layer::Pure));
    assert_eq!(manifest.experiments[0].unit("each"), "ns");
}

#[test]
fn a_lab_is_a_part_of_the_pipeline_unless_it_says_that_it_is_not() {
    let read = |text: &str| Manifest::parse(text, "x".into(), "07-toy").expect("it is right");
    let end = |text: &str| read(text).at_the_end();
    assert_eq!(
        end(SMALL),
        "./lab up --mine 07   and read solutions/07-toy/DISCUSSION.md"
    );
    let apart = SMALL.replace("about = ", "pipeline = false\nabout = ");
    assert_eq!(end(&apart), "read solutions/07-toy/DISCUSSION.md");
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_to_do() {
    let cases = [
        (
            "number = 7",
            "number = 8",
            ":1: number and name say 08-toy, and the folder is 07-toy",
        ),
        ("title = \"A toy\"", "titel = \"A toy\"", ":4: unknown field `titel`"),
        ("[programs]", "[programs", ":8: "),
        (
            "number = 1",
            "number = 2",
            ":12: this is task 1 of the file, and its number is 2",
        ),
        (
            "adding::task1_two_and_two\"]",
            "task1_two\"]",
            ":15: \"task1_two\" is not PROGRAM::TEST",
        ),
        (
            "adding::task1_two_and_two\"]",
            "adding::two\"]",
            ":15: adding::two is a test of task 1 and its name",
        ),
        (
            "adding::task1_two_and_two\"]",
            "mock::task1_x\"]",
            ":15: [programs] names no mock",
        ),
        (", \"It is the plus sign.\"", "", ":16: task 1 has 2 hints; give three"),
        (
            "answer = \"Four.\"\n",
            "",
            ":11: task 1: predict and answer go together",
        ),
        (
            "mutant = \"minus\"",
            "mutant = \"plus\"",
            ":26: no [[mutant]] is named plus",
        ),
        (
            "name = \"minus\"",
            "name = \"a/b\"",
            ":21: a mutant is named in small letters and dashes",
        ),
        ("minutes = 1\n", "", ":29: missing field `minutes`"),
        (
            "id = \"toy-cost\"",
            "id = \"Toy\"",
            ":29: experiment Toy: an id is small letters",
        ),
        (
            "quick_seconds = 5",
            "quick_seconds = 60",
            ":29: experiment toy-cost: minutes, quick_seconds (below 60)",
        ),
        (
            "toy-cost each way",
            "toy-speed each way",
            ":29: experiment toy-cost: what is predicted is of toy-speed",
        ),
        (
            "metric = \"each\" }",
            "metric = \"all\" }",
            ":29: experiment toy-cost: it has no metric all",
        ),
        (
            "spread = 0.2",
            "spread = 0.2\nexact = [\"sum\"]",
            ":29: experiment toy-cost: it has no metric sum",
        ),
    ];
    for (right, wrong, expected) in cases {
        assert!(SMALL.contains(right), "the case {right:?} changes nothing");
        let said = said(&SMALL.replacen(right, wrong, 1));
        let expected = format!("solutions/07-toy/lab.toml{expected}");
        assert!(
            said.starts_with(&expected),
            "{wrong:?} says {said:?} and not {expected:?}"
        );
    }
}
