//! Has mdBook make the site, in this process.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use mdbook_driver::MDBook;
use tracing_subscriber::fmt::MakeWriter;

use super::material::Material;
use super::preprocessor::Tickbook;
use crate::measuring::claims::Mistake;

/// A site that was made, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Built {
    /// Where it stands.
    pub(crate) site: PathBuf,
    /// With file and line; the pages show them in their places.
    pub(crate) mistakes: Vec<Mistake>,
    /// What mdBook complains of, such as a file that is included and not there.
    pub(crate) complaints: Vec<String>,
    /// What of the reader's files could not be read: their figures are left out.
    pub(crate) left_out: Vec<String>,
}

/// Makes the site of the checkout at `root`, into `site` or where `book.toml` says; what is there is replaced. If it is `strict`,
/// a mistake in a page leaves what is there, and the mistakes are returned in its stead.
///
/// # Errors
/// The book cannot be loaded or written at all.
pub(crate) fn build(root: &Path, site: Option<&Path>, strict: bool) -> anyhow::Result<Result<Built, Vec<Mistake>>> {
    let material = Rc::new(Material::read(root)?);
    let mistakes = Rc::new(RefCell::new(material.mistakes()));
    let complaints = Complaints::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false)
        .with_writer(complaints.clone())
        .finish();
    let made = tracing::subscriber::with_default(subscriber, || {
        let mut book = MDBook::load(root.join("book"))?;
        if let Some(site) = site {
            book.config.build.build_dir = site.to_path_buf();
        }
        // In the place of the command of that name.
        let ours = Tickbook::new(Rc::clone(&material), Rc::clone(&mistakes));
        book.with_preprocessor(if strict { ours.strict() } else { ours });
        book.build()?;
        anyhow::Ok(book.build_dir_for("html"))
    });
    let place = match made {
        Err(_) if strict && !mistakes.borrow().is_empty() => return Ok(Err(mistakes.take())),
        made => made.context("the book cannot be built")?,
    };
    Ok(Ok(Built {
        site: place.canonicalize().unwrap_or(place),
        mistakes: mistakes.take(),
        complaints: complaints.take(),
        left_out: material.left_out().to_vec(),
    }))
}

/// What mdBook says while it works, instead of its standard error.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<u8>>>);

impl Complaints {
    fn take(&self) -> Vec<String> {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let text = String::from_utf8_lossy(&text);
        text.lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect()
    }
}

impl Write for Complaints {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Complaints {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
