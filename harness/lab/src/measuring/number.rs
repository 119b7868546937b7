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
    let plain = ungrouped(text.trim()).ok_or_else(|| wanted("has a comma where no thousands end"))?;
    let end = plain
        .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .unwrap_or(plain.len());
    let (digits, rest) = plain.split_at(end);
    let value: f64 = digits.parse().map_err(|_| wanted("is no number"))?;
    let rest = rest.trim();
    let (scale, rest) = match rest.chars().next() {
        // `ms` begins with an m that is no million.
        _ if rest == unit => (1.0, ""),
        // A keyboard has no ×.
        _ if unit == "×" && rest == "x" => (1.0, ""),
        Some('k') => (1e3, rest[1..].trim()),
        Some('M') => (1e6, rest[1..].trim()),
        _ => (1.0, rest),
    };
    match () {
        () if !rest.is_empty() && rest != unit => Err(wanted("has another unit")),
        () if value < 0.0 => Err(wanted("is below 0")),
        () if !(value * scale).is_finite() => Err(wanted("is too large")),
        () => Ok(value * scale),
    }
}

/// Without the marks between thousands; `None` where a comma is something else: `1,5` is 1.5 to half of the world.
fn ungrouped(text: &str) -> Option<String> {
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).count();
    let mut parts = text.split(',');
    let first = parts.next()?;
    let grouped = parts.clone().count() > 0;
    let rest: Vec<&str> = parts.collect();
    let right = !grouped || ((1..=3).contains(&first.len()) && rest.iter().all(|part| digits(part) == 3));
    right.then(|| text.replace([',', '_'], ""))
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
            ("1,234,567", "trades", 1_234_567.0),
            ("12,500.5 ms", "ms", 12_500.5),
            ("1.5x", "×", 1.5),
        ] {
            assert_eq!(number(text, unit).unwrap(), value, "{text}");
        }
        for (text, says) in [
            ("many", "is no number"),
            ("1,5", "has a comma"),
            ("1000,000", "has a comma"),
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
