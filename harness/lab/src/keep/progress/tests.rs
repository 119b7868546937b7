//! Progress: read, changed, kept whole.

#![allow(clippy::unwrap_used)] // a panic is the failure

use std::fs;

use super::*;

const LAB: &str = "05-acks";

fn wrote(text: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let path = Progress::path(root.path(), LAB);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    root
}

#[test]
fn no_file_is_no_progress_and_reading_makes_none() {
    let root = tempfile::tempdir().unwrap();
    assert!(Progress::read(root.path(), LAB).unwrap().is_empty());
    Progress::change(root.path(), LAB, |_| {}).unwrap();
    assert!(
        !Progress::path(root.path(), LAB).exists(),
        "nothing changed; see change_under"
    );
}

#[test]
fn what_was_noted_is_read_again_and_the_file_is_plain() {
    let root = tempfile::tempdir().unwrap();
    let day: Date = "2026-05-01".parse().unwrap();
    let noted = Progress::change(root.path(), LAB, |progress| {
        progress.started = Some(day);
        progress.task_mut(2).hints = 3;
        progress.task_mut(2).gave_up = true;
        progress.task_mut(10).passed = Some(day);
        progress.last = Some(Verdict {
            date: day,
            passed: 7,
            code: "yours".into(),
            stack: "local".into(),
        });
    })
    .unwrap();
    let read = Progress::read(root.path(), LAB).unwrap();
    assert_eq!(
        (read.started, &read.tasks, &read.last),
        (noted.started, &noted.tasks, &noted.last),
        "see Progress::text and parse"
    );
    let text = fs::read_to_string(Progress::path(root.path(), LAB)).unwrap();
    for line in [
        "started = 2026-05-01",
        "[task.2]",
        "hints = 3",
        "gave_up = true",
        "[last]",
    ] {
        assert!(text.lines().any(|is| is == line), "{line:?} is not in {text}");
    }
}

#[test]
fn what_a_later_version_wrote_is_kept() {
    let root = wrote(
        "colour = 'green'\n[task.1]\nhints = 1\nmood = 'fine'\n[task.extra]\nx = 1\n[last]\ndate = 2026-05-01\npassed = 1\ncode = 'yours'\nstack = 'local'\nseed = 4\n",
    );
    Progress::change(root.path(), LAB, |progress| progress.task_mut(1).hints = 2).unwrap();
    let text = fs::read_to_string(Progress::path(root.path(), LAB)).unwrap();
    for line in [
        "colour = \"green\"",
        "mood = \"fine\"",
        "x = 1",
        "seed = 4",
        "hints = 2",
    ] {
        assert!(text.lines().any(|is| is == line), "{line:?} is not in {text}");
    }
}

#[test]
fn a_broken_file_is_named_with_its_line_and_never_written_over() {
    for (text, line) in [
        ("started = 2026-05-01\n[task.1\nhints = 1\n", 2),
        ("started = 2026-05-01\n[task.1]\nhints = 'two'\n", 3),
        ("\n\nbonus = 12:00:00\n", 3),
    ] {
        let root = wrote(text);
        let errors = [
            Progress::read(root.path(), LAB).unwrap_err().to_string(),
            Progress::change(root.path(), LAB, |progress| progress.task_mut(1).hints = 2)
                .unwrap_err()
                .to_string(),
        ];
        for error in errors {
            let named = format!("05-acks.toml, line {line}: ");
            assert!(
                error.contains(&named) && error.contains("move the file away") && error.lines().count() == 1,
                "{named:?} is not in {error}; see Progress::parse"
            );
        }
        let after = fs::read_to_string(Progress::path(root.path(), LAB)).unwrap();
        assert_eq!(after, text, "a broken file was written over");
    }
    let root = wrote("");
    fs::write(Progress::path(root.path(), LAB), b"a = 1\nb = '\xff'\n").unwrap();
    let error = Progress::read(root.path(), LAB).unwrap_err().to_string();
    assert!(error.contains("line 2: this is not UTF-8"), "{error}");
}

#[test]
fn new_tests_make_tasks_unpassed_and_hints_stay_seen() {
    let day: Date = "2026-05-01".parse().unwrap();
    let mut progress = Progress::default();
    *progress.task_mut(1) = Task {
        hints: 2,
        passed: Some(day),
        revealed: Some(day),
        gave_up: true,
    };
    progress.forget_passed();
    let task = progress.task(1);
    assert_eq!(
        (task.hints, task.passed, task.revealed, task.gave_up),
        (2, None, Some(day), true),
        "see forget_passed"
    );
}

#[test]
fn changes_made_at_once_are_all_there_afterwards() {
    let root = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for task in 1..=8 {
            let root = root.path();
            scope.spawn(move || {
                for _ in 0..10 {
                    Progress::change(root, LAB, |progress| progress.task_mut(task).hints += 1).unwrap();
                }
            });
        }
    });
    let hints: Vec<_> = Progress::read(root.path(), LAB).unwrap().tasks.into_values().collect();
    assert_eq!(
        hints.iter().map(|task| task.hints).collect::<Vec<_>>(),
        [10; 8],
        "see Lock::take"
    );
}
