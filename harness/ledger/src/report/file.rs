//! A report in its file.

use std::io::Write;
use std::path::Path;

use super::Report;
use crate::LedgerError;

impl Report {
    /// Writes the report as one JSON object; the file appears whole or not at all.
    ///
    /// # Errors
    /// [`LedgerError::File`].
    pub fn write(&self, path: &Path) -> Result<(), LedgerError> {
        let failed = LedgerError::file(path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(&failed)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|e| failed(e.into()))?;
        file.write_all(b"\n").map_err(&failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// Reads what [`Report::write`] wrote.
    ///
    /// # Errors
    /// [`LedgerError::File`] when there is no such file or it holds no report.
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        let failed = LedgerError::file(path);
        let bytes = std::fs::read(path).map_err(&failed)?;
        serde_json::from_slice(&bytes).map_err(|e| failed(e.into()))
    }
}
