//! The broker is killed under load, on servers that nobody else uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::{assert_once_in_order, config, producer, send_numbers};
use producer::Producer;
use stack::{Stack, unique};

/// A broker takes its time to come back on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn task7_a_broker_killed_twice_under_load_loses_and_doubles_nothing() {
    // Before servers are started for it: what is not built is told at once.
    let nobody = Producer::new(&config("127.0.0.1:1", "nothing")).expect("a producer; look at `Producer::new`");
    let flushed = nobody.flush(LIMIT).await;
    flushed.expect("nothing is in flight, so no broker is needed; look at `flush`");
    let stack = Stack::own(0).await.expect("the servers");
    let kafka = stack.kafka();
    let topic = unique("kill");
    kafka.create_topic(&topic, 3, &[]).await.expect("a topic");
    let brokers = kafka.bootstrap();
    let producer = producer(brokers, &topic);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (producer, stop) = (producer.clone(), Arc::clone(&stop));
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                send_numbers(&producer, 3, n..n + 100).await;
                n += 100;
                tokio::time::sleep(Duration::from_millis(2)).await; // a steady 50,000 records/s at most
            }
            n
        }
    });
    let acked_beyond = async |records: u64| {
        let reached = async {
            while producer.stats().acked <= records {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, reached)
            .await
            .expect("records are acknowledged again");
    };
    for _ in 0..2 {
        let before = producer.stats().acked;
        acked_beyond(before + 2_000).await;
        kafka.brokers()[0].kill().await.expect("the broker dies");
        kafka.brokers()[0].restart().await.expect("the broker is back");
        let after = producer.stats().acked;
        acked_beyond(after + 2_000).await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = load.await.expect("the load");
    producer.flush(LIMIT).await.expect("the broker is there");
    let stats = producer.stats();
    assert_eq!(
        (stats.acked, stats.failed),
        (sent, 0),
        "last error: {:?}",
        stats.last_error
    );
    assert_once_in_order(brokers, &topic, 3, 0..sent);
}
