//! A `CREATE TABLE` statement taken apart, so that spaces and line breaks are nobody's business.

/// What stands in a statement.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    /// What stands before the parentheses.
    pub(crate) head: String,
    /// What stands in them, between commas.
    pub(crate) items: Vec<String>,
    /// What follows: a clause's word, and the rest of it.
    pub(crate) clauses: Vec<(String, String)>,
}

const WORDS: [&str; 5] = ["ENGINE =", "PARTITION BY", "ORDER BY", "TTL", "SETTINGS"];

pub(crate) fn of(statement: &str) -> Shape {
    let flat = flat(statement);
    let open = flat
        .find('(')
        .unwrap_or_else(|| panic!("no columns in {flat:?}; look at `Table::statement`"));
    let close = closing(&flat, open);
    let mut clauses: Vec<(String, String)> = Vec::new();
    let mut rest = flat[close + 1..].trim();
    while !rest.is_empty() {
        let word = WORDS.iter().find(|word| rest.starts_with(**word));
        let word =
            word.unwrap_or_else(|| panic!("{rest:?} begins with no clause of a table; look at `Table::statement`"));
        let after = &rest[word.len()..];
        let end = WORDS
            .iter()
            .filter_map(|next| outside(after, next))
            .min()
            .unwrap_or(after.len());
        clauses.push(((*word).to_owned(), after[..end].trim().to_owned()));
        rest = after[end..].trim();
    }
    Shape {
        head: flat[..open].trim().to_owned(),
        items: split(&flat[open + 1..close]),
        clauses,
    }
}

impl Shape {
    pub(crate) fn clause(&self, word: &str) -> Option<&str> {
        let found = self.clauses.iter().find(|(name, _)| name == word);
        found.map(|(_, text)| text.as_str())
    }
}

/// Every run of blanks is one, and none stands inside a parenthesis' edge.
pub(crate) fn flat(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace("( ", "(").replace(" )", ")")
}

fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    panic!("a parenthesis is not closed in {text:?}; look at `Table::statement`")
}

/// Between commas that stand in no parentheses.
pub(crate) fn split(text: &str) -> Vec<String> {
    let (mut items, mut depth, mut item) = (Vec::new(), 0, String::new());
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            items.push(std::mem::take(&mut item).trim().to_owned());
        } else {
            item.push(character);
        }
    }
    items.push(item.trim().to_owned());
    items
}

/// Where a word stands in no parentheses.
fn outside(text: &str, word: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && text[at..].starts_with(word) {
            return Some(at);
        }
    }
    None
}
