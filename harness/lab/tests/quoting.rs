//! What a page makes of records: whose numbers it quotes, what it says beside them, and that their words stay words.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod shelf;

use shelf::Shelf;

#[test]
fn a_page_shows_the_readers_own_numbers_and_else_the_references() {
    let shelf = Shelf::new();
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    assert!(
        page.contains("<span class=\"n mine\" title=\"yours, 2026-11-22"),
        "no number of the reader's own"
    );
    assert!(page.contains("2.46×"), "no ratio: {page}");
    assert!(page.contains("(quick)"), "a quick figure is not marked in words");
    assert!(
        page.contains("not measured yet: <code>./lab bench 05</code>"),
        "what is missing is not said"
    );
    std::fs::remove_dir_all(shelf.root.join(".lab")).unwrap();
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    assert!(
        page.contains("title=\"reference, 2026-11-20, A processor of the tests"),
        "{page}"
    );
    assert!(
        !page.contains("class=\"n mine\""),
        "a number is called the reader's, who has none"
    );
}

#[test]
fn own_records_of_other_code_are_marked_and_the_reference_is_quoted() {
    let shelf = Shelf::new();
    // The reference's code is not the reader's: what was measured of that is as fresh as it was.
    shelf.add("solutions/05-acks/src/lib.rs", "fn more() {}\n");
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    assert!(
        page.contains("class=\"n mine\""),
        "an own number is held against the reference's code"
    );
    let solution = shelf.read("solutions/05-acks/src/lib.rs");
    shelf.write(
        "solutions/05-acks/src/lib.rs",
        solution.trim_end_matches("fn more() {}\n"),
    );
    shelf.add("labs/05-acks/src/lib.rs", "fn more() {}\n");
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    assert!(
        page.contains("stale: the code has changed since"),
        "the experiment does not say it"
    );
    assert!(!page.contains("class=\"n mine\""), "a stale number is quoted");
}

#[test]
fn a_number_that_spreads_too_widely_says_so_in_its_sentence_and_a_ratio_for_both() {
    let shelf = Shelf::new();
    let file = ".lab/records/05-acks.jsonl";
    // p99 of acks=1 on three brokers: the divisor of the page's ratio.
    shelf.write(file, &shelf.read(file).replace("[2.6, 2.756, 2.47]", "[2.6, 27, 2.47]"));
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    for wanted in [
        "2.6 ms (wide)</span>",
        "2.46× (wide)</span>",
        "; wide: the repetitions spread by 943 %\"",
    ] {
        assert!(page.contains(wanted), "no {wanted:?} in {page}");
    }
    assert!(
        !page.contains("6.4 ms (wide)"),
        "the mark is its divisor's alone: {page}"
    );
}

#[test]
fn what_a_record_says_includes_no_file_of_this_machine() {
    let shelf = Shelf::new();
    shelf.write("secret.txt", "a secret <b>of this machine</b>");
    let secret = shelf.root.join("secret.txt").display().to_string();
    let include = format!("{{{{#include {secret}}}}}");
    let file = ".lab/records/05-acks.jsonl";
    let records = shelf
        .read(file)
        .replace("\"notes\": []", &format!("\"notes\": [\"{include}\"]"));
    shelf.write(file, &records.replace("2b1d343", "{{#title of somebody else}}"));
    let claims = shelf.read("book/claims/05-acks.toml");
    shelf.write(
        "book/claims/05-acks.toml",
        &claims.replace("It waits for", &format!("{include} It waits for")),
    );
    assert!(shelf.build().status.success());
    let page = shelf.read("target/book/05-acks.html");
    assert!(!page.contains("a secret"), "a file was included: {page}");
    assert!(!page.contains("<title>of somebody"), "the page was renamed: {page}");
    let told = page.replace("&#123;", "{");
    for wanted in [include.as_str(), "{{#title of somebody else}}"] {
        assert!(told.contains(wanted), "no {wanted:?} in {page}");
    }
}
