//! The faults by name, and when they are to strike.

use std::str::FromStr;
use std::time::Duration;

use crate::text;
use crate::values::{BadValue, duration};

/// A fault of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The exchange resets every socket.
    SocketDrop,
    /// The exchange adds frames that cannot be read.
    Garbage,
    /// A broker is killed and started again.
    BrokerKill,
    /// ClickHouse is killed and started again.
    ClickhouseRestart,
    /// A worker is killed.
    WorkerKill,
    /// A worker is frozen, replaced, and thawed.
    WorkerFreeze,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SocketDrop,
        Self::Garbage,
        Self::BrokerKill,
        Self::ClickhouseRestart,
        Self::WorkerKill,
        Self::WorkerFreeze,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SocketDrop => "socket-drop",
            Self::Garbage => "garbage",
            Self::BrokerKill => "broker-kill",
            Self::ClickhouseRestart => "clickhouse-restart",
            Self::WorkerKill => "worker-kill",
            Self::WorkerFreeze => "worker-freeze",
        }
    }

    /// What it does, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::SocketDrop => "resets the socket; the feed connects again and repairs the gap over REST",
            Self::Garbage => "adds frames that cannot be read; each must end up as a dead letter",
            Self::BrokerKill => "kills a Kafka broker (SIGKILL), starts it again 2 s later",
            Self::ClickhouseRestart => "kills ClickHouse (SIGKILL), starts it again",
            Self::WorkerKill => "kills the worker (SIGKILL); a new one takes over what it left half done",
            Self::WorkerFreeze => {
                "freezes the worker until another has taken over, then thaws it: it must write nothing"
            }
        }
    }

    /// Whether it needs the project's own exchange.
    pub const fn needs_our_exchange(self) -> bool {
        matches!(self, Self::SocketDrop | Self::Garbage)
    }
}

/// What `--fault` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduled {
    /// Show the faults there are.
    List,
    /// A fault, so long after the first trade.
    At(Fault, Duration),
}

impl FromStr for Scheduled {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if text == "list" {
            return Ok(Self::List);
        }
        let (name, at) = match text.split_once('@') {
            Some((name, at)) => (name, Some(at)),
            None => (text, None),
        };
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| {
                let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                BadValue::new(format!("no fault is called {name:?}; there are {}", names.join(", ")))
            })?;
        let at = at.ok_or_else(|| {
            BadValue::new(format!("when is {name} to strike? Write {name}@10s for 10 s after the first trade; --fault list says what there is"))
        })?;
        Ok(Self::At(fault, duration(at)?))
    }
}

/// The list that `--fault list` prints.
pub fn list() -> String {
    let mut out = String::from("Faults, each as --fault NAME@TIME with the time since the first trade:\n\n");
    for fault in Fault::ALL {
        out.push_str(&format!("  {:<20}{}\n", fault.name(), fault.about()));
    }
    out.push_str("\nExample: ./lab up --fault worker-kill@20s --fault broker-kill@40s\n");
    out
}

/// The faults of a run in the order in which they strike.
///
/// # Errors
/// One whose time comes after the end of the run, or at its very end.
pub fn in_order(faults: &[Scheduled], limit: Option<Duration>) -> Result<Vec<(Fault, Duration)>, BadValue> {
    let mut order: Vec<(Fault, Duration)> = faults
        .iter()
        .filter_map(|scheduled| match scheduled {
            Scheduled::List => None,
            Scheduled::At(fault, at) => Some((*fault, *at)),
        })
        .collect();
    order.sort_by_key(|(_, at)| *at);
    if let (Some(limit), Some((fault, at))) = (limit, order.last())
        && *at >= limit
    {
        return Err(BadValue::new(format!(
            "{} is to strike after {}, when a run of {} is over; give an earlier time or a longer --for",
            fault.name(),
            text::span(*at),
            text::span(limit)
        )));
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_and_its_moment() {
        let at = |fault, s| Ok(Scheduled::At(fault, Duration::from_secs(s)));
        assert_eq!("broker-kill@10s".parse(), at(Fault::BrokerKill, 10));
        assert_eq!("garbage@1m".parse(), at(Fault::Garbage, 60));
        assert_eq!("list".parse(), Ok(Scheduled::List));
        let refused = |text: &str| text.parse::<Scheduled>().map_err(|e| e.to_string()).unwrap_err();
        assert_eq!(
            refused("sharks@10s"),
            "no fault is called \"sharks\"; there are socket-drop, garbage, broker-kill, clickhouse-restart, worker-kill, \
             worker-freeze"
        );
        assert_eq!(
            refused("garbage"),
            "when is garbage to strike? Write garbage@10s for 10 s after the first trade; --fault list says what there is"
        );
        assert_eq!(
            refused("garbage@soon"),
            "\"soon\" is no length of time; write 30s, 5m, 1h or 250ms"
        );
    }

    #[test]
    fn faults_strike_in_the_order_of_their_times_and_inside_the_run() {
        let given: Vec<Scheduled> = ["garbage@20s", "worker-kill@10s", "list"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let names =
            |limit| in_order(&given, limit).map(|order| order.iter().map(|(f, _)| f.name()).collect::<Vec<_>>());
        assert_eq!(names(Some(Duration::from_secs(60))), Ok(vec!["worker-kill", "garbage"]));
        assert_eq!(names(None), Ok(vec!["worker-kill", "garbage"]));
        assert_eq!(
            names(Some(Duration::from_secs(20))).map_err(|e| e.to_string()),
            Err(
                "garbage is to strike after 20s, when a run of 20s is over; give an earlier time or a longer --for"
                    .into()
            )
        );
    }

    #[test]
    fn the_list_of_faults() {
        insta::assert_snapshot!(list());
    }
}
