use super::*;

const SMALL: &str = r#"[[document]]
number = 1
title = "guide"
lines = 20
items = [
  { id = "g1-h-001", at = "1", lines = [1, 20], says = "Chapter", chapter = "05", to = ["page:05-acks.md#top"] },
  { id = "g1-c-001", at = "1", lines = [2, 2], says = "all waits", checkable = true, chapter = "05", to = ["claim:all-waits"] },
  { id = "g1-q-001", at = "1", lines = [3, 3], says = "Why?", chapter = "05", to = ["question:why"] },
  { id = "g1-c-002", at = "1", lines = [4, 4], says = "later", checkable = true, chapter = "06", to = ["planned"] },
  { id = "g1-x-001", at = "1", lines = [5, 5], says = "a decorator", to = ["left-out"] },
]
"#;

fn places() -> Places {
    let named = |id: &str, item: &str| [(id.to_owned(), vec![item.to_owned()])].into();
    Places {
        claims: named("all-waits", "g1-c-001"),
        questions: named("why", "g1-q-001"),
        pages: ["05-acks.md".to_owned()].into(),
    }
}

fn said(text: &str, places: &Places) -> Vec<String> {
    check(&Guide::parse(text), places)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn an_inventory_whose_targets_are_there_has_no_mistakes_and_is_counted() {
    assert_eq!(said(SMALL, &places()), Vec::<String>::new());
    insta::assert_snapshot!(table(&Guide::parse(SMALL)));
}

#[test]
fn each_mistake_is_told_with_its_line_and_what_to_do() {
    for (right, wrong, expected) in [
        (
            "claim:all-waits",
            "claim:none-waits",
            ":7: g1-c-001: no claim none-waits",
        ),
        ("question:why", "question:how", ":8: g1-q-001: no question how"),
        (
            "page:05-acks.md#top",
            "page:06-x.md",
            ":6: g1-h-001: there is no page book/src/06-x.md",
        ),
        (
            "\"question:why\"",
            "\"planned\"",
            ":8: g1-q-001: chapter 05 is written, and this is still planned",
        ),
        (
            "\"claim:all-waits\"",
            "\"page:05-acks.md\"",
            ":7: g1-c-001: chapter 05 is written, and no claim judges this",
        ),
        (
            "claim:all-waits",
            "clam:all-waits",
            ":7: \"clam:all-waits\" is no target",
        ),
        ("g1-c-002", "g1-c-001", ":9: g1-c-001 stands here twice"),
        ("g1-x-001", "g1-y-001", ":10: \"g1-y-001\" is no id"),
        (
            "lines = [5, 5]",
            "lines = [5, 21]",
            ":10: g1-x-001: lines 5 to 21 are not in a document of 20",
        ),
        ("number = 1", "number = x", ":2: "),
    ] {
        assert!(SMALL.contains(right), "the case {right:?} changes nothing");
        let said = said(&SMALL.replacen(right, wrong, 1), &places());
        let expected = format!("book/guide.toml{expected}");
        assert!(
            said.iter().any(|line| line.starts_with(&expected)),
            "{wrong:?} says {said:#?}"
        );
    }
}

#[test]
fn a_claim_that_names_an_item_is_named_by_it() {
    let mut more = places();
    more.claims
        .insert("also".into(), vec!["g1-c-001".into(), "g9-c-001".into()]);
    let said = said(SMALL, &more);
    assert!(
        said[0].contains("claim also names g1-c-001, whose `to` does not name claim:also"),
        "{said:?}"
    );
    assert!(
        said[1].contains("claim also names g9-c-001, which is not here"),
        "{said:?}"
    );
}

#[test]
fn the_inventory_has_every_item_of_the_guide() {
    let guide = Guide::read(&crate::cargo::root());
    assert_eq!(guide.mistakes, []);
    assert_eq!(guide.items().count(), 1_123, "items of book/guide.toml");
}
