//! The consumer: the poll loop of a group member, with assignment, pause, commit and lag.
//!
//! [`Member`] is polled by one thread and tells it what it may read, what it must give back, and the records. A
//! [`Committer`] commits from any thread and refuses what the member no longer owns. [`read_all`] and [`end_offsets`] read
//! a topic without any group.

mod assignment;
mod commit;
mod config;
mod desk;
mod error;
mod lag;
mod member;
mod reader;
mod rebalance;
mod record;
mod watch;

pub use commit::{Commit, Committed, Committer};
pub use config::{Assignor, EARLIEST, MemberConfig};
pub use error::{AnswerError, CommitError, ConfigError, FetchError, LeaveError, PollError, ReadError};
pub use member::{Event, Member, MemberStats, Polled};
pub use reader::{Read, end_offsets, read_all};
pub use record::Record;
