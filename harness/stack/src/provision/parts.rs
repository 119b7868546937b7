//! The pieces as images are made of them.

use std::path::{Path, PathBuf};

use super::store::{MANIFEST, walk};
use super::{Pieces, engine, jars, launcher, versions};
use crate::error::StackError;

/// Changes with Kafka's jars.
pub(crate) fn jars_key() -> Result<String, StackError> {
    Ok(jars::key(&versions()?.kafka))
}

/// Changes with the ClickHouse engine, and with what loads it.
pub(crate) fn engine_key() -> Result<String, StackError> {
    let clickhouse = &versions()?.clickhouse;
    let engine = engine::key(clickhouse, clickhouse.wheel()?);
    Ok(format!("{engine}-{}", launcher::key()))
}

/// The folder of the engine, and the place of its library in there.
pub(crate) fn engine_folder(pieces: &Pieces) -> Result<(PathBuf, String), StackError> {
    let library = versions()?.clickhouse.library.clone();
    let depth = Path::new(&library).components().count();
    let folder = pieces.engine.ancestors().nth(depth).unwrap_or(&pieces.engine);
    Ok((folder.to_path_buf(), library))
}

/// The files of a fetched folder, without the note that says what it was made from.
pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>, StackError> {
    let files = walk(folder).map_err(StackError::io("reading", folder))?;
    Ok(files.into_iter().filter(|file| !file.ends_with(MANIFEST)).collect())
}
