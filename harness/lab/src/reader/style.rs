//! How words look: colours, where standard output can show them, and lines no longer than it is wide.

use std::io::IsTerminal;

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style(pub(crate) bool);

impl Style {
    /// For standard output.
    pub(crate) fn of_output() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some() || std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Self(!plain && std::io::stdout().is_terminal())
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self.0 {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// The widest that a paragraph is set: longer lines are hard to follow.
const WIDEST: usize = 100;

/// Paragraphs as a terminal shows them well: each line broken between words, and indented. What is fenced or indented itself is
/// code and stays as it is.
pub(crate) fn paragraphs(text: &str, indent: &str) -> String {
    let columns = crossterm::terminal::size().map_or(WIDEST, |(columns, _)| usize::from(columns));
    set(text, indent, columns.clamp(40, WIDEST))
}

fn set(text: &str, indent: &str, width: usize) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in text.trim().lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence {
            continue;
        }
        if fenced || line.starts_with("    ") || line.chars().count() + indent.len() <= width {
            let code = if fenced { "    " } else { "" };
            out.push_str(format!("{indent}{code}{line}").trim_end());
            out.push('\n');
            continue;
        }
        // A list's later lines stand below its words.
        let hang = if line.starts_with("- ") { "  " } else { "" };
        let mut column = 0;
        for (at, word) in line.split(' ').enumerate() {
            let long = word.chars().count();
            if column > 0 && column + 1 + long > width {
                out.push('\n');
                column = 0;
            }
            let before = match (at, column) {
                (0, _) => indent.to_owned(),
                (_, 0) => format!("{indent}{hang}"),
                _ => " ".to_owned(),
            };
            column += before.len() + long;
            out.push_str(&before);
            out.push_str(word);
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_between_words_and_code_is_not() {
        let text = "- one two three four\n\n```rust\nlet a_long_line_of_code = 1;\n```\nend";
        assert_eq!(
            set(text, "  ", 12),
            "  - one two\n    three\n    four\n\n      let a_long_line_of_code = 1;\n  end\n"
        );
    }
}
