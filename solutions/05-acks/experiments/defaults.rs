//! defaults: what the clients and the broker do when nobody says anything, asked of themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use measure::Teller;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use crate::cluster::Cluster;
use crate::run::{Run, until};

const LIBRDKAFKA: [&str; 14] = [
    "acks",
    "enable.idempotence",
    "max.in.flight.requests.per.connection",
    "linger.ms",
    "batch.size",
    "batch.num.messages",
    "retries",
    "retry.backoff.ms",
    "message.timeout.ms",
    "request.timeout.ms",
    "socket.timeout.ms",
    "queue.buffering.max.messages",
    "queue.buffering.max.kbytes",
    "message.max.bytes",
];

const JAVA: [&str; 11] = [
    "acks",
    "enable.idempotence",
    "max.in.flight.requests.per.connection",
    "linger.ms",
    "batch.size",
    "retries",
    "delivery.timeout.ms",
    "request.timeout.ms",
    "buffer.memory",
    "max.block.ms",
    "max.request.size",
];

const BROKER: [&str; 8] = [
    "min.insync.replicas",
    "default.replication.factor",
    "unclean.leader.election.enable",
    "replica.lag.time.max.ms",
    "broker.session.timeout.ms",
    "log.flush.interval.messages",
    "message.max.bytes",
    "producer.id.expiration.ms",
];

/// The programs of Kafka that print their settings, with what stands before a setting's name in their output.
const PRODUCER: (&str, &str) = ("org.apache.kafka.clients.producer.ProducerConfig", "producerconfigs_");
const SERVER: (&str, &str) = ("kafka.server.KafkaConfig", "brokerconfigs_");

/// What the guide's producer is configured with.
const GUIDE: [&str; 7] = [
    "acks",
    "retries",
    "linger.ms",
    "batch.size",
    "compression.type",
    "buffer.memory",
    "max.block.ms",
];

/// A JVM starts in about a second.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    let mut teller = Teller::new(4);
    teller.step("servers");
    // Nothing is done to them: shared, whatever the effort.
    let cluster = Cluster::shared(run)?;
    cluster.tell(&teller);

    teller.step("librdkafka");
    let native = ClientConfig::new()
        // Its own default, said: only then is there a part for the settings that are a topic's, such as acks.
        .set("request.timeout.ms", "30000")
        .create_native_config()?;
    for setting in LIBRDKAFKA {
        tell(&teller, "librdkafka", setting, &native.get(setting)?)?;
    }

    for setting in GUIDE {
        // Any value will do: an unknown name is refused before its value is looked at.
        let refused = ClientConfig::new().set(setting, "1").create_native_config().err();
        let unknown = matches!(
            refused,
            Some(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..))
        );
        known(&teller, "librdkafka", setting, !unknown);
    }

    teller.step("the Java client and the broker");
    match jars(&cluster) {
        Some(jars) => {
            for (client, (program, prefix), settings) in
                [("java", PRODUCER, JAVA.as_slice()), ("broker", SERVER, BROKER.as_slice())]
            {
                let text = printed(&jars, program)?;
                for setting in settings {
                    tell(&teller, client, setting, default_of(&text, prefix, setting)?)?;
                }
                for setting in GUIDE.iter().filter(|_| client == "java") {
                    known(&teller, client, setting, default_of(&text, prefix, setting).is_ok());
                }
            }
        }
        None => teller.not_here(
            "The defaults of the Java client and of the broker are printed by Kafka's own jars and a Java runtime, and with \
             this stack they are not on this machine; run it with LAB_STACK=local.",
        ),
    }

    teller.step("the broker of this stack");
    let found = cluster.broker_settings()?;
    for setting in BROKER {
        if let Some((_, value)) = found.iter().find(|(name, _)| name == setting) {
            tell(&teller, "stack", setting, value)?;
        }
    }
    Ok(())
}

fn known(teller: &Teller, client: &str, setting: &str, is: bool) {
    let arm = format!("client={client} setting={setting}");
    teller.figure(&arm, "known", vec![f64::from(u8::from(is))], 1);
}

/// Yes and no are 1 and 0, and `acks=all` is −1, as on the wire.
fn tell(teller: &Teller, client: &str, setting: &str, value: &str) -> anyhow::Result<()> {
    let number = match value {
        "true" => 1.0,
        "false" => 0.0,
        "all" => -1.0,
        // `120000 (2 minutes)`
        other => {
            let first = other.split_whitespace().next().unwrap_or_default();
            first
                .parse()
                .with_context(|| format!("{setting} of {client} is {other:?}"))?
        }
    };
    teller.figure(&format!("client={client} setting={setting}"), "value", vec![number], 1);
    Ok(())
}

/// The folder of Kafka's jars, where it was fetched for local servers.
fn jars(cluster: &Cluster<'_>) -> Option<PathBuf> {
    let version = cluster.local_kafka()?;
    let folder = stack::provision::home().join(format!("kafka-{version}/libs"));
    folder.is_dir().then_some(folder)
}

/// What a program of Kafka prints.
fn printed(jars: &Path, program: &str) -> anyhow::Result<String> {
    let out = tempfile::NamedTempFile::new()?;
    let mut child = Command::new("java")
        .arg("-cp")
        .arg(jars.join("*"))
        .arg(program)
        .stdin(Stdio::null())
        .stdout(out.reopen()?)
        .stderr(Stdio::null())
        .spawn()
        .context("starting java")?;
    let ended = until(program, LIMIT, || !matches!(child.try_wait(), Ok(None)));
    if ended.is_err() {
        let _ = child.kill();
    }
    let status = child.wait()?;
    ended?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(std::fs::read_to_string(out.path())?)
}

/// The default in the HTML that Kafka's documentation is made of.
fn default_of<'t>(text: &'t str, prefix: &str, setting: &str) -> anyhow::Result<&'t str> {
    let found = text
        .split_once(&format!("<a id=\"{prefix}{setting}\""))
        .and_then(|(_, rest)| {
            let (_, rest) = rest.split_once("<th>Default:</th><td>")?;
            Some(rest.split_once("</td>")?.0)
        });
    found.with_context(|| format!("Kafka prints no default of {setting}"))
}
