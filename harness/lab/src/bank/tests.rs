//! Banks as their authors write them, right and wrong.

use std::fs;

use super::template::{Blank, Gap, Number, Piece, Why, fill, plain};
use super::*;
use crate::measuring::quoted::Mark;

/// A question with nothing wrong in it, but for what is put in its place.
fn written(id: &str, replaced: &[(&str, &str)]) -> String {
    let side = |key: &str, word: &str| {
        let step =
            |kind: &str| format!("  {{ kind = \"{kind}\", ask = \"{word} {kind}?\", points = [\"{word} x\"] }},\n");
        let ladder: String = Kind::ALL.iter().map(|kind| step(kind.key())).collect();
        format!(
            "[question.{key}]\nask = \"{word}?\"\npoints = [\"{word} 1\", \"{word} 2\", \"{word} 3\"]\n\
             answer = \"{word}: {{{{loss p99 acks=all}}}}\"\nright = \"{word} right\"\nwrong = [\n  \
             {{ says = \"{word} a\", why = \"{word} not a\" }},\n  {{ says = \"{word} b\", why = \"{word} not b\" }},\n]\n\
             ladder = [\n{ladder}]\n"
        )
    };
    let mut text = format!(
        "[[question]]\nid = \"{id}\"\nchapter = \"05\"\nguide = [\"g1-q-011\"]\nminutes = 3 # for all of it\n\
         links = {{ task = 1, experiment = \"loss\" }}\n\
         source = {{ title = \"T\", url = \"https://example.org\", date = \"2026-01-01\" }}\n{}{}",
        side("en", "english"),
        side("ko", "한국어")
    );
    for (old, new) in replaced {
        assert!(text.contains(old), "no {old:?} to replace in {text}");
        text = text.replace(old, new);
    }
    text
}

/// A checkout with these files of questions.
fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join(FOLDER)).unwrap();
    for (name, text) in files {
        fs::write(root.path().join(FOLDER).join(name), text).unwrap();
    }
    root
}

fn broken(text: &str) -> Vec<String> {
    let root = checkout(&[("05-acks.toml", text)]);
    Bank::read(root.path()).broken.iter().map(ToString::to_string).collect()
}

#[test]
fn a_question_is_read_with_both_sides() {
    let root = checkout(&[("05-acks.toml", &written("one", &[]))]);
    let bank = Bank::read(root.path());
    assert_eq!(bank.broken, []);
    let question = bank.question("one").unwrap();
    assert_eq!(question.text(Side::Korean).points.len(), 3);
    assert_eq!(
        (question.place.line, question.place.links, question.place.en),
        (2, 6, 8)
    );
    assert_eq!(bank.chapter("05").count(), 1);
    assert_eq!(bank.chapter("08").count(), 0);
}

#[test]
fn a_broken_question_is_told_with_its_line_and_the_rest_is_read() {
    let unknown = written("two", &[("minutes = 3", "minuts = 3")]);
    let text = format!("{}\n{unknown}\n{}", written("one", &[]), written("three", &[]));
    let line = text.lines().position(|line| line.contains("minuts")).unwrap() + 1;
    let root = checkout(&[
        ("05-acks.toml", &text),
        ("06-groups.toml", "[[question]\n"),
        ("07-x.toml", "title = 1\n"),
    ]);
    let bank = Bank::read(root.path());
    let ids: Vec<&str> = bank.questions.iter().map(|question| question.id.as_str()).collect();
    assert_eq!(ids, ["one", "three"]);
    let said: Vec<String> = bank.broken.iter().map(ToString::to_string).collect();
    assert!(
        said[0].contains(&format!("05-acks.toml:{line}: unknown field `minuts`"))
            && said[0].contains("correct this line"),
        "{said:#?}"
    );
    assert!(said[1].contains("06-groups.toml:1: "), "{said:#?}");
    assert!(
        said[2].contains("07-x.toml:1: title belongs to no question"),
        "{said:#?}"
    );
    assert_eq!(said.len(), 3, "{said:#?}");
}

