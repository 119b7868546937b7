//! The portfolio as its reader gets it: one file that loads nothing, whatever stands in the records, and nobody else's overwritten.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod shelf;

use std::process::Output;

use scraper::{Html, Selector};
use shelf::Shelf;

const SECTIONS: [&str; 5] = ["labs", "calibration", "experiments", "rehearsal", "again"];

/// Whatever it is written into, it would load something, run something, or end the element that it stands in.
const HOSTILE: &str = r#"</style></svg><script src='http://evil.test/a.js'></script><img src=x onerror=alert(1)> ![a](http://evil.test/b.png) \"q\""#;

fn portfolio(shelf: &Shelf, more: &[&str]) -> Output {
    let output = shelf.lab(&[&["portfolio"], more].concat());
    assert!(output.status.success(), "{output:?}");
    output
}

fn page(shelf: &Shelf) -> Html {
    portfolio(shelf, &["--name", "A. Reader"]);
    Html::parse_document(&shelf.read(".lab/portfolio.html"))
}

fn count(page: &Html, what: &str) -> usize {
    page.select(&Selector::parse(what).unwrap()).count()
}

fn text(page: &Html, what: &str) -> String {
    page.select(&Selector::parse(what).unwrap())
        .flat_map(|found| found.text())
        .collect()
}

/// Fails if opening the page asks anybody for anything, or runs anything. Links may lead elsewhere.
fn assert_alone(page: &Html) {
    for what in [
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "image",
        "use",
        "foreignObject",
        "[src]",
        "[srcset]",
    ] {
        assert_eq!(count(page, what), 0, "there is a {what}");
    }
    for found in page.select(&Selector::parse("*").unwrap()) {
        for (name, value) in found.value().attrs() {
            assert!(!name.starts_with("on"), "{name} runs {value:?}");
            assert!(!value.contains("javascript:"), "{name} runs {value:?}");
            assert!(!value.contains("url("), "{name} loads {value:?}");
            if name.ends_with("href") {
                assert_eq!(found.value().name(), "a", "{name} of {value:?} is no link");
            }
        }
    }
    let style = text(page, "style");
    assert!(
        !style.contains("url(") && !style.contains("@import"),
        "the style loads something"
    );
}

fn with_progress_and_reviews(shelf: &Shelf) {
    shelf.write(
        ".lab/progress/05-acks.toml",
        "started = 2026-11-01\n\n[last]\ndate = 2026-11-03\npassed = 0\ncode = \"yours\"\nstack = \"local\"\n",
    );
    shelf.write(
        ".lab/rehearsal/reviews.jsonl",
        "{\"question\":\"acks-all-or-one\",\"date\":\"2026-11-06T20:00:00.000Z\",\"day\":\"2026-11-06\",\"lang\":\"en\",\"mock\":true,\
         \"seconds\":120,\"spoken\":false,\"scores\":{\"mechanism\":3,\"evidence\":2},\"named\":4,\"of\":7,\"missed\":[],\"digest\":\"x\"}\n",
    );
}

#[test]
fn a_page_has_what_was_done_and_needs_nothing_beside_it() {
    let shelf = Shelf::new();
    with_progress_and_reviews(&shelf);
    let page = page(&shelf);
    assert_alone(&page);
    for id in SECTIONS {
        assert_eq!(count(&page, &format!("#{id} h2")), 1, "#{id}");
    }
    assert_eq!(text(&page, ".reader"), "A. Reader");
    assert_eq!(
        count(&page, "#experiments section.experiment"),
        2,
        "one for each experiment with own records"
    );
    assert!(
        count(&page, "#experiments svg[role=img] desc") > 3 && count(&page, "#calibration svg[role=img] desc") == 1,
        "charts with words for who does not see them"
    );
    let experiments = text(&page, "#experiments");
    for wanted in [
        "Predicted",
        "Measured",
        "Reference",
        "The guide",
        "quick: a first answer",
        "By own records",
        "revision 2b1d343",
        "the reference's code",
        "Not measured: full-queue.",
    ] {
        assert!(experiments.contains(wanted), "no {wanted:?} in {experiments}");
    }
    assert!(text(&page, "#calibration").contains("1 of 1 lay inside their interval"));
    assert!(text(&page, "#rehearsal").contains("1 question was rehearsed once on 2026-11-06"));
    assert!(text(&page, "#again").contains("./lab bench 05 --quick --only lateness"));
    let body = text(&page, "main");
    assert!(
        !body.contains("Yours") && !body.contains("your prediction"),
        "it speaks to who made it"
    );
}

