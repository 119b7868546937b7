//! What a dashboard may ask for: to read, and no more than so much.

use clickhouse::Client;

use crate::OlapError;
use crate::name::identifier;

/// What one query may take. 0 is refused: the server takes it for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows read from tables.
    pub read_rows: u64,
    /// Bytes read, decompressed.
    pub read_bytes: u64,
    /// Rows of the answer.
    pub result_rows: u64,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Time, seconds.
    pub seconds: u64,
    /// Threads.
    pub threads: u64,
}

impl Limits {
    /// The server's settings for it, by name: `max_rows_to_read`, `max_bytes_to_read`, `max_result_rows`, `max_memory_usage`,
    /// `max_execution_time`, `max_threads`; and what becomes of a query that would exceed one: `read_overflow_mode`, `result_overflow_mode`
    /// and `timeout_overflow_mode` are `throw`, because the other choice, `break`, gives a part of the answer for the whole. `readonly`
    /// is `1`: nothing is written, and no setting is changed any more, which a query could otherwise do for itself with a `SETTINGS`
    /// clause. Each once, in any order.
    ///
    /// # Errors
    /// [`OlapError::Unlimited`] names the first limit that is 0, in the order of the fields, with its setting's name.
    pub fn settings(&self) -> Result<Vec<(&'static str, String)>, OlapError> {
        todo!("task 6: the limits, what happens beyond them, and that nobody lifts them")
    }

    /// A client whose every query has these limits and can only read. A limit that a client sets is a fuse, not a lock: whoever
    /// writes the client can leave it out. The lock is a user of the server ([`Limits::user`]).
    ///
    /// # Errors
    /// [`OlapError::Unlimited`].
    pub fn session(&self, client: &Client) -> Result<Client, OlapError> {
        let mut client = client.clone();
        for (name, value) in self.settings()? {
            client = client.with_setting(name, value);
        }
        Ok(client)
    }

    /// The statements that make a user of the server who can read one database and cannot lift these limits. Its password is
    /// given as its SHA-256, 64 hexadecimal digits, so that no statement (and no log of it) holds the password itself.
    ///
    /// `readonly` is 2 for it and not 1: it may send settings of its own, as most clients do, but none that is a constant
    /// here (`CONST`), and not `readonly`.
    ///
    /// # Errors
    /// [`OlapError::Name`], [`OlapError::Unlimited`]; [`OlapError::Text`]: no such digits.
    pub fn user(&self, name: &str, sha256: &str, database: &str) -> Result<Vec<String>, OlapError> {
        identifier(name, "user")?;
        identifier(database, "database")?;
        if sha256.len() != 64 || !sha256.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(OlapError::Text(sha256.into(), "SHA-256 of a password"));
        }
        let constant = |(name, value): (&'static str, String)| match name {
            "readonly" => "readonly = 2 CONST".to_owned(),
            _ if value.bytes().all(|digit| digit.is_ascii_digit()) => format!("{name} = {value} CONST"),
            _ => format!("{name} = '{value}' CONST"),
        };
        let settings: Vec<String> = self.settings()?.into_iter().map(constant).collect();
        Ok(vec![
            format!(
                "CREATE USER IF NOT EXISTS {name} IDENTIFIED WITH sha256_hash BY '{sha256}' SETTINGS {}",
                settings.join(", ")
            ),
            format!("GRANT SELECT ON {database}.* TO {name}"),
        ])
    }
}
