//! A broker for an experiment, its topics, and what a topic holds.

use std::time::{Duration, Instant};

use anyhow::ensure;
use measure::Teller;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use stack::{Provider, Stack, unique};

use crate::run::Run;

/// How long servers may take for anything that is no start.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A cluster of one broker.
pub(crate) struct Servers<'a> {
    run: &'a Run,
    stack: Held,
}

enum Held {
    Own(Box<Stack>),
    Shared(&'static Stack),
}

/// A topic that an experiment made. Its log goes when it is removed: closed loops write gigabytes.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
}

impl<'a> Servers<'a> {
    /// Those that others use too where it is only a trial; else the experiment's own.
    pub(crate) fn of(run: &'a Run, teller: &Teller) -> anyhow::Result<Self> {
        let stack = match run.tries() {
            true => Held::Shared(run.wait(Stack::shared())?),
            false => Held::Own(Box::new(run.wait(Stack::own(1))?)),
        };
        let made = Self { run, stack };
        teller.servers(made.stack().provider().name(), made.stack().versions());
        Ok(made)
    }

    fn stack(&self) -> &Stack {
        match &self.stack {
            Held::Own(stack) => stack,
            Held::Shared(stack) => stack,
        }
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.stack().kafka().bootstrap()
    }

    /// The version of Kafka, if its pieces are on this machine.
    pub(crate) fn local_kafka(&self) -> Option<&str> {
        let version = self.stack().versions().get("Kafka").map(String::as_str);
        version.filter(|_| self.stack().provider() == Provider::Local)
    }

    /// A topic that is gone for good a moment after it is removed.
    pub(crate) fn topic(&self, partitions: i32) -> anyhow::Result<Topic> {
        let name = unique("x04");
        let settings = [("file.delete.delay.ms", "0"), ("retention.ms", "-1")];
        let made = self.stack().kafka().create_topic(&name, partitions, &settings);
        self.run.wait(made)?;
        Ok(Topic { name, partitions })
    }

    pub(crate) fn remove(&self, topic: &Topic) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", self.bootstrap())
            .create()?;
        let options = AdminOptions::new()
            .request_timeout(Some(LIMIT))
            .operation_timeout(Some(LIMIT));
        let gone = self.run.wait(admin.delete_topics(&[&topic.name], &options))?;
        for result in gone {
            result.map_err(|(name, code)| anyhow::anyhow!("deleting topic {name}: {code}"))?;
        }
        Ok(())
    }
}

/// Fails once nothing has come for so long.
pub(crate) struct Silence(Instant);

impl Silence {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn broken(&mut self) {
        self.0 = Instant::now();
    }

    pub(crate) fn check(&self, what: &str) -> anyhow::Result<()> {
        ensure!(self.0.elapsed() < LIMIT, "{what}: nothing came for {LIMIT:?}");
        Ok(())
    }
}
