//! What a trade looks like in the topic. The shapes stand here, because more than one program reads them: the worker,
//! ClickHouse's Kafka engine, and the auditor. The encoders and decoders are the wire's.
//!
//! Key: the market code. Kafka timestamp: when the feed received the trade. Value: one of [`Encoding`].

use std::fmt;
use std::str::FromStr;

/// How a trade is written into the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// One JSON object, see [`JSON_SCHEMA`].
    #[default]
    Json,
    /// One Protobuf message without a length before it, see [`PROTO_SCHEMA`].
    Protobuf,
}

/// JSON Schema of the JSON record. ClickHouse reads it as `JSONEachRow`.
pub const JSON_SCHEMA: &str = include_str!("../schema/trade.schema.json");

/// The Protobuf record, message `Trade`. ClickHouse reads it as `ProtobufSingle`.
pub const PROTO_SCHEMA: &str = include_str!("../schema/trade.proto");

/// Header of a dead letter: the [`Reason`](crate::Reason)'s name.
pub const HEADER_REASON: &str = "reason";
/// Header of a dead letter: one sentence for a person.
pub const HEADER_DETAIL: &str = "detail";
/// Header of a dead letter: where the bytes came from, such as `websocket` or `trades-3@128`.
pub const HEADER_SOURCE: &str = "source";

impl Encoding {
    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Protobuf => "protobuf",
        }
    }

    /// What ClickHouse calls the format of one record.
    pub const fn clickhouse_format(self) -> &'static str {
        match self {
            Self::Json => "JSONEachRow",
            Self::Protobuf => "ProtobufSingle",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no encoding is called {0:?}; there are json and protobuf")]
pub struct UnknownEncoding(String);

impl FromStr for Encoding {
    type Err = UnknownEncoding;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "json" => Ok(Self::Json),
            "protobuf" => Ok(Self::Protobuf),
            other => Err(UnknownEncoding(other.into())),
        }
    }
}
