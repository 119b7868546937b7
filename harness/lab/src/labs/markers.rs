//! Task markers: the spans of the reference that the reader writes.
//!
//! A span is the whole body of a function, from `// TASK 2: what to build` to `// END TASK 2`.

/// The widest line of generated code: rustfmt's `max_width` here.
const WIDTH: usize = 120;

/// Markers that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct MarkerError {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A span that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) task: u8,
    pub(crate) text: String,
    /// The function whose body it is, with its type where it has one: `Tumbling::new`.
    pub(crate) function: String,
    /// Its line in the skeleton, from 1.
    pub(crate) line: usize,
    /// How many lines are missing: those with anything but a comment in them.
    pub(crate) missing: usize,
}

/// A source without its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stripped {
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
}

/// Takes the spans and the modules of unit tests out of a source.
///
/// # Errors
/// A marker that is not closed, closes nothing, or does not say what to build.
pub(crate) fn strip(source: &str) -> Result<Stripped, MarkerError> {
    strip_from(source, 1)
}

/// The same for who has built every task before `first`: their spans stay.
///
/// # Errors
/// As [`strip`].
pub(crate) fn strip_from(source: &str, first: u8) -> Result<Stripped, MarkerError> {
    let mut out: Vec<String> = Vec::new();
    let mut spans = Vec::new();
    let (mut owner, mut function) = (None, String::new());
    let mut lines = source.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let wrong = |what: String| Err(MarkerError { line: at + 1, what });
        let trimmed = line.trim();
        if trimmed.starts_with("// END TASK") {
            return wrong("this ends a task that has not begun".into());
        }
        if let Some(head) = trimmed.strip_prefix("// TASK ") {
            let parsed = head
                .split_once(": ")
                .and_then(|(number, text)| Some((number.parse::<u8>().ok()?, text)));
            let Some((task, text)) = parsed.filter(|(_, text)| !text.trim().is_empty()) else {
                return wrong("write // TASK 2: what to build".into());
            };
            let end = format!("// END TASK {task}");
            let (mut missing, mut body) = (0, Vec::new());
            let closed = lines.by_ref().find(|(_, line)| {
                let inside = line.trim();
                missing += usize::from(!inside.is_empty() && !inside.starts_with("//"));
                body.push((*line).to_owned());
                inside == end || inside.starts_with("// TASK ")
            });
            if closed.is_none_or(|(_, line)| line.trim() != end) {
                return wrong(format!("no line {end} follows"));
            }
            if task < first {
                body.pop();
                out.extend(body);
                continue;
            }
            spans.push(Span {
                task,
                text: text.to_owned(),
                function: function.clone(),
                line: out.len() + 1,
                missing,
            });
            out.extend(todo(&line[..line.len() - line.trim_start().len()], task, text));
            continue;
        }
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|(_, next)| next.starts_with("mod ")) {
            // Tests of the reference's inside stay with it.
            if let Some((_, head)) = lines.next()
                && head.ends_with('{')
            {
                lines.by_ref().find(|(_, line)| *line == "}");
            }
            while out.last().is_some_and(String::is_empty) {
                out.pop();
            }
            continue;
        }
        if line.starts_with("impl") {
            owner = owner_name(line);
        } else if line == "}" {
            owner = None;
        } else if let Some(name) = function_name(trimmed) {
            function = owner.as_ref().map_or(name.clone(), |owner| format!("{owner}::{name}"));
        }
        out.push(line.to_owned());
    }
    let mut text = out.join("\n");
    text.push('\n');
    Ok(Stripped { text, spans })
}

/// The lines of a `todo!` as rustfmt writes them.
fn todo(indent: &str, task: u8, text: &str) -> Vec<String> {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('{', "{{")
        .replace('}', "}}");
    let words = format!("\"task {task}: {escaped}\"");
    let line = format!("{indent}todo!({words})");
    if line.chars().count() <= WIDTH {
        return vec![line];
    }
    vec![
        format!("{indent}todo!("),
        format!("{indent}    {words}"),
        format!("{indent})"),
    ]
}

