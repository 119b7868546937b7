//! The links of one broker to the rest of its cluster, as proxies that can be cut.
//!
//! A broker advertises to the others not its listener but a proxy in front of it, and knows the controller by a proxy of
//! its own. Clients go past both. What a cut broker asks of the others as their follower still passes: its requests carry
//! an epoch that the controller has withdrawn, so they count for nothing.

use std::io;
use std::net::{Ipv4Addr, TcpListener as Bound};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long nothing is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a link carries anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Whole,
    Cut,
}

/// The thread that moves the bytes of all links of a cluster. It must outlive whatever async runtime started the servers,
/// so it has a runtime of its own. Dropped, all links end.
#[derive(Debug)]
pub(crate) struct Mover(Option<Runtime>);

impl Mover {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kafka-links")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// A proxy on a free port in front of `target`; the port.
    fn proxy(&self, target: u16, state: watch::Receiver<Link>) -> io::Result<u16> {
        let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0))?;
        bound.set_nonblocking(true)?;
        let port = bound.local_addr()?.port();
        if let Some(runtime) = &self.0 {
            let _entered = runtime.enter();
            runtime.spawn(accept(TcpListener::from_std(bound)?, target, state));
        }
        Ok(port)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for its thread is not allowed where another runtime drops the stack.
            runtime.shutdown_background();
        }
    }
}

/// What of one broker can be cut.
#[derive(Debug)]
pub(crate) struct Links {
    state: watch::Sender<Link>,
    /// Where the other brokers reach this one.
    pub(crate) to_broker: u16,
    /// Where this one reaches the controller.
    pub(crate) to_controller: u16,
    /// Who moves the bytes.
    _mover: Arc<Mover>,
}

impl Links {
    /// The links of the broker that listens for others at `internal`, to the controller at `controller`.
    pub(crate) fn new(mover: &Arc<Mover>, internal: u16, controller: u16) -> io::Result<Self> {
        let state = watch::Sender::new(Link::Whole);
        Ok(Self {
            to_broker: mover.proxy(internal, state.subscribe())?,
            to_controller: mover.proxy(controller, state.subscribe())?,
            state,
            _mover: Arc::clone(mover),
        })
    }

    /// From now on nothing passes, and no connection ends.
    pub(crate) fn cut(&self) {
        self.state.send_replace(Link::Cut);
    }

    /// Ends the connections of the time before, so that new ones are made.
    pub(crate) fn heal(&self) {
        self.state.send_replace(Link::Whole);
    }
}

async fn accept(listener: TcpListener, target: u16, state: watch::Receiver<Link>) {
    loop {
        match listener.accept().await {
            Ok((near, _)) => drop(tokio::spawn(carry(near, target, state.clone()))),
            // Out of descriptors, for instance: one comes free when a connection ends.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Carries one connection until an end of it, or a cut; one that a cut has met stays open and silent until it is healed.
async fn carry(mut near: TcpStream, target: u16, mut state: watch::Receiver<Link>) {
    let mut far = None;
    if *state.borrow_and_update() == Link::Whole {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
            return;
        };
        // What is small is a request that somebody waits for.
        let _ = near.set_nodelay(true);
        let _ = stream.set_nodelay(true);
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut stream) => return,
            changed = state.changed() => if changed.is_err() || *state.borrow_and_update() == Link::Whole {
                return;
            },
        }
        far = Some(stream);
    }
    // An error means that the links are gone.
    let _ = state.wait_for(|link| *link == Link::Whole).await;
    drop((near, far));
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::thread;

    use super::*;

    /// Echoes what comes, connection by connection.
    fn echo() -> u16 {
        let listener = Bound::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let (mut from, mut to) = (&stream, &stream);
                    let _ = io::copy(&mut from, &mut to);
                });
            }
        });
        port
    }

    fn connect(port: u16) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
        stream
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a limit");
        stream
    }

    /// What comes back for a word: the word, nothing, or the end of the connection.
    fn answer(stream: &mut TcpStream) -> Result<usize, io::ErrorKind> {
        stream.write_all(b"word").map_err(|error| error.kind())?;
        stream.read(&mut [0; 4]).map_err(|error| error.kind())
    }

    #[test]
    fn a_cut_link_swallows_what_comes_and_a_healed_one_wants_new_connections() {
        let mover = Arc::new(Mover::start().expect("a thread"));
        let links = Links::new(&mover, echo(), echo()).expect("two proxies");
        for port in [links.to_broker, links.to_controller] {
            let mut before = connect(port);
            assert_eq!(answer(&mut before), Ok(4));
            links.cut();
            let mut during = connect(port);
            for stream in [&mut before, &mut during] {
                assert_eq!(
                    answer(stream),
                    Err(io::ErrorKind::WouldBlock),
                    "a cut link is silent, not closed"
                );
            }
            links.heal();
            for stream in [&mut before, &mut during] {
                let ended = stream.read(&mut [0; 4]).map_err(|error| error.kind());
                assert!(
                    matches!(ended, Ok(0) | Err(io::ErrorKind::ConnectionReset)),
                    "a connection of before a cut goes on: {ended:?}"
                );
            }
            assert_eq!(answer(&mut connect(port)), Ok(4));
        }
    }
}
