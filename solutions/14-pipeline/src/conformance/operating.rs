//! Cases of the window operator: a script of events, watermarks and restarts, and what it must emit.

use serde_json::Value;

use super::Reject;
use super::assigning;
use super::claim::{self, Fields, Verdict, unclear};
use crate::parts::windows::{
    Accumulation, Aggregate, Config, Early, Firing, Overflow, SnapshotError, TimeDomain, Trigger, Window,
    WindowOperator,
};

/// All values of a window, in order of arrival: any aggregate of a case can be worked out from them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Values(Vec<i64>);

impl Aggregate for Values {
    type Value = i64;

    fn first(value: &i64) -> Self {
        Self(vec![*value])
    }

    fn add(&mut self, value: &i64) -> Result<(), Overflow> {
        self.0.push(*value);
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.0.extend(other.0);
        Ok(())
    }
}

/// A result, as cases write one.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    after_step: usize,
    key: String,
    window: Window,
    value: Value,
}

/// What a script gave.
#[derive(Clone, Debug, Default, PartialEq)]
struct Output {
    rows: Vec<Row>,
    late: Vec<(String, i64, i64)>,
}

/// What can be claimed of a script that plays.
const CLAIMS: [&str; 4] = ["emitted", "late_side_output", "dropped", "emit_final"];

type Operator = WindowOperator<String, Values>;

fn trigger(params: &Fields) -> Result<Trigger, Reject> {
    let accumulation = match claim::text(params, "accumulation") {
        "" | "accumulating" => Accumulation::Accumulating,
        "discarding" => Accumulation::Discarding,
        other => return Err(unclear(format!("accumulation {other:?}"))),
    };
    let mut trigger = Trigger {
        accumulation,
        early: Early::Never,
    };
    let named = match params.get("trigger") {
        None | Some(Value::Null) => return Ok(trigger),
        Some(Value::String(name)) => name.to_ascii_lowercase(),
        Some(Value::Object(fields)) => claim::text(fields, "type").to_ascii_lowercase(),
        Some(other) => return Err(unclear(format!("the trigger {other}"))),
    };
    if named.contains("purging") {
        trigger.accumulation = Accumulation::Discarding;
    }
    if named.contains("continuous") {
        let own = claim::object(params, "trigger").unwrap_or(params);
        let names = ["interval", "trigger_interval"];
        let interval = names
            .iter()
            .find_map(|name| own.get(*name).or_else(|| params.get(*name)));
        let interval = interval.ok_or_else(|| unclear("a continuous trigger without an interval"))?;
        trigger.early = Early::ContinuousEvery(claim::int(interval)?);
    } else if ![
        "purging",
        "event_time",
        "eventtime",
        "processing_time",
        "processingtime",
        "default",
    ]
    .iter()
    .any(|known| named.contains(known))
        || named.contains("count")
    {
        return Err(unclear(format!("the trigger {named:?}")));
    }
    Ok(trigger)
}

/// How a case folds the values of a window.
fn folded(agg: &str, values: &[i64]) -> Result<Value, Reject> {
    let sum = || values.iter().try_fold(0i64, |sum, value| sum.checked_add(*value));
    Ok(match agg {
        "" | "sum" | "reduce" | "reduce_sum" => sum().ok_or_else(|| unclear("a sum past 64 bits"))?.into(),
        "count" => values.len().into(),
        "min" => values.iter().min().copied().into(),
        "max" => values.iter().max().copied().into(),
        "first" => values.first().copied().into(),
        "last" => values.last().copied().into(),
        "list" | "collect" => values.to_vec().into(),
        other => return Err(unclear(format!("the aggregate {other:?}"))),
    })
}

