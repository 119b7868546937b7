//! Cases of session windows that become one.

use serde_json::Value;

use super::Reject;
use super::assigning::{group, groups};
use super::claim::{self, Fields, Verdict, unclear};
use crate::parts::windows::{MergingWindowSet, Session, Window, merge_windows};

pub(super) fn check(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    if let (Some(a), Some(b)) = (input.get("a"), input.get("b")) {
        return pair(claim::window(a)?, claim::window(b)?, expect);
    }
    if let Some(windows) = input.get("windows") {
        return at_once(&claim::window_list(windows)?, expect);
    }
    if let Some(windows) = input.get("add_windows_in_order") {
        return one_by_one(&claim::window_list(windows)?, expect);
    }
    match input.get("ts_list").or_else(|| input.get("steps")) {
        Some(times) => sessions(
            params,
            &claim::list(times)?.iter().map(time).collect::<Result<Vec<_>, _>>()?,
            expect,
        ),
        None if expect.contains_key("error") => sessions(params, &[], expect),
        None => Err(unclear("there is nothing to merge")),
    }
}

/// A step is a time, or ends with one: `["event", 1000]`.
fn time(step: &Value) -> Result<i64, Reject> {
    match step {
        Value::Array(parts) => parts.last().map_or_else(|| Err(unclear("an empty step")), claim::int),
        Value::Object(fields) => claim::required(fields, "ts"),
        other => claim::int(other),
    }
}

fn pair(a: Window, b: Window, expect: &Fields) -> Verdict {
    claim::each(expect, |name, value| {
        Some(match name {
            "intersects" => claim::equal("intersects", value, &Value::Bool(a.intersects(b)))
                .and_then(|()| claim::equal("intersects, turned round", value, &Value::Bool(b.intersects(a)))),
            "cover" => claim::window(value).and_then(|claimed| claim::equal("cover", &claimed, &a.cover(b))),
            _ => return None,
        })
    })
}

fn at_once(windows: &[Window], expect: &Fields) -> Verdict {
    claim::each(expect, |name, value| {
        (name == "merges").then(|| {
            let mut claimed = Vec::new();
            for merge in claim::list(value)? {
                let mut sources = claim::window_list(&merge["sources"])?;
                sources.sort_unstable();
                claimed.push((claim::window(&merge["target"])?, sources));
            }
            let given = merge_windows(windows)
                .into_iter()
                .map(|merge| (merge.target, merge.sources));
            claim::same_items("merges", &claimed, &given.collect::<Vec<_>>())
        })
    })
}

fn one_by_one(windows: &[Window], expect: &Fields) -> Verdict {
    let mut set = MergingWindowSet::default();
    let added: Vec<_> = windows.iter().map(|window| set.add(*window)).collect();
    claim::each(expect, |name, value| {
        Some(match name {
            "result_after_each" => {
                let given: Vec<Window> = added.iter().map(|added| added.window).collect();
                claim::window_list(value).and_then(|claimed| claim::equal("results", &claimed, &given))
            }
            "merged_flag_after_each" => {
                let given: Vec<Value> = added.iter().map(|added| added.merged().into()).collect();
                claim::equal("merged flags", value, &Value::Array(given))
            }
            "merge_sources" => claim::by_number(value).and_then(|claims| {
                claims.into_iter().try_for_each(|(step, sources)| {
                    let given = claim::at(&added, step, "merge_sources")?;
                    let what = format!("sources of the merge at {step}");
                    claim::same_items(&what, &claim::window_list(sources)?, &given.sources)
                })
            }),
            "windows" | "final_windows" => {
                let given: Vec<Window> = set.windows().collect();
                claim::window_list(value).and_then(|claimed| claim::same_items("windows", &claimed, &given))
            }
            _ => return None,
        })
    })
}

fn sessions(params: &Fields, times: &[i64], expect: &Fields) -> Verdict {
    let session = Session::new(claim::required(params, "gap")?);
    claim::each(expect, |name, value| {
        Some(match (name, &session) {
            ("error", session) => claim::refused(session),
            ("sessions" | "groups", Err(error)) => Err(Reject::Differs(error.to_string())),
            ("sessions" | "groups", Ok(session)) => {
                let assigned: Vec<_> = times.iter().map(|time| vec![session.assign(*time)]).collect();
                let mut given = group(times, &assigned, true);
                // Some write a session's end as that of its last event.
                let bounds = claim::text(params, "window_bounds");
                if bounds.contains("inclusive") || bounds.contains("last event") {
                    for (window, inside) in &mut given {
                        window.end = inside.last().copied().unwrap_or(window.end);
                    }
                }
                groups(value, &given)
            }
            _ => return None,
        })
    })
}
