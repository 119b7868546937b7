//! The settings of a Kafka node: one list, as a file of properties for a process and as variables for a container.

use crate::spec::Sizing;

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Broker and controller in one.
    Combined,
    Broker,
    Controller,
}

/// The dedicated controller's node id, far from the brokers'.
pub(crate) const CONTROLLER_ID: u32 = 100;

/// Where a node listens for one kind of peer, and what it tells that kind to connect to.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: &'static str,
    /// `HOST:PORT` to bind to.
    pub(crate) bind: String,
    /// `HOST:PORT` for the others; none where it is not told to anybody.
    pub(crate) advertised: Option<String>,
}

impl Listener {
    /// Clients of this machine.
    pub(crate) const CLIENT: &'static str = "CLIENT";
    /// Other servers of the stack: ClickHouse reads topics too.
    pub(crate) const SERVERS: &'static str = "SERVERS";
    /// Other brokers.
    pub(crate) const INTERNAL: &'static str = "INTERNAL";
    /// The controllers' protocol.
    pub(crate) const CONTROLLER: &'static str = "CONTROLLER";
}

/// Everything about a node that depends on where it runs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) listeners: Vec<Listener>,
    /// The listener by which brokers reach each other.
    pub(crate) inter_broker: &'static str,
    /// `ID@HOST:PORT` of the controller.
    pub(crate) voter: String,
    /// The folder of the data.
    pub(crate) data: String,
}

/// The settings of one node of a cluster. Many timeouts are far below Kafka's defaults, so that a fault shows within
/// seconds; in production the defaults are right.
pub(crate) fn settings(
    id: u32,
    role: Role,
    brokers: usize,
    sizing: Sizing,
    place: &Place,
) -> Vec<(&'static str, String)> {
    let joined = |each: &dyn Fn(&Listener) -> Option<String>| {
        let listeners: Vec<String> = place.listeners.iter().filter_map(each).collect();
        listeners.join(",")
    };
    let protocols = [
        Listener::CLIENT,
        Listener::SERVERS,
        Listener::INTERNAL,
        Listener::CONTROLLER,
    ]
    .map(|name| format!("{name}:PLAINTEXT"))
    .join(",");
    let roles = match role {
        Role::Combined => "broker,controller",
        Role::Broker => "broker",
        Role::Controller => "controller",
    };
    let mut list = vec![
        ("process.roles", roles.to_owned()),
        ("node.id", id.to_string()),
        ("listeners", joined(&|l| Some(format!("{}://{}", l.name, l.bind)))),
    ];
    let advertised = joined(&|l| Some(format!("{}://{}", l.name, l.advertised.as_ref()?)));
    if !advertised.is_empty() {
        list.push(("advertised.listeners", advertised));
    }
    // A controller refuses to have it.
    if role != Role::Controller {
        list.push(("inter.broker.listener.name", place.inter_broker.to_owned()));
    }
    // A broker whose heartbeats starve for a session is fenced. Tests want to see a death at once; a run at full rate
    // starves everybody now and then, and must not lose its only broker for that.
    // A heartbeat may take no longer than the interval between two.
    let (network_threads, io_threads, heartbeat_ms, session_ms) = match sizing {
        Sizing::Tests => ("2", "3", "500", "2000"),
        Sizing::Throughput => ("3", "8", "1000", "4000"),
    };
    let (replication, in_sync) = (brokers.to_string(), brokers.div_ceil(2).to_string());
    let (replication, in_sync) = (replication.as_str(), in_sync.as_str());
    let fixed = [
        ("listener.security.protocol.map", protocols.as_str()),
        ("controller.listener.names", Listener::CONTROLLER),
        ("controller.quorum.voters", &place.voter),
        ("log.dirs", &place.data),
        ("num.network.threads", network_threads),
        ("num.io.threads", io_threads),
        ("auto.create.topics.enable", "false"),
        ("auto.leader.rebalance.enable", "false"),
        ("default.replication.factor", replication),
        ("min.insync.replicas", in_sync),
        // Internal topics as large as the cluster can hold them, and few partitions: each costs files at the start.
        ("offsets.topic.replication.factor", replication),
        ("offsets.topic.num.partitions", "4"),
        ("transaction.state.log.replication.factor", replication),
        ("transaction.state.log.min.isr", in_sync),
        ("transaction.state.log.num.partitions", "4"),
        ("share.coordinator.state.topic.replication.factor", replication),
        ("share.coordinator.state.topic.min.isr", in_sync),
        ("share.coordinator.state.topic.num.partitions", "4"),
        ("log.cleaner.dedupe.buffer.size", "4194304"),
        // Faults show in seconds.
        ("broker.heartbeat.interval.ms", heartbeat_ms),
        ("broker.session.timeout.ms", session_ms),
        // Longer than a controller is ever away here. A broker that has heard nothing from it for so long looks for another
        // without any pause (Kafka 4.3: the time left until it may ask is zero then, and stays zero), and takes a core for
        // that until there is an answer. There is no other controller to be found: the wait costs nothing.
        ("controller.quorum.fetch.timeout.ms", "300000"),
        ("controller.quorum.election.timeout.ms", "500"),
        ("controller.quorum.election.backoff.max.ms", "250"),
        ("controller.quorum.request.timeout.ms", "1000"),
        // A connection that was being made while a network was cut is made to an address that is gone, and nobody answers; the
        // default waits for that up to half a minute.
        ("socket.connection.setup.timeout.ms", "1000"),
        ("socket.connection.setup.timeout.max.ms", "2000"),
        ("replica.lag.time.max.ms", "1500"),
        ("replica.fetch.wait.max.ms", "200"),
        ("replica.fetch.backoff.ms", "200"),
        ("replica.socket.timeout.ms", "1500"),
        ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "1000"),
        // Groups notice a dead member as soon as its client asks for it.
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "1000"),
        ("group.consumer.min.session.timeout.ms", "1000"),
        ("group.consumer.min.heartbeat.interval.ms", "200"),
    ];
    list.extend(fixed.map(|(key, value)| (key, value.to_owned())));
    list
}

