//! Whether a lab is a member of the workspace, and making it one.

use anyhow::{Context, bail};

use super::found::Lab;

/// Names the lab among the members of the root's manifest, if it does not stand there yet.
///
/// # Errors
/// The manifest has no line of members that ends where it begins.
pub(crate) fn make_member(lab: &Lab) -> anyhow::Result<()> {
    if is_member(lab) {
        return Ok(());
    }
    let path = lab.root.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let folder = format!("\"labs/{}\"", lab.manifest.folder());
    let line = text
        .lines()
        .find(|line| line.starts_with("members = [") && line.ends_with(']'));
    let Some(line) = line else {
        bail!(
            "add {folder} to members in {}, then run ./lab generate again",
            path.display()
        );
    };
    let longer = format!("{}, {folder}]", line.trim_end_matches(']'));
    // Beside it first: a full disk must not leave a workspace without members.
    let beside = lab.root.join("Cargo.toml.new");
    std::fs::write(&beside, text.replacen(line, &longer, 1))
        .and_then(|()| std::fs::rename(&beside, &path))
        .with_context(|| format!("writing {}", path.display()))
}

/// Whether the root's manifest names the lab among its members: a pattern would take a reader's copy of a folder for a lab.
pub(crate) fn is_member(lab: &Lab) -> bool {
    let manifest = std::fs::read_to_string(lab.root.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let members = manifest.get("workspace").and_then(|workspace| workspace.get("members"));
    let folder = format!("labs/{}", lab.manifest.folder());
    let mut members = members.and_then(toml::Value::as_array).into_iter().flatten();
    members.any(|member| member.as_str() == Some(&folder))
}
