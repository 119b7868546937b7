//! For tests: a workbook, the remote that it is published to, and a reader's clone of it.

#![allow(clippy::unwrap_used, dead_code, unreachable_pub)] // a panic is the failure; each who includes this uses some of it

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Fake {
    dir: tempfile::TempDir,
    /// The reader's clone.
    pub root: PathBuf,
}

/// Ten numbered lines, one of them replaced.
pub fn lines(replaced: &[(usize, &str)]) -> String {
    let line = |number| {
        replaced
            .iter()
            .find(|(at, _)| *at == number)
            .map(|(_, text)| (*text).to_owned())
    };
    (1..=10)
        .map(|number| line(number).unwrap_or(format!("// line {number}")) + "\n")
        .collect()
}

pub const LINK: &str = "labs/05-acks/src/link.rs";
pub const MINE: &str = "labs/05-acks/tests/mine.rs";

impl Fake {
    /// Labs 05-acks and 06-groups, published and cloned.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        run(
            dir.path(),
            &["init", "--quiet", "--bare", "--initial-branch=main", "remote"],
        );
        run(dir.path(), &["init", "--quiet", "--initial-branch=main", "book"]);
        run(&at("book"), &["remote", "add", "origin", "../remote"]);
        let fake = Self {
            root: at("reader"),
            dir,
        };
        let text = lines(&[]);
        fake.publish(&[
            (".gitignore", Some("/target\n/.lab/\n*.log\n")),
            ("README.md", Some("a workbook\n")),
            ("labs/05-acks/Cargo.toml", Some("[package]\nname = \"lab-05-acks\"\n")),
            ("labs/05-acks/src/lib.rs", Some("mod link;\n")),
            (LINK, Some(&text)),
            (MINE, Some("// your tests\n")),
            (
                "labs/06-groups/Cargo.toml",
                Some("[package]\nname = \"lab-06-groups\"\n"),
            ),
            ("labs/06-groups/src/lib.rs", Some(&text)),
            ("solutions/05-acks/tests/settings.rs", Some("// tests\n")),
            ("solutions/06-groups/tests/poll.rs", Some("// tests\n")),
        ]);
        run(fake.dir.path(), &["clone", "--quiet", "remote", "reader"]);
        fake
    }

    /// A commit of the workbook with these files (`None` removes), pushed. Returns its name.
    pub fn publish(&self, files: &[(&str, Option<&str>)]) -> String {
        for (path, text) in files {
            let path = self.book().join(path);
            match text {
                Some(text) => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, text).unwrap();
                }
                None => fs::remove_file(&path).unwrap(),
            }
        }
        self.publish_all()
    }

    /// A commit of whatever stands in the workbook's folder.
    pub fn publish_all(&self) -> String {
        run(&self.book(), &["add", "--all", "--force"]);
        run(&self.book(), &["commit", "--quiet", "-m", "a change"]);
        run(&self.book(), &["push", "--quiet", "--set-upstream", "origin", "main"]);
        run(&self.book(), &["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// The workbook's own folder, where its authors write.
    pub fn book(&self) -> PathBuf {
        self.dir.path().join("book")
    }

    pub fn git(&self, args: &[&str]) -> String {
        run(&self.root, args)
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The backups there are, by name.
    pub fn backups(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(".lab/backups")).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }
}

/// Everything below a folder but `target`: kind and mode, and bytes or where a link leads.
pub fn all(place: &Path) -> Vec<(PathBuf, String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![PathBuf::new()];
    while let Some(below) = left.pop() {
        for entry in fs::read_dir(place.join(&below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            let about = entry.metadata().unwrap();
            let mode = format!("{:o}", about.permissions().mode());
            if about.is_symlink() {
                let leads = fs::read_link(entry.path()).unwrap();
                found.push((path, "link".into(), leads.into_os_string().into_encoded_bytes()));
            } else if about.is_dir() && entry.file_name() != "target" {
                found.push((path.clone(), mode, Vec::new()));
                left.push(path);
            } else if about.is_file() {
                found.push((path, mode, fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Runs git as nobody in particular, whatever this machine's user has set.
pub fn run(place: &Path, args: &[&str]) -> String {
    let who = ["AUTHOR", "COMMITTER"];
    let mut git = Command::new("git");
    for who in who {
        git.env(format!("GIT_{who}_NAME"), "Reader")
            .env(format!("GIT_{who}_EMAIL"), "reader@example.org");
    }
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(name);
    }
    let done = git
        .args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(place)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}
