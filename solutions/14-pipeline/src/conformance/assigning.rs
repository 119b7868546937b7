//! Cases of window assignment, and building an assigner from a case's parameters.

use serde_json::Value;

use super::Reject;
use super::claim::{self, Fields, Verdict, unclear};
use crate::parts::windows::{AssignError, Assigner, Stagger, Window, merge_windows};

/// The assigner that `params` describe; the inner error is the constructor's refusal.
pub(super) fn assigner(params: &Fields) -> Result<Result<Assigner, AssignError>, Reject> {
    let kind = claim::text(params, "type");
    let offset = claim::optional(params, "offset")?.unwrap_or(0);
    let stagger = match claim::text(params, "stagger").to_ascii_lowercase().as_str() {
        "" | "aligned" => Stagger::Aligned,
        "natural" => Stagger::Natural,
        other => return Err(unclear(format!("stagger {other:?}"))),
    };
    let built = if kind.starts_with("tumbling") || kind == "fixed" {
        Assigner::tumbling(claim::required(params, "size")?, offset)
    } else if kind.starts_with("sliding") {
        Assigner::sliding(
            claim::required(params, "size")?,
            claim::required(params, "slide")?,
            offset,
        )
    } else if kind.starts_with("session") || (kind.is_empty() && params.contains_key("gap")) {
        Assigner::session(claim::required(params, "gap")?)
    } else {
        return Err(unclear(format!("windows of type {kind:?}")));
    };
    Ok(built.map(|assigner| assigner.staggered(stagger)))
}

pub(super) fn check(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    let first_processing_time = claim::optional(params, "first_processing_time")?;
    let now = match claim::optional(input, "processing_time")? {
        Some(now) => Some(now),
        None => first_processing_time,
    };
    let times = match (input.get("ts_list"), claim::optional(input, "ts")?) {
        (Some(times), _) => claim::ints(times)?,
        (None, Some(time)) => vec![time],
        // In processing time the clock is the time.
        (None, None) => claim::optional(input, "processing_time")?.into_iter().collect(),
    };
    let merging = claim::text(params, "type").starts_with("session");
    let built = assigner(params)?;
    let assigned = built.and_then(|mut assigner| {
        let each = times.iter().map(|time| assigner.assign(*time, now.unwrap_or(0)));
        each.collect::<Result<Vec<Vec<Window>>, AssignError>>()
    });
    let given = || {
        let assigned = assigned.as_ref().map_err(|error| Reject::Differs(error.to_string()))?;
        if assigned.is_empty() {
            return Err(unclear("no time to assign"));
        }
        Ok(assigned)
    };
    claim::each(expect, |name, value| {
        Some(match name {
            "error" => claim::refused(&assigned),
            "windows" => given().and_then(|given| {
                let mut all = given.concat();
                if times.len() > 1 {
                    all.sort_unstable();
                    all.dedup();
                }
                claim::same_items("windows", &claim::window_list(value)?, &all)
            }),
            "start" | "window_start" => given().and_then(|given| match given.concat()[..] {
                [window] => claim::equal("start", &claim::int(value)?, &window.start),
                _ => Err(unclear("one start of several windows")),
            }),
            "groups" | "sessions" => given().and_then(|given| {
                let whole = group(&times, given, merging);
                groups(value, &whole)
            }),
            _ => return None,
        })
    })
}

/// Windows with the times that fall into them.
pub(super) type Group = (Window, Vec<i64>);

/// Puts times together by window; sessions that touch are one.
pub(super) fn group(times: &[i64], assigned: &[Vec<Window>], merging: bool) -> Vec<Group> {
    let mut windows = assigned.concat();
    windows.sort_unstable();
    windows.dedup();
    if merging {
        for merge in merge_windows(&windows) {
            windows.retain(|window| !merge.sources.contains(window));
            windows.push(merge.target);
        }
    }
    let within = |window: Window| {
        let mut inside: Vec<i64> = times.iter().copied().filter(|time| window.contains(*time)).collect();
        inside.sort_unstable();
        (window, inside)
    };
    windows.into_iter().map(within).collect()
}

/// Compares groups in any of the ways in which they are written: `[start, end]`, `{"window": […], "ts": […]}`, or the list
/// of their times.
pub(super) fn groups(claimed: &Value, given: &[Group]) -> Verdict {
    let entries = claim::list(claimed)?;
    if entries.iter().all(Value::is_object) && !entries.is_empty() {
        let mut claims: Vec<Group> = Vec::new();
        for entry in entries {
            let window = claim::window(&entry["window"])?;
            let members = ["ts", "ts_list", "elements", "values", "members"]
                .into_iter()
                .find_map(|name| entry.get(name));
            let members = members.ok_or_else(|| unclear(format!("the members of group {entry}")))?;
            let mut members = claim::ints(members)?;
            members.sort_unstable();
            claims.push((window, members));
        }
        return claim::same_items("groups", &claims, given);
    }
    let lists = entries.iter().map(claim::ints).collect::<Result<Vec<_>, _>>()?;
    let bounds: Vec<Vec<i64>> = given.iter().map(|(window, _)| vec![window.start, window.end]).collect();
    let members: Vec<Vec<i64>> = given.iter().map(|(_, times)| times.clone()).collect();
    // A pair can be read both ways; what decides is which reading fits all entries.
    claim::same_items("groups", &lists, &bounds)
        .or_else(|differs| claim::same_items("groups", &lists, &members).map_err(|_| differs))
}
