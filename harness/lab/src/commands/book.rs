//! `book`: serves the book, or builds its site; and what plain `mdbook` runs.

use std::cell::RefCell;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Context;
use mdbook_preprocessor::Preprocessor;

use crate::book::{build, links, material::Material, preprocessor::Tickbook, serve};
use crate::{cargo, note, out};

pub(crate) fn run(only_build: bool, port: Option<u16>, open: bool) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    if only_build {
        return site(&root);
    }
    let runtime = super::runtime()?;
    let ended = runtime.block_on(serve::serve(&root, port, open));
    // A thread of it waits for a key that nobody will press.
    runtime.shutdown_background();
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the site and looks at it.
fn site(root: &Path) -> anyhow::Result<ExitCode> {
    let from = Instant::now();
    let mut wrong: Vec<String> = links::includes(root)?.iter().map(ToString::to_string).collect();
    match build::build(root, None, true)? {
        Ok(built) => {
            for said in &built.left_out {
                note(&format!("lab: {said}"));
            }
            wrong.extend(built.complaints);
            let links = links::check(&built.site)?;
            wrong.extend(links.dead.iter().map(ToString::to_string));
            out(&format!(
                "{}: {} pages, built and looked at in {:.1} s\n{} addresses elsewhere, which are not asked:\n",
                built.site.strip_prefix(root).unwrap_or(&built.site).display(),
                links.pages,
                from.elapsed().as_secs_f64(),
                links.outside.len()
            ));
            for (address, pages) in &links.outside {
                let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
                out(&format!("  {address}  ({})\n", pages.join(", ")));
            }
        }
        Err(mistakes) => wrong.extend(mistakes.iter().map(ToString::to_string)),
    }
    if wrong.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for said in &wrong {
        note(&format!("lab: {said}"));
    }
    note(&format!(
        "lab: {} in the book; correct what the lines above name",
        crate::text::plural(wrong.len() as u64, "mistake", "mistakes")
    ));
    Ok(ExitCode::FAILURE)
}

/// What `[preprocessor.tickbook]` of `book.toml` names: a book as JSON in, and out again with its directives done.
pub(crate) fn preprocess(words: &[String]) -> anyhow::Result<ExitCode> {
    if words.first().is_some_and(|word| word == "supports") {
        // Directives become Markdown and HTML, which every renderer takes.
        return Ok(ExitCode::SUCCESS);
    }
    let (context, book) = mdbook_preprocessor::parse_input(std::io::stdin().lock())
        .context("this is for mdbook, which hands over a book")?;
    // Not where this program was built: mdbook says which checkout the book is of.
    let folder = context.root.canonicalize().context("the book's folder is not there")?;
    let root = folder.parent().unwrap_or(&folder);
    let material = Rc::new(Material::read(root)?);
    let mistakes = Rc::new(RefCell::new(material.mistakes()));
    for said in material.left_out() {
        note(&format!("lab: {said}"));
    }
    let done = Tickbook::new(material, Rc::clone(&mistakes)).run(&context, book)?;
    if mistakes.borrow().is_empty() {
        out(&serde_json::to_string(&done)?);
        return Ok(ExitCode::SUCCESS);
    }
    for said in mistakes.borrow().iter() {
        note(&format!("lab: {said}"));
    }
    Ok(ExitCode::FAILURE)
}
