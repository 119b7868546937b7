//! The texts of the toy workbook: two tasks, five red tests, two mutants, a bonus.

pub(super) const ROOT: &str = r#"[workspace]
resolver = "3"
members = [MEMBERS]
default-members = ["solutions/*"]

[workspace.package]
version = "0.1.0"
edition = "2024"
rust-version = "1.90"
license = "Apache-2.0"
publish = false

[workspace.lints.rust]
missing_docs = "warn"

[workspace.lints.clippy]
todo = "warn"
"#;

pub(super) const LIBRARY: &str = r#"//! Coins.

pub mod purse;

/// Both together; what is more than fits is [`u64::MAX`].
pub fn add(left: u64, right: u64) -> u64 {
    // TASK 1: add, and stay at the top
    // It is a purse, not a ring.
    left.saturating_add(right)
    // END TASK 1
}

/// What each of `heads` gets; among nobody there is no share.
pub fn share(coins: u64, heads: u64) -> Option<u64> {
    // TASK 2: share evenly; among nobody there is no share
    coins.checked_div(heads)
    // END TASK 2
}

/// Given: what a purse begins with.
pub fn given() -> u64 {
    7
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_the_reference_alone() {
        assert_eq!(super::add(1, 2), 3);
    }
}
"#;

pub(super) const PURSE: &str = r#"//! A purse.

use crate::add;

/// A purse.
#[derive(Debug, Default)]
pub struct Purse {
    coins: u64,
}

impl Purse {
    /// Puts coins in.
    pub fn put(&mut self, coins: u64) {
        // TASK 2: the coins, and one more time the coins
        self.coins = add(self.coins, coins);
        // END TASK 2
    }

    /// What is in it.
    pub fn coins(&self) -> u64 {
        self.coins
    }
}
"#;

pub(super) const ADDING: &str = r#"//! Task 1.

#[test]
fn task1_two_and_three_are_five() {
    assert_eq!(toy::add(2, 3), 5, "look at add");
}

#[test]
fn task1_nothing_wraps() {
    assert_eq!(toy::add(u64::MAX, 1), u64::MAX, "look at add: what is too much stays at the top");
}

#[test]
fn a_purse_begins_with_seven() {
    assert_eq!(toy::given(), 7, "look at given");
}
"#;

pub(super) const SHARING: &str = r#"//! Task 2.

use toy::purse::Purse;

#[test]
fn task2_six_among_two_are_three() {
    assert_eq!(toy::share(6, 2), Some(3), "look at share");
}

#[test]
fn task2_among_nobody_there_is_no_share() {
    assert_eq!(toy::share(6, 0), None, "look at share");
}

#[test]
fn task2_a_purse_adds_up() {
    let mut purse = Purse::default();
    purse.put(2);
    purse.put(3);
    assert_eq!(purse.coins(), 5, "look at Purse::put");
}
"#;

pub(super) const MANIFEST: &str = r#"number = 7
name = "toy"
library = "toy"
title = "Coins and purses"
about = """You add coins and share them.
It is small."""
read = ["src/lib.rs", "src/purse.rs"]
words = ["acks=all"]

[programs]
pure = ["adding"]
mock = ["sharing"]

[[task]]
number = 1
title = "Adding"
what = """Two numbers together, in `add`: what is too much stays at the top."""
tests = ["adding::task1_two_and_three_are_five", "adding::task1_nothing_wraps"]
hints = ["What is more than the most?", "`u64` has a sum that does not wrap.", "`saturating_add` is its name."]
predict = "What does the sum of the most and one do?"
answer = "It stays where it is."

[[task]]
number = 2
title = "Sharing"
what = """Shares in `share`, and the purse of `src/purse.rs`: see `Purse::put`."""
tests = [
    "sharing::task2_six_among_two_are_three",
    "sharing::task2_among_nobody_there_is_no_share",
    "sharing::task2_a_purse_adds_up",
]
hints = ["Who divides by nothing?", "A quotient may be missing.", "`checked_div`, and in the purse `add`."]

[[mutant]]
name = "wraps"
killed_by = "adding::task1_nothing_wraps"
question = "What becomes of a counter at its end?"

[[mutant]]
name = "nobody"
killed_by = "sharing::task2_among_nobody_there_is_no_share"
question = "What is a share among nobody?"

[bonus]
mutant = "wraps"
what = "The sum begins anew after the most. A sum of two large numbers shows it."
"#;

pub(super) const WRAPS: &str = "--- a/src/lib.rs
+++ b/src/lib.rs
@@ -6,6 +6,6 @@
 pub fn add(left: u64, right: u64) -> u64 {
     // TASK 1: add, and stay at the top
     // It is a purse, not a ring.
-    left.saturating_add(right)
+    left.wrapping_add(right)
     // END TASK 1
 }
";

pub(super) const NOBODY: &str = "--- a/src/lib.rs
+++ b/src/lib.rs
@@ -14,5 +14,5 @@
 pub fn share(coins: u64, heads: u64) -> Option<u64> {
     // TASK 2: share evenly; among nobody there is no share
-    coins.checked_div(heads)
+    Some(coins / heads.max(1))
     // END TASK 2
 }
";

pub(super) const DISCUSSION: &str = "# Coins

`add` stays at the top, see `src/lib.rs` and `adding::task1_nothing_wraps`; elsewhere one says `acks=all`.
Run `./lab test 07`, or `cargo test --release -p lab-07-toy --test adding`.
";
