//! The reader's loop: where one is, what to build next, running one's own tests, hints, the reference afterwards.
//!
//! [`standing`] looks at the reader's source and progress without building anything; [`session`] builds and runs; [`board`] says
//! what came of it; [`watch`] does so at each save.

pub(crate) mod board;
pub(crate) mod bonus;
pub(crate) mod hints;
pub(crate) mod keys;
pub(crate) mod reveal;
pub(crate) mod session;
pub(crate) mod standing;
pub(crate) mod style;
pub(crate) mod watch;
