//! A site in memory: what is served is what was in its folder when it was built, and nothing else can be asked for.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use axum::body::Bytes;

/// By path, as it stands in an address without the slash before it: `reference/performance.html`.
#[derive(Debug, Default)]
pub(crate) struct Site {
    files: HashMap<String, Bytes>,
}

impl Site {
    /// Reads a folder. A link is left out, whatever it leads to: nothing of the site is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut site = Self::default();
        site.add(folder, "")
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        Ok(site)
    }

    fn add(&mut self, folder: &Path, below: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            // A name that is no text is in no address.
            let Some(name) = name.to_str() else { continue };
            let path = format!("{below}{name}");
            if kind.is_dir() {
                self.add(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                self.files.insert(path, std::fs::read(entry.path())?.into());
            }
        }
        Ok(())
    }

    /// The file that an address means, and its type. Addresses are compared, and not resolved: `..` is a name that no file has.
    pub(super) fn find(&self, path: &str) -> Option<(&'static str, Bytes)> {
        let path = path.strip_prefix('/')?;
        let path = match path {
            "" => "index.html",
            path => path,
        };
        self.files.get(path).map(|bytes| (kind(path), bytes.clone()))
    }
}

/// What a browser is told that a file is.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("woff2") => "font/woff2",
        Some("txt" | "md") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_found_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.txt");
        let site = folder.path().join("site");
        std::fs::create_dir_all(site.join("below")).unwrap();
        for (file, text) in [
            (&secret, "secret"),
            (&site.join("index.html"), "<p>"),
            (&site.join("below/a.css"), "a"),
        ] {
            std::fs::write(file, text).unwrap();
        }
        std::os::unix::fs::symlink(&secret, site.join("link.txt")).unwrap();
        std::os::unix::fs::symlink(folder.path(), site.join("out")).unwrap();
        let read = Site::read(&site).unwrap();
        assert_eq!(read.find("/").unwrap().0, "text/html; charset=utf-8");
        assert_eq!(read.find("/below/a.css").unwrap().1, "a");
        let outside = [
            "/../secret.txt",
            "/below/../../secret.txt",
            "/%2e%2e/secret.txt",
            "//etc/passwd",
            secret.to_str().unwrap(),
            "/link.txt",
            "/out/secret.txt",
            "/below",
            "/below/",
            "",
        ];
        for path in outside {
            assert!(read.find(path).is_none(), "{path:?} is served");
        }
    }
}
