//! `./lab reset` and `./lab update` as their user meets them: what is said, on a full disk, two at once, killed.

#![allow(clippy::unwrap_used)] // a panic is the failure

#[path = "../src/keep/fake.rs"]
mod fake;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use fake::{Fake, LINK, all, lines};

/// The lab command, on a checkout; behind `words`, if there are any.
fn lab(root: &Path, words: &[&str], args: &[&str]) -> Command {
    let program = env!("CARGO_BIN_EXE_lab");
    let all = [words, &[program], args].concat();
    let mut command = Command::new(all[0]);
    command
        .args(&all[1..])
        .env("TICKBOOK_ROOT", root)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn run(root: &Path, args: &[&str]) -> String {
    let (code, stdout, stderr) = said(&lab(root, &[], args).output().unwrap());
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    stdout
}

#[test]
fn the_command_that_a_reset_shows_copies_a_file_back() {
    let fake = Fake::new();
    fake.write(LINK, "mine\n");
    let (code, stdout, stderr) = said(&lab(&fake.root, &[], &["reset", "5"]).output().unwrap());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("all that was there is in .lab/backups/05-acks-"),
        "{stderr}"
    );
    for words in [
        "labs/05-acks is what the workbook ships again: 1 file",
        "tests/mine.rs is as",
        "Next: ./lab test 05",
    ] {
        assert!(stdout.contains(words), "{words:?} is not in {stdout}");
    }
    assert_eq!(fake.read(LINK), lines(&[]));
    let copy = stdout
        .lines()
        .find_map(|line| line.strip_prefix("one file back: "))
        .unwrap();
    assert!(
        Command::new("sh")
            .args(["-ec", copy])
            .current_dir(&fake.root)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(fake.read(LINK), "mine\n", "{copy}");
}

#[test]
fn an_update_says_what_came_what_is_to_be_settled_and_how() {
    let fake = Fake::new();
    assert_eq!(
        run(&fake.root, &["update"]),
        "there is no newer workbook: nothing was changed\n"
    );
    fake.write(LINK, lines(&[(2, "// yours")]));
    fake.publish(&[(LINK, Some(&lines(&[(2, "// theirs")])))]);
    let stdout = run(&fake.root, &["update"]);
    for words in [
        "1 commit brought",
        " a change\n",
        "labs/05-acks: 1 conflict for you to settle",
        "  backup: .lab/backups/05-acks-",
        &format!("\n  {LINK}:2\n"),
        "Between <<<<<<< and ||||||| is what you wrote",
        "remove the four marker lines",
        "Next: ./lab test 05\n",
    ] {
        assert!(stdout.contains(words), "{words:?} is not in {stdout}");
    }
}

#[test]
fn a_disk_that_is_full_is_named_and_nothing_is_changed() {
    // A file system of its own, in a mount namespace that goes with the command.
    let unshare = [
        "unshare",
        "--mount",
        "--map-root-user",
        "--propagation",
        "private",
        "sh",
        "-euc",
    ];
    let tried = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("mount -t tmpfs tmpfs /mnt")
        .output();
    if !tried.is_ok_and(|output| output.status.success()) {
        let line = b"NOT TESTED, because nothing can be mounted here: a disk that is full\n";
        std::io::stderr().write_all(line).unwrap();
        return;
    }
    let fake = Fake::new();
    fake.write("labs/05-acks/big.bin", vec![7; 1_000_000]);
    fake.write(LINK, "mine\n");
    fake.publish(&[(LINK, Some("// theirs\n"))]);
    fs::create_dir(fake.root.join(".lab")).unwrap();
    let before = (fake.head(), all(&fake.root.join("labs")));
    let mount = "mount -t tmpfs -o size=200k tmpfs .lab; exec \"$@\"";
    for args in [["reset", "05"].as_slice(), &["update"]] {
        let words = [unshare.as_slice(), &[mount, "sh"]].concat();
        let (code, stdout, stderr) = said(&lab(&fake.root, &words, args).output().unwrap());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args:?}: {stderr}");
        for words in [
            "cannot write",
            ".lab/backups",
            "No space left",
            "make room on that disk",
        ] {
            assert!(stderr.contains(words), "{args:?}: {words:?} is not in {stderr}");
        }
        assert_eq!(
            (fake.head(), all(&fake.root.join("labs"))),
            before,
            "{args:?} changed something: {stderr}"
        );
    }
}

