//! What is being typed, and where in it the cursor stands.

use super::wrap::{rows, width};

/// A text of several lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Editor {
    letters: Vec<char>,
    /// Before which letter.
    cursor: usize,
}

impl Editor {
    pub(crate) fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// Whether nothing but space stands in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.letters.iter().all(|letter| letter.is_whitespace())
    }

    pub(crate) fn insert(&mut self, letter: char) {
        self.letters.insert(self.cursor, letter);
        self.cursor += 1;
    }

    pub(crate) fn backspace(&mut self) {
        if self.cursor > 0 {
            self.cursor -= 1;
            self.letters.remove(self.cursor);
        }
    }

    pub(crate) fn delete(&mut self) {
        if self.cursor < self.letters.len() {
            self.letters.remove(self.cursor);
        }
    }

    pub(crate) fn left(&mut self) {
        self.cursor = self.cursor.saturating_sub(1);
    }

    pub(crate) fn right(&mut self) {
        self.cursor = (self.cursor + 1).min(self.letters.len());
    }

    /// To the beginning of the row, where a row has so many columns.
    pub(crate) fn home(&mut self, columns: usize) {
        let (row, _) = self.place(columns);
        self.cursor = rows(&self.letters, columns, columns)[row].start;
    }

    /// To its end.
    pub(crate) fn end(&mut self, columns: usize) {
        let (row, _) = self.place(columns);
        let all = rows(&self.letters, columns, columns);
        self.cursor = last_of(&all, row);
    }

    /// One row up or down, to the same column or as near as the row has letters.
    pub(crate) fn vertical(&mut self, down: bool, columns: usize) {
        let (row, column) = self.place(columns);
        let all = rows(&self.letters, columns, columns);
        let wanted = if down { row + 1 } else { row.wrapping_sub(1) };
        let Some(range) = all.get(wanted) else { return };
        let (mut at, mut reached) = (range.start, 0);
        let last = last_of(&all, wanted);
        while at < last && reached < column {
            reached += width(self.letters[at]);
            at += 1;
        }
        self.cursor = at;
    }

    /// Its rows.
    pub(crate) fn rows(&self, columns: usize) -> Vec<String> {
        let row = |range: std::ops::Range<usize>| self.letters[range].iter().collect();
        rows(&self.letters, columns, columns).into_iter().map(row).collect()
    }

    /// Row and column of the cursor.
    pub(crate) fn place(&self, columns: usize) -> (usize, usize) {
        let all = rows(&self.letters, columns, columns);
        let row = all.iter().rposition(|row| row.start <= self.cursor).unwrap_or(0);
        let before = &self.letters[all[row].start..self.cursor.min(all[row].end)];
        (row, before.iter().map(|letter| width(*letter)).sum())
    }
}

/// The last place for a cursor in a row: behind it, unless that is the beginning of the next.
fn last_of(all: &[std::ops::Range<usize>], row: usize) -> usize {
    match all.get(row + 1) {
        Some(next) if next.start == all[row].end => all[row].end.saturating_sub(1).max(all[row].start),
        _ => all[row].end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Editor {
        let mut editor = Editor::default();
        text.chars().for_each(|letter| editor.insert(letter));
        editor
    }

    #[test]
    fn letters_are_put_in_and_taken_away_at_the_cursor() {
        let mut editor = typed("복제");
        editor.left();
        editor.insert('x');
        assert_eq!((editor.text().as_str(), editor.place(20)), ("복x제", (0, 3)));
        editor.backspace();
        editor.delete();
        editor.delete();
        assert_eq!((editor.text().as_str(), editor.place(20)), ("복", (0, 2)));
        editor.left();
        editor.left();
        editor.backspace();
        assert_eq!(editor.place(20), (0, 0));
    }

    #[test]
    fn the_cursor_goes_up_and_down_by_rows_as_they_are_shown() {
        let mut editor = typed("one two three\nx");
        assert_eq!(editor.rows(8), ["one two ", "three", "x"]);
        assert_eq!(editor.place(8), (2, 1));
        editor.vertical(false, 8);
        assert_eq!(editor.place(8), (1, 1));
        editor.end(8);
        assert_eq!(editor.place(8), (1, 5));
        editor.vertical(false, 8);
        assert_eq!(editor.place(8), (0, 5));
        editor.end(8);
        assert_eq!(editor.place(8), (0, 7), "behind the space would be the next row");
        editor.vertical(false, 8);
        assert_eq!(editor.place(8), (0, 7), "there is no row above");
        editor.home(8);
        editor.vertical(true, 8);
        assert_eq!(editor.place(8), (1, 0));
    }
}
