//! What a rollup keeps, what makes it, and what reads it back.

use olap::{Fold, Measure, Rollup};

use super::shape;

fn measure(fold: Fold) -> Measure {
    Measure {
        name: "kept",
        fold,
        of: "price",
        kind: "Decimal(38, 8)",
    }
}

#[track_caller]
fn is(fold: Fold, column: &str, state: &str, merge: &str) {
    let measure = measure(fold);
    assert_eq!(
        shape::flat(&measure.column()),
        column,
        "{fold:?}; look at `Measure::column`"
    );
    assert_eq!(
        shape::flat(&measure.state()),
        state,
        "{fold:?}; look at `Measure::state`"
    );
    assert_eq!(
        shape::flat(&measure.merge()),
        merge,
        "{fold:?}; look at `Measure::merge`"
    );
}

#[test]
fn task3_results_that_can_be_folded_are_kept_as_they_are() {
    is(
        Fold::Max,
        "SimpleAggregateFunction(max, Decimal(38, 8))",
        "max(price)",
        "max(kept)",
    );
    is(
        Fold::Min,
        "SimpleAggregateFunction(min, Decimal(38, 8))",
        "min(price)",
        "min(kept)",
    );
    is(
        Fold::Sum,
        "SimpleAggregateFunction(sum, Decimal(38, 8))",
        "sum(price)",
        "sum(kept)",
    );
}

#[test]
fn task3_two_counts_make_one_by_adding_them() {
    is(
        Fold::Count,
        "SimpleAggregateFunction(sum, Decimal(38, 8))",
        "count()",
        "sum(kept)",
    );
}

#[test]
fn task3_first_and_last_need_to_know_when() {
    let (order, kind) = (
        "(event_time, sequential_id)",
        "Decimal(38, 8), Tuple(DateTime64(3, 'UTC'), UInt64)",
    );
    is(
        Fold::First,
        &format!("AggregateFunction(argMin, {kind})"),
        &format!("argMinState(price, {order})"),
        "argMinMerge(kept)",
    );
    is(
        Fold::Last,
        &format!("AggregateFunction(argMax, {kind})"),
        &format!("argMaxState(price, {order})"),
        "argMaxMerge(kept)",
    );
}

#[test]
fn task3_a_mean_of_means_is_none_and_neither_is_a_sum_of_distinct_counts() {
    is(
        Fold::Average,
        "AggregateFunction(avg, Decimal(38, 8))",
        "avgState(price)",
        "avgMerge(kept)",
    );
    is(
        Fold::Distinct,
        "AggregateFunction(uniqExact, Decimal(38, 8))",
        "uniqExactState(price)",
        "uniqExactMerge(kept)",
    );
}

#[test]
fn task3_a_query_groups_and_merges_whatever_parts_there_are() {
    let rollup = Rollup::candles();
    let query = shape::flat(&rollup.query("tickbook").expect("plain names"));
    for measure in &rollup.measures {
        let read = format!("{} AS {}", measure.merge(), measure.name);
        assert!(query.contains(&read), "no {read} in {query}; look at `Rollup::query`");
    }
    assert!(
        query.contains("GROUP BY"),
        "rows of one key stand apart until they are merged: {query}; look at `Rollup::query`"
    );
    for parameter in ["{market:String}", "{from:Int64}", "{to:Int64}"] {
        assert!(
            query.replace(": ", ":").contains(parameter),
            "no {parameter} in {query}; look at `Rollup::query`"
        );
    }
}
