//! What the script `lab` says and does where tools are missing: on a search path of its own, where every program that
//! would change the machine only notes that it was called.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A machine with a search path and a home, and nothing on it but what is put there.
struct Machine {
    folder: TempDir,
}

fn write_program(file: &Path, script: &str) {
    fs::write(file, format!("#!/bin/sh\n{script}\n")).expect("writing");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("making it a program");
}

impl Machine {
    /// A Linux with apt, its lists fetched, whose user has this id.
    fn of_user(id: u32) -> Self {
        let machine = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        fs::create_dir(machine.bin()).expect("creating");
        for tool in ["sh", "dirname", "readlink", "sed", "tr", "head", "env"] {
            let real = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
            let real = real.iter().find(|file| file.exists()).expect("a usual tool");
            symlink(real, machine.bin().join(tool)).expect("linking");
        }
        machine.has("uname", "echo Linux");
        machine.has("id", &format!("echo {id}"));
        machine.has("find", "echo lists_Packages");
        machine.notes("apt-get");
        machine.offers("");
        machine
    }

    fn bin(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn has(&self, program: &str, script: &str) {
        write_program(&self.bin().join(program), script);
    }

    /// A program that only writes down how it was called.
    fn notes(&self, program: &str) {
        let log = self.folder.path().join("log");
        self.has(program, &format!("echo {program} \"$@\" >>'{}'", log.display()));
    }

    /// What apt can install beside what every system has. Like apt, it has heard of everything: only `madison`, by what it
    /// prints, tells what there is.
    fn offers(&self, packages: &str) {
        let script = format!(
            "case \"$1 {packages} \" in *\" $2 \"*) [ \"$1\" != madison ] || echo \" $2 | 1.0 | source\" ;; esac"
        );
        self.has("apt-cache", &script);
    }

    /// All of a build but Rust.
    fn has_a_compiler(&self) {
        for tool in ["cc", "make"] {
            self.has(tool, "exit 0");
        }
    }

    fn has_rust(&self, version: &str) {
        self.has("rustc", &format!("echo 'rustc {version} (0123abc 2026-01-01)'"));
        self.notes("cargo");
    }

    /// `./lab` without a terminal; what it said.
    fn lab(&self, arguments: &[&str]) -> (Output, String) {
        let output = Command::new(self.bin().join("sh"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../lab"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.folder.path())
            .env("CARGO_TARGET_DIR", self.folder.path().join("target"))
            .stdin(Stdio::null())
            .output()
            .expect("starting the script");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output, said)
    }

    /// Which noting programs were called, and how.
    fn called(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

#[test]
fn an_option_before_the_command_does_not_hide_what_the_command_needs() {
    let machine = Machine::of_user(0);
    machine.has_a_compiler();
    machine.has_rust("1.95.0");
    machine.offers("openjdk-17-jre-headless");
    for arguments in [&["--yes", "up"], &["up", "--yes"], &["-y", "test"]] {
        let (_, said) = machine.lab(arguments);
        let called = machine.called();
        let strace = if arguments.contains(&"test") { " strace" } else { "" };
        let wanted = format!("openjdk-17-jre-headless maven python3 python3-pip{strace} ca-certificates");
        assert!(
            called.lines().last().is_some_and(|line| line.ends_with(&wanted)),
            "{arguments:?}: {called}\n{said}"
        );
    }
}

#[test]
fn whoever_is_not_root_hears_once_of_everything_that_is_missing_and_how_to_install_it() {
    let machine = Machine::of_user(1000);
    machine.offers("openjdk-21-jre-headless openjdk-17-jre-headless");
    let (output, said) = machine.lab(&["up"]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in [
        "a C compiler",
        "Java 17",
        "Maven",
        "pip",
        "Rust 1.",
        "sudo apt-get update && sudo apt-get install",
        "build-essential",
        "openjdk-21-jre-headless",
        "maven",
        "curl --proto",
    ] {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert_eq!(machine.called(), "", "{said}");
}

#[test]
fn where_apt_has_rustup_it_is_installed_with_the_rest() {
    let machine = Machine::of_user(0);
    machine.offers("rustup");
    let (_, said) = machine.lab(&["--yes", "--version"]);
    let called = machine.called();
    assert!(
        called.ends_with("install -y --no-install-recommends build-essential make rustup ca-certificates\n"),
        "{called}\n{said}"
    );
    assert!(said.contains("rustup toolchain install stable"), "{said}");
}

#[test]
fn lists_that_are_empty_are_fetched_before_a_package_is_looked_up() {
    let machine = Machine::of_user(0);
    machine.has_a_compiler();
    machine.has("find", "exit 0");
    let (output, said) = machine.lab(&["up"]);
    let called = machine.called();
    assert_eq!(called.lines().next(), Some("apt-get update -q"), "{said}");
    assert_eq!(called.matches("update").count(), 1, "once is enough: {called}");
    assert!(
        said.contains("curl --proto"),
        "the way to Rust where apt has none: {said}"
    );
    assert_eq!(output.status.code(), Some(1), "{said}");
}

#[test]
fn what_only_shows_something_installs_nothing_and_says_what_to_run() {
    for arguments in [
        &["doctor"][..],
        &["--help"],
        &["up", "--help"],
        &["clean"],
        &["audit"],
        &["--yes", "doctor"],
    ] {
        let machine = Machine::of_user(0);
        machine.offers("rustup");
        let (output, said) = machine.lab(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(machine.called(), "", "{arguments:?}: {said}");
        assert!(
            said.contains("apt-get install") && said.contains("rustup toolchain install"),
            "{arguments:?}: {said}"
        );
    }
}

#[test]
fn a_system_without_apt_is_told_its_own_packages_and_only_what_it_lacks() {
    let machine = Machine::of_user(1000);
    machine.has_a_compiler();
    machine.has_rust("1.89.0");
    fs::remove_file(machine.bin().join("apt-get")).expect("removing");
    machine.notes("dnf");
    let (_, said) = machine.lab(&["up"]);
    assert!(
        said.contains("sudo dnf install -y java-21-openjdk-headless maven python3-pip curl ca-certificates"),
        "{said}"
    );
    assert!(
        said.contains("Rust 1.") && said.contains("curl --proto"),
        "1.89 is too old: {said}"
    );
    assert_eq!(machine.called(), "", "{said}");
}

#[test]
fn where_nothing_is_missing_the_lab_command_is_built() {
    let machine = Machine::of_user(1000);
    machine.has_a_compiler();
    machine.has_rust("1.95.0");
    let (_, said) = machine.lab(&["audit"]);
    assert!(machine.called().starts_with("cargo build"), "{said}");
    assert!(!said.contains("missing"), "{said}");
}

#[test]
fn who_has_sudo_and_cannot_be_asked_is_told_what_to_run() {
    let machine = Machine::of_user(1000);
    machine.has("sudo", "exit 0");
    machine.offers("rustup openjdk-17-jre-headless");
    let (output, said) = machine.lab(&["up"]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(machine.called(), "", "{said}");
    assert!(
        said.contains("Run this, then ./lab again") && said.contains("sudo apt-get"),
        "{said}"
    );
}

#[test]
fn the_doctor_that_cannot_be_built_yet_names_all_that_a_run_needs() {
    let machine = Machine::of_user(0);
    machine.offers("rustup openjdk-17-jre-headless");
    let (_, said) = machine.lab(&["doctor"]);
    for word in ["a C compiler", "Java 17", "Maven", "pip"] {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn a_lab_command_that_is_up_to_date_is_not_built_and_waits_for_nobody() {
    let machine = Machine::of_user(1000);
    machine.has_a_compiler();
    machine.has_rust("1.95.0");
    // Nothing is newer.
    machine.has("find", "exit 0");
    let release = machine.folder.path().join("target/release");
    fs::create_dir_all(&release).expect("creating");
    let program = release.join("lab");
    write_program(&program, "echo \"the lab of $TICKBOOK_ROOT: $*\"");
    let (output, said) = machine.lab(&["audit", "--json"]);
    assert_eq!(machine.called(), "", "{said}");
    assert!(
        String::from_utf8_lossy(&output.stdout).ends_with(": audit --json\n"),
        "{output:?}"
    );
}
