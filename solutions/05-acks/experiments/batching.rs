//! batching: linger, batch size, requests in flight and compression, one at a time from one base, and a small grid of two.

use std::fmt;

use measure::Teller;
use rdkafka::ClientConfig;
use rdkafka::producer::BaseProducer;

use crate::client::{Client, Sent};
use crate::cluster::{Cluster, Topic};
use crate::load::{Spans, closed, open};
use crate::run::{Figures, Run};
use crate::trades::Trades;

/// As in acks-cost: far below what is possible.
const RATE: f64 = 10_000.0;
const PARTITIONS: i32 = 3;

/// One arm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Arm {
    linger: &'static str,
    batch: &'static str,
    inflight: &'static str,
    codec: &'static str,
    brokers: u8,
}

/// What each arm differs from, in one factor.
const BASE: Arm = Arm {
    linger: "5",
    batch: "1000000",
    inflight: "5",
    codec: "lz4",
    brokers: 1,
};

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            linger,
            batch,
            inflight,
            codec,
            brokers,
        } = self;
        write!(
            f,
            "linger={linger} batch={batch} inflight={inflight} codec={codec} brokers={brokers}"
        )
    }
}

fn arms() -> Vec<Arm> {
    let mut arms = vec![BASE];
    arms.extend(["0", "10", "20", "100"].map(|linger| Arm { linger, ..BASE }));
    arms.extend(["16384", "65536"].map(|batch| Arm { batch, ..BASE }));
    arms.extend(["1", "2"].map(|inflight| Arm { inflight, ..BASE }));
    arms.extend(["none", "snappy", "zstd", "gzip"].map(|codec| Arm { codec, ..BASE }));
    // With the two at linger 0 and 10 and the large batch from above, the grid of the guide's two settings.
    let batch = "16384";
    arms.extend(["0", "10"].map(|linger| Arm { linger, batch, ..BASE }));
    // Where a way by two more replicas may matter: waiting for them, and what is sent to them.
    let three = Arm { brokers: 3, ..BASE };
    arms.extend([
        three,
        Arm { linger: "0", ..three },
        Arm { inflight: "1", ..three },
        Arm { codec: "none", ..three },
    ]);
    arms
}

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    // The quick run leaves three brokers out, a trial nearly all.
    let (largest, count) = (run.pick(3, 1, 1), run.pick(usize::MAX, usize::MAX, 2));
    let mut arms: Vec<Arm> = arms()
        .into_iter()
        .filter(|arm| arm.brokers <= largest)
        .take(count)
        .collect();
    let asked: Vec<&str> = arms.iter().map(|arm| arm.codec).collect();
    arms.retain(|arm| is_built_in(arm.codec));
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(1 + 2 * rounds * arms.len());
    teller.step("servers");
    for codec in asked.into_iter().filter(|codec| !is_built_in(codec)) {
        teller.not_here(&format!(
            "This build of librdkafka has no {codec}: its arm is left out."
        ));
    }
    let trades = Trades::make(run, run.pick(50_000, 50_000, 2_000))?;
    let mut clusters = Vec::new();
    for brokers in [1, 3].into_iter().filter(|brokers| *brokers <= largest) {
        let cluster = if run.tries() {
            Cluster::shared(run)?
        } else {
            Cluster::own(run, brokers)?
        };
        cluster.tell(&teller);
        clusters.push((brokers, cluster));
    }
    let warm = Spans {
        warm: run.millis(3_000, 1_500, 20),
        counted: run.millis(500, 300, 20),
    };
    let steady = Spans {
        warm: run.millis(300, 200, 20),
        counted: run.millis(1_500, 600, 100),
    };
    let full = Spans {
        warm: run.millis(300, 200, 20),
        counted: run.millis(1_000, 500, 50),
    };
    for (brokers, cluster) in &clusters {
        let (topic, client) = client(
            cluster,
            &Arm {
                brokers: *brokers,
                ..BASE
            },
        )?;
        open(&client, &trades, RATE, warm)?;
        closed(&client, &trades, warm)?;
        cluster.remove(&topic)?;
    }
    let mut figures = Figures::default();
    for _ in 0..rounds {
        // All of one load before the other: what a full queue leaves the brokers to do would be in the next arm's latency.
        for open_loop in [true, false] {
            for arm in &arms {
                let name = arm.to_string();
                teller.step(&format!(
                    "{name}, {}",
                    if open_loop { "10,000 records/s" } else { "full queue" }
                ));
                for (_, cluster) in clusters.iter().filter(|(brokers, _)| *brokers == arm.brokers) {
                    let (topic, client) = client(cluster, arm)?;
                    if open_loop {
                        let latency = open(&client, &trades, RATE, steady)?;
                        figures.add(&name, "p50", latency.millis_at(0.5), latency.count());
                        figures.add(&name, "p99", latency.millis_at(0.99), latency.count());
                        add_sent(&mut figures, &name, ["batch", "bytes"], client.sent_now()?);
                    } else {
                        let (throughput, delivered) = closed(&client, &trades, full)?;
                        figures.add(&name, "throughput", throughput, delivered);
                        add_sent(&mut figures, &name, ["full_batch", "full_bytes"], client.sent_now()?);
                    }
                    cluster.remove(&topic)?;
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

fn add_sent(figures: &mut Figures, arm: &str, [batch, bytes]: [&'static str; 2], sent: Sent) {
    figures.add(
        arm,
        batch,
        sent.records as f64 / sent.batches.max(1) as f64,
        sent.batches,
    );
    figures.add(arm, bytes, sent.bytes as f64 / sent.records.max(1) as f64, sent.records);
}

fn client(cluster: &Cluster<'_>, arm: &Arm) -> anyhow::Result<(Topic, Client)> {
    let settings = [
        ("acks", "all"),
        ("enable.idempotence", "true"),
        ("linger.ms", arm.linger),
        ("batch.size", arm.batch),
        ("max.in.flight.requests.per.connection", arm.inflight),
        ("compression.type", arm.codec),
        // Often enough that the last word comes soon, and little work.
        ("statistics.interval.ms", "100"),
    ];
    let topic = cluster.topic(PARTITIONS, &[])?;
    let client = Client::new(cluster.bootstrap(), &topic.name, PARTITIONS, &settings)?;
    Ok((topic, client))
}

/// Whether this librdkafka was built with a codec.
fn is_built_in(codec: &str) -> bool {
    let client: Result<BaseProducer, _> = ClientConfig::new()
        .set("compression.type", codec)
        .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
        .create();
    client.is_ok()
}
