//! gil: what threads, processes and tasks of Python do for work that computes, in Python and in C, and for work that waits.

use measure::Teller;
use serde_json::Value;

use crate::part::Part;
use crate::python::Python;
use crate::run::{Figures, Run};

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let mut figures = Figures::default();
    let rounds = run.pick(5, 2, 1);
    let mut teller = Teller::new(rounds);
    let server = Part::start("answer")?;
    let python = match Python::find() {
        Ok(python) => python,
        Err(why) => {
            teller.not_here(&why);
            return Ok(());
        }
    };
    for _ in 0..rounds {
        teller.step("Python: computing, hashing, waiting");
        let port = server.address()?.port().to_string();
        let size = run.pick("1", "1", "0.005");
        let told = python.run(include_str!("python/gil.py"), &[&port, size])?;
        for (arm, total) in told.get("totals").and_then(Value::as_object).into_iter().flatten() {
            if let Some(total) = total.as_f64() {
                figures.add(arm, "total", total, 2);
            }
        }
        for what in told.get("missing").and_then(Value::as_array).into_iter().flatten() {
            figures.lacks(format!(
                "There are no figures of {}: this Python has no such package.",
                what.as_str().unwrap_or("it")
            ));
        }
        if told.get("gil").and_then(Value::as_bool) == Some(false) {
            figures.lacks("This Python runs without its lock, so its threads compute at the same time.".into());
        }
    }
    if run.tries() {
        anyhow::ensure!(figures.any(), "the script told no arm");
    }
    figures.tell(&teller);
    Ok(())
}
