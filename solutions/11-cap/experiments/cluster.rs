//! Brokers for an experiment, as seen from one side of a cut: topics made and placed, leaders and replicas awaited.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use measure::Teller;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer as _};
use stack::{Kafka, Server, Stack, unique};

use crate::run::{Run, until};

/// How long servers may take for anything that is no start.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A cluster.
pub(crate) struct Cluster<'a> {
    run: &'a Run,
    stack: Held,
}

enum Held {
    Own(Box<Stack>),
    Shared(&'static Stack),
}

/// Who has the one partition of a topic, by those who were asked.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) leader: Option<i32>,
    pub(crate) in_sync: Vec<i32>,
}

impl<'a> Cluster<'a> {
    /// Servers that others use too, of one broker: for a trial, and not to be hurt.
    pub(crate) fn shared(run: &'a Run) -> anyhow::Result<Self> {
        let stack = Held::Shared(run.wait(Stack::shared())?);
        Ok(Self { run, stack })
    }

    /// Three brokers and a controller of the experiment's own.
    pub(crate) fn own(run: &'a Run) -> anyhow::Result<Self> {
        let stack = Held::Own(Box::new(run.wait(Stack::own(3))?));
        let made = Self { run, stack };
        let found = made.kafka().brokers().len();
        ensure!(
            found == 3 && made.addresses().count() == 3,
            "this experiment needs 3 brokers and found {found}; choose another stack with LAB_STACK"
        );
        Ok(made)
    }

    fn stack(&self) -> &Stack {
        match &self.stack {
            Held::Own(stack) => stack,
            Held::Shared(stack) => stack,
        }
    }

    pub(crate) fn tell(&self, teller: &Teller) {
        teller.servers(self.stack().provider().name(), self.stack().versions());
    }

    pub(crate) fn kafka(&self) -> &Kafka {
        self.stack().kafka()
    }

    pub(crate) fn broker(&self, id: i32) -> anyhow::Result<&Server> {
        self.kafka()
            .broker(id)
            .with_context(|| format!("there is no broker {id}"))
    }

    pub(crate) fn controller(&self) -> anyhow::Result<&Server> {
        self.kafka()
            .controller()
            .context("this cluster has no controller of its own")
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.kafka().bootstrap().split(',')
    }

    /// Where clients of all brokers connect.
    pub(crate) fn all(&self) -> String {
        self.kafka().bootstrap().to_owned()
    }

    /// Where clients connect that know one broker, or all others: the brokers stand in order of their ids.
    pub(crate) fn side(&self, broker: i32, is_it: bool) -> String {
        let brokers = (1..).zip(self.addresses());
        let chosen = brokers.filter(|(id, _)| (*id == broker) == is_it);
        chosen.map(|(_, address)| address).collect::<Vec<_>>().join(",")
    }

    /// A topic of one partition with a replica on each of these brokers, led by the first. Its log goes at once when it is removed.
    pub(crate) fn topic(&self, replicas: &[i32], settings: &[(&str, &str)]) -> anyhow::Result<String> {
        let name = unique("x11");
        let places: &[&[i32]] = &[replicas];
        let mut topic = NewTopic::new(&name, 1, TopicReplication::Variable(places)).set("file.delete.delay.ms", "0");
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let (admin, options) = (self.admin()?, options());
        for made in self.run.wait(admin.create_topics([&topic], &options))? {
            made.map_err(|(name, code)| anyhow::anyhow!("creating topic {name}: {code}"))?;
        }
        Eye::new(&self.all()).wait_for(&name, "all its replicas", LIMIT, |placed| {
            placed.leader == replicas.first().copied() && placed.in_sync.len() == replicas.len()
        })?;
        Ok(name)
    }

    pub(crate) fn remove(&self, topic: &str) -> anyhow::Result<()> {
        let (admin, options) = (self.admin()?, options());
        for gone in self.run.wait(admin.delete_topics(&[topic], &options))? {
            gone.map_err(|(name, code)| anyhow::anyhow!("deleting topic {name}: {code}"))?;
        }
        Ok(())
    }

    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        Ok(ClientConfig::new().set("bootstrap.servers", self.all()).create()?)
    }
}

/// Looks at a cluster by some of its brokers. One that is cut off, or was a moment ago, tells of old times.
///
/// Each question is a new client's: one that is kept moves on to any of the brokers that it hears of, the one that is cut
/// off too, and goes on asking that. A producer, because an administrator's client takes a tenth of a second to end.
pub(crate) struct Eye(String);

impl Eye {
    pub(crate) fn new(bootstrap: &str) -> Self {
        Self(bootstrap.to_owned())
    }

    /// `None` while nobody says.
    pub(crate) fn placed(&self, topic: &str) -> Option<Placed> {
        let asks: BaseProducer = ClientConfig::new().set("bootstrap.servers", &self.0).create().ok()?;
        let metadata = asks.client().fetch_metadata(Some(topic), Duration::from_secs(3)).ok()?;
        let found = metadata.topics().iter().find(|found| found.name() == topic)?;
        let partition = found.partitions().first()?;
        Some(Placed {
            leader: (partition.leader() >= 0).then_some(partition.leader()),
            in_sync: partition.isr().to_vec(),
        })
    }

    /// Waits until a topic is as wanted; how long that took.
    pub(crate) fn wait_for(
        &self,
        topic: &str,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Placed) -> bool,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        until(&format!("topic {topic} has {what}"), limit, || {
            self.placed(topic).is_some_and(|placed| wanted(&placed))
        })
        .with_context(|| format!("it is {:?}", self.placed(topic)))?;
        Ok(started.elapsed())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(LIMIT))
        .operation_timeout(Some(LIMIT))
}
