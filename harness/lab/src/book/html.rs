//! Text into HTML: escaped, or from the Markdown that the workbook's TOML files hold.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// Text as it may stand between tags and in attributes. Newlines become spaces: an empty line would end mdBook's block of HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}

/// Text as it may stand in a line of Markdown, also in a table: nothing in it is read as markup.
pub(crate) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in escape(text).chars() {
        match c {
            '*' | '_' | '`' | '[' | ']' | '\\' | '~' | '|' | '!' => out.push_str(&format!("&#{};", u32::from(c))),
            _ => out.push(c),
        }
    }
    out
}

/// Markdown of a TOML file as HTML without an empty line. Raw HTML in it is shown as text.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::new();
    html::push_html(&mut out, events(text));
    without_empty_lines(&out)
}

/// The same of a sentence that stands in a label or a heading: no paragraph around it.
pub(crate) fn sentence(text: &str) -> String {
    let no_paragraph =
        |event: &Event<'_>| !matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    let mut out = String::new();
    html::push_html(&mut out, events(text).filter(no_paragraph));
    out.trim().replace('\n', " ")
}

fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        other => other,
    })
}

/// HTML that is one block for a reader of Markdown: such a block ends at the first empty line.
pub(crate) fn without_empty_lines(html: &str) -> String {
    let lines: Vec<&str> = html.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        assert_eq!(
            escape("a<b> & \"c\" 'd'\n\ne"),
            "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;  e"
        );
        assert_eq!(inline("a|b *c* `d`"), "a&#124;b &#42;c&#42; &#96;d&#96;");
    }

    #[test]
    fn markdown_of_a_file_has_no_empty_line_and_no_raw_html() {
        let html = markdown("One `acks=all`.\n\n- two\n- <b>three</b>\n\n```\na\n\nb\n```\n");
        assert!(
            html.contains("<code>acks=all</code>") && html.contains("&lt;b&gt;"),
            "{html}"
        );
        assert!(
            !html.lines().any(|line| line.trim().is_empty()),
            "an empty line ends the block: {html}"
        );
        assert_eq!(sentence("One **two**."), "One <strong>two</strong>.");
    }
}
