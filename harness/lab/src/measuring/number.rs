//! A number as somebody types it: `12`, `12.5 ms`, `3,000`, `1.5k`, `2M`.

use crate::values::BadValue;

/// Reads it; `unit` is what it counts, and may stand behind it.
///
/// # Errors
/// Anything else, another unit, or what is below 0, in a sentence.
pub(crate) fn number(text: &str, unit: &str) -> Result<f64, BadValue> {
    let wanted = |why: &str| {
        let counted = if unit.is_empty() {
            String::new()
        } else {
            format!(", in {unit}")
        };
        BadValue::new(format!(
            "{text:?} {why}; write a number such as 12, 3,000 or 1.5k{counted}"
        ))
    };
    let plain: String = text.trim().chars().filter(|c| *c != ',' && *c != '_').collect();
    let end = plain
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .unwrap_or(plain.len());
    let (digits, rest) = plain.split_at(end);
    let value: f64 = digits.parse().map_err(|_| wanted("is no number"))?;
    let rest = rest.trim();
    let (scale, rest) = match rest.chars().next() {
        // `ms` begins with an m that is no million.
        _ if rest == unit => (1.0, ""),
        Some('k') => (1e3, rest[1..].trim()),
        Some('M') => (1e6, rest[1..].trim()),
        _ => (1.0, rest),
    };
    match () {
        () if !rest.is_empty() && rest != unit => Err(wanted("has another unit")),
        () if !value.is_finite() || value < 0.0 => Err(wanted("is below 0")),
        () => Ok(value * scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        for (text, unit, value) in [
            ("12", "ms", 12.0),
            ("12.5 ms", "ms", 12.5),
            ("3,000", "records/s", 3_000.0),
            ("1.5k", "records/s", 1_500.0),
            ("2M records/s", "records/s", 2_000_000.0),
            ("0", "trades", 0.0),
            ("4m", "m", 4.0),
        ] {
            assert_eq!(number(text, unit).unwrap(), value, "{text}");
        }
        for (text, says) in [
            ("many", "is no number"),
            ("12 s", "has another unit"),
            ("-3", "is below 0"),
            ("", "is no number"),
            ("1e999", "has another unit"),
        ] {
            let said = number(text, "ms").unwrap_err().to_string();
            assert!(said.contains(says) && said.ends_with("in ms"), "{text:?}: {said}");
        }
        assert!(number("x", "").unwrap_err().to_string().ends_with("or 1.5k"));
    }
}
