//! What a window holds: an aggregate that takes one value after the other.

/// A sum that left its type. Fatal for the operator: the windows before the failing one already have the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {0} of a window is too large to hold")]
pub struct Overflow(pub &'static str);

/// The state of one window of one key. It begins with its first value, so that there is no empty state to tell apart
/// from a real one: a window that was purged has no state, and fires nothing.
pub trait Aggregate: Sized {
    /// What comes in.
    type Value;

    /// The state after one value.
    fn first(value: &Self::Value) -> Self;

    /// Takes one more value.
    ///
    /// # Errors
    /// [`Overflow`].
    fn add(&mut self, value: &Self::Value) -> Result<(), Overflow>;

    /// Takes the state of a later window of the same key: two sessions became one.
    ///
    /// # Errors
    /// [`Overflow`].
    fn merge(&mut self, other: Self) -> Result<(), Overflow>;
}

/// The sum of integers: the aggregate of examples and of the conformance cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sum(pub i64);

impl Aggregate for Sum {
    type Value = i64;

    fn first(value: &i64) -> Self {
        Self(*value)
    }

    fn add(&mut self, value: &i64) -> Result<(), Overflow> {
        self.0 = self.0.checked_add(*value).ok_or(Overflow("sum"))?;
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), Overflow> {
        self.add(&other.0)
    }
}
