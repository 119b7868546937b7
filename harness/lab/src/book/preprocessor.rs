//! Our preprocessor: each directive of a page becomes Markdown or HTML, each mistake a sentence with its place.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use super::chart::Voice;
use super::directive::{Directive, find};
use super::material::Material;
use super::{PAGES, boxes, claims, experiment, mistake, numbers, plan, quiz, tasks};
use crate::measuring::claims::Mistake;

/// As `book.toml` calls it.
pub(crate) const NAME: &str = "tickbook";

/// Every directive, for who mistypes one.
const NAMES: &str = "experiment, n, range, ratio, claims, verdict, stop, answer, quiz, questions, tasks, predictions, term, glossary, plan";

/// For one build; the mistakes of all its pages are found in `mistakes` afterwards.
pub(crate) struct Tickbook {
    material: Rc<Material>,
    mistakes: Rc<RefCell<Vec<Mistake>>>,
    strict: bool,
}

impl Tickbook {
    pub(crate) fn new(material: Rc<Material>, mistakes: Rc<RefCell<Vec<Mistake>>>) -> Self {
        Self {
            material,
            mistakes,
            strict: false,
        }
    }

    /// The same, with which a mistake ends the build before anything is written.
    pub(crate) fn strict(self) -> Self {
        Self { strict: true, ..self }
    }
}

impl Preprocessor for Tickbook {
    fn name(&self) -> &str {
        NAME
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> mdbook_preprocessor::errors::Result<Book> {
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                let (text, wrong) = page(&self.material, path, &chapter.content);
                chapter.content = text;
                self.mistakes.borrow_mut().extend(wrong);
            }
        });
        if self.strict && !self.mistakes.borrow().is_empty() {
            return Err(anyhow::anyhow!("the pages have mistakes"));
        }
        Ok(book)
    }
}

/// One page with its directives done. What cannot be done is shown in its place, and returned.
fn page(material: &Material, path: &Path, text: &str) -> (String, Vec<Mistake>) {
    let file = format!("{PAGES}/{}", path.display());
    let up = "../".repeat(path.components().count().saturating_sub(1));
    let (mut out, mut wrong, mut last) = (String::with_capacity(text.len() * 2), Vec::new(), 0);
    let mut open: Vec<Directive<'_>> = Vec::new();
    for found in find(text) {
        let (line, at, inline, opens_stop, done) = match found {
            Err(unclosed) => {
                let what = "a directive begins here and has no }} on its line; close it".to_owned();
                (unclosed.line, unclosed.at, true, false, Err(what))
            }
            Ok(directive) => {
                let done = if directive.closes {
                    close(material, &directive, &mut open)
                } else if is_inline(directive.name) {
                    inline(material, &directive, &up)
                } else if directive.alone {
                    block(material, &directive, &mut open, &up)
                } else {
                    Err(format!(
                        "{{{{#{}}}}} stands on a line of its own; move it there",
                        directive.name
                    ))
                };
                // A box on claims that are not there is a box all the same, and its end is looked for.
                let opens_stop = open
                    .last()
                    .is_some_and(|last| *last == directive && directive.name == "stop");
                (directive.line, directive.at.clone(), !directive.alone, opens_stop, done)
            }
        };
        out.push_str(&text[last..at.start]);
        last = at.end;
        match done {
            Ok(html) => out.push_str(&closed(&html)),
            Err(what) => {
                let this = mistake(file.clone(), line, what);
                if opens_stop {
                    out.push_str(&boxes::stop());
                }
                out.push_str(&closed(&boxes::broken(&this, inline)));
                wrong.push(this);
            }
        }
    }
    out.push_str(&text[last..]);
    // What the page forgot to close is closed, so that a box does not swallow the page's end.
    for left in open.into_iter().rev() {
        let name = left.name;
        let this = mistake(
            file.clone(),
            left.line,
            format!("{{{{#{name}}}}} is not closed; write {{{{/{name}}}}} where it ends"),
        );
        out.push_str(if name == "stop" {
            "\n\n</aside>\n"
        } else {
            "\n\n</details>\n"
        });
        out.push_str(&closed(&boxes::broken(&this, false)));
        wrong.push(this);
    }
    (out, wrong)
}

/// What we made, as mdBook's own directives leave it alone: they are looked for after us, and a note of a record could name any
/// file of this machine to include.
fn closed(html: &str) -> String {
    html.replace('{', "&#123;")
}

fn is_inline(name: &str) -> bool {
    matches!(name, "n" | "range" | "ratio" | "verdict" | "term")
}

fn inline(material: &Material, directive: &Directive<'_>, up: &str) -> Result<String, String> {
    let known = &material.known;
    match directive.name {
        "n" => numbers::number(known, directive.words),
        "range" => numbers::range(known, directive.words),
        "ratio" => numbers::ratio(known, directive.words),
        "verdict" => claims::verdict(known, directive.words),
        _ => material.glossary.inline(directive.words, up),
    }
}

fn block<'a>(
    material: &Material,
    directive: &Directive<'a>,
    open: &mut Vec<Directive<'a>>,
    up: &str,
) -> Result<String, String> {
    let known = &material.known;
    let words = directive.words;
    let html = match directive.name {
        "answer" => {
            open.push(directive.clone());
            boxes::answer(words)
        }
        "stop" => {
            open.push(directive.clone());
            claims::foot(known, words).map(|_| boxes::stop())?
        }
        "experiment" => experiment::figure(known, words, Voice::Reader)?,
        "claims" => claims::table(known, words)?,
        "glossary" => material.glossary.table(),
        "plan" => plan::tables(&material.root, known, &|chapter| material.minutes_of(chapter)),
        "tasks" => tasks::table(known, words)?,
        "predictions" => tasks::predictions(known, words)?,
        "quiz" => quiz::quiz(&material.bank, words)?,
        "questions" => quiz::list(&material.bank, known, words, up)?,
        other => return Err(format!("there is no directive {{{{#{other}}}}}; there are {NAMES}")),
    };
    Ok(format!("\n{html}\n"))
}

fn close(material: &Material, directive: &Directive<'_>, open: &mut Vec<Directive<'_>>) -> Result<String, String> {
    let name = directive.name;
    match open.pop_if(|last| last.name == name) {
        Some(_) if name == "answer" => Ok(boxes::end_of_answer()),
        // What is wrong with its claims was told where it begins.
        Some(begun) => Ok(boxes::end_of_stop(
            &claims::foot(&material.known, begun.words).unwrap_or_default(),
        )),
        None => Err(match open.last() {
            Some(last) => format!(
                "{{{{/{name}}}}} closes nothing: open is {{{{#{}}}}}, from line {}",
                last.name, last.line
            ),
            None => format!("{{{{/{name}}}}} closes nothing; remove it, or write {{{{#{name}}}}} where it begins"),
        }),
    }
}
