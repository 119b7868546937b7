//! Real servers on ports that another program holds.

use std::net::{Ipv4Addr, TcpListener};

use super::{clickhouse, kafka};
use crate::ports::{Offer, Random};
use crate::provision;
use crate::rundir::RunDir;
use crate::server::Control;
use crate::spec::Sizing;

/// Offers a port that is taken, then free ones.
struct TakenFirst {
    taken: Option<u16>,
}

impl Offer for TakenFirst {
    fn port(&mut self) -> u16 {
        self.taken.take().unwrap_or_else(|| Random.port())
    }
}

/// A port in somebody else's hands, as long as the listener lives.
fn taken() -> (TcpListener, TakenFirst) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("binding any port");
    let port = listener.local_addr().expect("an address").port();
    (listener, TakenFirst { taken: Some(port) })
}

#[test]
fn clickhouse_moves_to_another_port_when_its_own_is_taken() {
    let pieces = provision::ensure(true).expect("the servers' pieces");
    let run = RunDir::create(&provision::home(), false).expect("a run's folder");
    let (listener, mut ports) = taken();
    let port = listener.local_addr().expect("an address").port();
    let running = clickhouse::start(&pieces, run.path(), Sizing::Tests, &mut ports).expect("a second attempt");
    assert_ne!(
        running.url,
        format!("http://127.0.0.1:{port}"),
        "it cannot have that port"
    );
    running.server.kill().expect("killing it");
    run.remove().expect("removing the run's folder");
}

#[test]
fn kafka_moves_to_another_port_when_its_own_is_taken() {
    let pieces = provision::ensure(true).expect("the servers' pieces");
    let run = RunDir::create(&provision::home(), false).expect("a run's folder");
    let (listener, mut ports) = taken();
    let port = listener.local_addr().expect("an address").port();
    let running = kafka::start(&pieces, run.path(), 1, Sizing::Tests, &mut ports).expect("a second attempt");
    assert_ne!(
        running.cluster.bootstrap(),
        format!("127.0.0.1:{port}"),
        "it cannot have that port"
    );
    for server in &running.servers {
        server.kill().expect("killing it");
    }
    run.remove().expect("removing the run's folder");
}
