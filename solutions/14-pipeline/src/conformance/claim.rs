//! Reading a case: fields, windows, and the comparison of what is claimed with what is so.

use std::fmt::Debug;

use serde_json::{Map, Value};

use super::Reject;
use crate::parts::windows::Window;

pub(super) type Fields = Map<String, Value>;
pub(super) type Verdict = Result<(), Reject>;

pub(super) fn unclear(what: impl Into<String>) -> Reject {
    Reject::NotUnderstood(what.into())
}

/// The object under `name`; an absent one is empty.
pub(super) fn object<'a>(of: &'a Fields, name: &str) -> Result<&'a Fields, Reject> {
    static EMPTY: std::sync::LazyLock<Fields> = std::sync::LazyLock::new(Map::new);
    match of.get(name) {
        None | Some(Value::Null) => Ok(&EMPTY),
        Some(Value::Object(object)) => Ok(object),
        Some(other) => Err(unclear(format!("{name} is {other}, not an object"))),
    }
}

pub(super) fn int(value: &Value) -> Result<i64, Reject> {
    value
        .as_i64()
        .ok_or_else(|| unclear(format!("{value} is not a 64-bit integer")))
}

pub(super) fn optional(of: &Fields, name: &str) -> Result<Option<i64>, Reject> {
    of.get(name).filter(|value| !value.is_null()).map(int).transpose()
}

pub(super) fn required(of: &Fields, name: &str) -> Result<i64, Reject> {
    optional(of, name)?.ok_or_else(|| unclear(format!("{name} is missing")))
}

pub(super) fn text<'a>(of: &'a Fields, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list(value: &Value) -> Result<&Vec<Value>, Reject> {
    value
        .as_array()
        .ok_or_else(|| unclear(format!("{value} is not a list")))
}

pub(super) fn ints(value: &Value) -> Result<Vec<i64>, Reject> {
    list(value)?.iter().map(int).collect()
}

pub(super) fn window(value: &Value) -> Result<Window, Reject> {
    match ints(value)?[..] {
        [start, end] => Ok(Window::new(start, end)),
        _ => Err(unclear(format!("{value} is not a window [start, end]"))),
    }
}

pub(super) fn window_list(value: &Value) -> Result<Vec<Window>, Reject> {
    list(value)?.iter().map(window).collect()
}

/// The steps of a script; none if there are none.
pub(super) fn steps(input: &Fields) -> Result<&[Value], Reject> {
    input.get("steps").map_or(Ok(&[]), |steps| Ok(list(steps)?))
}

/// Entries of an object whose keys are numbers: `{"3": …}`.
pub(super) fn by_number(value: &Value) -> Result<Vec<(usize, &Value)>, Reject> {
    let object = value
        .as_object()
        .ok_or_else(|| unclear(format!("{value} is not an object")))?;
    let numbered = object.iter().map(|(number, value)| {
        let number = number.parse().map_err(|_| unclear(format!("step {number:?}")))?;
        Ok((number, value))
    });
    numbered.collect()
}

/// The value at a place that a claim names.
pub(super) fn at<'a, T>(values: &'a [T], place: usize, what: &str) -> Result<&'a T, Reject> {
    values
        .get(place)
        .ok_or_else(|| unclear(format!("{what} {place}: there are {}", values.len())))
}

pub(super) fn equal<T: PartialEq + Debug>(what: &str, claimed: &T, given: &T) -> Verdict {
    if claimed == given {
        return Ok(());
    }
    Err(Reject::Differs(format!("{what}: expected {claimed:?}, got {given:?}")))
}

/// Compares without regard to order; repeats count.
pub(super) fn same_items<T: Ord + Debug + Clone>(what: &str, claimed: &[T], given: &[T]) -> Verdict {
    let sorted = |items: &[T]| {
        let mut items = items.to_vec();
        items.sort_unstable();
        items
    };
    equal(what, &sorted(claimed), &sorted(given))
}

/// A claim that something must be refused.
pub(super) fn refused<T: Debug, E>(outcome: &Result<T, E>) -> Verdict {
    match outcome {
        Err(_) => Ok(()),
        Ok(value) => Err(Reject::Differs(format!("expected an error, got {value:?}"))),
    }
}

/// Runs `check` on every claim; one that it does not know, and a case that claims nothing, fail.
pub(super) fn each(expect: &Fields, mut check: impl FnMut(&str, &Value) -> Option<Verdict>) -> Verdict {
    if expect.is_empty() {
        return Err(unclear("the case claims nothing"));
    }
    // Unknown claims first: a control that must fail may not do so for a claim that was never looked at.
    let verdicts = expect
        .iter()
        .map(|(name, value)| check(name, value).unwrap_or_else(|| Err(unclear(format!("the expectation {name:?}")))));
    let verdicts: Vec<Verdict> = verdicts.collect();
    let (unclear, rest): (Vec<_>, Vec<_>) = verdicts
        .into_iter()
        .partition(|verdict| matches!(verdict, Err(Reject::NotUnderstood(_))));
    unclear.into_iter().chain(rest).collect()
}
