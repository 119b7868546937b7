//! Text that fits a terminal.

const WIDTH: usize = 80;

/// Lines of at most 80 characters; a word that is longer stands alone.
#[derive(Default)]
pub(super) struct Text(pub(super) String);

impl Text {
    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    /// A paragraph; its later lines are indented as far as its first.
    pub(super) fn wrapped(&mut self, head: &str, text: &str) {
        self.wrapped_with(head, &" ".repeat(head.len()), text);
    }

    pub(super) fn wrapped_with(&mut self, head: &str, indent: &str, text: &str) {
        self.fill(head, indent, text.split_whitespace());
    }

    /// Values with dots between them, broken only behind a dot.
    pub(super) fn list(&mut self, head: &str, values: &[String]) {
        let dotted: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(i, value)| format!("{value}{}", if i + 1 < values.len() { " ·" } else { "" }))
            .collect();
        self.fill(head, &" ".repeat(head.len()), dotted.iter().map(String::as_str));
    }

    fn fill<'a>(&mut self, head: &str, indent: &str, words: impl Iterator<Item = &'a str>) {
        let mut line = head.to_owned();
        let mut empty = true;
        for word in words {
            let needed = line.chars().count() + usize::from(!empty) + word.chars().count();
            if !empty && needed > WIDTH {
                self.line(&line);
                line = indent.to_owned();
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }
}
