//! Which tables can replace rows, and the queries for what is newest.

use olap::{Engine, Newest, OlapError, Partition, Table, newest, replacing};

use super::shape;

fn versions() -> Table {
    Table {
        partition: Some(Partition::Month("start")),
        ..Table::new(
            "versions",
            &[
                ("market", "String"),
                ("start", "DateTime64(3, 'UTC')"),
                ("close", "UInt8"),
                ("version", "UInt64"),
            ],
            vec!["market", "start", "version"],
        )
    }
}

#[test]
fn task4_the_version_leaves_the_key() {
    let table = replacing(&versions(), "version", "newest").expect("these rows can replace each other");
    let wanted = Table {
        name: "newest",
        engine: Engine::Replacing("version"),
        key: vec!["market", "start"],
        ..versions()
    };
    assert_eq!(
        table, wanted,
        "with the version in the key each version has a key of its own; look at `replacing`"
    );
}

#[test]
fn task4_rows_of_one_key_must_not_lie_in_two_partitions() {
    let look = "look at `replacing`";
    let by_version = Table {
        partition: Some(Partition::Day("close")),
        ..versions()
    };
    assert!(
        matches!(replacing(&by_version, "version", "n"), Err(OlapError::Replacing { .. })),
        "{look}"
    );
    let by_itself = Table {
        partition: Some(Partition::Day("version")),
        ..versions()
    };
    assert!(
        matches!(replacing(&by_itself, "version", "n"), Err(OlapError::Replacing { .. })),
        "the version is in the old key and not in the new one; {look}"
    );
    let none = Table {
        partition: None,
        ..versions()
    };
    assert!(
        replacing(&none, "version", "n").is_ok(),
        "one partition for all; {look}"
    );
}

#[test]
fn task4_without_a_key_or_without_a_version_nothing_is_replaced() {
    let look = "look at `replacing`";
    let table = Table {
        key: vec!["version"],
        partition: None,
        ..versions()
    };
    assert!(
        matches!(replacing(&table, "version", "n"), Err(OlapError::Replacing { .. })),
        "{look}"
    );
    assert!(
        matches!(replacing(&versions(), "revision", "n"), Err(OlapError::Column { .. })),
        "{look}"
    );
}

#[track_caller]
fn query(how: Newest) -> String {
    let table = replacing(&versions(), "version", "newest").expect("these rows can replace each other");
    shape::flat(&newest(&table, "tickbook", how).expect("plain names"))
}

#[test]
fn task4_plain_and_final_differ_by_a_word() {
    let plain = "SELECT market, start, close, version FROM tickbook.newest";
    assert_eq!(query(Newest::Plain), plain, "look at `newest`");
    assert_eq!(query(Newest::Final), format!("{plain} FINAL"), "look at `newest`");
}

#[test]
fn task4_the_first_row_of_each_key_is_the_one_with_the_highest_version() {
    let query = query(Newest::LimitBy);
    let (_, order) = query.split_once(" ORDER BY ").expect("an order; look at `newest`");
    assert_eq!(
        order, "market, start, version DESC LIMIT 1 BY market, start",
        "look at `newest`"
    );
}

#[test]
fn task4_all_columns_of_a_row_come_out_of_one_argmax() {
    let query = query(Newest::ArgMax);
    assert_eq!(
        query.matches("argMax(").count(),
        1,
        "each with its own they could be of different rows: {query}; look at `newest`"
    );
    assert!(
        query.contains("argMax(tuple(close, version), version)") && query.ends_with("GROUP BY market, start)"),
        "{query}; look at `newest`"
    );
    assert!(
        query.contains("tupleElement(newest, 1) AS close, tupleElement(newest, 2) AS version"),
        "{query}; look at the outer query in `newest`"
    );
}

#[test]
fn a_table_whose_rows_all_stay_has_no_newest() {
    assert!(
        matches!(
            newest(&versions(), "d", Newest::Final),
            Err(OlapError::Replacing { .. })
        ),
        "look at `newest`"
    );
}
