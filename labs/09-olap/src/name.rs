//! Names that may stand in a statement.

use crate::OlapError;

/// A statement cannot bind an identifier as a parameter in every place, so names are checked instead of quoted.
pub(crate) fn identifier(name: &str, what: &'static str) -> Result<(), OlapError> {
    if plain(name) {
        Ok(())
    } else {
        Err(OlapError::Name(name.into(), what))
    }
}

/// Letters, digits and `_`, not beginning with a digit, at most 128.
pub(crate) fn plain(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && (1..=128).contains(&name.len()) && !name.as_bytes()[0].is_ascii_digit()
}