/// As `server.properties`.
pub(crate) fn as_properties(settings: &[(&str, String)]) -> String {
    settings.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// As Kafka's images take them: `log.dirs` is `KAFKA_LOG_DIRS`.
pub(crate) fn as_variable(key: &str) -> String {
    let mut name = String::from("KAFKA_");
    for character in key.chars() {
        match character {
            '.' => name.push('_'),
            '_' => name.push_str("__"),
            '-' => name.push_str("___"),
            other => name.push(other.to_ascii_uppercase()),
        }
    }
    name
}

/// How the JVM is called, without what varies between servers: its memory, and the rest.
pub(crate) fn jvm(sizing: Sizing, role: Role) -> (&'static [&'static str], Vec<&'static str>) {
    let (heap, compiler): (&[_], &[_]) = match (sizing, role) {
        (Sizing::Tests, _) => (
            &["-Xms256m", "-Xmx256m"],
            &["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"],
        ),
        (Sizing::Throughput, Role::Controller) => (&["-Xms256m", "-Xmx256m"], &["-XX:+UseG1GC"]),
        (Sizing::Throughput, _) => (&["-Xms1g", "-Xmx1g"], &["-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]),
    };
    let always = [
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
    ];
    (heap, compiler.iter().copied().chain(always).collect())
}

/// What Kafka calls a uuid: 16 random bytes in URL-safe base64 without padding. One that begins with a dash would be
/// read as an option.
pub(crate) fn kafka_uuid() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    loop {
        let bits = uuid::Uuid::new_v4().as_u128();
        // 128 bits are 21 groups of six and one of two, which stands in the upper bits of its group.
        let groups = (0..22).map(|group| {
            if group < 21 {
                bits >> (122 - 6 * group)
            } else {
                bits << 4
            }
        });
        let text: String = groups
            .map(|group| char::from(ALPHABET[(group & 63) as usize]))
            .collect();
        if !text.starts_with('-') {
            return text;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_as_kafka_reads_them() {
        for _ in 0..1000 {
            let uuid = kafka_uuid();
            assert_eq!(uuid.len(), 22, "{uuid}");
            assert!(!uuid.starts_with('-'), "{uuid}");
            // the last character carries two bits, in its upper end
            assert!(uuid.ends_with(['A', 'Q', 'g', 'w']), "{uuid}");
        }
    }

    #[test]
    fn a_setting_is_called_as_kafkas_images_want_it() {
        assert_eq!(as_variable("log.dirs"), "KAFKA_LOG_DIRS");
        assert_eq!(
            as_variable("group.min.session.timeout.ms"),
            "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"
        );
        assert_eq!(as_variable("a-b.c_d"), "KAFKA_A___B_C__D");
    }
}
