//! Plans as ClickHouse 25.8 gave them for a table of 1,000,000 trades in four parts.

use olap::{IndexUse, OlapError, Plan};

#[track_caller]
fn parsed(json: &str) -> Plan {
    Plan::parse(json).unwrap_or_else(|error| panic!("{error}; look at `Plan::parse`"))
}

const SKIP: &str = include_str!("plans/skip.json");
const UNION: &str = include_str!("plans/union.json");

#[test]
fn task5_a_plan_says_table_by_table_what_each_index_left() {
    let plan = parsed(SKIP);
    assert_eq!(plan.reads.len(), 1, "one table is read; look at `Plan::parse`");
    let read = &plan.reads[0];
    assert_eq!(
        read.of, "tickbook.trades",
        "the step's description; look at `Plan::parse`"
    );
    let kinds: Vec<&str> = read.indexes.iter().map(|index| index.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["MinMax", "Partition", "PrimaryKey", "Skip"],
        "in the plan's order; look at `Plan::parse`"
    );
    assert_eq!(
        read.indexes[2],
        IndexUse {
            kind: "PrimaryKey".into(),
            name: None,
            keys: vec!["market".into(), "event_time".into()],
            parts: (1, 1),
            granules: (1, 36),
        },
        "what is left, of what was given; look at `Plan::parse`"
    );
    assert_eq!(read.indexes[0].parts, (1, 4), "look at `Plan::parse`");
    let skip = plan.skip("kafka").map(|index| index.kind.as_str());
    assert_eq!(skip, Some("Skip"), "the skip index by its name");
    assert_eq!(plan.skip("other"), None);
}

#[test]
fn task5_granules_are_what_the_last_index_leaves_of_what_the_first_was_given() {
    assert_eq!(parsed(SKIP).granules(), (1, 125), "look at `Plan::granules`");
}

#[test]
fn task5_every_table_of_a_union_or_a_join_counts() {
    let union = parsed(UNION);
    assert_eq!(union.reads.len(), 2, "both sides; look at the walk in `Plan::parse`");
    assert_eq!(
        union.granules(),
        (18 + 10, 250),
        "summed over tables; look at `Plan::granules`"
    );
    let left: Vec<u64> = union
        .reads
        .iter()
        .filter_map(|read| Some(read.indexes.last()?.granules.0))
        .collect();
    assert_eq!(
        left,
        [18, 10],
        "in the order of the text; look at the walk in `Plan::parse`"
    );
    let join = parsed(include_str!("plans/join.json"));
    assert_eq!(
        (join.reads.len(), join.granules()),
        (2, (36, 250)),
        "look at the walk in `Plan::parse`"
    );
}

#[test]
fn task5_a_projection_is_read_under_its_own_name() {
    let plan = parsed(include_str!("plans/projection.json"));
    assert_eq!(plan.reads[0].of, "by_time", "look at `Plan::parse`");
    assert_eq!(plan.granules(), (1, 36), "look at `Plan::granules`");
}

#[test]
fn task5_a_count_that_is_known_reads_no_table() {
    let plan = parsed(include_str!("plans/count.json"));
    assert_eq!(
        (plan.reads.len(), plan.granules()),
        (0, (0, 0)),
        "look at `Plan::parse`"
    );
}

#[test]
fn task5_what_is_no_plan_is_refused() {
    for text in [
        "",
        "Expression",
        "[]",
        "[{}]",
        r#"{"Plan": {"Node Type": "Expression"}}"#,
    ] {
        assert!(
            matches!(Plan::parse(text), Err(OlapError::Plan(_))),
            "{text:?} was taken for a plan; look at `Plan::parse`"
        );
    }
    let two = r#"[{"Plan": {"Node Type": "Union"}}, {"Plan": {"Node Type": "Union"}}]"#;
    assert!(
        matches!(Plan::parse(two), Err(OlapError::Plan(_))),
        "two plans; look at `Plan::parse`"
    );
}
