//! What a run calls its things in the servers, and what its processes are started with.

use market::Market;
use stack::Provider;

use crate::cli::{Source, UpArgs};

/// How far a watermark stays behind the newest event time, milliseconds.
pub(crate) const BOUND_MS: i64 = 1_000;

/// How long after its end a candle takes late trades, milliseconds of watermark.
pub(crate) const LATENESS_MS: i64 = 60_000;

/// Names of the run's things in the servers.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Topic of trades.
    pub(crate) topic: String,
    /// Topic of what could not be read.
    pub(crate) dead_letters: String,
    /// Compacted topic of the workers' snapshots.
    pub(crate) snapshots: String,
    /// Consumer group.
    pub(crate) group: String,
    /// Database.
    pub(crate) database: String,
}

impl Names {
    /// Plain names on servers that are this run's own, names of nobody else on servers that others use too.
    pub(crate) fn new(provider: Provider) -> Self {
        let name = |plain: &str| match provider {
            Provider::External => stack::unique(plain),
            _ => plain.to_owned(),
        };
        Self {
            topic: name("trades"),
            dead_letters: name("dead_letters"),
            snapshots: name("snapshots"),
            group: name("tickbook"),
            database: name("tickbook"),
        }
    }

    /// What every worker is started with, beside its name and number of members.
    pub(crate) fn worker_args(&self, stack: &stack::Stack, args: &UpArgs) -> Vec<String> {
        let bound = BOUND_MS.to_string();
        let lateness = LATENESS_MS.to_string();
        let epoch = args.epoch_ms.to_string();
        let pairs = [
            ("--brokers", stack.kafka().bootstrap()),
            ("--topic", &self.topic),
            ("--dead-letters", &self.dead_letters),
            ("--group", &self.group),
            ("--snapshots", &self.snapshots),
            ("--clickhouse", stack.clickhouse().url()),
            ("--database", &self.database),
            ("--encoding", args.encoding.name()),
            ("--bound-ms", &bound),
            ("--lateness-ms", &lateness),
            ("--epoch-ms", &epoch),
        ];
        std::iter::once("worker".to_owned())
            .chain(
                pairs
                    .into_iter()
                    .flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]),
            )
            .collect()
    }

    /// What the ingest is started with.
    pub(crate) fn ingest_args(
        &self,
        stack: &stack::Stack,
        urls: &Urls,
        markets: &[Market],
        args: &UpArgs,
    ) -> Vec<String> {
        let codes: Vec<&str> = markets.iter().map(Market::as_str).collect();
        let codes = codes.join(",");
        let linger = args.linger_ms.to_string();
        let pairs = [
            ("--ws", urls.ws.as_str()),
            ("--rest", &urls.rest),
            ("--brokers", stack.kafka().bootstrap()),
            ("--topic", &self.topic),
            ("--dead-letters", &self.dead_letters),
            ("--encoding", args.encoding.name()),
            ("--acks", args.acks.name()),
            ("--linger-ms", &linger),
            ("--markets", &codes),
        ];
        let ca_cert = args.upbit.ca_cert.iter().filter(|_| args.source == Source::Upbit);
        std::iter::once("ingest".to_owned())
            .chain(
                pairs
                    .into_iter()
                    .flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]),
            )
            .chain(ca_cert.flat_map(|file| ["--ca-cert".to_owned(), file.display().to_string()]))
            .collect()
    }
}

/// Where an exchange is.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    /// Its WebSocket.
    pub(crate) ws: String,
    /// What REST paths are appended to.
    pub(crate) rest: String,
}
