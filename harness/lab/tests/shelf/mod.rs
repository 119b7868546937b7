//! A checkout with a small book of its own, in which every directive stands once, and with records of this machine.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure
#![allow(dead_code, unreachable_pub)] // each test program takes what it needs

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use measure::Machine;
use tempfile::TempDir;

/// What anything here may take on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The page with every directive.
pub const PAGE: &str = "book/src/05-acks.md";

pub struct Shelf {
    _folder: TempDir,
    pub root: PathBuf,
}

impl Shelf {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let own = here.join("tests/shelf");
        copy(&own.join("book"), &root.join("book"));
        for folder in ["solutions", "labs"] {
            copy(&own.join(folder), &root.join(folder));
        }
        let book = here.join("../../book");
        copy(&book.join("theme"), &root.join("book/theme"));
        for file in ["book.toml", "glossary.toml"] {
            fs::copy(book.join(file), root.join("book").join(file)).unwrap();
        }
        let machine = serde_json::to_string(&Machine::this()).unwrap();
        let records = fs::read_to_string(own.join("records/05-acks.jsonl")).unwrap();
        let shelf = Self { _folder: folder, root };
        shelf.write(".lab/records/05-acks.jsonl", &records.replace("@MACHINE@", &machine));
        shelf.write(
            ".lab/predictions.jsonl",
            &fs::read_to_string(own.join("predictions.jsonl")).unwrap(),
        );
        // What plain mdbook runs, as the checkout's own script does it.
        let script = shelf.root.join("lab");
        fs::write(
            &script,
            format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_lab")),
        )
        .unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        shelf
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.root.join(file)).unwrap()
    }

    pub fn add(&self, file: &str, text: &str) {
        self.write(file, &format!("{}{text}", self.read(file)));
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
        command
            .args(words)
            .env("TICKBOOK_ROOT", &self.root)
            .current_dir(&self.root)
            .stdin(Stdio::null());
        command
    }

    /// A call that ends by itself.
    pub fn lab(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub fn build(&self) -> Output {
        self.lab(&["book", "--build"])
    }

    /// Serves the book until the server is dropped.
    pub fn serve(&self) -> Server {
        let mut child = self
            .command(&["book"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let from = said.len();
            let read = lines.read_line(&mut said).unwrap();
            assert!(read > 0, "the server ended before it named its address: {said}");
            if let Some((_, rest)) = said[from..].split_once("http://") {
                break rest.split('/').next().unwrap().to_owned();
            }
        };
        Server { child, address }
    }
}

/// A copy of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Every file below a folder, by its path there.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A server that goes with the test.
pub struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub address: String,
}

impl Server {
    /// An answer, its head and its body; `request` without the empty line.
    pub fn raw(&self, request: &str) -> (String, String) {
        let mut stream = self.open(request);
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.to_owned(), body.to_owned())
    }

    pub fn get(&self, path: &str) -> (String, String) {
        self.raw(&format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close",
            self.address
        ))
    }

    /// A connection on which a request was sent.
    pub fn open(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(format!("{request}\r\n\r\n").as_bytes()).unwrap();
        stream
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Option<i32> {
        let from = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(from.elapsed() < LIMIT, "the server has not ended within {LIMIT:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