pub(super) fn check(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    let domain = match claim::text(params, "time") {
        "" | "event" => TimeDomain::Event,
        "processing" => TimeDomain::Processing,
        other => return Err(unclear(format!("the time domain {other:?}"))),
    };
    let agg = claim::text(params, "agg");
    let trigger = trigger(params)?;
    let allowed_lateness = claim::optional(params, "allowed_lateness")?.unwrap_or(0);
    let config = assigning::assigner(params)?
        .map_err(|error| error.to_string())
        .map(|assigner| Config {
            assigner,
            domain,
            trigger,
            allowed_lateness,
        });
    let steps = claim::steps(input)?;
    // As it stands, and once more with a restart after every step: that must never make a difference.
    let plain = play(&config, agg, steps, false)?;
    let restarted = play(&config, agg, steps, true)?;
    claim::each(expect, |name, value| {
        Some(match (name, &plain) {
            ("error", plain) => claim::refused(plain),
            (name, Err(error)) if CLAIMS.contains(&name) => Err(Reject::Differs(error.clone())),
            (_, Err(_)) => return None,
            (name, Ok(plain)) => return judge(name, value, plain),
        })
    })?;
    match (plain, restarted) {
        (Ok(plain), Ok(restarted)) => {
            let rows = restarted.rows.iter().map(claimed_row).collect();
            emitted(&Value::Array(rows), &plain.rows)
                .map_err(|reject| Reject::Differs(format!("with a restart after every step, {reject}")))?;
            claim::same_items("late side output with restarts", &restarted.late, &plain.late)
        }
        _ => Ok(()),
    }
}

fn judge(name: &str, value: &Value, given: &Output) -> Option<Verdict> {
    let late = || {
        let claimed = claim::list(value)?
            .iter()
            .map(|item| match claim::list(item)?.as_slice() {
                [key, value, time] => Ok((spelled(key), claim::int(value)?, claim::int(time)?)),
                _ => Err(unclear(format!("the late element {item}"))),
            });
        claim::same_items(
            "late side output",
            &claimed.collect::<Result<Vec<_>, _>>()?,
            &given.late,
        )
    };
    Some(match name {
        "emitted" => emitted(value, &given.rows),
        "late_side_output" => late(),
        "dropped" if value.is_array() => late(),
        "dropped" => claim::int(value).and_then(|claimed| {
            let dropped = i64::try_from(given.late.len()).unwrap_or(i64::MAX);
            claim::equal("dropped", &claimed, &dropped)
        }),
        // The last word on each window.
        "emit_final" => {
            let newer = |row: &Row, at: usize| {
                let mut rest = given.rows[at + 1..].iter();
                rest.any(|other| (&other.key, other.window) == (&row.key, row.window))
            };
            let rows = given.rows.iter().enumerate().filter(|(at, row)| !newer(row, *at));
            emitted(value, &rows.map(|(_, row)| row.clone()).collect::<Vec<_>>())
        }
        _ => return None,
    })
}

/// Keys are compared by their spelling, so that a case may use numbers.
fn spelled(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

/// Plays a script. The inner error is the operator's own refusal.
fn play(
    config: &Result<Config, String>,
    agg: &str,
    steps: &[Value],
    restart_always: bool,
) -> Result<Result<Output, String>, Reject> {
    let config = match config {
        Ok(config) => config.clone(),
        Err(error) => return Ok(Err(error.clone())),
    };
    let mut operator = match Operator::new(config.clone()) {
        Ok(operator) => operator,
        Err(error) => return Ok(Err(error.to_string())),
    };
    // The clock of a test starts at zero.
    operator.on_processing_time(0, |_| {});
    let mut output = Output::default();
    for (number, step) in steps.iter().enumerate() {
        let mut fired: Vec<(String, Window, Vec<i64>)> = Vec::new();
        let mut take = |firing: Firing<'_, String, Values>| {
            fired.push((firing.key.clone(), firing.window, firing.state.0.clone()));
        };
        let parts = claim::list(step)?;
        let word = parts.first().and_then(Value::as_str).unwrap_or_default();
        match (word, &parts[parts.len().min(1)..]) {
            ("event", [key, value, time]) => {
                let (key, value, time) = (spelled(key), claim::int(value)?, claim::int(time)?);
                match operator.on_event(&key, &value, time, &mut take) {
                    Ok(placed) if placed.side_output => output.late.push((key, value, time)),
                    Ok(_) => {}
                    Err(error) => return Ok(Err(error.to_string())),
                }
            }
            ("watermark", [time]) => operator.on_watermark(claim::int(time)?, &mut take),
            ("processing_time", [time]) => operator.on_processing_time(claim::int(time)?, &mut take),
            ("snapshot_restore", []) => operator = restart(&config, &operator)?,
            _ => return Err(unclear(format!("the step {step}"))),
        }
        if restart_always {
            operator = restart(&config, &operator)?;
        }
        for (key, window, values) in fired {
            output.rows.push(Row {
                after_step: number,
                key,
                window,
                value: folded(agg, &values)?,
            });
        }
    }
    Ok(Ok(output))
}

