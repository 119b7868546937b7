//! How soon a row is there after the command.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests: a panic is the failure

mod common;

use std::time::Duration;

use common::{FIRST_ROW, Running, home, lab};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_has_its_first_row_soon() {
    let home = home();
    // Ten seconds are what it is to take when the machine is its own; the bound leaves room for one that is shared.
    let (wanted, bound) = (Duration::from_secs(10), Duration::from_secs(20));
    // Builds what the other tests may have built already.
    lab(&home, &["up", "--for", "1s", "--plain"]).await.unwrap();
    let mut best = Duration::MAX;
    for _ in 0..2 {
        let mut run = Running::start(&home, &["up", "--for", "1s", "--plain"]);
        let figure = run.says(FIRST_ROW).await;
        best = best.min(run.begun.elapsed());
        println!("{figure}");
        assert_eq!(run.end().await.code, Some(0));
        if best < wanted {
            break;
        }
    }
    assert!(best < bound, "the first row came {best:?} after the command");
}
