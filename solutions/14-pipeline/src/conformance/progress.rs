//! Cases of watermarks: made from times, combined over inputs, and inputs that fall idle.

use std::time::Duration;

use market::EventTime;
use serde_json::Value;

use super::Reject;
use super::claim::{self, Fields, Verdict, unclear};
use crate::parts::watermarks::{Ascending, BoundedOutOfOrderness, Combiner, Idleness};

pub(super) fn check(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    if params.contains_key("generator") || input.contains_key("event_ts") {
        generated(params, input, expect)
    } else if params.contains_key("idle_timeout") {
        idleness(params, input, expect)
    } else if params.contains_key("combiner") || params.contains_key("mode") || input.contains_key("steps") {
        combined(params, input, expect)
    } else {
        Err(unclear("a watermark of neither generator, combiner nor idleness"))
    }
}

fn generated(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    let times = input.get("event_ts").map_or(Ok(Vec::new()), claim::ints)?;
    let name = claim::text(params, "generator");
    let bound = claim::optional(params, "max_out_of_orderness")?;
    // The watermark before the first record and after each.
    let run = |observe: &mut dyn FnMut(EventTime) -> EventTime, start: EventTime| {
        let mut marks = vec![start.millis()];
        marks.extend(times.iter().map(|time| observe(EventTime::from_millis(*time)).millis()));
        marks
    };
    let marks = match (name, bound) {
        ("ascending" | "ascending_timestamps" | "monotonous", _) => {
            let mut generator = Ascending::default();
            let start = generator.watermark();
            Ok(run(&mut |time| generator.observe(time), start))
        }
        ("bounded_out_of_orderness" | "", Some(bound)) => BoundedOutOfOrderness::new(bound).map(|mut generator| {
            let start = generator.watermark();
            run(&mut |time| generator.observe(time), start)
        }),
        _ => return Err(unclear(format!("the generator {name:?}"))),
    };
    let given = || marks.as_ref().map_err(|error| Reject::Differs(error.to_string()));
    claim::each(expect, |name, value| {
        Some(match name {
            "error" => claim::refused(&marks),
            "watermark" => given().and_then(|marks| {
                // Nothing emitted and the beginning of time are the same statement.
                let claimed = if value.is_null() { i64::MIN } else { claim::int(value)? };
                claim::equal("watermark", &Some(&claimed), &marks.last())
            }),
            "watermark_after_each" => {
                given().and_then(|marks| claim::equal("watermarks", &claim::ints(value)?, &marks[1..].to_vec()))
            }
            _ => return None,
        })
    })
}

fn idleness(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    let timeout = claim::required(params, "idle_timeout")?;
    // A negative duration cannot even be said; it is refused like the empty one.
    let built = Idleness::new(Duration::from_millis(u64::try_from(timeout).unwrap_or(0)));
    let mut checks: Vec<Value> = Vec::new();
    if let Ok(mut idleness) = built.clone() {
        let mut now = Duration::ZERO;
        for step in claim::steps(input)? {
            let step = claim::list(step)?;
            match (step.first().and_then(Value::as_str), step.get(1)) {
                (Some("check"), None) => checks.push(idleness.check(now).into()),
                (Some("activity" | "event"), _) => idleness.activity(),
                (Some("advance"), Some(by)) => {
                    let by = u64::try_from(claim::int(by)?).map_err(|_| unclear("a clock that goes back"))?;
                    now = now.saturating_add(Duration::from_millis(by));
                }
                _ => return Err(unclear(format!("the step {step:?}"))),
            }
        }
    }
    claim::each(expect, |name, value| {
        Some(match (name, &built) {
            ("error", built) => claim::refused(built),
            ("idle_after_each_check" | "idle", Err(error)) => Err(Reject::Differs(error.to_string())),
            ("idle_after_each_check", _) => claim::equal("idle", value, &Value::Array(checks.clone())),
            ("idle", _) => claim::equal("idle", &Some(value), &checks.last()),
            _ => return None,
        })
    })
}

/// What shows of a combiner after a step.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    combined: Value,
    idle: Value,
    /// What registering or unregistering answered.
    answer: Value,
}

fn combined(params: &Fields, input: &Fields, expect: &Fields) -> Verdict {
    let steps = claim::steps(input)?;
    let steps: Vec<Vec<Value>> = steps
        .iter()
        .map(|step| claim::list(step).cloned())
        .collect::<Result<_, _>>()?;
    let name = |step: &Vec<Value>| step.first().and_then(Value::as_str).unwrap_or_default().to_owned();
    let verb = |step: &Vec<Value>| step.get(1).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut combiner = Combiner::new();
    // Inputs that no step registers are there from the start.
    for step in &steps {
        let later = steps
            .iter()
            .any(|other| name(other) == name(step) && verb(other) == "register");
        if name(step) != "*" && !later && verb(step) != "unregister" {
            combiner.register(name(step));
        }
    }
    let mut shown = Vec::new();
    for step in &steps {
        let (id, verb) = (name(step), verb(step));
        let deferred = match claim::text(params, "mode") {
            _ if verb.contains("deferred") => true,
            _ if verb.contains("immediate") => false,
            "deferred" => true,
            "immediate" | "" => false,
            _ if id.starts_with(['d', 'D']) => true,
            _ if id.starts_with(['i', 'I']) => false,
            mode => return Err(unclear(format!("the mode {mode:?}"))),
        };
        let mut answer = Value::Null;
        let known = match (verb.split('_').next().unwrap_or_default(), step.get(2)) {
            ("wm" | "watermark" | "emit", Some(time)) => {
                let time = EventTime::from_millis(claim::int(time)?);
                match deferred {
                    true => combiner.defer_watermark(&id, time),
                    false => combiner.on_watermark(&id, time),
                }
            }
            (word @ ("idle" | "active"), None) => match deferred {
                true => combiner.defer_idle(&id, word == "idle"),
                false => combiner.mark_idle(&id, word == "idle"),
            },
            ("register", None) => {
                answer = combiner.register(id).into();
                true
            }
            ("unregister", None) => {
                answer = combiner.unregister(&id).into();
                true
            }
            ("periodic", None) => {
                combiner.emit();
                true
            }
            _ => return Err(unclear(format!("the step {step:?}"))),
        };
        if !known {
            return Err(unclear(format!("the step {step:?}: that input is not registered")));
        }
        let watermark = combiner.watermark();
        shown.push(Shown {
            combined: if watermark == EventTime::MIN {
                Value::Null
            } else {
                watermark.millis().into()
            },
            idle: combiner.is_idle().into(),
            answer,
        });
    }
    let last = shown.last().ok_or_else(|| unclear("no steps"))?;
    claim::each(expect, |name, value| {
        let after = |what: &str, of: fn(&Shown) -> &Value| {
            claim::by_number(value)?.into_iter().try_for_each(|(step, claimed)| {
                let given = claim::at(&shown, step, name)?;
                claim::equal(&format!("{what} after step {step}"), claimed, of(given))
            })
        };
        Some(match name {
            "combined" => claim::equal("combined", value, &last.combined),
            "idle" => claim::equal("idle", value, &last.idle),
            "combined_after_step" => after("combined", |shown| &shown.combined),
            "idle_after_step" => after("idle", |shown| &shown.idle),
            "returned" | "return_value" | "unregistered" => claim::equal(name, value, &last.answer),
            _ => return None,
        })
    })
}
