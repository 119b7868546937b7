//! A run in a test: real servers, the project's own exchange, the `pipeline` program as child processes, and the audit.

#![allow(dead_code)] // each test program uses a part of it

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use exchange::{Exchange, ExchangeConfig, Rate, Source};
use ledger::{AuditInput, Report, RunFacts};
use market::Encoding;
use measure::{IngestProgress, Progress, WorkerProgress};
use stack::Stack;
use tempfile::TempDir;

const PARTITIONS: i32 = 4;

/// What the processes log unless `RUST_LOG` says otherwise.
const QUIET: &str = "warn,rdkafka::consumer::base_consumer=off";

/// Everything of one run; its processes end with it.
pub(crate) struct Rig {
    pub(crate) stack: &'static Stack,
    dir: TempDir,
    name: String,
    pub(crate) exchange: Exchange,
    pub(crate) ingest: Process<IngestProgress>,
}

/// A child, its last word, and its standard input.
pub(crate) struct Process<T> {
    child: Child,
    stdin: Option<ChildStdin>,
    last: Arc<Mutex<T>>,
}

impl<T: Clone + Default + Send + 'static> Process<T> {
    fn spawn(args: &[String], pick: fn(Progress) -> Option<T>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pipeline"))
            .args(args)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| QUIET.into()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the pipeline program starts");
        let last = Arc::new(Mutex::new(T::default()));
        let (lines, heard) = (BufReader::new(child.stdout.take().unwrap()), last.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                if let Some(progress) = serde_json::from_str(&line).ok().and_then(pick) {
                    *heard.lock().unwrap() = progress;
                }
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, last }
    }

    pub(crate) fn last(&self) -> T {
        self.last.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The signal that ended it, if one did.
    pub(crate) fn killed_by(&mut self) -> Option<i32> {
        self.child.wait().unwrap().signal()
    }

    /// Says `drain` and waits for an end without an error.
    pub(crate) async fn drain(&mut self, what: &str) {
        // It stays open: its end would be taken for ours.
        self.stdin.as_mut().unwrap().write_all(b"drain\n").unwrap();
        until(&format!("{what} to end after drain"), || self.has_ended()).await;
        assert!(
            self.child.wait().unwrap().success(),
            "{what} ended with an error: see its log above"
        );
    }
}

