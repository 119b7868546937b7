//! The book: its pages with the reader's own figures in them, built by mdBook as a library, checked, and served.
//!
//! [`preprocessor`] turns our directives into Markdown and HTML; [`build`] has mdBook make the site and [`links`] look at it;
//! [`serve`] shows it and builds it again at each change.

mod boxes;
pub(crate) mod build;
pub(crate) mod chart;
mod claims;
mod directive;
pub(crate) mod experiment;
mod glossary;
pub(crate) mod html;
pub(crate) mod links;
pub(crate) mod material;
mod numbers;
mod plan;
pub(crate) mod preprocessor;
mod quiz;
pub(crate) mod serve;
mod server;
mod site;
mod tasks;

use crate::labs::manifest::line_of;
use crate::measuring::claims::Mistake;

/// Where the book's pages stand, below the checkout.
const PAGES: &str = "book/src";

fn mistake(file: impl Into<String>, line: usize, what: impl Into<String>) -> Mistake {
    Mistake {
        file: file.into(),
        line,
        what: what.into(),
    }
}

/// What the reader of a TOML file says is wrong, with its line.
fn toml_mistake(file: &str, text: &str, error: &toml::de::Error) -> Mistake {
    let line = error.span().map_or(1, |span| line_of(text, span.start));
    mistake(
        file,
        line,
        format!("{}; correct this line", error.message().replace('\n', " ")),
    )
}
