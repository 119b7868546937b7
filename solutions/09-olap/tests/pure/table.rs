//! The statements of tables, by what stands in them.

use olap::{Engine, Keep, OlapError, Partition, Projection, SkipIndex, Table, schema};

use super::shape::{self, Shape};

fn plain() -> Table {
    Table::new(
        "ticks",
        &[
            ("market", "LowCardinality(String)"),
            ("time", "DateTime64(3, 'UTC')"),
            ("id", "UInt64"),
        ],
        vec!["market", "time"],
    )
}

fn full() -> Table {
    let mut table = plain();
    table.columns[2].2 = Some("T64, LZ4");
    Table {
        engine: Engine::Replacing("id"),
        partition: Some(Partition::Day("time")),
        indexes: vec![SkipIndex {
            name: "ids",
            columns: vec!["market", "id"],
        }],
        projections: vec![Projection {
            name: "by_time",
            key: vec!["time", "id"],
        }],
        keep: Some(Keep {
            column: "time",
            days: 7,
        }),
        settings: vec![("merge_selector_base", "10".into())],
        ..table
    }
}

#[track_caller]
fn shape(table: &Table) -> Shape {
    shape::of(&table.statement("tickbook").expect("these names are plain"))
}

#[test]
fn task2_a_plain_table_has_its_columns_its_engine_and_its_key() {
    let shape = shape(&plain());
    assert_eq!(
        shape.head, "CREATE TABLE IF NOT EXISTS tickbook.ticks",
        "it must be possible to run it again; look at `Table::statement`"
    );
    assert_eq!(
        shape.items,
        [
            "market LowCardinality(String)",
            "time DateTime64(3, 'UTC')",
            "id UInt64"
        ],
        "look at the columns in `Table::statement`"
    );
    assert_eq!(
        shape.clauses,
        [
            ("ENGINE =".into(), "MergeTree".into()),
            ("ORDER BY".into(), "(market, time)".into())
        ],
        "what the table has not is left out; look at `Table::statement`"
    );
}

#[test]
fn task2_codecs_indexes_and_projections_stand_behind_the_columns() {
    assert_eq!(
        shape(&full()).items,
        [
            "market LowCardinality(String)",
            "time DateTime64(3, 'UTC')",
            "id UInt64 CODEC(T64, LZ4)",
            "INDEX ids (market, id) TYPE minmax GRANULARITY 1",
            "PROJECTION by_time (SELECT * ORDER BY time, id)"
        ],
        "look at the columns in `Table::statement`; `beside` gives the rest"
    );
}

#[test]
fn task2_the_clauses_stand_in_the_order_that_the_server_asks_for() {
    let shape = shape(&full());
    let words: Vec<&str> = shape.clauses.iter().map(|(word, _)| word.as_str()).collect();
    assert_eq!(
        words,
        ["ENGINE =", "PARTITION BY", "ORDER BY", "TTL", "SETTINGS"],
        "look at `Table::statement`"
    );
    assert_eq!(
        shape.clause("ENGINE ="),
        Some("ReplacingMergeTree(id)"),
        "look at the engine"
    );
    assert_eq!(
        shape.clause("PARTITION BY"),
        Some("toYYYYMMDD(time)"),
        "`Partition::expression` says it"
    );
    let aggregating = Table {
        engine: Engine::Aggregating,
        partition: Some(Partition::Month("time")),
        ..plain()
    };
    let shape = self::shape(&aggregating);
    assert_eq!(
        shape.clause("ENGINE ="),
        Some("AggregatingMergeTree"),
        "look at the engine"
    );
    assert_eq!(
        shape.clause("PARTITION BY"),
        Some("toYYYYMM(time)"),
        "`Partition::expression` says it"
    );
}

