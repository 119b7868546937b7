//! A server that is somebody else's altogether: it can be used, and nothing can be done to it.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::server::Known;

/// How long a server may take to accept a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A server of which only the address is known.
pub(super) struct Stranger {
    pub(super) name: String,
    pub(super) address: String,
    /// Why it cannot even be looked for among containers, if so.
    pub(super) unseen: Option<String>,
}

impl Known for Stranger {
    fn name(&self) -> &str {
        &self.name
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn is_alive(&self) -> bool {
        let address = self.address.to_socket_addrs().ok().and_then(|mut found| found.next());
        address.is_some_and(|address| TcpStream::connect_timeout(&address, CONNECT_LIMIT).is_ok())
    }

    fn why(&self) -> String {
        match &self.unseen {
            None => format!(
                "{} is nobody's container here; start docker-compose.yml, or use --stack local or containers",
                self.address
            ),
            Some(why) => format!(
                "whether {} is a container here cannot be seen ({why}); use --stack local, or ask again when the \
                 container engine answers",
                self.address
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Control as _, HandsOff};

    #[test]
    fn a_stranger_cannot_be_hurt_and_says_what_to_use_instead() {
        let stranger = Stranger {
            name: "kafka-1".into(),
            address: "127.0.0.1:1".into(),
            unseen: None,
        };
        let stranger = HandsOff(stranger);
        assert!(!stranger.is_alive());
        let error = stranger.kill().expect_err("it is not ours").to_string();
        assert!(error.contains("--stack local") && error.lines().count() == 1, "{error}");
        let unseen = Some("no answer within 5s".into());
        let error = HandsOff(Stranger { unseen, ..stranger.0 })
            .kill()
            .expect_err("it is not ours");
        assert!(error.to_string().contains("no answer within 5s"), "{error}");
    }
}