#[test]
fn nothing_in_a_record_becomes_markup() {
    let shelf = Shelf::new();
    with_progress_and_reviews(&shelf);
    // Every text of the records that is shown, and the date, which is cut before it is.
    let records = shelf.read(".lab/records/05-acks.jsonl");
    let records = records
        .replace("\"revision\": \"2b1d343\"", &format!("\"revision\": \"{HOSTILE}\""))
        .replace("\"date\": \"2026", &format!("\"date\": \"{HOSTILE}2026"))
        .replace("\"notes\": []", &format!("\"notes\": [\"{HOSTILE}\"]"))
        .replace("\"provider\": \"none\"", &format!("\"provider\": \"{HOSTILE}\""))
        .replace(
            "\"servers\": {}",
            &format!("\"servers\": {{\"{HOSTILE}\": \"{HOSTILE}\"}}"),
        )
        .replace(
            "\"arm\": \"acks=0 brokers=1\"",
            &format!("\"arm\": \"acks=0 brokers={HOSTILE}\""),
        )
        .replace("\"system\":\"", &format!("\"system\":\"{HOSTILE}"));
    shelf.write(".lab/records/05-acks.jsonl", &records);
    let predictions = shelf.read(".lab/predictions.jsonl");
    // It must be before the measurement, so that it counts.
    let predictions = predictions.replace("\"unit\": \"ms\"", &format!("\"unit\": \"{HOSTILE}\""));
    shelf.write(
        ".lab/predictions.jsonl",
        &predictions.replace("2026-11-21", &format!("!{HOSTILE}2026-11-21")),
    );
    let reviews = shelf.read(".lab/rehearsal/reviews.jsonl");
    shelf.write(
        ".lab/rehearsal/reviews.jsonl",
        &reviews
            .replace("acks-all-or-one", HOSTILE)
            .replace("\"evidence\"", &format!("\"{HOSTILE}\"")),
    );
    let progress = shelf.read(".lab/progress/05-acks.toml");
    let quoted = format!("'''{HOSTILE}'''");
    shelf.write(
        ".lab/progress/05-acks.toml",
        &progress.replace("\"yours\"", &quoted).replace("\"local\"", &quoted),
    );
    portfolio(&shelf, &["--name", HOSTILE]);
    let page = Html::parse_document(&shelf.read(".lab/portfolio.html"));
    assert_alone(&page);
    for id in SECTIONS {
        assert_eq!(
            count(&page, &format!("main > #{id}")),
            1,
            "#{id} is not where it belongs"
        );
    }
    for what in [
        ".reader",
        "#labs",
        "#experiments .whence",
        "#experiments .whence .note",
        "#experiments .figures",
        "#experiments svg text",
        "#experiments svg desc",
        "#calibration .predictions",
        "#calibration svg desc",
        "#rehearsal .dimensions",
        "#rehearsal .questions",
        "#again",
    ] {
        assert!(
            text(&page, what).contains("evil.test"),
            "{what} does not show the text, so that nothing was tried there"
        );
    }
}

#[test]
fn broken_lines_are_told_and_cost_themselves() {
    let shelf = Shelf::new();
    with_progress_and_reviews(&shelf);
    let whole = page(&shelf);
    for file in ["records/05-acks.jsonl", "predictions.jsonl", "rehearsal/reviews.jsonl"] {
        shelf.add(&format!(".lab/{file}"), "\n{\"half");
    }
    let said = portfolio(&shelf, &["--name", "A. Reader"]);
    let said = String::from_utf8(said.stderr).unwrap();
    for file in [
        ".lab/records/05-acks.jsonl:",
        ".lab/predictions.jsonl:",
        ".lab/rehearsal/reviews.jsonl:",
    ] {
        assert!(
            said.contains(file) && said.contains("delete this line"),
            "{file} is not told: {said}"
        );
    }
    let after = Html::parse_document(&shelf.read(".lab/portfolio.html"));
    assert_eq!(
        text(&after, "main"),
        text(&whole, "main"),
        "a line that is no record changed the page"
    );

    shelf.write(".lab/progress/05-acks.toml", "started = soon\n");
    let said = portfolio(&shelf, &[]);
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(said.contains("progress/05-acks.toml"), "{said}");
}

#[test]
fn with_nothing_done_there_is_a_page_that_says_what_to_do_first() {
    let shelf = Shelf::new();
    std::fs::remove_dir_all(shelf.root.join(".lab")).unwrap();
    let said = portfolio(&shelf, &["--name", ""]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.contains("wrote .lab/portfolio.html") && said.contains("Next: ./lab start 05"),
        "{said}"
    );
    let page = Html::parse_document(&shelf.read(".lab/portfolio.html"));
    assert_alone(&page);
    assert_eq!(count(&page, ".reader"), 0, "a line for a name that there is not");
    assert!(text(&page, ".first").contains("./lab start 05"));
    for id in SECTIONS {
        assert_eq!(count(&page, &format!("main > #{id}")), 1, "#{id}");
    }
}

#[test]
fn a_page_is_replaced_and_a_file_of_somebody_elses_is_not() {
    let shelf = Shelf::new();
    let said = portfolio(&shelf, &["--out", "me.html"]);
    assert!(
        String::from_utf8_lossy(&said.stdout).contains("wrote me.html"),
        "{said:?}"
    );
    let said = portfolio(&shelf, &["--out", "me.html", "--name", "Again"]);
    assert!(
        String::from_utf8_lossy(&said.stdout).contains("replaced me.html"),
        "{said:?}"
    );
    assert!(shelf.read("me.html").contains("Again"));

    shelf.write("letter.html", "<p>Dear Sir,</p>");
    std::fs::create_dir(shelf.root.join("folder")).unwrap();
    for (file, says) in [
        ("letter.html", "letter.html is there and is no portfolio"),
        ("folder", "folder is there and is no portfolio"),
        ("gone/me.html", "gone is no folder"),
    ] {
        let refused = shelf.lab(&["portfolio", "--out", file]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains(says) && said.contains("--out FILE"), "{file}: {said}");
    }
    assert_eq!(shelf.read("letter.html"), "<p>Dear Sir,</p>");
}

#[test]
fn what_is_no_file_is_not_read_and_a_mark_far_down_is_a_quotation() {
    let shelf = Shelf::new();
    portfolio(&shelf, &["--out", "me.html"]);
    let page = shelf.read("me.html");
    shelf.write("quoted.html", &format!("{}{page}", " ".repeat(100_000)));
    let pipe = shelf.root.join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    // Whoever reads it gets a portfolio; nobody is to.
    std::thread::spawn(move || std::fs::write(pipe, page));
    for file in ["quoted.html", "pipe"] {
        let refused = shelf.lab(&["portfolio", "--out", file]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains("is there and is no portfolio"), "{file}: {said}");
    }
}
