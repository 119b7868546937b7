//! Replication and quorums under partitions: which acknowledged record survives what, and what a reader may see.
//!
//! Five questions, in the order in which they come up when a broker is cut off. What does an acknowledgement promise
//! ([`Topic::promise`])? A write failed: is it there, and may it be sent again ([`fate`], [`next`], [`write_once`])? The
//! partition has healed: which acknowledged records are gone, and under which leader ([`Lineage`], [`report`])? A dashboard reads
//! from copies that lag: how does it never go back ([`Session`], [`Router`])? And when is a set of copies as good as one
//! ([`Quorum`], [`simulate`], [`check`])?
//!
//! The first three follow Apache Kafka 4.x (KIP-101, KIP-279, KIP-966), the last one Gifford's quorums, the algorithm of Attiya,
//! Bar-Noy and Dolev, and the definition of Herlihy and Wing.

mod epochs;
mod guarantee;
mod history;
mod linear;
mod outcome;
mod quorum;
mod replica;
mod session;
mod simulator;
mod write_once;

pub use epochs::{Acked, EpochStart, Lineage, LineageError, Report, Row, report};
pub use guarantee::{Acks, Promise, Refused, Rules, Survives, Topic, TopicError, Visible};
pub use history::{Action, Operation, stale_reads};
pub use linear::{Anomaly, Counterexample, check};
pub use outcome::{Doubt, Fate, Next, fate, next};
pub use quorum::{Quorum, QuorumError, Reading, Reads, Step, Writing};
pub use rdkafka::types::RDKafkaErrorCode as Code;
pub use replica::{Crashes, Cut, Plan, Version};
pub use session::{Behind, Positions, Replica, Router, Session, SessionError};
pub use simulator::{Run, simulate};
pub use write_once::{GaveUp, Log, Patience, Placed, Unreadable, write_once};
