//! acks-cost: what an acknowledgement by nobody, by the leader and by all replicas costs, on one broker and on three.

use measure::Teller;

use crate::client::Client;
use crate::cluster::{Cluster, Topic};
use crate::load::{Spans, closed, open};
use crate::run::{Figures, Run};
use crate::trades::Trades;

/// Well below what one core takes: where the queue never fills, latency is that of the way and not of the queue.
const RATE: f64 = 10_000.0;
/// librdkafka's default, milliseconds.
const LINGER: &str = "5";
const PARTITIONS: i32 = 3;

pub(crate) fn run(run: &Run) -> anyhow::Result<()> {
    // A trial takes the one broker that all trials share: three of its own would take longer to start than all else.
    let acks: &[&str] = run.pick(&["0", "1", "all"], &["0", "1", "all"], &["all"]);
    let sizes: &[u8] = run.pick(&[1, 3], &[1, 3], &[1]);
    let rounds = run.pick(5, 1, 1);
    let mut teller = Teller::new(1 + 2 * rounds * acks.len() * sizes.len());
    teller.step("servers");
    let trades = Trades::make(run, run.pick(50_000, 50_000, 2_000))?;
    let mut clusters = Vec::new();
    for size in sizes {
        let cluster = if run.tries() {
            Cluster::shared(run)?
        } else {
            Cluster::own(run, *size)?
        };
        cluster.tell(&teller);
        clusters.push((*size, cluster));
    }
    let warm = Spans {
        warm: run.millis(4_000, 2_000, 50),
        counted: run.millis(1_000, 500, 50),
    };
    for (_, cluster) in &clusters {
        // The brokers' own warm-up, with many small requests: their compiler counts calls.
        let (topic, client) = client(cluster, "all", "0")?;
        open(&client, &trades, RATE, warm)?;
        closed(&client, &trades, warm)?;
        cluster.remove(&topic)?;
    }
    let full = Spans {
        warm: run.millis(500, 300, 50),
        counted: run.millis(2_500, 1_000, 50),
    };
    let steady = Spans {
        warm: run.millis(500, 300, 50),
        counted: run.millis(3_000, 1_500, 100),
    };
    let mut figures = Figures::default();
    for _ in 0..rounds {
        // All of one load before the other: what a full queue leaves the brokers to do would be in the next arm's latency.
        for open_loop in [true, false] {
            for (size, cluster) in &clusters {
                for acks in acks {
                    let arm = format!("acks={acks} brokers={size}");
                    let (topic, client) = client(cluster, acks, LINGER)?;
                    if open_loop {
                        teller.step(&format!("{arm}, {RATE} records/s"));
                        let latency = open(&client, &trades, RATE, steady)?;
                        figures.add(&arm, "p50", latency.millis_at(0.5), latency.count());
                        figures.add(&arm, "p99", latency.millis_at(0.99), latency.count());
                    } else {
                        teller.step(&format!("{arm}, full queue"));
                        let (throughput, delivered) = closed(&client, &trades, full)?;
                        figures.add(&arm, "throughput", throughput, delivered);
                    }
                    cluster.remove(&topic)?;
                }
            }
        }
    }
    figures.tell(&teller);
    Ok(())
}

/// Idempotence is off for all, because only acks=all can have it: nothing but the acknowledgement may differ.
fn client(cluster: &Cluster<'_>, acks: &str, linger: &str) -> anyhow::Result<(Topic, Client)> {
    let settings = [
        ("acks", acks),
        ("enable.idempotence", "false"),
        ("max.in.flight.requests.per.connection", "5"),
        ("linger.ms", linger),
        ("compression.type", "lz4"),
    ];
    let topic = cluster.topic(PARTITIONS, &[])?;
    let client = Client::new(cluster.bootstrap(), &topic.name, PARTITIONS, &settings)?;
    Ok((topic, client))
}