#[test]
fn what_a_question_lacks_is_told_by_side() {
    let cases = [
        ("\"english 1\", ", "", "one, en: there are 3 to 6 points"),
        (
            ", why = \"english not a\"",
            ", why = \"\"",
            "one, en: a wrong answer says nothing or has no reason",
        ),
        (
            "kind = \"what-if\", ask = \"한국어",
            "kind = \"why\", ask = \"한국어",
            "one, ko: a ladder asks why, what-if",
        ),
        (
            "\"한국어 1\", ",
            "\"한국어 1\", \"한국어 4\", ",
            "en has 3 points and ko 4",
        ),
        (
            "한국어: {{loss p99 acks=all}}",
            "한국어",
            "{{loss p99 acks=all}} stands on one side only",
        ),
        ("english: {{loss p99", "english: {{loss", "names no figure"),
        (
            "acks=all}}\"\nright = \"english",
            "acks=all\"\nright = \"english",
            "is not closed",
        ),
        (
            "ask = \"english?\"",
            "ask = \"{{loss p99 acks=all}}?\"",
            "blanks stand in points and in answer",
        ),
        ("chapter = \"05\"", "chapter = \"5\"", "a chapter is two digits"),
        ("minutes = 3", "minutes = 90", "1 to 15 minutes"),
        ("id = \"one\"", "id = \"One\"", "small letters"),
    ];
    for (old, new, says) in cases {
        let said = broken(&written("one", &[(old, new)]));
        assert!(
            said.len() == 1 && said[0].contains(says),
            "{old:?} by {new:?}: {said:#?}, wanted {says:?}"
        );
    }
    let twice = format!("{}{}", written("one", &[]), written("one", &[]));
    let said = broken(&twice);
    assert!(
        said.len() == 1 && said[0].contains("05-acks.toml:2 already"),
        "{said:#?}"
    );
}

#[test]
fn a_side_is_stale_once_the_other_has_changed() {
    let root = checkout(&[("05-acks.toml", &format!("{}\n# end\n", written("one", &[])))]);
    let file = root.path().join(FOLDER).join("05-acks.toml");
    let stale = || Bank::read(root.path()).question("one").unwrap().stale();
    let said = || {
        let mistakes = check(root.path(), None);
        let mut said = mistakes.iter().map(ToString::to_string);
        said.find(|said| said.contains("synced one"))
    };
    let edit = |old: &str, new: &str| {
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(&file, text.replace(old, new)).unwrap();
    };
    assert_eq!(stale(), Side::BOTH, "nobody has said that they agree");
    assert!(said().unwrap().contains("nobody has said yet"), "{:?}", said());

    assert_eq!(synced::note(root.path(), &["one".into()]).unwrap(), ["one"]);
    assert_eq!((stale(), said()), (vec![], None));
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("minutes = 3 # for all of it\nsynced = { en = \"") && text.ends_with("\n# end\n"),
        "{text}"
    );
    assert_eq!(synced::note(root.path(), &[]).unwrap(), [""; 0], "nothing has changed");

    edit("english 2", "english two");
    assert_eq!(stale(), [Side::Korean]);
    assert!(said().unwrap().contains("ko is stale: en has changed"), "{:?}", said());
    edit("한국어 2", "한국어 둘");
    assert_eq!(stale(), Side::BOTH);
    assert!(said().unwrap().contains("have both changed"), "{:?}", said());

    assert_eq!(synced::note(root.path(), &[]).unwrap(), ["one"]);
    assert_eq!(stale(), []);
    let after = fs::read_to_string(&file).unwrap();
    assert_eq!(
        after.lines().count(),
        text.lines().count(),
        "the digests are replaced: {after}"
    );
    let refused = synced::note(root.path(), &["two".into()]).unwrap_err().to_string();
    assert!(
        refused.contains("no question \"two\"") && refused.contains("./lab questions check"),
        "{refused}"
    );
}

