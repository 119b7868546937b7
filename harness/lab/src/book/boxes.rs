//! Boxes around a page's own Markdown: a folded answer, the place where an interviewer would stop you, and a mistake.

use super::html::{escape, sentence};
use crate::measuring::claims::Mistake;

/// `{{#answer Title}}`: folded.
pub(super) fn answer(title: &str) -> String {
    let title = if title.is_empty() { "Answer" } else { title };
    format!("<details class=\"answer\"><summary>{}</summary>\n\n", sentence(title))
}

pub(super) fn end_of_answer() -> String {
    "\n\n</details>\n".into()
}

/// `{{#stop CLAIM…}}`.
pub(super) fn stop() -> String {
    "<aside class=\"stop\">\n<p class=\"box-title\">An interviewer would stop you here</p>\n\n".into()
}

/// Its end, with what [`claims::foot`](super::claims::foot) says.
pub(super) fn end_of_stop(foot: &str) -> String {
    let foot = if foot.is_empty() {
        String::new()
    } else {
        format!("<footer>\n{foot}</footer>\n")
    };
    format!("\n\n{foot}</aside>\n")
}

/// What a page that is served shows in the place of a directive that cannot be done.
pub(super) fn broken(mistake: &Mistake, inline: bool) -> String {
    let text = escape(&mistake.to_string());
    if inline {
        format!(
            "<strong class=\"broken\">{}</strong>",
            super::html::inline(&mistake.to_string())
        )
    } else {
        format!(
            "<div class=\"broken\" role=\"alert\"><p class=\"box-title\">This part of the page cannot be built</p><p>{text}</p></div>"
        )
    }
}
