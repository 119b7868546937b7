//! Lines no wider than there is room: Korean letters take two columns, and a line is broken between words where it can be.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

/// Columns that a letter takes.
pub(crate) fn width(letter: char) -> usize {
    letter.width().unwrap_or(0)
}

/// Columns that a text takes.
pub(crate) fn width_of(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// The rows of a text, as ranges of its letters: at most `first` columns for the first and `rest` for the others. A space at which a
/// row ends belongs to it and may stand beyond; an end of line belongs to no row.
pub(crate) fn rows(letters: &[char], first: usize, rest: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    let (mut begin, mut columns, mut room) = (0, 0, first.max(2));
    // Where the row could end: behind its last space.
    let mut gap = None;
    let mut at = 0;
    while at < letters.len() {
        let letter = letters[at];
        if letter == '\n' {
            rows.push(begin..at);
            (begin, columns, gap, room) = (at + 1, 0, None, rest.max(2));
            at += 1;
            continue;
        }
        if columns + width(letter) > room && letter != ' ' {
            let end = gap.unwrap_or(at);
            rows.push(begin..end);
            (begin, columns, gap, room) = (end, 0, None, rest.max(2));
            at = end;
            continue;
        }
        columns += width(letter);
        at += 1;
        if letter == ' ' {
            gap = Some(at);
        }
    }
    rows.push(begin..letters.len());
    rows
}

/// Text of several styles, wrapped; `lead` stands before the first row, and the others are indented by as much.
pub(crate) fn styled(lead: &str, spans: &[(String, Style)], columns: usize) -> Vec<Line<'static>> {
    let letters: Vec<char> = spans.iter().flat_map(|(text, _)| text.chars()).collect();
    let styles: Vec<Style> = spans
        .iter()
        .flat_map(|(text, style)| text.chars().map(|_| *style))
        .collect();
    let indent = width_of(lead);
    let room = columns.saturating_sub(indent);
    let line = |(row, range): (usize, Range<usize>)| {
        let before = if row == 0 { lead.to_owned() } else { " ".repeat(indent) };
        let mut spans = vec![Span::raw(before)];
        let mut at = range.start;
        while at < range.end {
            let style = styles[at];
            let end = (at..range.end).find(|next| styles[*next] != style).unwrap_or(range.end);
            spans.push(Span::styled(letters[at..end].iter().collect::<String>(), style));
            at = end;
        }
        Line::from(spans)
    };
    rows(&letters, room, room).into_iter().enumerate().map(line).collect()
}

/// Text of one style, wrapped.
pub(crate) fn plain(lead: &str, text: &str, style: Style, columns: usize) -> Vec<Line<'static>> {
    styled(lead, &[(text.to_owned(), style)], columns)
}

/// Text without styles, wrapped; for where there is no screen.
pub(crate) fn text(lead: &str, text: &str, columns: usize) -> String {
    let lines = plain(lead, text, Style::new(), columns);
    let line = |line: Line<'_>| {
        let words: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
        format!("{}\n", words.trim_end())
    };
    lines.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str, columns: usize) -> Vec<String> {
        let letters: Vec<char> = text.chars().collect();
        let rows = rows(&letters, columns, columns).into_iter();
        rows.map(|row| letters[row].iter().collect()).collect()
    }

    #[test]
    fn lines_are_broken_between_words_and_long_words_where_they_must_be() {
        assert_eq!(broken("one two three", 8), ["one two ", "three"]);
        assert_eq!(
            broken("one two three", 7),
            ["one two ", "three"],
            "a space may stand beyond"
        );
        assert_eq!(broken("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(broken("a\n\nb", 8), ["a", "", "b"]);
        assert_eq!(broken("", 8), [""]);
    }

    #[test]
    fn korean_letters_take_two_columns() {
        assert_eq!(broken("복제본 세 개", 6), ["복제본 ", "세 개"]);
        assert_eq!(broken("복제본", 5), ["복제", "본"], "half a letter is none");
        assert_eq!(text("- ", "복제본 세 개", 8), "- 복제본\n  세 개\n");
    }
}
