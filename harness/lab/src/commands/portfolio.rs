//! `portfolio`: one page of HTML with what was built, predicted, measured and rehearsed.

use std::fs::{File, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use measure::Machine;

use crate::bank::Bank;
use crate::book::serve::open_browser;
use crate::keep::progress::today;
use crate::keep::{self, files};
use crate::labs::found;
use crate::measuring::Known;
use crate::portfolio::{Facts, Head, MARK, page};
use crate::reader::standing::Standing;
use crate::rehearse::review;
use crate::{cargo, note, out, revision};

/// Where it is written unless somebody says where: beside the records that it is made of, whichever folder the command is called
/// in, and never in a commit by chance, as there is a name on it.
const FILE: &str = "portfolio.html";

/// How many bytes of a file are looked at for the mark.
const BEGINNING: u64 = 64 * 1024;

pub(crate) fn run(file: Option<PathBuf>, name: Option<String>, open: bool) -> anyhow::Result<ExitCode> {
    let root = cargo::root();
    let own = keep::place(&root)?.join(FILE);
    let file = file.unwrap_or(own);
    let replaces = replaces(&file)?;
    let facts = facts(&root, name)?;
    write(&file, &page(&facts))
        .with_context(|| format!("{} cannot be written; choose another --out FILE", file.display()))?;
    let shown = shown(&root, &file);
    out(&format!(
        "{} {}{}\n",
        if replaces { "replaced" } else { "wrote" },
        shown.display(),
        match facts.is_empty() {
            true => ", which says what to do first. Next: ./lab start 05",
            false if open => "",
            false => ". Next: open it in a browser, and print it from there if it is to be paper",
        }
    ));
    if open {
        open_browser(&file.canonicalize().unwrap_or(file).display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a page that was written before stands there; nothing else is overwritten.
fn replaces(file: &Path) -> anyhow::Result<bool> {
    if !files::is_there(file) {
        if let Some(folder) = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
        {
            bail!(
                "{} is no folder, so {} cannot be written; make it, or choose another --out FILE for ./lab portfolio",
                folder.display(),
                file.display()
            );
        }
        return Ok(false);
    }
    // Looked at before it is read: a terminal waits to be typed at, and some devices never end.
    let is_file = std::fs::symlink_metadata(file).is_ok_and(|about| about.is_file());
    if !is_file || !is_ours(file).unwrap_or(false) {
        bail!(
            "{} is there and is no portfolio, so it stays; move it, or choose another --out FILE for ./lab portfolio",
            file.display()
        );
    }
    Ok(true)
}

/// Whether the mark stands where every portfolio has it, at the beginning.
fn is_ours(file: &Path) -> std::io::Result<bool> {
    let mut bytes = Vec::new();
    File::open(file)?.take(BEGINNING).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).contains(MARK))
}

/// Writes it whole or not at all.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut half = tempfile::Builder::new()
        // As of any new file, of which the user's mask takes its part: a page is made to be given away.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    half.write_all(text.as_bytes())?;
    half.persist(file)?;
    Ok(())
}

/// All that the page shows; what cannot be read is told and left out.
fn facts(root: &Path, name: Option<String>) -> anyhow::Result<Facts> {
    let known = Known::read(root)?;
    known.tell_broken();
    let mut standings = Vec::new();
    // A manifest that is broken was told with what is known of experiments.
    for lab in found::all(root)?.into_iter().flatten() {
        match Standing::of(lab) {
            Ok(standing) => standings.push(standing),
            Err(error) => note(&format!("lab: {error:#}")),
        }
    }
    let bank = Bank::read(root);
    for mistake in &bank.broken {
        note(&format!("lab: {mistake}"));
    }
    let name = name.or_else(|| revision::user(root));
    let head = Head {
        name: name.filter(|name| !name.trim().is_empty()),
        date: today(),
        machine: Machine::this(),
        revision: revision::of(root),
        labs_changed: revision::labs_changed(root),
    };
    Ok(Facts {
        head,
        standings,
        known,
        bank,
        reviews: review::read(root).context("the reviews cannot be read")?,
    })
}

/// A file of the checkout by its place in it.
fn shown(root: &Path, file: &Path) -> PathBuf {
    file.strip_prefix(root).unwrap_or(file).to_path_buf()
}
