//! clickhouse-replicas: what a replica shows of a row that was acknowledged, by the quorum of the insert and the way it is read.

use std::time::{Duration, Instant};

use anyhow::ensure;
use measure::Teller;
use stack::{ClickHouse, Replicas, StackError};

use crate::run::{Figures, Run};

/// How long a row is awaited on the replica that is read.
const LIMIT: Duration = Duration::from_secs(10);

/// The codes of an insert that was not taken because the one before it has no quorum, of one whose own quorum did not come in time,
/// and of a replica that does not have the last quorum insert.
const REFUSED: &str = "Code: 286";
const UNKNOWN: &str = "Code: 319";
const BEHIND: &str = "Code: 289";

/// How an insert is acknowledged, and what the replica that is read does meanwhile.
#[derive(Clone, Copy)]
struct Arm {
    /// Replicas that must have the row.
    quorum: u8,
    /// Whether the replica that is read fetches parts.
    fetches: bool,
}

const ARMS: [Arm; 5] = [
    Arm {
        quorum: 1,
        fetches: true,
    },
    Arm {
        quorum: 2,
        fetches: true,
    },
    Arm {
        quorum: 3,
        fetches: true,
    },
    Arm {
        quorum: 1,
        fetches: false,
    },
    Arm {
        quorum: 2,
        fetches: false,
    },
];

/// The one arm in which writes fail.
const FAILS: Arm = Arm {
    quorum: 3,
    fetches: false,
};

