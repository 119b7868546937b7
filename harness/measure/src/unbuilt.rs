//! A task of a lab that has no body yet: how a process that meets one knows it from a bug, and how it is told.

use std::fmt::{self, Display};
use std::panic::PanicHookInfo;
use std::path::Path;

/// What `todo!` begins its message with.
const TODO: &str = "not yet implemented: ";

/// A task of a lab that is not built yet. Shown as a clause: `05-acks, task 4 is not built yet: wake the waiter`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unbuilt {
    /// The folder of the lab: `05-acks`.
    pub lab: String,
    /// The number of the task.
    pub task: u32,
    /// What the task is to build, as its `todo!` says.
    pub text: String,
}

impl Unbuilt {
    /// What a panic with this `message` in this source `file` has met; `None` when it is another panic, such as one in the
    /// reader's own code, or a `todo!` that is none of a lab's tasks.
    pub fn met(message: &str, file: &str) -> Option<Self> {
        let (number, text) = message.strip_prefix(TODO)?.strip_prefix("task ")?.split_once(": ")?;
        let folders: Vec<&str> = Path::new(file).iter().filter_map(|name| name.to_str()).collect();
        // The last one: the checkout may lie in a folder of that name.
        let labs = folders.iter().rposition(|name| *name == "labs")?;
        Some(Self {
            lab: (*folders.get(labs + 1)?).to_owned(),
            task: number.parse().ok()?,
            text: text.trim().to_owned(),
        })
    }

    /// What this panic has met, see [`Unbuilt::met`].
    pub fn of_panic(panic: &PanicHookInfo<'_>) -> Option<Self> {
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::met(message?, panic.location()?.file())
    }

    /// The lab's number as its folder has it, by which the commands know it: `05`.
    pub fn number(&self) -> &str {
        self.lab.split_once('-').map_or(&self.lab, |(number, _)| number)
    }
}

impl Display for Unbuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, task {} is not built yet: {}", self.lab, self.task, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_not_built_is_told_by_its_lab_its_number_and_its_text() {
        for place in [
            "labs/05-acks/src/delivery.rs",
            "/home/me/labs/tickbook/labs/05-acks/src/delivery.rs",
        ] {
            let met = Unbuilt::met("not yet implemented: task 4: wake the waiter: all of it", place);
            let Some(met) = met else {
                panic!("not recognised in {place}")
            };
            assert_eq!(met.number(), "05", "{met:?}");
            assert_eq!(
                met.to_string(),
                "05-acks, task 4 is not built yet: wake the waiter: all of it"
            );
        }
    }

    #[test]
    fn other_panics_are_no_unbuilt_task() {
        let lab = "labs/05-acks/src/delivery.rs";
        for (message, file) in [
            ("index out of bounds", lab),
            ("not yet implemented", lab),
            ("not yet implemented: later", lab),
            ("not yet implemented: task four: x", lab),
            ("task 4: x", lab),
            ("not yet implemented: task 4: x", "solutions/05-acks/src/delivery.rs"),
        ] {
            assert_eq!(Unbuilt::met(message, file), None, "{message:?} in {file}");
        }
    }
}
