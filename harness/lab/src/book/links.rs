//! Whether everything that a built site points to is there: pages, anchors, pictures, and the code that pages include.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use scraper::{Html, Selector};

use super::{PAGES, mistake};
use crate::measuring::claims::Mistake;

/// A link that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dead {
    /// Of the site: `reference/performance.html`.
    page: String,
    /// As it is written there.
    target: String,
    why: String,
}

impl fmt::Display for Dead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?} leads nowhere: {}", self.page, self.target, self.why)
    }
}

/// What was found in a site.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) pages: usize,
    pub(crate) dead: BTreeSet<Dead>,
    /// Addresses elsewhere, with the pages that name them; they are not asked.
    pub(crate) outside: BTreeMap<String, BTreeSet<String>>,
}

/// A page's names and what it points to.
struct Page {
    ids: BTreeSet<String>,
    targets: Vec<Target>,
}

struct Target {
    written: String,
    /// Whether the page itself needs it: a picture, a script; and not a link that somebody may follow.
    needed: bool,
}

/// Looks at every page of the site in `folder`.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn check(folder: &Path) -> anyhow::Result<Links> {
    let (mut files, mut pages) = (BTreeSet::new(), BTreeMap::new());
    for (path, about) in
        crate::keep::files::walk(folder).with_context(|| format!("{} cannot be read", folder.display()))?
    {
        if about.is_file() {
            let name = path.to_string_lossy().into_owned();
            if name.ends_with(".html") {
                let text =
                    std::fs::read_to_string(folder.join(&path)).with_context(|| format!("{name} cannot be read"))?;
                pages.insert(name.clone(), read(&text));
            }
            files.insert(name);
        }
    }
    let mut links = Links {
        pages: pages.len(),
        ..Links::default()
    };
    for (name, page) in &pages {
        for target in &page.targets {
            links.look(name, target, &pages, &files);
        }
    }
    Ok(links)
}

fn read(text: &str) -> Page {
    let html = Html::parse_document(text);
    let mut page = Page {
        ids: BTreeSet::new(),
        targets: Vec::new(),
    };
    // Selectors of our own that cannot be wrong; a wrong one would select nothing, which a test sees.
    for (what, attribute, needed) in [
        ("a[href]", "href", false),
        ("img[src]", "src", true),
        ("script[src]", "src", true),
        ("link[rel~=stylesheet], link[rel~=icon]", "href", true),
        ("iframe[src]", "src", true),
        ("image[href]", "href", true),
    ] {
        let Ok(selector) = Selector::parse(what) else { continue };
        for element in html.select(&selector) {
            if let Some(written) = element.attr(attribute) {
                page.targets.push(Target {
                    written: written.to_owned(),
                    needed,
                });
            }
        }
    }
    if let Ok(any) = Selector::parse("[id], a[name]") {
        for element in html.select(&any) {
            let names = [element.attr("id"), element.attr("name")];
            page.ids.extend(names.into_iter().flatten().map(str::to_owned));
        }
    }
    page
}

impl Links {
    fn look(&mut self, page: &str, target: &Target, pages: &BTreeMap<String, Page>, files: &BTreeSet<String>) {
        let written = target.written.as_str();
        let mut dead = |why: String| {
            self.dead.insert(Dead {
                page: page.to_owned(),
                target: written.to_owned(),
                why,
            });
        };
        if written.starts_with("data:") {
            return;
        }
        if is_elsewhere(written) {
            if target.needed {
                dead("a page may need nothing from elsewhere; put it into the book".into());
            } else {
                self.outside
                    .entry(written.to_owned())
                    .or_default()
                    .insert(page.to_owned());
            }
            return;
        }
        let (path, anchor) = written
            .split_once('#')
            .map_or((written, None), |(path, anchor)| (path, Some(anchor)));
        let path = path.split('?').next().unwrap_or_default();
        let Some(file) = resolve(page, path) else {
            return dead("it lies outside of the book".into());
        };
        let file = [file.clone(), format!("{file}index.html"), format!("{file}/index.html")]
            .into_iter()
            .find(|file| files.contains(file));
        let Some(file) = file else {
            return dead("there is no such file".into());
        };
        // `#` alone is the top of the page.
        if let Some(anchor) = anchor.filter(|anchor| !anchor.is_empty())
            && let Some(of) = pages.get(&file)
            && !of.ids.contains(&decoded(anchor))
        {
            dead(format!("{file} has no anchor of that name"));
        }
    }
}

/// Whether it has a scheme or a host: `https:`, `mailto:`, `//host`.
fn is_elsewhere(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme || target.starts_with("//")
}

/// A path as it is meant on a page; `None` if it leads out of the site.
fn resolve(page: &str, path: &str) -> Option<String> {
    let path = decoded(path);
    if path.is_empty() {
        return Some(page.to_owned());
    }
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let (base, path) = match path.strip_prefix('/') {
        Some(path) => ("", path),
        None => (folder, path.as_str()),
    };
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    Some(parts.join("/") + end)
}

