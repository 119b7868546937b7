//! What installs a tool that is missing, on this very system: a command to copy.

use std::process::{Command, Stdio};

use super::tools::find;

/// See there; the script `lab` reads the same file.
const TABLE: &str = include_str!("../../tools.txt");

/// A program that something here needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Java,
    Maven,
    Pip,
    Rust,
    Cc,
    Make,
    Strace,
    Docker,
    Debootstrap,
}

impl Tool {
    /// The command that installs it here.
    pub(crate) fn cure(self) -> String {
        match self {
            // It looks before it builds anything, so that it is the one that knows how.
            Self::Rust => "run ./lab, which installs it or prints the command".into(),
            tool => {
                let manager = managers().find(|manager| find(manager).is_some());
                command(tool, manager, rustix::process::geteuid().is_root(), &apt_has)
            }
        }
    }

    /// As the table calls it.
    const fn row(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Maven => "maven",
            Self::Pip => "pip",
            Self::Rust => "rustup",
            Self::Cc => "cc",
            Self::Make => "make",
            Self::Strace => "strace",
            Self::Docker => "docker",
            Self::Debootstrap => "debootstrap",
        }
    }
}

fn rows() -> impl Iterator<Item = std::str::SplitWhitespace<'static>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::split_whitespace)
}

/// The package managers that the table knows.
fn managers() -> impl Iterator<Item = &'static str> {
    rows().take(1).flatten().skip(1)
}

/// The command for one tool under one package manager, or under none that is known.
fn command(tool: Tool, manager: Option<&str>, root: bool, has: &dyn Fn(&str) -> bool) -> String {
    let cell = manager.and_then(|manager| {
        let column = managers().position(|known| known == manager)? + 1;
        let row = rows().find(|row| row.clone().next() == Some(tool.row()))?;
        row.clone().nth(column).filter(|cell| *cell != "-")
    });
    let (Some(manager), Some(cell)) = (manager, cell) else {
        return format!("install {} with your package manager", tool.row());
    };
    let alternatives: Vec<_> = cell.split('|').collect();
    let package = match alternatives.as_slice() {
        [only] => only,
        [.., last] => alternatives.iter().find(|package| has(package)).unwrap_or(last),
        [] => cell,
    };
    let install = match manager {
        "apt-get" => "apt-get install -y --no-install-recommends",
        "dnf" => "dnf install -y",
        "pacman" => "pacman -S --needed",
        _ => "apk add",
    };
    let sudo = if root { "" } else { "sudo " };
    format!("{sudo}{install} {}", package.replace(',', " "))
}

/// Whether apt can install a package of that name. `apt-cache show` would also know names that other packages merely
/// mention.
fn apt_has(package: &str) -> bool {
    let asked = Command::new("apt-cache")
        .args(["madison", package])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    asked.is_ok_and(|output| !output.stdout.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: [Tool; 9] = [
        Tool::Java,
        Tool::Maven,
        Tool::Pip,
        Tool::Rust,
        Tool::Cc,
        Tool::Make,
        Tool::Strace,
        Tool::Docker,
        Tool::Debootstrap,
    ];

    #[test]
    fn the_table_has_a_row_for_each_tool_and_a_cell_for_each_manager() {
        assert_eq!(managers().collect::<Vec<_>>(), ["apt-get", "dnf", "pacman", "apk"]);
        for row in rows() {
            assert_eq!(row.clone().count(), 5, "harness/stack/tools.txt: {row:?}");
        }
        for tool in TOOLS {
            assert!(
                rows().any(|row| row.clone().next() == Some(tool.row())),
                "harness/stack/tools.txt has no {tool:?}"
            );
        }
    }

    #[test]
    fn a_cure_is_this_systems_own_command_and_asks_for_root_only_where_there_is_none() {
        let none = |_: &str| false;
        let cure = |tool, manager, root| command(tool, Some(manager), root, &none);
        assert_eq!(cure(Tool::Maven, "dnf", false), "sudo dnf install -y maven");
        assert_eq!(cure(Tool::Strace, "apk", true), "apk add strace");
        assert_eq!(
            cure(Tool::Pip, "apt-get", true),
            "apt-get install -y --no-install-recommends python3 python3-pip"
        );
        assert_eq!(
            command(Tool::Make, None, false, &none),
            "install make with your package manager"
        );
    }

    #[test]
    fn java_is_the_first_package_that_the_system_has_to_offer() {
        let java = |has: &'static [&'static str]| {
            command(Tool::Java, Some("apt-get"), true, &move |package| {
                has.contains(&package)
            })
        };
        assert!(java(&["openjdk-17-jre-headless", "default-jre-headless"]).ends_with(" openjdk-17-jre-headless"));
        assert!(java(&["openjdk-21-jre-headless", "openjdk-17-jre-headless"]).ends_with(" openjdk-21-jre-headless"));
        assert!(java(&[]).ends_with(" default-jre-headless"));
    }
}
