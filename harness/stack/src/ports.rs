//! Free ports on loopback, below the range from which the system takes ports for outgoing connections: there, a port
//! that a killed server gives back could be somebody's socket before the server is up again.

use std::net::{Ipv4Addr, TcpListener};

use rand::RngExt;

/// The system's own range starts at 32768 on Linux.
const LOW: u16 = 20_000;
const HIGH: u16 = 32_000;

/// How often a server may find its ports taken before we give up.
pub(crate) const ATTEMPTS: u32 = 5;

/// Offers ports. Between the offer and the server's own bind another program may take one: callers retry.
pub(crate) trait Offer {
    /// A port that was free a moment ago.
    fn port(&mut self) -> u16;
}

/// Random ports: two stacks that start at once must not walk the same way.
pub(crate) struct Random;

impl Offer for Random {
    fn port(&mut self) -> u16 {
        let mut rng = rand::rng();
        for _ in 0..1000 {
            let port = rng.random_range(LOW..HIGH);
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return port;
            }
        }
        // Nearly all taken: offer any, and let the server's own bind error tell.
        rng.random_range(LOW..HIGH)
    }
}