impl<T> Drop for Process<T> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a condition, at most two minutes.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < limit, "waited two minutes for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Rig {
    /// Servers that others use too, topics, tables, an exchange that waits to begin, and an ingest that is connected to it.
    pub(crate) async fn start(seed: u64, rate: f64) -> Self {
        let stack = Stack::shared()
            .await
            .expect("the servers start: ./lab doctor says what is missing");
        Self::start_on(stack, seed, rate, &[], |_| {}).await
    }

    /// The same on other servers, with more arguments for the ingest and an exchange that is set up otherwise.
    pub(crate) async fn start_on(
        stack: &'static Stack,
        seed: u64,
        rate: f64,
        ingest: &[&str],
        change: impl FnOnce(&mut ExchangeConfig),
    ) -> Self {
        let name = stack::unique("pipeline");
        let kafka = stack.kafka();
        let topic = |part: &str| format!("{name}-{part}");
        kafka.create_topic(&topic("trades"), PARTITIONS, &[]).await.unwrap();
        kafka.create_topic(&topic("dead"), 1, &[]).await.unwrap();
        kafka
            .create_topic(
                &topic("snapshots"),
                PARTITIONS,
                &[("cleanup.policy", "compact"), ("max.message.bytes", "67108864")],
            )
            .await
            .unwrap();
        let database = name.replace('-', "_");
        let tables = Command::new(env!("CARGO_BIN_EXE_pipeline"))
            .args([
                "tables",
                "--clickhouse",
                stack.clickhouse().url(),
                "--database",
                &database,
            ])
            .status()
            .unwrap();
        assert!(tables.success(), "the tables could not be created");
        let dir = tempfile::tempdir().unwrap();
        let source = Source::Generate {
            seed,
            markets: 24,
            rate: Rate::PerSecond(rate),
        };
        let mut config = ExchangeConfig::new(source, dir.path().join("journal"));
        change(&mut config);
        let exchange = Exchange::start(config).await.unwrap();
        let markets: Vec<String> = exchange.markets().iter().map(ToString::to_string).collect();
        let args = [
            vec![
                "ingest".into(),
                "--ws".into(),
                exchange.ws_url(),
                "--rest".into(),
                exchange.rest_url(),
            ],
            kafka_args(stack, &name),
            vec!["--markets".into(), markets.join(",")],
            ingest.iter().map(ToString::to_string).collect(),
            exchange.ca_pem().map_or(vec![], |pem| {
                let file = dir.path().join("ca.pem");
                std::fs::write(&file, pem).unwrap();
                vec!["--ca-cert".into(), file.display().to_string()]
            }),
        ]
        .concat();
        let ingest = Process::spawn(&args, |progress| match progress {
            Progress::Ingest(progress) => Some(progress),
            Progress::Worker(_) | Progress::Unbuilt(_) => None,
        });
        until("the ingest to connect", || ingest.last().connected).await;
        Self {
            stack,
            dir,
            name,
            exchange,
            ingest,
        }
    }

    /// The topic of the trades.
    pub(crate) fn topic(&self) -> String {
        format!("{}-trades", self.name)
    }

    /// The workers' group.
    pub(crate) fn group(&self) -> String {
        format!("{}-group", self.name)
    }

    /// A worker process; `fault` as in `--fault-at`.
    pub(crate) fn worker(&self, name: &str, fault: Option<&str>) -> Process<WorkerProgress> {
        let fault = fault.into_iter().flat_map(|fault| ["--fault-at", fault]);
        self.worker_with(name, &fault.collect::<Vec<_>>())
    }

    /// A worker process with more arguments.
    pub(crate) fn worker_with(&self, name: &str, more: &[&str]) -> Process<WorkerProgress> {
        let mut args = [vec!["worker".to_owned()], kafka_args(self.stack, &self.name)].concat();
        let own = [
            ("--group", self.group()),
            ("--snapshots", format!("{}-snapshots", self.name)),
            ("--clickhouse", self.stack.clickhouse().url().to_owned()),
            ("--database", self.name.replace('-', "_")),
            ("--name", name.to_owned()),
            // Less than the broker's default floor; the stack's brokers allow it.
            ("--session-ms", "2000".to_owned()),
        ];
        args.extend(own.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        args.extend(more.iter().map(ToString::to_string));
        Process::spawn(&args, |progress| match progress {
            Progress::Worker(progress) => Some(progress),
            Progress::Ingest(_) | Progress::Unbuilt(_) => None,
        })
    }

    /// Ends the trades, drains, waits until the table has as many rows as there were trades, and audits.
    pub(crate) async fn finish(self, workers: Vec<Process<WorkerProgress>>) -> Report {
        let sent = self.exchange.finish().await.executed;
        self.finish_once(workers, |rows, _| rows >= sent).await
    }

    /// The same where nobody knows how many trades are lost: waits until no row has come for some seconds.
    pub(crate) async fn finish_with_losses(self, workers: Vec<Process<WorkerProgress>>) -> Report {
        self.exchange.finish().await;
        self.finish_once(workers, |_, still| still > Duration::from_secs(5))
            .await
    }

    /// Drains and audits once `all` says so of the rows and of how long there have been no new ones.
    async fn finish_once(
        mut self,
        mut workers: Vec<Process<WorkerProgress>>,
        all: impl Fn(u64, Duration) -> bool,
    ) -> Report {
        self.ingest.drain("the ingest").await;
        let query = format!("SELECT count() FROM {}.trades", self.name.replace('-', "_"));
        let client = self.stack.clickhouse().client();
        let limit = Instant::now() + Duration::from_secs(90);
        let (mut rows, mut moved) = (0, Instant::now());
        while !all(rows, moved.elapsed()) && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = client.query(&query).fetch_one::<u64>().await.unwrap();
            if now != rows {
                (rows, moved) = (now, Instant::now());
            }
        }
        for worker in &mut workers {
            worker.drain("a worker").await;
        }
        let input = AuditInput {
            journal: Some(self.dir.path().join("journal")),
            brokers: self.stack.kafka().bootstrap().to_owned(),
            topic: format!("{}-trades", self.name),
            dead_letters: format!("{}-dead", self.name),
            clickhouse: self.stack.clickhouse().url().to_owned(),
            database: self.name.replace('-', "_"),
            encoding: Encoding::Json,
            bound_ms: 1_000,
            lateness_ms: 60_000,
            scratch: self.dir.path().join("audit"),
            run: RunFacts::default(),
        };
        tokio::task::spawn_blocking(move || ledger::audit(&input, &mut |_, _, _| {}))
            .await
            .unwrap()
            .expect("the audit reads its sources")
    }
}

fn kafka_args(stack: &Stack, name: &str) -> Vec<String> {
    [
        ("--brokers", stack.kafka().bootstrap().to_owned()),
        ("--topic", format!("{name}-trades")),
        ("--dead-letters", format!("{name}-dead")),
    ]
    .into_iter()
    .flat_map(|(flag, value)| [flag.to_owned(), value])
    .collect()
}
