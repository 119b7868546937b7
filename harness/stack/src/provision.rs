//! What the local servers are made of: where it is kept, how it is fetched, and whether it is whole.

use std::path::PathBuf;

/// The folder that holds everything Tickbook fetches: `TICKBOOK_HOME`, else `XDG_CACHE_HOME/tickbook`, else
/// `~/.cache/tickbook`.
pub fn home() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("TICKBOOK_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("tickbook")))
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache/tickbook")))
        .unwrap_or_else(|| std::env::temp_dir().join("tickbook"))
}

/// One thing that the stack may need, and whether this machine has it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is called.
    pub what: &'static str,
    /// The version found, or a size; `None` when it is missing.
    pub version: Option<String>,
    /// The exact command that cures it, if it is missing.
    pub cure: Option<String>,
    /// What it is needed for.
    pub needed_for: &'static str,
}
