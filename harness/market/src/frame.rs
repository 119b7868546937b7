//! What a frame from the exchange can be, and the seam between the part that receives frames and the one that reads them.

use crate::Trade;

/// A frame, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A trade; `snapshot` when it is the newest trade of its market at the time of the subscription, not a new one.
    Trade {
        /// The trade.
        trade: Trade,
        /// Whether `stream_type` says `SNAPSHOT`.
        snapshot: bool,
    },
    /// The answer to a text `PING`.
    Status,
    /// An error of the exchange; it closes the connection next.
    Error {
        /// Its name, such as `WRONG_FORMAT`.
        name: String,
        /// Its message, in the exchange's language.
        message: String,
    },
    /// A well-formed frame of a type that was not asked for.
    Other,
}

/// Why bytes could not be read: a short word for counting and for the dead letter's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Not UTF-8 JSON, or cut short.
    Malformed,
    /// A field that a trade needs is absent.
    MissingField,
    /// A field has another type than it should.
    WrongType,
    /// A field's value is out of range: too many places, negative, no market code.
    OutOfRange,
    /// The frame is larger than a frame may be.
    Oversized,
    /// The trade claims to come from the future.
    Future,
}

impl Reason {
    /// Its name, as it stands in a dead letter's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::MissingField => "missing-field",
            Self::WrongType => "wrong-type",
            Self::OutOfRange => "out-of-range",
            Self::Oversized => "oversized",
            Self::Future => "future",
        }
    }
}

/// Bytes that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", reason.name())]
pub struct Undecodable {
    /// The kind of fault.
    pub reason: Reason,
    /// One sentence for a person.
    pub detail: String,
}

/// Reads what the exchange sends. Implemented by the wire, used by the feed: neither knows the other.
pub trait Decode: Send + Sync {
    /// Reads one WebSocket frame, in the DEFAULT or the SIMPLE format.
    ///
    /// # Errors
    /// [`Undecodable`]; the caller keeps the bytes.
    fn frame(&self, bytes: &[u8]) -> Result<Frame, Undecodable>;

    /// Reads one page of `GET /v1/trades/ticks`, newest first as it comes. The send time of a tick is its execution time.
    ///
    /// # Errors
    /// [`Undecodable`]; nothing of the page is used.
    fn ticks(&self, body: &[u8]) -> Result<Vec<Trade>, Undecodable>;
}
