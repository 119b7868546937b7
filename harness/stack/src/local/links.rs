//! The links of one broker to the rest of its cluster, as proxies that can be cut.
//!
//! A broker advertises to the others not its listener but a proxy in front of it, and knows the controller by a proxy of
//! its own. The controller tells all brokers the same address, to which they come when a connection has ended: a proxy, too.
//! Who comes to an address that several use says so in its first request: a connection passes the links of both its
//! ends. Clients go past all of these.

use std::io;
use std::net::{Ipv4Addr, TcpListener as Bound};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// How long nothing is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(20);

/// Whoever has not said its name for so long is sent away.
const NAME: Duration = Duration::from_secs(5);

/// Whether a link carries anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Whole,
    Cut,
}

/// The links of all brokers of a cluster, by their ids.
type Known = Arc<Mutex<Vec<(u32, watch::Receiver<Link>)>>>;

/// The thread that moves the bytes of all links of a cluster. It must outlive whatever async runtime started the servers,
/// so it has a runtime of its own. Dropped, all links end.
#[derive(Debug)]
pub(crate) struct Mover {
    runtime: Option<Runtime>,
    known: Known,
}

impl Mover {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kafka-links")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
            known: Known::default(),
        })
    }

    /// A proxy in front of the controller for all brokers, each by its own link; the port.
    pub(crate) fn to_controller(&self, controller: u16) -> io::Result<u16> {
        let known = Arc::clone(&self.known);
        self.proxy(move |near| from_broker(near, controller, None, Arc::clone(&known)))
    }

    /// A proxy on a free port; the port. `carry` is given each connection.
    fn proxy<F: Future<Output = ()> + Send + 'static>(
        &self,
        carry: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<u16> {
        let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0))?;
        bound.set_nonblocking(true)?;
        let port = bound.local_addr()?.port();
        if let Some(runtime) = &self.runtime {
            let _entered = runtime.enter();
            runtime.spawn(accept(TcpListener::from_std(bound)?, carry));
        }
        Ok(port)
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
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
    /// The links of the broker of this id that listens for others at `internal`, to the controller at `controller`.
    pub(crate) fn new(mover: &Arc<Mover>, id: u32, internal: u16, controller: u16) -> io::Result<Self> {
        let state = watch::Sender::new(Link::Whole);
        let link = state.subscribe();
        let mut known = mover.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((id, link.clone()));
        drop(known);
        let (own, known) = (link.clone(), Arc::clone(&mover.known));
        Ok(Self {
            to_broker: mover.proxy(move |near| from_broker(near, internal, Some(own.clone()), Arc::clone(&known)))?,
            to_controller: mover.proxy(move |near| carry(near, controller, vec![link.clone()]))?,
            state,
            _mover: Arc::clone(mover),
        })
    }

    /// From now on nothing passes, and no connection ends.
    pub(crate) fn cut(&self) {
        self.turn(Link::Cut);
    }

    /// Ends the connections of the time before, so that new ones are made; of a whole one none.
    pub(crate) fn heal(&self) {
        self.turn(Link::Whole);
    }

    fn turn(&self, to: Link) {
        self.state.send_if_modified(|link| std::mem::replace(link, to) != to);
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

/// Carries a connection by the link of the broker that it names itself as, and by the link at its other end, if there is one. Without
/// any, one that is no broker's is not carried.
async fn from_broker(near: TcpStream, target: u16, other_end: Option<watch::Receiver<Link>>, known: Known) {
    let Ok(Some(id)) = tokio::time::timeout(NAME, named(&near)).await else {
        return;
    };
    let its_own = {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .find(|(known, _)| Some(*known) == id)
            .map(|(_, link)| link.clone())
    };
    let links: Vec<_> = other_end.into_iter().chain(its_own).collect();
    if !links.is_empty() {
        carry(near, target, links).await;
    }
}

/// Who comes, by the head of its first request, which stays unread; `None` if the connection ends before.
async fn named(near: &TcpStream) -> Option<Option<u32>> {
    let mut head = [0; 128];
    let mut seen = 0;
    loop {
        match near.peek(&mut head).await {
            Ok(0) | Err(_) => return None,
            Ok(bytes) => match client(&head[..bytes]) {
                Some(id) => return Some(id),
                // What has come is not waited for a second time: a look now and then must do for the rest.
                None if bytes == seen => tokio::time::sleep(PAUSE).await,
                None => seen = bytes,
            },
        }
    }
}

/// The first number in a client's name, from the head of its first request: both `raft-client-2` and `broker-2-fetcher-0`
/// are broker 2. `None` while too little of it has come, `Some(None)` for a name without a number.
///
/// A request begins with its size (4 bytes), its kind and version (2 each), a number (4), and the name behind its length (2).
fn client(head: &[u8]) -> Option<Option<u32>> {
    let size = u16::from_be_bytes(head.get(12..14)?.try_into().ok()?);
    let name = head.get(14..14 + usize::from(size).min(64))?;
    let mut numbers = name
        .split(|byte| !byte.is_ascii_digit())
        .filter(|digits| !digits.is_empty());
    Some(
        numbers
            .next()
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()),
    )
}

