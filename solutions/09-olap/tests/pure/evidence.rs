//! Which entry of the query log is evidence.

use olap::{Entry, Evidence, OlapError};

fn entry(kind: &str, read_rows: u64) -> Entry {
    Entry {
        kind: kind.into(),
        read_rows,
        read_bytes: 10 * read_rows,
        selected_parts: 3,
        selected_marks: 7,
        memory_bytes: 1_000,
        micros: 5_000,
        cpu_micros: 4_000,
        exception: if kind.starts_with("Exception") {
            "Code: 158. too many rows".into()
        } else {
            String::new()
        },
    }
}

fn of(entries: &[Entry]) -> Result<Option<Evidence>, OlapError> {
    Evidence::of("q1", entries)
}

#[test]
fn task5_the_end_of_a_query_is_its_evidence_and_its_start_is_not() {
    let look = "look at `Evidence::of`";
    let wanted = Evidence {
        read_rows: 8_192,
        read_bytes: 81_920,
        selected_parts: 3,
        selected_marks: 7,
        memory_bytes: 1_000,
        micros: 5_000,
        cpu_micros: 4_000,
    };
    let (start, end) = (entry("QueryStart", 0), entry("QueryFinish", 8_192));
    assert_eq!(of(&[start.clone(), end.clone()]).ok(), Some(Some(wanted)), "{look}");
    assert_eq!(of(&[end, start]).ok(), Some(Some(wanted)), "in any order; {look}");
}

#[test]
fn task5_a_query_that_has_not_ended_has_no_evidence_yet() {
    let look = "its counters are 0 because nothing is counted yet; look at `Evidence::of`";
    assert_eq!(of(&[]).ok(), Some(None), "{look}");
    assert_eq!(of(&[entry("QueryStart", 0)]).ok(), Some(None), "{look}");
}

#[test]
fn task5_a_query_that_failed_is_no_evidence_and_says_why() {
    for kind in ["ExceptionBeforeStart", "ExceptionWhileProcessing"] {
        let error = of(&[entry("QueryStart", 0), entry(kind, 400)]).expect_err("it failed; look at `Evidence::of`");
        assert!(
            error.to_string().contains("Code: 158"),
            "{kind}: {error}; look at `Evidence::of`"
        );
    }
}

#[test]
fn task5_an_id_that_two_queries_share_is_no_evidence() {
    let ended = entry("QueryFinish", 1);
    assert!(
        matches!(of(&[ended.clone(), ended]), Err(OlapError::Evidence { .. })),
        "which of the two was meant? look at `Evidence::of`"
    );
}
