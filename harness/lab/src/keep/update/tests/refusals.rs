//! Checkouts in which no update may begin.

use super::*;

/// What the refusal says; nothing may have changed.
fn refused(fake: &Fake) -> String {
    let before = (fake.head(), all(&fake.root.join("labs")));
    let words = update(&fake.root, &mut |_| {})
        .expect_err("it was not refused")
        .to_string();
    assert_eq!((fake.head(), all(&fake.root.join("labs"))), before, "{words}");
    assert!(!is_half_way(&fake.root), "{words}");
    assert_eq!(fake.backups(), Vec::<PathBuf>::new(), "{words}");
    words
}

#[test]
fn commits_of_the_readers_own_are_left_alone() {
    let fake = Fake::new();
    fake.write(LINK, "mine\n");
    fake.git(&["commit", "--quiet", "--all", "-m", "mine"]);
    assert!(updated(&fake).commits.is_empty(), "only ahead is nothing newer");
    fake.publish(&[("README.md", Some("newer\n"))]);
    let words = refused(&fake);
    assert!(words.contains("(1)") && words.contains("git pull --rebase"), "{words}");
}

type Spoil = fn(&Fake);

#[test]
fn a_checkout_in_no_state_for_it_is_refused_with_what_to_do_and_nothing_changes() {
    let cases: [(Spoil, &[&str]); 10] = [
        (
            |fake| fake.write("README.md", "mine\n"),
            &["outside labs", "README.md", "git stash"],
        ),
        (
            |fake| fake.write("labs/README.md", "mine\n"),
            &["the newer workbook brings labs/README.md", "move it away"],
        ),
        (
            |fake| fake.write("book/page.md", "mine\n"),
            &["the newer workbook brings book/page.md", "move it away"],
        ),
        (
            |fake| fake.write("book", "mine\n"),
            &["the newer workbook brings book/page.md", "move it away"],
        ),
        (
            |fake| {
                fake.write("README.md", "mine\n");
                fake.git(&["update-index", "--assume-unchanged", "README.md"]);
            },
            &["outside labs", "README.md"],
        ),
        (
            |fake| drop(fake.git(&["remote", "remove", "origin"])),
            &["git remote add origin"],
        ),
        (
            |fake| drop(fake.git(&["branch", "--unset-upstream"])),
            &["git branch --set-upstream-to=origin/main"],
        ),
        (
            |fake| drop(fake.git(&["checkout", "--quiet", "--detach"])),
            &["git switch main"],
        ),
        (
            |fake| drop(fake.git(&["update-ref", "MERGE_HEAD", "HEAD"])),
            &["a merge is under way", "git merge --abort"],
        ),
        (
            |fake| drop(fake.git(&["remote", "set-url", "origin", "/nowhere"])),
            &["origin could not be asked", "git fetch origin"],
        ),
    ];
    for (spoil, words) in cases {
        let fake = edited();
        fake.publish(&[("labs/README.md", Some("labs\n"))]);
        spoil(&fake);
        let said = refused(&fake);
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
