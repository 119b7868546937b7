//! `./lab up` where it cannot write: each time one sentence with the place and what to do, no PASS, nobody left.
//!
//! Permission bits would not do, root writes past them: the places are file systems of their own, in a mount namespace that
//! goes with the command, and an ordinary user may make one too (`unshare --map-root-user`). Where the system forbids that,
//! each test says on standard error that it could not be made.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod common;

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Ended, LIMIT, Running, all_there, home, lab, no_folder_left, nobody_left};
use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// What becomes the command behind it, after `mount` was done in a namespace of its own; with the arguments that `mount` has.
fn after<'a>(mount: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    let unshare = ["unshare", "--mount", "--map-root-user", "--propagation", "private"];
    let shell = ["sh", "-euc", mount, "sh"];
    [unshare.as_slice(), &shell, args].concat()
}

/// Whether such a namespace can be had here; if not, that is said where the harness of the tests does not hide it.
fn can_mount(test: &str) -> bool {
    let place = tempfile::tempdir().unwrap();
    let words = after("mount -t tmpfs tmpfs \"$1\"", &[place.path().to_str().unwrap()]);
    let tried = std::process::Command::new(words[0]).args(&words[1..]).output();
    let why = match &tried {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let line = format!("NOT TESTED, because nothing can be mounted here ({why}): {test}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    false
}

fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    let said: Vec<_> = ended.stderr.lines().filter(|line| line.starts_with("lab: ")).collect();
    assert_eq!(said.len(), 1, "{ended:?}");
    for word in words {
        assert!(said[0].contains(word), "{word:?} is not in {:?}", said[0]);
    }
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_or_a_folder_of_runs_that_is_read_only_is_refused_at_once() {
    if !can_mount("a home that is read-only") {
        return;
    }
    let home = home();
    let runs = home.join("runs");
    for place in [&*home, runs.as_path()] {
        std::fs::create_dir_all(place).unwrap();
        let words = after(
            "mount -t tmpfs -o ro tmpfs \"$1\"; shift; exec \"$@\"",
            &[place.to_str().unwrap()],
        );
        let ended = Running::start_by(&words, &home, &["up", "--plain"]).end().await;
        refused(
            &ended,
            &[place.to_str().unwrap(), "cannot be written to", "TICKBOOK_HOME"],
        );
        // At once: before anything is built or started.
        for done in ["pipeline built", "ready"] {
            assert!(!ended.stderr.contains(done), "{ended:?}");
        }
        nobody_left(&home).await;
    }
}

/// All that a run writes stands on this disk: the data of both servers, their logs, the journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_in_the_middle_of_a_run_ends_it_with_the_place_and_what_to_do() {
    if !can_mount("a disk that fills up") {
        return;
    }
    let home = home();
    let runs = home.join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    let words = after(
        "mount -t tmpfs -o size=700m tmpfs \"$1\"; shift; exec \"$@\"",
        &[runs.to_str().unwrap()],
    );
    let mut run = Running::start_by(&words, &home, &["up", "--for", "60s", "--plain"]);
    run.says("the first trade is a row").await;
    all_there(&home);
    fill(Path::new(&format!("/proc/{}/root{}", run.pid(), runs.display())));
    let from = Instant::now();
    let ended = run.end().await;
    assert!(
        from.elapsed() < Duration::from_secs(30),
        "{:?}: {ended:?}",
        from.elapsed()
    );
    refused(
        &ended,
        &[
            runs.to_str().unwrap(),
            "is full",
            "not audited",
            "./lab clean",
            "TICKBOOK_HOME",
            "last-run/logs",
        ],
    );
    nobody_left(&home).await;
    let audit = Running::start(&home, &["audit"]).end().await;
    assert_eq!((audit.code, audit.stdout.as_str()), (Some(2), ""), "{audit:?}");
}

/// Leaves no room on the disk of `folder`.
fn fill(folder: &Path) {
    let ballast = std::fs::File::create(folder.join("ballast")).unwrap();
    let disk = statvfs(folder).unwrap();
    let mut room = disk.f_bavail * disk.f_frsize;
    let mut held = 0;
    // Others write meanwhile: halves, until not even a page is to be had.
    while room >= 4_096 {
        match fallocate(&ballast, FallocateFlags::empty(), held, room) {
            Ok(()) => held += room,
            Err(_) => room /= 2,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_finds_no_room_is_shown_all_the_same_and_its_place_is_named() {
    if !can_mount("a report that finds no room") {
        return;
    }
    let home = home();
    let full = tempfile::tempdir().unwrap();
    // One inode, which is the folder's own: no file finds room.
    let words = after(
        "mount -t tmpfs -o nr_inodes=1 tmpfs \"$1\"; shift; exec \"$@\"",
        &[full.path().to_str().unwrap()],
    );
    let mut run = Running::start_by(&words, &home, &["up", "--for", "3s", "--plain"]);
    run.says("the first trade is a row").await;
    let place = home.join("last-run");
    std::fs::remove_dir(&place).unwrap();
    std::os::unix::fs::symlink(full.path(), &place).unwrap();
    let ended = run.end().await;
    assert!(ended.code == Some(0) && ended.stdout.starts_with("PASS\n"), "{ended:?}");
    let words = [
        "The verdict stands",
        place.to_str().unwrap(),
        "No space left",
        "./lab clean",
        "TICKBOOK_HOME",
    ];
    let line = ended
        .stderr
        .lines()
        .find(|line| line.contains(words[0]))
        .unwrap_or_default();
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line:?}: {ended:?}");
    }
    nobody_left(&home).await;
    no_folder_left(&home).await;
    std::fs::remove_file(&place).unwrap();
    assert!(lab(&home, &["audit"]).await.is_err(), "a report was kept somewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_too_small_for_the_run_is_refused_before_anything_starts() {
    if !can_mount("a disk that is too small") {
        return;
    }
    let home = home();
    let runs = home.join("runs");
    std::fs::create_dir_all(&runs).unwrap();
    let words = after(
        "mount -t tmpfs -o size=100m tmpfs \"$1\"; shift; exec \"$@\"",
        &[runs.to_str().unwrap()],
    );
    let from = Instant::now();
    let ended = Running::start_by(&words, &home, &["up", "--plain"]).end().await;
    assert!(from.elapsed() < LIMIT / 10, "{ended:?}");
    refused(
        &ended,
        &[runs.to_str().unwrap(), "this run may need", "--for", "TICKBOOK_HOME"],
    );
    nobody_left(&home).await;
}