/// Whether nothing of that is cut. From now on only what changes later counts as a change.
fn are_whole(links: &mut [watch::Receiver<Link>]) -> bool {
    links
        .iter_mut()
        .fold(true, |whole, link| whole & (*link.borrow_and_update() == Link::Whole))
}

/// Returns when any of them changes; an error means that the links are gone.
async fn changed(links: &mut [watch::Receiver<Link>]) -> Result<(), watch::error::RecvError> {
    match links {
        [one] => one.changed().await,
        [one, other, ..] => tokio::select! {
            changed = one.changed() => changed,
            changed = other.changed() => changed,
        },
        [] => std::future::pending().await,
    }
}

/// Carries one connection until an end of it, or a cut; one that a cut has met stays open and silent until it is healed.
async fn carry(mut near: TcpStream, target: u16, mut links: Vec<watch::Receiver<Link>>) {
    let mut far = None;
    if are_whole(&mut links) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
            return;
        };
        // What is small is a request that somebody waits for.
        let _ = near.set_nodelay(true);
        let _ = stream.set_nodelay(true);
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut stream) => return,
            changed = changed(&mut links) => if changed.is_err() || are_whole(&mut links) {
                return;
            },
        }
        far = Some(stream);
    }
    while !are_whole(&mut links) {
        if changed(&mut links).await.is_err() {
            return;
        }
    }
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

    /// So long without an answer is silence.
    const SILENCE: Duration = Duration::from_millis(300);
    /// An answer may take so long where others use the machine too.
    const LIMIT: Duration = Duration::from_secs(10);

    fn connect(port: u16) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection")
    }

    fn wait(stream: &TcpStream, limit: Duration) {
        stream.set_read_timeout(Some(limit)).expect("a limit");
    }

    /// What comes back for a request: as many bytes, nothing, or the end of the connection.
    fn answer(stream: &mut TcpStream, limit: Duration) -> Result<usize, io::ErrorKind> {
        wait(stream, limit);
        let request = head("x");
        stream.write_all(&request).map_err(|error| error.kind())?;
        let mut answer = vec![0; request.len()];
        stream.read_exact(&mut answer).map_err(|error| error.kind())?;
        Ok(answer.len())
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
        assert_eq!(client(&whole), Some(Some(2)));
        assert_eq!(client(&head("broker-3-fetcher-0")), Some(Some(3)));
        for part in 0..whole.len() {
            assert_eq!(client(&whole[..part]), None, "{part} bytes of {}", whole.len());
        }
        assert_eq!(client(&head("somebody")), Some(None));
    }

    #[test]
    fn whoever_comes_by_the_address_of_all_is_cut_off_with_its_own_link() {
        let mover = Arc::new(Mover::start().expect("a thread"));
        let links = [1, 2].map(|id| {
            let links = Links::new(&mover, id, echo(), echo());
            links.expect("two proxies")
        });
        let port = mover.to_controller(echo()).expect("a proxy");
        links[0].cut();
        let ask = |port, id: u32, limit| {
            let mut stream = connect(port);
            wait(&stream, limit);
            stream
                .write_all(&head(&format!("raft-client-{id}")))
                .expect("room for it");
            stream.read(&mut [0; 64]).map_err(|error| error.kind())
        };
        let silent = Err(io::ErrorKind::WouldBlock);
        assert_eq!(ask(port, 1, SILENCE), silent, "the cut one is answered");
        assert_eq!(
            ask(links[1].to_broker, 1, SILENCE),
            silent,
            "and so it is by another broker"
        );
        assert!(
            ask(port, 2, LIMIT).is_ok_and(|bytes| bytes > 0),
            "the other one is not answered"
        );
        links[0].heal();
        assert!(
            ask(port, 1, LIMIT).is_ok_and(|bytes| bytes > 0),
            "a healed one is not answered"
        );
    }

    #[test]
    fn a_cut_link_swallows_what_comes_and_a_healed_one_wants_new_connections() {
        let mover = Arc::new(Mover::start().expect("a thread"));
        let links = Links::new(&mover, 1, echo(), echo()).expect("two proxies");
        for port in [links.to_broker, links.to_controller] {
            let mut before = connect(port);
            assert_eq!(answer(&mut before, LIMIT), Ok(15));
            links.cut();
            let mut during = connect(port);
            for stream in [&mut before, &mut during] {
                assert_eq!(
                    answer(stream, SILENCE),
                    Err(io::ErrorKind::WouldBlock),
                    "a cut link is silent, not closed"
                );
            }
            links.heal();
            for stream in [&mut before, &mut during] {
                wait(stream, LIMIT);
                let ended = stream.read(&mut [0; 4]).map_err(|error| error.kind());
                assert!(
                    matches!(ended, Ok(0) | Err(io::ErrorKind::ConnectionReset)),
                    "a connection of before a cut goes on: {ended:?}"
                );
            }
            let mut after = connect(port);
            assert_eq!(answer(&mut after, LIMIT), Ok(15));
            links.heal();
            assert_eq!(
                answer(&mut after, LIMIT),
                Ok(15),
                "to heal what is whole costs its connections"
            );
        }
    }
}
