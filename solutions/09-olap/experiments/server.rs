//! ClickHouse for the experiments: a database of its own, trades in it, and queries with their evidence.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use clickhouse::Client;
use measure::Teller;
use olap::Evidence;
use stack::Stack;

use crate::run::Run;
use crate::trades::{EVERY_MS, Trades};

/// The longest that a statement may take: merging ten million trades into one part takes seconds.
const LIMIT: Duration = Duration::from_secs(300);

/// A database on a server, which goes when this does.
pub(crate) struct Server<'a> {
    pub(crate) run: &'a Run,
    pub(crate) stack: Held,
    pub(crate) client: Client,
    pub(crate) database: String,
}

pub(crate) enum Held {
    Own(Box<Stack>),
    Shared(&'static Stack),
}

impl Held {
    pub(crate) fn stack(&self) -> &Stack {
        match self {
            Self::Own(stack) => stack,
            Self::Shared(stack) => stack,
        }
    }
}

impl<'a> Server<'a> {
    /// Servers of the experiment's own; a trial shares one.
    pub(crate) fn start(run: &'a Run, teller: &Teller) -> anyhow::Result<Self> {
        let stack = if run.tries() {
            Held::Shared(run.wait(Stack::shared())?)
        } else {
            Held::Own(Box::new(run.wait(Stack::own(1))?))
        };
        teller.servers(stack.stack().provider().name(), stack.stack().versions());
        let database = stack::unique("x09");
        let clickhouse = stack.stack().clickhouse();
        run.wait(clickhouse.create_database(&database))?;
        Ok(Self {
            run,
            client: clickhouse.client().with_database(&database),
            database,
            stack,
        })
    }

    pub(crate) fn sql(&self, sql: &str) -> anyhow::Result<()> {
        self.run.wait(async {
            let done = tokio::time::timeout(LIMIT, self.client.query_raw(sql).execute()).await;
            done.with_context(|| format!("no end after {LIMIT:?}: {sql}"))?
                .with_context(|| format!("statement: {sql}"))
        })
    }

    /// A client whose queries are answered from the tables: by default the server remembers which granules held no row for a
    /// condition, and the second query reads less than the first.
    pub(crate) fn plain(&self) -> Client {
        self.client.clone().with_setting("use_query_condition_cache", "0")
    }

    /// The pipeline's tables, with the lab's keys.
    pub(crate) fn tables(&self) -> anyhow::Result<()> {
        Ok(self.run.wait(olap::create(&self.client, &self.database))?)
    }

    /// Rows as tab-separated text.
    pub(crate) fn text(&self, client: &Client, sql: &str) -> anyhow::Result<String> {
        self.run.wait(async {
            let mut cursor = client.query_raw(sql).fetch_bytes("TSV")?;
            let bytes = tokio::time::timeout(LIMIT, cursor.collect()).await;
            let bytes = bytes.with_context(|| format!("no answer after {LIMIT:?}: {sql}"))?;
            let bytes = bytes.with_context(|| format!("query: {sql}"))?;
            anyhow::Ok(String::from_utf8(bytes.to_vec())?)
        })
    }

    /// A number that a query gives.
    pub(crate) fn number(&self, sql: &str) -> anyhow::Result<f64> {
        let text = self.text(&self.client, sql)?;
        text.trim()
            .parse()
            .with_context(|| format!("{text:?} is no number: {sql}"))
    }

    /// A query's answer as text, and what the server says it took.
    pub(crate) fn evidence(&self, client: &Client, sql: &str) -> anyhow::Result<(String, Evidence)> {
        let id = stack::unique("x09");
        let asked = client.clone().with_setting("query_id", id.as_str());
        let answer = self.text(&asked, sql)?;
        Ok((answer, self.run.wait(Evidence::read(&self.client, &id))?))
    }

    /// Writes trades into `table`, 100,000 at a time, and merges what can be merged.
    pub(crate) fn fill(&self, table: &str, trades: &Trades) -> anyhow::Result<()> {
        self.run.wait(async {
            for from in (0..trades.len()).step_by(100_000) {
                let mut insert = self.client.insert::<crate::trades::Stored<'_>>(table).await?;
                for n in from..(from + 100_000).min(trades.len()) {
                    insert.write(&trades.stored(n)).await?;
                }
                insert.end().await?;
            }
            anyhow::Ok(())
        })?;
        self.sql(&format!("OPTIMIZE TABLE {table} FINAL"))
    }

    /// Has every trade of `table` so many times, each copy behind the one before it in time.
    pub(crate) fn multiply(&self, table: &str, trades: usize, times: usize) -> anyhow::Result<()> {
        let span = EVERY_MS * trades as i64;
        let first = format!("sequential_id < {}", (crate::trades::BEGIN + span) * 10_000);
        for copy in 1..times as i64 {
            let by = copy * span;
            self.sql(&format!(
                "INSERT INTO {table} SELECT market, sequential_id + {}, event_time + toIntervalMillisecond({by}), sent_time + \
                 toIntervalMillisecond({by}), price, volume, side, kafka_partition, kafka_offset + {} FROM {table} WHERE {first}",
                by * 10_000,
                copy * trades as i64
            ))?;
        }
        self.sql(&format!("OPTIMIZE TABLE {table} FINAL"))
    }

    /// The parts that inserts made of `table`, in their order, with the rows of each: when it could be read, after `from`. By the server's
    /// own log, because a query that asks how many rows there are costs as much as an insert, and sees them late.
    pub(crate) fn inserted(&self, table: &str, from: Instant) -> anyhow::Result<Vec<(Duration, u64)>> {
        self.sql("SYSTEM FLUSH LOGS part_log")?;
        // Its clock at `from`: half of the asking is taken to be the way there.
        let asked = Instant::now();
        let now: i64 = self
            .text(&self.client, "SELECT toUnixTimestamp64Micro(now64(6))")?
            .trim()
            .parse()?;
        let from = now - (asked.duration_since(from) + asked.elapsed() / 2).as_micros() as i64;
        self.text(
            &self.client,
            &format!(
                "SELECT toUnixTimestamp64Micro(event_time_microseconds), rows FROM system.part_log WHERE event_type = 'NewPart' AND error = 0 AND \
                 database = currentDatabase() AND table_uuid = (SELECT uuid FROM system.tables WHERE database = currentDatabase() AND \
                 name = '{table}') ORDER BY event_time_microseconds"
            ),
        )?
        .lines()
        .map(|line| {
            let (at, rows) = line.split_once('\t').context("a time and a number of rows")?;
            let after = (at.parse::<i64>()? - from).max(0) as u64;
            Ok((Duration::from_micros(after), rows.parse()?))
        })
        .collect()
    }

    /// Processor seconds of the server's process so far, if it is one of this machine.
    pub(crate) fn cpu(&self) -> Option<f64> {
        let pid = self.stack.stack().clickhouse().server().pid()?;
        Some(measure::cpu_of(pid).as_secs_f64())
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // On a server that others use as well, or that stays; of its own one there is nothing to tidy.
        let _ = self.sql(&format!("DROP DATABASE IF EXISTS {} SYNC", self.database));
    }
}