#[test]
fn task2_rows_go_in_whole_parts_only_where_parts_are_made_by_the_same_time() {
    let settings = |partition| {
        let table = Table { partition, ..full() };
        shape(&table).clause("SETTINGS").map(shape::split).unwrap_or_default()
    };
    let both = settings(Some(Partition::Day("time")));
    assert!(
        both.contains(&"merge_selector_base = 10".into())
            && both.contains(&"ttl_only_drop_parts = 1".into())
            && both.len() == 2,
        "settings are {both:?}; look at them in `Table::statement`"
    );
    assert_eq!(
        settings(None),
        ["merge_selector_base = 10"],
        "without partitions a part holds rows of any age"
    );
    assert_eq!(
        settings(Some(Partition::Month("id"))),
        ["merge_selector_base = 10"],
        "by another column a part holds rows of any age: it would stay until its youngest goes"
    );
    let kept = Table { keep: None, ..full() };
    assert_eq!(
        shape(&kept).clause("SETTINGS"),
        Some("merge_selector_base = 10"),
        "nothing goes, nothing to set"
    );
}

#[test]
fn task2_a_row_of_the_far_future_does_not_count_as_expired() {
    let keep = Keep {
        column: "time",
        days: 7,
    };
    assert_eq!(
        shape::flat(&keep.expression()),
        "least(time, toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) + INTERVAL 7 DAY",
        "look at `Keep::expression`"
    );
    assert_eq!(
        shape(&full()).clause("TTL"),
        Some(shape::flat(&keep.expression()).as_str()),
        "the statement has the same"
    );
}

#[test]
fn task2_names_that_would_have_to_be_quoted_are_refused() {
    for name in [
        "",
        "a-b",
        "a.b",
        "1a",
        "a`b",
        "a b",
        "ä",
        "a; DROP TABLE b",
        &"a".repeat(129),
    ] {
        assert!(
            matches!(plain().statement(name), Err(OlapError::Name(..))),
            "{name:?} was taken for a database; look at `Table::statement`"
        );
        assert!(
            matches!(schema(name), Err(OlapError::Name(..))),
            "{name:?} was taken for a database; look at `schema`"
        );
    }
    let column = Table::new("ticks", &[("a b", "UInt8")], vec!["a b"]);
    assert!(
        matches!(column.statement("d"), Err(OlapError::Name(..))),
        "a column; look at `Table::statement`"
    );
}

#[test]
fn task2_what_is_made_of_a_column_that_is_not_there_is_refused() {
    let wrong: [fn(&mut Table); 6] = [
        |table| table.key = vec!["market", "other"],
        |table| table.engine = Engine::Replacing("other"),
        |table| table.partition = Some(Partition::Day("other")),
        |table| table.indexes[0].columns[0] = "other",
        |table| table.projections[0].key[0] = "other",
        |table| {
            table.keep = Some(Keep {
                column: "other",
                days: 1,
            })
        },
    ];
    for (number, change) in wrong.iter().enumerate() {
        let mut table = full();
        change(&mut table);
        assert!(
            matches!(table.statement("d"), Err(OlapError::Column { .. })),
            "case {number} was taken: {table:?}; `check` knows, look at whether `Table::statement` asks it"
        );
    }
}

#[test]
fn task2_the_pipeline_s_tables_are_divided_by_time_and_indexed_by_offset() {
    let statements = schema("tickbook").expect("a plain name");
    let trades = shape::of(&statements[1]);
    assert_eq!(
        trades.clause("PARTITION BY"),
        Some("toYYYYMMDD(event_time)"),
        "trades go by the day"
    );
    assert_eq!(
        trades.clause("ORDER BY"),
        Some("(market, event_time, sequential_id)"),
        "the key of their queries"
    );
    assert_eq!(
        trades.clause("ENGINE ="),
        Some("MergeTree"),
        "a doubled trade must show"
    );
    assert!(
        trades
            .items
            .iter()
            .any(|item| item.starts_with("INDEX kafka (kafka_partition, kafka_offset)")),
        "the sink's read-back has no index: {trades:?}"
    );
    assert!(
        trades
            .items
            .contains(&"event_time DateTime64(3, 'UTC') CODEC(DoubleDelta, LZ4)".into()),
        "times have their codec: {trades:?}"
    );
    let candles = shape::of(&statements[2]);
    assert_eq!(
        candles.clause("PARTITION BY"),
        Some("toYYYYMM(start)"),
        "candles are kept for longer"
    );
    assert_eq!(
        candles.clause("ORDER BY"),
        Some("(interval, market, start, kafka_offset)"),
        "every version is a row"
    );
}
