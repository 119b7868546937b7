//! The links of one broker to the rest of its cluster, as proxies that can be cut.
//!
//! A broker advertises to the others not its listener but a proxy in front of it, and knows the controller by a proxy of
//! its own. The controller tells all brokers the same address, to which they come when a connection has ended: a proxy that
//! asks each who it is. Clients go past all of these. What a cut broker asks of the others as their follower still passes: its requests carry
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
        self.listen(|listener| accept(listener, move |near| carry(near, target, state.clone())))
    }

    /// A proxy in front of the controller for all brokers, each by its own link; the port.
    pub(crate) fn for_all(&self, target: u16, brokers: &[(u32, Arc<Links>)]) -> io::Result<u16> {
        let states: Vec<_> = brokers
            .iter()
            .map(|(id, links)| (*id, links.state.subscribe()))
            .collect();
        self.listen(|listener| accept(listener, move |near| carry_by_name(near, target, states.clone())))
    }

    fn listen<F: Future<Output = ()> + Send + 'static>(&self, serve: impl FnOnce(TcpListener) -> F) -> io::Result<u16> {
        let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0))?;
        bound.set_nonblocking(true)?;
        let port = bound.local_addr()?.port();
        if let Some(runtime) = &self.0 {
            let _entered = runtime.enter();
            runtime.spawn(serve(TcpListener::from_std(bound)?));
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

async fn accept<F: Future<Output = ()> + Send + 'static>(listener: TcpListener, carry: impl Fn(TcpStream) -> F) {
    loop {
        match listener.accept().await {
            Ok((near, _)) => drop(tokio::spawn(carry(near))),
            // Out of descriptors, for instance: one comes free when a connection ends.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Carries a connection of the broker that it names itself as; one that says nothing, or is none of these, gets no further.
async fn carry_by_name(near: TcpStream, target: u16, states: Vec<(u32, watch::Receiver<Link>)>) {
    let mut head = [0; 128];
    let mut seen = 0;
    let id = loop {
        match near.peek(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(bytes) => match client(&head[..bytes]) {
                Some(id) => break id,
                // What is there already is not waited for: a look now and then will do for the rest.
                None if bytes == seen => tokio::time::sleep(PAUSE).await,
                None => seen = bytes,
            },
        }
    };
    if let Some((_, state)) = states.into_iter().find(|(known, _)| *known == id) {
        carry(near, target, state).await;
    }
}

/// The number behind the client's name in the head of its first request: `raft-client-2` is broker 2. `None` while too
/// little of it has come.
///
/// A request begins with its size (4 bytes), its kind and version (2 each), a number (4), and the name with its length (2).
fn client(head: &[u8]) -> Option<u32> {
    let size = u16::from_be_bytes(head.get(12..14)?.try_into().ok()?);
    let name = std::str::from_utf8(head.get(14..14 + usize::from(size))?).ok()?;
    name.rsplit('-').next()?.parse().ok()
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

    /// A request's head, as a client of that name sends it.
    fn head(name: &str) -> Vec<u8> {
        let mut head = vec![0; 12];
        head.extend((name.len() as u16).to_be_bytes());
        head.extend(name.as_bytes());
        head
    }

    #[test]
    fn a_client_is_known_by_its_name_once_it_is_there() {
        let whole = head("raft-client-2");
        assert_eq!(client(&whole), Some(2));
        for part in 0..whole.len() {
            assert_eq!(client(&whole[..part]), None, "{part} bytes of {}", whole.len());
        }
        assert_eq!(client(&head("somebody")), None);
    }

    #[test]
    fn whoever_comes_by_the_address_of_all_is_cut_off_with_its_own_link() {
        let mover = Arc::new(Mover::start().expect("a thread"));
        let links = [1, 2].map(|id| {
            let links = Links::new(&mover, echo(), echo()).expect("two proxies");
            (id, Arc::new(links))
        });
        let port = mover.for_all(echo(), &links).expect("a proxy");
        links[0].1.cut();
        let ask = |id: u32| {
            let mut stream = connect(port);
            stream
                .write_all(&head(&format!("raft-client-{id}")))
                .expect("room for it");
            stream.read(&mut [0; 64]).map_err(|error| error.kind())
        };
        assert_eq!(ask(1), Err(io::ErrorKind::WouldBlock), "the cut one is answered");
        assert!(ask(2).is_ok_and(|bytes| bytes > 0), "the other one is not answered");
        links[0].1.heal();
        assert!(ask(1).is_ok_and(|bytes| bytes > 0), "a healed one is not answered");
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
