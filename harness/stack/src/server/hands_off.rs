//! Servers that can be used and looked at, and to which nothing can be done.

use super::Control;
use crate::error::StackError;

/// What is known of such a server.
pub(crate) trait Known: Send + Sync + 'static {
    fn name(&self) -> &str;
    /// As [`Control::pid`].
    fn pid(&self) -> Option<u32>;
    /// As [`Control::is_alive`].
    fn is_alive(&self) -> bool;
    /// Why nothing can be done to it, and what to take instead.
    fn why(&self) -> String;
}

/// Refuses everything that hurts, and what would undo it.
pub(crate) struct HandsOff<T>(pub(crate) T);

impl<T: Known> HandsOff<T> {
    fn refuse(&self, action: &'static str) -> Result<(), StackError> {
        Err(StackError::Control {
            server: self.0.name().to_owned(),
            action,
            why: self.0.why(),
        })
    }
}

impl<T: Known> Control for HandsOff<T> {
    fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    fn kill(&self) -> Result<(), StackError> {
        self.refuse("die")
    }

    fn restart(&self) -> Result<(), StackError> {
        self.refuse("start again")
    }

    fn freeze(&self) -> Result<(), StackError> {
        self.refuse("freeze")
    }

    fn thaw(&self) -> Result<(), StackError> {
        self.refuse("thaw")
    }

    fn cut(&self) -> Result<(), StackError> {
        self.refuse("be cut off")
    }

    fn heal(&self) -> Result<(), StackError> {
        self.refuse("be joined again")
    }

    fn may_be_trapped(&self) -> Result<(), StackError> {
        self.refuse("die at a rename")
    }
}
