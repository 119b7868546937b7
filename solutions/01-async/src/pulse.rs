//! Whether a connection still lives: when to ask it, what counts as its answer, and when to give it up.
//!
//! TCP does not say. A peer that is gone without a word (its machine lost power, a middlebox forgot the connection) looks like one
//! that has nothing to say, for as long as nothing is sent, and then for as long as the kernel tries again: a quarter of an hour.

use std::time::Duration;

use tokio::time::Instant;

/// What a connection needs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing.
    Fine,
    /// Send a PING: see [`Pulse::ping`].
    Ping,
    /// Give it up: nothing has arrived for so long.
    Dead(Duration),
}

/// The clocks of one connection. It is told the time, and does nothing by itself.
#[derive(Debug)]
pub struct Pulse {
    ping_every: Duration,
    silence_limit: Duration,
    last_traffic: Instant,
    last_ping: Instant,
    pings: u64,
    last_pong: Option<u64>,
}

impl Pulse {
    /// Of a connection that is made `now`. It gets a PING every `ping_every`, and is dead when nothing arrives for `silence_limit`.
    pub fn new(ping_every: Duration, silence_limit: Duration, now: Instant) -> Self {
        Self {
            ping_every,
            silence_limit,
            last_traffic: now,
            last_ping: now,
            pings: 0,
            last_pong: None,
        }
    }

    /// Something arrived, whatever it is: the other side lives.
    pub fn heard(&mut self, now: Instant) {
        self.last_traffic = now;
    }

    /// Before then [`beat`](Self::beat) has nothing to say.
    pub fn due(&self) -> Instant {
        (self.last_ping + self.ping_every).min(self.last_traffic + self.silence_limit)
    }

    /// What the connection needs now.
    ///
    /// While we are `reading`, it is [`Beat::Dead`] once nothing has arrived for `silence_limit`, with how long that was. Else it is
    /// [`Beat::Ping`] if the last PING is `ping_every` old or older, and [`Beat::Fine`] if not. While we are not reading, because nobody
    /// takes what was read, silence is our own and says nothing about the other side: PINGs go on, so that it sees a live client, and its
    /// silence is counted from `now` on.
    pub fn beat(&mut self, now: Instant, reading: bool) -> Beat {
        // TASK 3: dead, in need of a PING, or fine
        if !reading {
            self.last_traffic = now;
        }
        let silent = now.duration_since(self.last_traffic);
        if silent >= self.silence_limit {
            Beat::Dead(silent)
        } else if now.duration_since(self.last_ping) >= self.ping_every {
            Beat::Ping
        } else {
            Beat::Fine
        }
        // END TASK 3
    }

    /// A PING is sent now: its number, and its payload, which is the number in eight bytes, the highest first. The first is 1. What
    /// we send says nothing about the other side: on a connection that nobody is at the other end of, sending works for a while.
    pub fn ping(&mut self, now: Instant) -> (u64, [u8; 8]) {
        // TASK 3: number the PING and note its time
        self.pings += 1;
        self.last_ping = now;
        (self.pings, self.pings.to_be_bytes())
        // END TASK 3
    }

    /// A PONG with this payload arrived. It answers the PING whose payload it carries, and each one before that: a server may answer
    /// only the latest. A PONG that carries no number of a PING that was sent is an answer to nothing (RFC 6455, 5.5.3, lets anybody
    /// send one), and an old answer that comes late takes nothing back.
    pub fn pong(&mut self, payload: &[u8]) {
        // TASK 3: note which PING is answered
        let number = payload.try_into().ok().map(u64::from_be_bytes);
        if number.is_some_and(|number| (1..=self.pings).contains(&number)) {
            self.last_pong = self.last_pong.max(number);
        }
        // END TASK 3
    }

    /// Whether the PING with this number, or a later one, was answered.
    pub fn has_answered(&self, ping: u64) -> bool {
        self.last_pong >= Some(ping)
    }
}
