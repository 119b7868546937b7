//! A run that met a task of a lab which is not built yet: one sentence, and no logs to look through.

use measure::Unbuilt;

/// The task, and the command to go on with.
#[derive(Debug, thiserror::Error)]
#[error("{0}. Next: ./lab test {number}", number = .0.number())]
pub(crate) struct NotBuilt(pub(crate) Unbuilt);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_is_not_built_is_one_sentence_with_the_next_command() {
        let met = Unbuilt::met(
            "not yet implemented: task 4: wake the waiter",
            "labs/05-acks/src/link.rs",
        );
        assert_eq!(
            NotBuilt(met.unwrap()).to_string(),
            "05-acks, task 4 is not built yet: wake the waiter. Next: ./lab test 05"
        );
    }
}
