//! Finds the directives of a page, `{{#name words}}` and `{{/name}}`, each with its line.

use std::ops::Range;

/// What mdBook itself understands.
const OF_MDBOOK: [&str; 5] = ["include", "rustdoc_include", "playground", "playpen", "title"];

/// A directive as it stands in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive<'a> {
    pub(super) name: &'a str,
    /// What stands behind the name, trimmed.
    pub(super) words: &'a str,
    /// `{{/name}}`.
    pub(super) closes: bool,
    /// From 1.
    pub(super) line: usize,
    /// Where it stands in the text.
    pub(super) at: Range<usize>,
    /// Whether nothing else stands on its line.
    pub(super) alone: bool,
}

/// What looks like a directive and has no end on its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// From 1.
    pub(super) line: usize,
    /// From its `{{` to the end of the line.
    pub(super) at: Range<usize>,
}

/// All directives of a page but mdBook's own, in order. Not in code, and not behind a backslash: so a page can show one.
pub(super) fn find(text: &str) -> Vec<Result<Directive<'_>, Unclosed>> {
    let mut found = Vec::new();
    let mut fence: Option<Fence> = None;
    let mut start = 0;
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let opens = Fence::of(line);
        match (fence, opens) {
            (Some(open), Some(this)) if this.closes(open, line) => fence = None,
            (None, Some(this)) => fence = Some(this),
            (None, None) => of_line(line, at + 1, start, &mut found),
            (Some(_), _) => {}
        }
        start += line.len();
    }
    found
}

fn of_line<'a>(line: &'a str, number: usize, start: usize, found: &mut Vec<Result<Directive<'a>, Unclosed>>) {
    let mut at = 0;
    while let Some(next) = line[at..].find(['`', '\\', '{']) {
        at += next;
        let rest = &line[at..];
        if let Some(escaped) = rest.strip_prefix('\\') {
            at += 1 + escaped.chars().next().map_or(0, char::len_utf8);
        } else if rest.starts_with('`') {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            at += ticks;
            // Code ends at as many; without an end these are no code.
            at += end_of_code(&line[at..], ticks).unwrap_or(0);
        } else if rest.starts_with("{{#") || rest.starts_with("{{/") {
            let Some(end) = rest.find("}}") else {
                found.push(Err(Unclosed {
                    line: number,
                    at: start + at..start + at + rest.trim_end().len(),
                }));
                return;
            };
            let inner = rest[3..end].trim();
            let (name, words) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
            let range = at..at + end + 2;
            if !OF_MDBOOK.contains(&name) {
                found.push(Ok(Directive {
                    name,
                    words: words.trim(),
                    closes: rest.starts_with("{{/"),
                    line: number,
                    alone: line[..range.start].trim().is_empty() && line[range.end..].trim().is_empty(),
                    at: start + range.start..start + range.end,
                }));
            }
            at = range.end;
        } else {
            at += 1;
        }
    }
}

/// How far behind an opening run of backticks the run of as many ends.
fn end_of_code(rest: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(next) = rest[at..].find('`') {
        at += next;
        let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
        at += run;
        if run == ticks {
            return Some(at);
        }
    }
    None
}

/// The line that begins or ends a block of code.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn of(line: &str) -> Option<Self> {
        let line = line.trim_start_matches([' ', '>']);
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = line.len() - line.trim_start_matches(mark).len();
        // ` ```a``` ` is code in a line.
        let info = &line[length..];
        (length >= 3 && !(mark == '`' && info.contains('`'))).then_some(Self { mark, length })
    }

    fn closes(self, open: Self, line: &str) -> bool {
        let bare = line.trim_start_matches([' ', '>']).trim_end();
        self.mark == open.mark && self.length >= open.length && bare.chars().all(|c| c == self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(usize, String)> {
        let of = |found: Result<Directive<'_>, Unclosed>| match found {
            Ok(one) => (one.line, format!("{}{}", if one.closes { "/" } else { "" }, one.name)),
            Err(open) => (open.line, "unclosed".into()),
        };
        find(text).into_iter().map(of).collect()
    }

    #[test]
    fn a_directive_is_found_with_its_line_and_words() {
        let text = "one\nIt took {{#n acks-cost p99 acks=all brokers=3}} and {{#term watermark}}.\n\n{{#stop a b}}\nx\n{{/stop}}\n";
        let found: Vec<_> = find(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(found[0].words, "acks-cost p99 acks=all brokers=3");
        assert_eq!(&text[found[1].at.clone()], "{{#term watermark}}");
        assert!(!found[0].alone && found[2].alone && found[3].closes, "{found:?}");
        assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [2, 2, 4, 6]);
    }

    #[test]
    fn what_is_code_or_escaped_or_of_mdbook_is_left_alone() {
        assert_eq!(
            names("`{{#n a}}` ``{{#n b`}}`` \\{{#n c}} {{#include ../x.rs:a}} {{#d}}"),
            [(1, "d".into())]
        );
        assert_eq!(
            names("```md\n{{#a}}\n```\n~~~~\n~~~\n{{#b}}\n~~~~\n{{#c}}"),
            [(8, "c".into())]
        );
        assert_eq!(
            names("a ` b {{#c}}"),
            [(1, "c".into())],
            "a lone backtick opens no code"
        );
    }

    #[test]
    fn one_without_an_end_is_told() {
        assert_eq!(names("x\n{{#n a\n}}"), [(2, "unclosed".into())]);
    }
}