/// Waits for the end of one that was started.
fn ended(child: Child) -> (Option<i32>, String, String) {
    said(&child.wait_with_output().unwrap())
}

#[test]
fn commands_at_once_do_not_hurt_each_other() {
    let fake = Fake::new();
    fake.write(LINK, lines(&[(1, "// yours")]));
    fake.write("labs/06-groups/src/lib.rs", "mine\n");
    fake.publish(&[(LINK, Some(&lines(&[(10, "// theirs")])))]);
    let updates = [1, 2, 3].map(|_| lab(&fake.root, &[], &["update"]).spawn().unwrap());
    let resets = [1, 2, 3].map(|_| lab(&fake.root, &[], &["reset", "06"]).spawn().unwrap());
    let updates = updates.map(ended);
    let resets = resets.map(ended);
    for (code, stdout, stderr) in &resets {
        assert_eq!(*code, Some(0), "{stdout}{stderr}");
    }
    // Two that ask the remote at the same moment may be told by git to come again; one of them gets through.
    assert!(updates.iter().any(|(code, ..)| *code == Some(0)), "{updates:?}");
    run(&fake.root, &["update"]);
    assert_eq!(
        fake.read(LINK),
        lines(&[(1, "// yours"), (10, "// theirs")]),
        "{updates:?}"
    );
    // Of the reader's file at least one backup is there, whoever was first.
    let kept =
        |backup: &std::path::PathBuf| fs::read_to_string(backup.join("src/lib.rs")).is_ok_and(|text| text == "mine\n");
    assert!(fake.backups().iter().any(kept), "{:?}", fake.backups());
    for left in ["updating", "staged", "merge", "backups/.unfinished"] {
        assert!(!fake.root.join(".lab").join(left).exists(), "{left} was left");
    }
}

/// Killed at moments that its own files give: as soon as its plan is there, a backup, a file that is to be put in place.
#[test]
fn an_update_that_is_killed_is_ended_by_the_next() {
    for moment in [
        ".lab/updating",
        ".lab/backups",
        ".lab/staged",
        ".git/ORIG_HEAD",
        ".lab/merge",
    ] {
        let fake = Fake::new();
        fake.write(LINK, lines(&[(1, "// yours")]));
        fake.publish(&[
            (LINK, Some(&lines(&[(10, "// theirs")]))),
            ("README.md", Some("newer\n")),
        ]);
        let mut child = lab(&fake.root, &[], &["update"]).spawn().unwrap();
        while !fake.root.join(moment).exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        // It may have ended meanwhile: then there is nothing to go on with.
        let _ = child.kill();
        let first = ended(child);
        // A git that it had called may still be at work on the branch, and holds the lock.
        let (code, stdout, stderr) = said(&lab(&fake.root, &[], &["update"]).output().unwrap());
        assert_eq!(code, Some(0), "killed at {moment}: {stdout}{stderr}{first:?}");
        assert_eq!(
            fake.read(LINK),
            lines(&[(1, "// yours"), (10, "// theirs")]),
            "{moment}: {stderr}"
        );
        assert_eq!(fake.read("README.md"), "newer\n", "{moment}: {stderr}");
        assert!(!fake.root.join(".lab/updating").exists(), "{moment}: {stderr}");
        assert_eq!(
            fake.git(&["status", "--porcelain", "--", ":!labs"]),
            "",
            "{moment}: {stderr}"
        );
    }
}