#[test]
fn what_links_to_nothing_is_told() {
    let manifest =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../solutions/05-acks/lab.toml")).unwrap();
    let links = "links = { task = 99, mutant = \"nobody\", experiment = \"nothing\", page = \"05.md#gone\" }";
    let text = written(
        "one",
        &[
            ("links = { task = 1, experiment = \"loss\" }", links),
            ("loss p99", "nothing p99"),
            ("english b", "None of the above"),
            ("ask = \"english?\"", "ask = \"Which is NOT so?\""),
            ("한국어 right", "한국어 right, and it says so much more than the others"),
        ],
    );
    let root = checkout(&[("05-acks.toml", &text)]);
    fs::create_dir_all(root.path().join("solutions/05-acks")).unwrap();
    fs::write(root.path().join("solutions/05-acks/lab.toml"), manifest).unwrap();
    fs::create_dir_all(root.path().join("book/src")).unwrap();
    let guide = ["g1-q-012".to_owned()].into();
    let said = |root: &Path| -> String {
        let mistakes = check(root, Some(&guide));
        mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
    };
    let all = said(root.path());
    for wanted in [
        "05-acks.toml:6: one: lab 05 has no task 99",
        "05-acks.toml:6: one: lab 05 has no mutant nobody",
        "05-acks.toml:6: one: no lab.toml has an experiment nothing",
        "there is no page book/src/05.md",
        "05-acks.toml:4: one: the guide has no item g1-q-011",
        "{{nothing p99 acks=all}}: no lab.toml has an experiment nothing",
        "en has an option with \"none of the above\"",
        "en asks with NOT",
        "ko: the right option is by far the longest",
        "rubric.toml:1: there is no rubric",
    ] {
        assert!(all.contains(wanted), "no {wanted:?} in\n{all}");
    }
    fs::write(root.path().join("book/src/05.md"), "# Acks\n\n## Going, going, gone?\n").unwrap();
    assert!(
        said(root.path()).contains("has no heading #gone"),
        "{}",
        said(root.path())
    );
    fs::write(root.path().join("book/src/05.md"), "# Acks\n\n```sh\n# gone\n```\n").unwrap();
    assert!(
        said(root.path()).contains("has no heading #gone"),
        "a comment is taken for a heading: {}",
        said(root.path())
    );
    for headings in ["## Gone", "## `Gone`!", "## Lost {#gone}"] {
        fs::write(root.path().join("book/src/05.md"), format!("# Acks\n\n{headings}\n")).unwrap();
        assert!(
            !said(root.path()).contains("05.md"),
            "{headings}: {}",
            said(root.path())
        );
    }
}

#[test]
fn blanks_are_filled_with_own_numbers_and_marked_where_they_are_not() {
    let number = |text: &str, own, marks: &[Mark]| {
        Piece::Number(Number {
            text: text.into(),
            own,
            marks: marks.to_vec(),
        })
    };
    let known = |blank: &Blank| match blank.to_string().as_str() {
        "x p99 acks=all" => number("12 ms", true, &[]),
        "x p99 acks=all / x p99 acks=1" => number("1.5×", true, &[Mark::Quick, Mark::Wide(2.0), Mark::Wide(3.0)]),
        "x p99 acks=0" => number("2 ms", false, &[]),
        _ => Piece::Blank(Gap {
            why: Why::Stale(measure::Stale::Code),
            measure: "./lab bench 05".into(),
        }),
    };
    let filled = |text: &str| fill(text, &known);
    assert_eq!(
        filled("a {{x p99 acks=all}} b"),
        [
            Piece::Text("a ".into()),
            number("12 ms", true, &[]),
            Piece::Text(" b".into())
        ]
    );
    let shown = |text: &str, side| plain(&filled(text), side);
    assert_eq!(
        shown("{{x p99 acks=all / x p99 acks=1}}", Side::English),
        "1.5× (quick run, spreads too widely to conclude from)"
    );
    assert_eq!(shown("{{x p99 acks=0}}", Side::English), "2 ms (reference)");
    assert_eq!(shown("{{x p99 acks=0}}", Side::Korean), "2 ms (참고 값)");
    for (text, korean) in [
        ("2,622 records", "2,622개"),
        ("5,000 records/s", "초당 5,000개"),
        ("49 attempts", "49회"),
        ("38 bytes", "38바이트"),
        ("12 ms", "12 ms"),
        ("36 %", "36 %"),
        ("1.2 µs", "1.2 µs"),
        ("3×", "3×"),
    ] {
        assert_eq!(number(text, true, &[]).words(Side::Korean), korean);
        assert_eq!(number(text, true, &[]).words(Side::English), text);
    }
    assert_eq!(
        shown("{{x p99 acks=2}}", Side::English),
        "____ (stale: the code has changed since: ./lab bench 05)"
    );
}

#[test]
fn the_workbooks_own_bank_has_a_rubric_and_no_broken_question() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let bank = Bank::read(root);
    assert_eq!(bank.broken, [], "see book/questions");
    assert!(
        bank.rubric.is_some() && bank.chapter("05").count() >= 2,
        "see book/questions"
    );
    for question in &bank.questions {
        assert_eq!(question.stale(), [], "{}: see ./lab questions check", question.id);
    }
}

#[test]
fn a_rubric_that_is_not_of_four_is_told() {
    let root = checkout(&[(RUBRIC, "[[dimension]]\nid = \"x\"\nfour = 4\n")]);
    let bank = Bank::read(root.path());
    assert!(bank.rubric.is_none());
    let said = bank.broken[0].to_string();
    assert!(said.contains("rubric.toml:3: unknown field `four`"), "{said}");
}
