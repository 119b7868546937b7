//! Brokers for an experiment, and what is done to them: topics made, placed and removed, leaders found, replicas awaited.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use measure::Teller;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use stack::{Kafka, Placed, Provider, Stack, unique};

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

/// A topic that an experiment made. Its log goes when it is removed: closed loops write gigabytes.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
}

impl<'a> Cluster<'a> {
    /// Servers that others use too, of one broker: for a trial, and not to be hurt.
    pub(crate) fn shared(run: &'a Run) -> anyhow::Result<Self> {
        Ok(Self {
            run,
            stack: Held::Shared(run.wait(Stack::shared())?),
        })
    }

    /// Servers of the experiment's own. Small ones: their one compiler tier is warm within seconds. With all tiers two cores
    /// compile for minutes, and each arm is quicker than the one before it.
    pub(crate) fn own(run: &'a Run, brokers: u8) -> anyhow::Result<Self> {
        let made = Self {
            run,
            stack: Held::Own(Box::new(run.wait(Stack::own(brokers))?)),
        };
        let found = made.kafka().brokers().len();
        ensure!(
            found == usize::from(brokers),
            "this experiment needs {brokers} brokers and found {found}; choose another stack with LAB_STACK"
        );
        Ok(made)
    }

    /// A new one for each question: one that is kept goes on asking the broker that it asked before, which may stand still by now.
    fn admin(&self) -> anyhow::Result<AdminClient<DefaultClientContext>> {
        let mut config = ClientConfig::new();
        Ok(config.set("bootstrap.servers", self.bootstrap()).create()?)
    }

    fn stack(&self) -> &Stack {
        match &self.stack {
            Held::Own(stack) => stack,
            Held::Shared(stack) => stack,
        }
    }

    pub(crate) fn kafka(&self) -> &Kafka {
        self.stack().kafka()
    }

    pub(crate) fn bootstrap(&self) -> &str {
        self.kafka().bootstrap()
    }

    pub(crate) fn tell(&self, teller: &Teller) {
        teller.servers(self.stack().provider().name(), self.stack().versions());
    }

    /// The version of Kafka, if its pieces are on this machine.
    pub(crate) fn local_kafka(&self) -> Option<&str> {
        let stack = self.stack();
        let version = stack.versions().get("Kafka").map(String::as_str);
        version.filter(|_| stack.provider() == Provider::Local)
    }

    /// The settings of the first broker as they are.
    pub(crate) fn broker_settings(&self) -> anyhow::Result<Vec<(String, String)>> {
        let admin = self.admin()?;
        let metadata = admin.inner().fetch_metadata(None, LIMIT)?;
        let id = metadata.brokers().first().context("there is no broker")?.id();
        let (broker, options) = (ResourceSpecifier::Broker(id), options());
        let mut all = Vec::new();
        for found in self.run.wait(admin.describe_configs([&broker], &options))? {
            let found = found.map_err(|code| anyhow::anyhow!("asking for the broker's settings: {code}"))?;
            all.extend(
                found
                    .entries
                    .into_iter()
                    .filter_map(|entry| Some((entry.name, entry.value?))),
            );
        }
        Ok(all)
    }

    /// A topic with one replica per broker, that is gone for good a moment after it is removed.
    pub(crate) fn topic(&self, partitions: i32, settings: &[(&str, &str)]) -> anyhow::Result<Topic> {
        let name = unique("x05");
        let mut all = vec![("file.delete.delay.ms", "0")];
        all.extend(settings);
        self.run.wait(self.kafka().create_topic(&name, partitions, &all))?;
        Ok(Topic { name, partitions })
    }

    /// A topic of one partition with its replicas on these brokers, led by the first of them.
    pub(crate) fn topic_on(&self, brokers: &[i32], settings: &[(&str, &str)]) -> anyhow::Result<Topic> {
        let name = unique("x05");
        let places: &[&[i32]] = &[brokers];
        let mut topic = NewTopic::new(&name, 1, TopicReplication::Variable(places)).set("file.delete.delay.ms", "0");
        for (key, value) in settings {
            topic = topic.set(key, value);
        }
        let options = options();
        let made = self.run.wait(self.admin()?.create_topics([&topic], &options))?;
        for result in made {
            result.map_err(|(name, code)| anyhow::anyhow!("creating topic {name}: {code}"))?;
        }
        let topic = Topic { name, partitions: 1 };
        self.wait_for(&topic, "all its replicas", LIMIT, |placed| {
            placed.leader == brokers.first().copied() && placed.in_sync.len() == brokers.len()
        })?;
        Ok(topic)
    }

    /// Gives a topic these settings and no others.
    pub(crate) fn set(&self, topic: &Topic, settings: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut change = AlterConfig::new(ResourceSpecifier::Topic(&topic.name)).set("file.delete.delay.ms", "0");
        for (key, value) in settings {
            change = change.set(key, value);
        }
        let options = options();
        for result in self.run.wait(self.admin()?.alter_configs([&change], &options))? {
            result.map_err(|(_, code)| anyhow::anyhow!("changing topic {}: {code}", topic.name))?;
        }
        Ok(())
    }

    pub(crate) fn remove(&self, topic: &Topic) -> anyhow::Result<()> {
        let options = options();
        let gone = self.run.wait(self.admin()?.delete_topics(&[&topic.name], &options))?;
        for result in gone {
            result.map_err(|(name, code)| anyhow::anyhow!("deleting topic {name}: {code}"))?;
        }
        Ok(())
    }

    /// Who has partition 0 of a topic; `None` while no broker says.
    pub(crate) fn placed(&self, topic: &Topic) -> Option<Placed> {
        let all = self.run.wait(self.kafka().placed(&topic.name)).ok()?;
        all.into_iter().find(|placed| placed.partition == 0)
    }

    /// Waits until partition 0 of a topic is as wanted; how long that took.
    pub(crate) fn wait_for(
        &self,
        topic: &Topic,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Placed) -> bool,
    ) -> anyhow::Result<Duration> {
        let started = Instant::now();
        until(&format!("topic {} has {what}", topic.name), limit, || {
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
