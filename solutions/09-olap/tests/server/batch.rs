//! A table that refuses blocks, and a batcher that waits for it.

use olap::{Batcher, Bounds, too_many_parts};

use crate::support::bare;

#[tokio::test]
async fn task7_refused_for_too_many_parts_it_pauses_and_the_next_block_is_larger() {
    let database = bare().await;
    database
        .run("CREATE TABLE small (day UInt32, n UInt64) ENGINE = MergeTree PARTITION BY day ORDER BY n SETTINGS parts_to_delay_insert = 0, parts_to_throw_insert = 3")
        .await;
    database.run("SYSTEM STOP MERGES small").await;
    let bounds = Bounds {
        rows: 10,
        delay_ms: 1_000,
        part_ms: 10,
        refused_ms: 1_000,
    };
    let mut batcher = Batcher::new(bounds);
    let (mut now, mut waiting, mut refusals, mut blocks) = (0, 0, 0, Vec::new());
    // A row a millisecond, by a clock of its own; from the second refusal on the merges catch up.
    while blocks.iter().sum::<u64>() < 200 {
        now += 1;
        assert!(
            now < 10_000,
            "blocks {blocks:?} after {refusals} refusals; look at `Batcher::due`"
        );
        batcher.push(now, 1);
        let Some(cut) = batcher.cut(now) else { continue };
        // What was refused goes with what has come since.
        waiting += cut.rows;
        let insert = format!("INSERT INTO small SELECT 1, number FROM numbers({waiting})");
        match database.client.query_raw(&insert).execute().await {
            Ok(()) => {
                batcher.taken();
                blocks.push(std::mem::take(&mut waiting));
            }
            Err(error) => {
                assert!(too_many_parts(&error), "{error}; look at `too_many_parts`");
                batcher.refused(now);
                refusals += 1;
                if refusals >= 2 {
                    database.run("SYSTEM START MERGES small").await;
                    database.run("OPTIMIZE TABLE small FINAL").await;
                }
            }
        }
    }
    let largest = blocks.iter().max().copied().unwrap_or_default();
    assert!(refusals >= 2, "a table of three parts must refuse: {blocks:?}");
    assert!(
        largest >= 40,
        "two refusals make a block of 40 rows and more, these are {blocks:?}; look at `Batcher::refused`"
    );
    let stored = database.text("SELECT count() FROM small").await;
    assert_eq!(
        stored,
        format!("{}\n", blocks.iter().sum::<u64>()),
        "every row that was taken, once"
    );
}
