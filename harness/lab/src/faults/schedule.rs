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
    /// The exchange stops writing for a while.
    SocketStall,
    /// The exchange adds frames that cannot be read.
    Garbage,
    /// The exchange resets every socket and refuses the repair of the gap.
    RepairRefused,
    /// A broker is killed and started again.
    BrokerKill,
    /// A broker is frozen and thawed.
    BrokerFreeze,
    /// A broker is cut off from the others and joined again.
    BrokerCut,
    /// Each broker is killed and started again.
    BrokerRolling,
    /// The controller is killed and started again.
    ControllerKill,
    /// ClickHouse is killed, and stays away.
    ClickhouseKill,
    /// ClickHouse is killed and started again at once.
    ClickhouseRestart,
    /// ClickHouse is frozen and thawed.
    ClickhouseFreeze,
    /// A worker is killed.
    WorkerKill,
    /// A worker is frozen, replaced, and thawed.
    WorkerFreeze,
    /// A worker joins and leaves.
    WorkerJoin,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::SocketDrop,
        Self::SocketStall,
        Self::Garbage,
        Self::RepairRefused,
        Self::BrokerKill,
        Self::BrokerFreeze,
        Self::BrokerCut,
        Self::BrokerRolling,
        Self::ControllerKill,
        Self::ClickhouseKill,
        Self::ClickhouseRestart,
        Self::ClickhouseFreeze,
        Self::WorkerKill,
        Self::WorkerFreeze,
        Self::WorkerJoin,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SocketDrop => "socket-drop",
            Self::SocketStall => "socket-stall",
            Self::Garbage => "garbage",
            Self::RepairRefused => "repair-refused",
            Self::BrokerKill => "broker-kill",
            Self::BrokerFreeze => "broker-freeze",
            Self::BrokerCut => "broker-cut",
            Self::BrokerRolling => "broker-rolling",
            Self::ControllerKill => "controller-kill",
            Self::ClickhouseKill => "clickhouse-kill",
            Self::ClickhouseRestart => "clickhouse-restart",
            Self::ClickhouseFreeze => "clickhouse-freeze",
            Self::WorkerKill => "worker-kill",
            Self::WorkerFreeze => "worker-freeze",
            Self::WorkerJoin => "worker-join",
        }
    }

    /// What it does, in a line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::SocketDrop => "resets the socket; the feed connects again and repairs the gap over REST",
            Self::SocketStall => "stops writing to the socket for 8 s; then everything follows",
            Self::Garbage => "adds frames that cannot be read; each must end up as a dead letter",
            Self::RepairRefused => "resets the socket and answers the repair with 429, then with 503, for 3 s each",
            Self::BrokerKill => "kills the broker that leads most (SIGKILL), starts it again 2 s later",
            Self::BrokerFreeze => "freezes the broker that leads most for 6 s at least, then thaws it",
            Self::BrokerCut => "cuts the broker that leads most off from the others, not from its clients, for 6 s",
            Self::BrokerRolling => "kills and restarts one broker after another, each once all replicas are in sync",
            Self::ControllerKill => "kills Kafka's controller (SIGKILL), starts it again 5 s later",
            Self::ClickhouseKill => "kills ClickHouse (SIGKILL), starts it again 10 s later",
            Self::ClickhouseRestart => "kills ClickHouse (SIGKILL), starts it again at once",
            Self::ClickhouseFreeze => "freezes ClickHouse for 8 s, then thaws it",
            Self::WorkerKill => "kills the worker (SIGKILL); a new one takes over what it left half done",
            Self::WorkerFreeze => {
                "freezes the worker until another has taken over, then thaws it: it must write nothing"
            }
            Self::WorkerJoin => "one more worker joins, takes its share of the partitions, leaves after 5 s",
        }
    }

    /// Whether it needs the project's own exchange.
    pub const fn needs_our_exchange(self) -> bool {
        matches!(self.target(), Target::Exchange)
    }

    /// What it strikes. Two faults of one target wait for each other: one would undo what the other has seen to.
    pub(crate) const fn target(self) -> Target {
        match self {
            Self::SocketDrop | Self::SocketStall | Self::Garbage | Self::RepairRefused => Target::Exchange,
            Self::BrokerKill | Self::BrokerFreeze | Self::BrokerCut | Self::BrokerRolling | Self::ControllerKill => {
                Target::Kafka
            }
            Self::ClickhouseKill | Self::ClickhouseRestart | Self::ClickhouseFreeze => Target::ClickHouse,
            Self::WorkerKill | Self::WorkerFreeze | Self::WorkerJoin => Target::Workers,
        }
    }

    /// Whether it needs brokers that are not the controller as well.
    pub const fn needs_three_brokers(self) -> bool {
        matches!(self, Self::BrokerCut | Self::ControllerKill)
    }
}

impl FromStr for Fault {
    type Err = BadValue;
    fn from_str(name: &str) -> Result<Self, BadValue> {
        let found = Self::ALL.into_iter().find(|fault| fault.name() == name);
        found.ok_or_else(|| {
            BadValue::new(format!(
                "no fault is called {name:?}; ./lab up --fault list says what there is"
            ))
        })
    }
}

/// What a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Exchange,
    Kafka,
    ClickHouse,
    Workers,
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
        let fault: Fault = name.parse()?;
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
        let three = if fault.needs_three_brokers() {
            " (--brokers 3)"
        } else {
            ""
        };
        out.push_str(&format!("  {:<20}{}{three}\n", fault.name(), fault.about()));
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
            "no fault is called \"sharks\"; ./lab up --fault list says what there is"
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