fn function_name(line: &str) -> Option<String> {
    if line.starts_with("//") {
        return None;
    }
    let (before, after) = line.split_once("fn ")?;
    let only_words = before.split_whitespace().all(|word| {
        word == "const"
            || word == "async"
            || word == "unsafe"
            || word.starts_with("pub")
            || word.ends_with(')')
            || word == "in"
    });
    let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (only_words && !name.is_empty()).then_some(name)
}

/// Of the first line of an `impl`, whose it is: the type's last name, without what it is generic over.
fn owner_name(line: &str) -> Option<String> {
    let (mut depth, mut plain) = (0_i32, String::new());
    // Not the arrow of `Fn() -> T`.
    for letter in line.strip_prefix("impl")?.replace("->", "").chars() {
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let whose = plain.split_once(" for ").map_or(plain.as_str(), |(_, whose)| whose);
    let path = whose.split_whitespace().next()?;
    path.rsplit("::").next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "//! Adds.\n\n/// Adds.\npub(crate) fn add(a: u8, b: u8) -> u8 {\n    // TASK 2: add \"both\" {a}\n    // So.\n    a + b\n    // END TASK 2\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {}\n}\n";

    #[test]
    fn a_span_becomes_a_todo_that_says_what_to_build_and_unit_tests_stay_behind() {
        let stripped = strip(SOURCE).expect("it is marked right");
        assert_eq!(
            stripped.text,
            "//! Adds.\n\n/// Adds.\npub(crate) fn add(a: u8, b: u8) -> u8 {\n    todo!(\"task 2: add \\\"both\\\" {{a}}\")\n}\n"
        );
        let span = Span {
            task: 2,
            text: "add \"both\" {a}".into(),
            function: "add".into(),
            line: 5,
            missing: 1,
        };
        assert_eq!(stripped.spans, [span]);
    }

    #[test]
    fn a_span_in_an_impl_is_named_with_its_type() {
        for (head, name) in [
            ("impl Link {", "Link::add"),
            ("impl<K: Hash + Eq, A: Aggregate> Operator<K, A> {", "Operator::add"),
            ("impl<'a> From<&'a str> for crate::Name<'a> {", "Name::add"),
            ("impl<K> Operator<K>", "Operator::add"),
        ] {
            let source =
                format!("{head}\n    fn add() {{\n        // TASK 1: x\n        // END TASK 1\n    }}\n}}\n\n");
            let after = "fn alone() {\n    // TASK 1: x\n    // END TASK 1\n}\n";
            let spans = strip(&format!("{source}{after}")).expect("right").spans;
            let names: Vec<&str> = spans.iter().map(|span| span.function.as_str()).collect();
            assert_eq!(names, [name, "alone"], "{head}");
        }
    }

    #[test]
    fn a_task_that_is_built_stays_as_it_is_without_its_markers() {
        let built = strip_from(SOURCE, 3).expect("it is marked right");
        assert!(built.text.contains("{\n    // So.\n    a + b\n}\n"), "{}", built.text);
        assert!(built.spans.is_empty() && !built.text.contains("TASK"), "{}", built.text);
    }

    #[test]
    fn markers_that_do_not_fit_are_told_with_their_line() {
        let said = |text: &str| strip(text).expect_err("it is wrong").to_string();
        assert_eq!(
            said("a\n// END TASK 1\n"),
            "line 2: this ends a task that has not begun"
        );
        assert_eq!(
            said("// TASK 1: x\na\n// END TASK 2\n"),
            "line 1: no line // END TASK 1 follows"
        );
        assert_eq!(said("// TASK one\n"), "line 1: write // TASK 2: what to build");
    }

    #[test]
    fn a_long_todo_is_broken_as_rustfmt_does() {
        let source = format!(
            "fn f() {{\n    // TASK 1: {}\n    // END TASK 1\n}}\n",
            "long ".repeat(25).trim_end()
        );
        let lines: Vec<_> = strip(&source).expect("right").text.lines().map(str::to_owned).collect();
        assert_eq!((lines[1].as_str(), lines[3].as_str()), ("    todo!(", "    )"));
    }
}