fn restart(config: &Config, operator: &Operator) -> Result<Operator, Reject> {
    let restored = operator
        .snapshot()
        .and_then(|bytes| Operator::restore(config.clone(), &bytes));
    restored.map_err(|error: SnapshotError| Reject::Differs(format!("the state does not survive a restart: {error}")))
}

fn claimed_row(row: &Row) -> Value {
    serde_json::json!({
        "after_step": row.after_step,
        "key": row.key,
        "value": row.value,
        "window": [row.window.start, row.window.end],
        "ts": row.window.max_timestamp(),
    })
}

/// Compares rows without regard to order. A claimed row names the fields that it knows.
fn emitted(claimed: &Value, given: &[Row]) -> Verdict {
    let claimed = claim::list(claimed)?;
    let mut fits = Vec::new();
    for row in claimed {
        let fields = row
            .as_object()
            .ok_or_else(|| unclear(format!("the emitted row {row}")))?;
        fits.push(
            given
                .iter()
                .map(|given| fit(fields, given))
                .collect::<Result<Vec<bool>, _>>()?,
        );
        if given.is_empty() {
            return Err(Reject::Differs(format!("emitted: expected {row}, got nothing")));
        }
    }
    // Which claim stands for which row: a matching in a bipartite graph, because claims may leave fields out.
    let mut taken: Vec<Option<usize>> = vec![None; given.len()];
    for (claim, claimed) in claimed.iter().enumerate() {
        if !assign(claim, &fits, &mut taken, &mut vec![false; given.len()]) {
            let rows: Vec<Value> = given.iter().map(claimed_row).collect();
            return Err(Reject::Differs(format!(
                "emitted: expected {claimed}, got {}",
                Value::Array(rows)
            )));
        }
    }
    match taken.iter().position(Option::is_none) {
        Some(extra) => Err(Reject::Differs(format!(
            "emitted, and not expected: {}",
            claimed_row(&given[extra])
        ))),
        None => Ok(()),
    }
}

fn fit(fields: &Fields, row: &Row) -> Result<bool, Reject> {
    let mut fits = true;
    for (name, value) in fields {
        fits &= match name.as_str() {
            "after_step" => usize::try_from(claim::int(value)?).is_ok_and(|step| step == row.after_step),
            "key" => spelled(value) == row.key,
            "value" => *value == row.value,
            "window" => claim::window(value)? == row.window,
            "ts" => claim::int(value)? == row.window.max_timestamp(),
            other => return Err(unclear(format!("{other:?} of an emitted row"))),
        };
    }
    Ok(fits)
}

/// Kuhn's augmenting path.
fn assign(claim: usize, fits: &[Vec<bool>], taken: &mut [Option<usize>], seen: &mut [bool]) -> bool {
    for row in 0..taken.len() {
        if fits[claim][row] && !std::mem::replace(&mut seen[row], true) {
            let free = match taken[row] {
                None => true,
                Some(other) => assign(other, fits, taken, seen),
            };
            if free {
                taken[row] = Some(claim);
                return true;
            }
        }
    }
    false
}
