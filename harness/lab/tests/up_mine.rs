//! `./lab up --mine`: what is refused, what the reader's code can do to a build, and a task that is not built yet. On a checkout
//! of the tests' own, so that whatever stands in this one's labs does not matter.

#![allow(clippy::unwrap_used)] // a panic is the failure

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Ended, Home, Running, home, nobody_left, run_folders};
use tempfile::TempDir;

/// A checkout as small as can be: two labs, of which its pipeline can run one, and a pipeline that says it met a task of that.
struct Checkout(TempDir);

const LAB: &str = "pub fn answer() -> u32 { 42 }\n";

const PIPELINE: &str = r##"
fn main() {
    let end = std::env::args().nth(1).unwrap_or_default();
    #[cfg(feature = "mine-05")]
    assert_eq!(mine_05::answer(), 42);
    match end.as_str() {
        "tables" => {}
        "conformance" => println!("whose code: {}", if cfg!(feature = "mine-05") { "yours" } else { "reference" }),
        "ingest" => {
            println!("{}", r#"{"part":"unbuilt","lab":"05-acks","task":4,"text":"wake the waiter"}"#);
            std::process::exit(3);
        }
        // As long as the run, which closes this when it ends.
        _ => drop(std::io::stdin().read_line(&mut String::new())),
    }
}
"##;

impl Checkout {
    fn new() -> Self {
        let checkout = Self(tempfile::tempdir().unwrap());
        let package = |name: &str, more: &str| {
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}")
        };
        let depends = "[features]\nmine-05 = [\"dep:mine_05\"]\n[[bin]]\nname = \"pipeline\"\npath = \"src/main.rs\"\n\
                       [dependencies]\nmine_05 = { package = \"lab-05-acks\", path = \"../../labs/05-acks\", optional = true }\n";
        let members =
            "[workspace]\nresolver = \"3\"\nmembers = [\"harness/lab\", \"solutions/14-pipeline\", \"labs/*\"]\n";
        for (file, text) in [
            ("Cargo.toml", members.to_owned()),
            ("harness/lab/Cargo.toml", package("lab", "")),
            ("harness/lab/src/lib.rs", String::new()),
            ("labs/03-network/Cargo.toml", package("lab-03-network", "")),
            ("labs/03-network/src/lib.rs", String::new()),
            ("labs/05-acks/Cargo.toml", package("lab-05-acks", "[dependencies]\n")),
            ("labs/05-acks/src/lib.rs", LAB.into()),
            (
                "solutions/14-pipeline/Cargo.toml",
                package("solution-14-pipeline", depends),
            ),
            ("solutions/14-pipeline/src/main.rs", PIPELINE.into()),
        ] {
            checkout.write(file, &text);
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let manifest = checkout.path("Cargo.toml");
        let locked = Command::new(cargo)
            .args(["generate-lockfile", "--offline", "--manifest-path"])
            .arg(manifest)
            .output()
            .unwrap();
        assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
        checkout
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.path(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The command, on this checkout.
    async fn lab(&self, home: &Path, args: &[&str]) -> Ended {
        let root = format!("TICKBOOK_ROOT={}", self.0.path().display());
        // Never where this checkout's own programs are.
        let target = format!("CARGO_TARGET_DIR={}", self.path("target").display());
        Running::start_by(&["env", &root, &target], home, args).end().await
    }
}

/// The last line, which is all that the command itself says; nothing was started.
fn refused(ended: &Ended, home: &Home) -> String {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert_eq!(run_folders(home), Vec::<PathBuf>::new(), "{ended:?}");
    ended.stderr.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lab_that_cannot_run_is_refused_with_those_that_can() {
    let (home, checkout) = (home(), Checkout::new());
    for (word, sentence) in [
        (
            "99",
            "lab: there is no lab \"99\" to run; choose from: ./lab up --mine 05-acks",
        ),
        (
            "05,",
            "lab: there is no lab \"\" to run; choose from: ./lab up --mine 05-acks",
        ),
        (
            "acks,network",
            "lab: the pipeline does not run 03-network yet; choose from: ./lab up --mine 05-acks",
        ),
    ] {
        let ended = checkout.lab(&home, &["up", "--mine", word]).await;
        assert_eq!(
            (refused(&ended, &home).as_str(), ended.stderr.lines().count()),
            (sentence, 1)
        );
    }
    let behind = ["soak", "--brokers", "1", "--", "--mine", "99"];
    let ended = checkout.lab(&home, &behind).await;
    assert!(refused(&ended, &home).contains("no lab \"99\""), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_held_against_the_reference_or_against_the_reader_s_code_and_it_says_which() {
    let (home, checkout) = (home(), Checkout::new());
    checkout.write("cases.jsonl", "");
    let cases = checkout.path("cases.jsonl").display().to_string();
    for (more, whose, said) in [
        (&[][..], "reference", "code: reference"),
        (
            &["--mine", "05"][..],
            "yours",
            "code: yours: 05-acks; the rest reference",
        ),
    ] {
        let args = [&["conformance", "windows", &cases][..], more].concat();
        let ended = checkout.lab(&home, &args).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout, format!("whose code: {whose}\n"), "{ended:?}");
        assert!(ended.stderr.lines().any(|line| line == said), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_lab_that_does_not_compile_the_first_error_is_shown_and_the_next_command() {
    let (home, checkout) = (home(), Checkout::new());
    let wrong = "pub fn answer() -> u32 { \"42\" }\npub fn other() -> u32 { missing() }\n";
    checkout.write("labs/05-acks/src/lib.rs", wrong);
    let ended = checkout.lab(&home, &["up", "--plain", "--mine", "05"]).await;
    let sentence = refused(&ended, &home);
    let starts = "lab: your 05-acks does not compile; the first error is above, at labs/05-acks/src/lib.rs:";
    assert!(sentence.starts_with(starts), "{ended:?}");
    assert!(sentence.ends_with(". Next: ./lab test 05"), "{ended:?}");
    let errors = ended.stderr.lines().filter(|line| line.starts_with("error"));
    assert_eq!(errors.count(), 1, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_a_lab_gained_is_told_with_the_command_that_locks_it() {
    let (home, checkout) = (home(), Checkout::new());
    checkout.write("extra/Cargo.toml", "[package]\nname = \"extra\"\nedition = \"2024\"\n");
    checkout.write("extra/src/lib.rs", "");
    let manifest = std::fs::read_to_string(checkout.path("labs/05-acks/Cargo.toml")).unwrap();
    let more = format!("{manifest}extra = {{ path = \"../../extra\" }}\n");
    checkout.write("labs/05-acks/Cargo.toml", &more);
    let ended = checkout.lab(&home, &["up", "--plain", "--mine", "05"]).await;
    let sentence = refused(&ended, &home);
    assert!(sentence.contains("run `cargo update --workspace`"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_not_built_yet_ends_the_run_at_once_in_one_sentence() {
    let (home, checkout) = (home(), Checkout::new());
    let args = ["up", "--plain", "--stack", "local", "--for", "ever", "--mine", "05"];
    let by_tables = PIPELINE
        .replace(r#""tables" => {}"#, "")
        .replace(r#""ingest" =>"#, r#""tables" =>"#);
    for met_by in [PIPELINE, &by_tables] {
        checkout.write("solutions/14-pipeline/src/main.rs", met_by);
        let ended = checkout.lab(&home, &args).await;
        let sentence = refused(&ended, &home);
        assert_eq!(
            sentence,
            "lab: 05-acks, task 4 is not built yet: wake the waiter. Next: ./lab test 05"
        );
        let whose = "  code yours: 05-acks; the rest reference";
        assert!(ended.stderr.lines().any(|line| line == whose), "{ended:?}");
        nobody_left(&home).await;
    }
}