/// `%ED%95%9C` as the letters that it stands for.
fn decoded(text: &str) -> String {
    let (bytes, mut out) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The code that pages include, of which mdBook takes what it finds: a file that is not there it tells of, a part not.
///
/// # Errors
/// The pages cannot be read.
pub(crate) fn includes(root: &Path) -> anyhow::Result<Vec<Mistake>> {
    let folder = root.join(PAGES);
    let mut wrong = Vec::new();
    for (path, about) in crate::keep::files::walk(&folder).with_context(|| format!("{PAGES} cannot be read"))? {
        if !about.is_file() || path.extension().is_none_or(|kind| kind != "md") {
            continue;
        }
        let text = std::fs::read_to_string(folder.join(&path))
            .with_context(|| format!("{} cannot be read", path.display()))?;
        for (at, line) in text.lines().enumerate() {
            for words in included(line) {
                let base = folder.join(path.parent().unwrap_or(Path::new("")));
                if let Err(what) = is_there(&base, words) {
                    wrong.push(mistake(format!("{PAGES}/{}", path.display()), at + 1, what));
                }
            }
        }
    }
    Ok(wrong)
}

/// What a line includes, as it is written.
fn included(line: &str) -> Vec<&str> {
    let starts = ["{{#include ", "{{#rustdoc_include "];
    let mut found = Vec::new();
    for start in starts {
        for (at, _) in line.match_indices(start) {
            if !line[..at].ends_with('\\')
                && let Some((words, _)) = line[at + start.len()..].split_once("}}")
            {
                found.push(words.trim());
            }
        }
    }
    found
}

fn is_there(base: &Path, words: &str) -> Result<(), String> {
    let (file, part) = words.split_once(':').map_or((words, ""), |(file, part)| (file, part));
    let path: PathBuf = base.join(file);
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("{file} cannot be included ({error}); correct the path"))?;
    let first = part.split(':').next().unwrap_or_default();
    if first.is_empty() || first.chars().all(|c| c.is_ascii_digit()) {
        let lines = text.lines().count();
        return match first.parse::<usize>() {
            Ok(line) if line > lines => Err(format!(
                "{file} has {lines} lines, and no line {line}; correct the number"
            )),
            _ => Ok(()),
        };
    }
    let marked = |mark: &str| {
        let named = |line: &str| {
            line.split_once(mark)
                .is_some_and(|(_, name)| name.split_whitespace().next() == Some(first))
        };
        text.lines().any(named)
    };
    match (marked("ANCHOR: "), marked("ANCHOR_END: ")) {
        (true, true) => Ok(()),
        (true, false) => Err(format!(
            "{file} has no `ANCHOR_END: {first}`; write it where the part ends"
        )),
        (false, _) => Err(format!(
            "{file} has no `ANCHOR: {first}`; correct the name, or mark the part"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_is_there_is_found_from_wherever_it_is_meant() {
        let folder = site(&[
            (
                "index.html",
                "<h1 id='top'>a</h1><a href='sub/b.html#한국'>b</a><a href='#top'>t</a><a href='#'>u</a><a href='/sub/'>c</a><img src='a.svg?v=1'>",
            ),
            (
                "sub/b.html",
                "<p id='한국'>x</p><a href='../index.html#top'>a</a><a href='b.html#%ED%95%9C%EA%B5%AD'>b</a><a href='https://e.org/x'>e</a>",
            ),
            ("sub/index.html", ""),
            ("a.svg", "<svg/>"),
        ]);
        let links = check(folder.path()).unwrap();
        assert_eq!(links.dead, BTreeSet::new());
        assert_eq!(
            (links.pages, links.outside.keys().next().map(String::as_str)),
            (3, Some("https://e.org/x"))
        );
    }

    #[test]
    fn a_dead_link_is_told_with_its_page_and_its_target() {
        let cases = [
            ("<a href='gone.html'>x</a>", "there is no such file"),
            ("<a href='#gone'>x</a>", "no anchor"),
            ("<img src='gone.png'>", "there is no such file"),
            ("<a href='../../etc/passwd'>x</a>", "outside of the book"),
            (
                "<script src='https://cdn.example/x.js'></script>",
                "nothing from elsewhere",
            ),
            (
                "<link rel='stylesheet' href='//fonts.example/x.css'>",
                "nothing from elsewhere",
            ),
        ];
        for (html, why) in cases {
            let folder = site(&[("below/a.html", html)]);
            let dead: Vec<String> = check(folder.path())
                .unwrap()
                .dead
                .iter()
                .map(ToString::to_string)
                .collect();
            assert!(
                dead.len() == 1 && dead[0].starts_with("below/a.html: ") && dead[0].contains(why),
                "{html}: {dead:?}"
            );
        }
    }

    #[test]
    fn a_part_of_a_file_that_is_included_has_to_be_marked() {
        let page = "```rust\n{{#include ../../code.rs:one}}\n{{#include ../../code.rs:two}}\n{{#include ../../code.rs:three}}\n{{#include ../../gone.rs}}\n\\{{#include nothing}}\n{{#include ../../code.rs:99}}\n```\n";
        let code = "// ANCHOR: one\nfn a() {}\n// ANCHOR_END: one\n// ANCHOR: two\n";
        let folder = site(&[("book/src/a.md", page), ("code.rs", code)]);
        let told: Vec<String> = includes(folder.path())
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted = [
            "book/src/a.md:3: ../../code.rs has no `ANCHOR_END: two`",
            "book/src/a.md:4: ../../code.rs has no `ANCHOR: three`",
            "book/src/a.md:5: ../../gone.rs cannot be included",
            "book/src/a.md:7: ../../code.rs has 4 lines",
        ];
        assert_eq!(told.len(), wanted.len(), "{told:#?}");
        for (told, wanted) in told.iter().zip(wanted) {
            assert!(told.starts_with(wanted), "{wanted:?} is not the beginning of {told:?}");
        }
    }
}