/// What was seen of the inserts of one arm.
#[derive(Default)]
struct Seen {
    inserts: Vec<f64>,
    /// Inserts that failed: refused, or of unknown outcome.
    refused: u64,
    unknown: u64,
    /// Of those, how many rows the first replica shows all the same.
    there: u64,
    /// Reads by mode: of how many, without the row, and refused.
    plain: (u64, u64, u64),
    sequential: (u64, u64, u64),
    /// From an acknowledgement to the moment in which the replica shows the row.
    lags: Vec<f64>,
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let rounds = run.pick(5, 3, 1);
    let rows = run.pick(60, 30, 2);
    let arms: &[Arm] = if run.tries() { &ARMS[3..] } else { &ARMS };
    let mut teller = Teller::new(1 + rounds * (arms.len() + 1));
    teller.step("servers");
    let replicas = match run.wait(Replicas::own(3)) {
        Ok(replicas) => replicas,
        Err(error @ (StackError::Unavailable { .. } | StackError::MissingTool { .. } | StackError::Fetch { .. })) => {
            teller.not_here(&format!("Replicated tables are not measured here: {error}."));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    teller.servers("local", replicas.versions());
    let mut figures = Figures::default();
    for round in 0..rounds {
        for arm in arms.iter().chain([&FAILS]) {
            let name = arm.name();
            teller.step(&name);
            let rows = if arm.fails() { 10.min(rows) } else { rows };
            let seen = run.wait(once(replicas.nodes(), arm, round, rows))?;
            ensure!(
                arm.fails() || seen.failed() == 0,
                "{} inserts failed with nobody away that they need",
                seen.failed()
            );
            seen.tell(&mut figures, &name, arm, rows);
        }
    }
    if !run.tries() {
        figures.tell(&teller);
    }
    Ok(())
}

impl Arm {
    fn name(&self) -> String {
        let fetches = if self.fetches { "on" } else { "stopped" };
        format!("quorum={} fetches={fetches}", self.quorum)
    }

    fn fails(&self) -> bool {
        self.quorum == 3 && !self.fetches
    }
}

/// Rows are inserted on the first replica, one at a time, and each is then looked for on the last one.
async fn once(nodes: &[ClickHouse], arm: &Arm, round: usize, rows: u32) -> anyhow::Result<Seen> {
    let table = stack::unique("rows");
    for node in nodes {
        let create = format!(
            "CREATE TABLE {table} (n UInt32) ENGINE = ReplicatedMergeTree('/tables/{table}', '{{replica}}') ORDER BY n"
        );
        node.client().query(&create).execute().await?;
    }
    let [first, .., last] = nodes else {
        anyhow::bail!("there must be two replicas or more")
    };
    let (writes, reads) = (first.client(), last.client());
    if !arm.fetches {
        reads.query(&format!("SYSTEM STOP FETCHES {table}")).execute().await?;
    }
    let mut seen = Seen::default();
    // One quorum insert at a time: only then is there an order in which a replica can have all of them.
    let insert = |n: u32| {
        let query = writes
            .query(&format!("INSERT INTO {table} VALUES ({n})"))
            .with_setting(
                "insert_quorum",
                if arm.quorum == 1 {
                    "0".into()
                } else {
                    arm.quorum.to_string()
                },
            )
            .with_setting("insert_quorum_parallel", "0")
            .with_setting("insert_quorum_timeout", "1000");
        async move { query.execute().await }
    };
    for n in 0..rows {
        let n = round as u32 * rows + n;
        let started = Instant::now();
        match insert(n).await {
            Ok(()) => seen.inserts.push(started.elapsed().as_secs_f64() * 1e3),
            Err(error) => {
                let says = error.to_string();
                match [REFUSED, UNKNOWN].map(|code| says.contains(code)) {
                    [true, _] => seen.refused += 1,
                    [_, true] => seen.unknown += 1,
                    _ => return Err(error.into()),
                }
                let there = format!("SELECT count() FROM {table} WHERE n = {n}");
                seen.there += writes.query(&there).fetch_one::<u64>().await?;
                continue;
            }
        }
        let acknowledged = Instant::now();
        let look = |sequential: &str| {
            let query = reads
                .query(&format!("SELECT count() FROM {table} WHERE n = {n}"))
                .with_setting("select_sequential_consistency", sequential);
            async move { query.fetch_one::<u64>().await }
        };
        // In turns: what comes second would be later.
        let mut found = match n % 2 {
            0 => count(&mut seen.plain, look("0").await)?,
            _ => count(&mut seen.sequential, look("1").await)?,
        };
        let mut at = Instant::now();
        if arm.fetches {
            while !found {
                ensure!(
                    acknowledged.elapsed() < LIMIT,
                    "row {n} does not come to the last replica"
                );
                found = look("0").await? > 0;
                at = Instant::now();
            }
            seen.lags.push(at.duration_since(acknowledged).as_secs_f64() * 1e3);
        }
    }
    for node in nodes {
        node.client()
            .query(&format!("DROP TABLE {table} SYNC"))
            .execute()
            .await?;
    }
    Ok(seen)
}

/// Counts a read, and says whether it had the row.
fn count(
    of: &mut (u64, u64, u64),
    read: Result<u64, impl std::error::Error + Send + Sync + 'static>,
) -> anyhow::Result<bool> {
    of.0 += 1;
    match read {
        Ok(0) => of.1 += 1,
        Ok(_) => return Ok(true),
        Err(error) if error.to_string().contains(BEHIND) => of.2 += 1,
        Err(error) => return Err(error.into()),
    }
    Ok(false)
}

impl Seen {
    fn failed(&self) -> u64 {
        self.refused + self.unknown
    }

    fn tell(&self, figures: &mut Figures, name: &str, arm: &Arm, rows: u32) {
        let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
        let rows = u64::from(rows);
        figures.add(name, "unwritten", percent(self.failed(), rows), rows);
        if arm.fails() {
            figures.add(name, "unknown", percent(self.unknown, rows), rows);
            figures.add(name, "failed_and_there", percent(self.there, rows), rows);
            return;
        }
        figures.add(name, "insert", at(&self.inserts, 0.5), rows);
        for (read, (of, stale, refused)) in [("plain", self.plain), ("sequential", self.sequential)] {
            let arm = format!("{name} read={read}");
            figures.add(&arm, "stale", percent(stale, of), of);
            figures.add(&arm, "unread", percent(refused, of), of);
        }
        if arm.fetches {
            figures.add(name, "lag_p50", at(&self.lags, 0.5), rows);
            figures.add(name, "lag_p99", at(&self.lags, 0.99), rows);
        }
    }
}

/// The value below which such a share of them lies.
fn at(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
