//! A task of the lab that is not built yet is told as one, wherever it is met; only what needs it is left out.

use std::io::Write as _;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use measure::{Told, Unbuilt};
use producer::{Producer, ProducerConfig};
use rdkafka::mocking::MockCluster;

static MET: AtomicBool = AtomicBool::new(false);

/// Has the first panic of an unbuilt task told as a line; such panics are not shown, others stay as they are.
pub(crate) fn tell_of_what_is_unbuilt() {
    static FIRST: Once = Once::new();
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let payload = panic.payload();
        let message = payload.downcast_ref::<&str>().copied();
        let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let met = message
            .zip(panic.location())
            .and_then(|(message, place)| Unbuilt::met(message, place.file()));
        match met {
            Some(unbuilt) => {
                MET.store(true, Ordering::SeqCst);
                FIRST.call_once(|| tell(unbuilt));
            }
            None => usual(panic),
        }
    }));
}

fn tell(unbuilt: Unbuilt) {
    if let Ok(mut line) = serde_json::to_vec(&Told::Unbuilt(unbuilt)) {
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

/// Whether the lab's producer can be asked to send: one record goes to a cluster in the process. `false` is an unbuilt task,
/// which has been told then; asked before servers are started.
///
/// # Errors
/// The tasks have bodies, and the record does not arrive.
pub(crate) fn producer_is_built() -> anyhow::Result<bool> {
    // A panic ends that thread only.
    match std::thread::spawn(deliver_one).join() {
        Ok(Ok(())) => Ok(true),
        _ if MET.load(Ordering::SeqCst) => Ok(false),
        Ok(Err(error)) => {
            Err(error.context("the lab's producer delivers nothing to a cluster in this process; run the lab's tests"))
        }
        Err(_) => bail!("the lab's producer panics; run the lab's tests"),
    }
}

fn deliver_one() -> anyhow::Result<()> {
    let cluster = MockCluster::new(1)?;
    cluster.create_topic("probe", 1, 1)?;
    let producer = Producer::new(&ProducerConfig {
        brokers: cluster.bootstrap_servers(),
        topic: "probe".into(),
        ..ProducerConfig::default()
    })?;
    let limit = Duration::from_secs(10);
    let delivered = async {
        producer.send(0, b"key", b"value", 0).await?;
        producer.flush(limit).await?;
        anyhow::Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(async { tokio::time::timeout(2 * limit, delivered).await })
        .context("waiting for one record")?
}
