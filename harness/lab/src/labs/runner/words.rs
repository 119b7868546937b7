//! What a red test says: of all its output the message of its first panic, and where that is.

/// A message for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// `solutions/05-acks/tests/mock.rs:120`.
    pub(crate) place: Option<String>,
    /// The panic's message; where there is none, the last lines of the output.
    pub(crate) text: String,
}

/// What `todo!` begins with.
const TODO: &str = "not yet implemented: task ";

/// The task whose `todo!` was met, if one was.
pub(crate) fn unbuilt(stderr: &str) -> Option<u8> {
    let (_, after) = stderr.split_once(TODO)?;
    after.split(':').next()?.parse().ok()
}

impl Words {
    pub(crate) fn of(stderr: &str) -> Self {
        let lines: Vec<&str> = stderr.lines().collect();
        let heads = || {
            lines
                .iter()
                .enumerate()
                .filter(|(_, line)| line.starts_with("thread '"))
        };
        // Of several the first is the cause: a task that panics makes the one that waits for it panic as well. A todo before all.
        let todo = lines.iter().position(|line| line.contains(TODO));
        let head = todo
            .and_then(|todo| heads().map(|(at, _)| at).take_while(|at| *at < todo).last())
            .or_else(|| heads().next().map(|(at, _)| at));
        let Some(head) = head else {
            let from = lines.len().saturating_sub(12);
            return Self {
                place: None,
                text: lines[from..].join("\n").trim().to_owned(),
            };
        };
        let place = lines[head].split_once(" panicked at ").map(|(_, place)| shown(place));
        let message = lines[head + 1..]
            .iter()
            .take_while(|line| !line.starts_with("note: run with `RUST_BACKTRACE") && !line.starts_with("thread '"));
        Self {
            place,
            text: message.copied().collect::<Vec<_>>().join("\n").trim().to_owned(),
        }
    }
}

/// `labs/05-acks/../../solutions/05-acks/tests/mock.rs:120:9:` as `solutions/05-acks/tests/mock.rs:120`.
fn shown(place: &str) -> String {
    let place = place.trim_end_matches(':');
    let place = place.rsplit_once(':').map_or(place, |(line, _column)| line);
    let mut parts: Vec<&str> = Vec::new();
    for part in place.split('/') {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            "." => {}
            part => parts.push(part),
        }
    }
    let whole = parts.join("/");
    // From outside the checkout's folder the path is absolute.
    for top in ["solutions/", "labs/", "harness/"] {
        if let Some(at) = whole.rfind(&format!("/{top}")) {
            return whole[at + 1..].to_owned();
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_a_red_test_prints_the_first_panic_is_kept_with_its_place() {
        let said = "a word of its own\n\
            thread 'tokio-rt' (7) panicked at labs/05-acks/../../solutions/05-acks/tests/common/mod.rs:63:30:\n\
            record 3 was not taken: full\nlook at has_room\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n\
            thread 'task4_x' (8) panicked at solutions/05-acks/tests/mock.rs:9:5:\na caller: JoinError\n";
        let words = Words::of(said);
        assert_eq!(words.place.as_deref(), Some("solutions/05-acks/tests/common/mod.rs:63"));
        assert_eq!(words.text, "record 3 was not taken: full\nlook at has_room");
    }

    #[test]
    fn a_todo_is_the_cause_of_whatever_came_before_it() {
        let said = "thread 'a' (1) panicked at x.rs:1:1:\nboom\nthread 'b' (1) panicked at /w/labs/05-acks/src/link.rs:88:9:\n\
            not yet implemented: task 4: count it\n";
        assert_eq!(unbuilt(said), Some(4));
        let words = Words::of(said);
        assert_eq!(words.place.as_deref(), Some("labs/05-acks/src/link.rs:88"));
        assert_eq!(words.text, "not yet implemented: task 4: count it");
    }

    #[test]
    fn a_process_that_does_not_panic_is_told_by_its_last_words() {
        assert_eq!(Words::of("malloc(): corrupted\n").text, "malloc(): corrupted");
    }
}
