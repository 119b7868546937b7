//! Numbers as a person reads them.

use std::time::Duration;

/// `1234567` as `1,234,567`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as `00:42` or `1:02:03`.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A length of time as it would be written on the command line: `90s`, `5m`, `250ms`.
pub fn span(time: Duration) -> String {
    let millis = time.as_millis();
    match millis {
        0 => "0s".into(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) && millis >= 120_000 => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ if millis > 10_000 => format!("{:.1}s", time.as_secs_f64()),
        _ => format!("{millis}ms"),
    }
}

/// Milliseconds with three digits at most: `4.2 ms`, `87 ms`, `1.3 s`, `4 min`.
pub fn millis(value: f64) -> String {
    match value {
        v if v < 10.0 => format!("{v:.1} ms"),
        v if v < 1_000.0 => format!("{v:.0} ms"),
        v if v < 10_000.0 => format!("{:.1} s", v / 1e3),
        v if v < 120_000.0 => format!("{:.0} s", v / 1e3),
        v if v < 7_200_000.0 => format!("{:.0} min", v / 6e4),
        v => format!("{:.0} h", v / 3.6e6),
    }
}

/// Bytes as `812 KB`, `54 MB`, `1.3 GB`.
pub fn bytes(count: u64) -> String {
    let value = count as f64;
    match value {
        v if v < 1e3 => format!("{count} B"),
        v if v < 1e6 => format!("{:.0} KB", v / 1e3),
        v if v < 1e9 => format!("{:.0} MB", v / 1e6),
        v => format!("{:.1} GB", v / 1e9),
    }
}

/// A price with as many decimals as tell something: `91,154,000`, `4,231.5`, `0.00079276`.
pub fn price(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 10_000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 1.0 => 3,
        v if v >= 0.01 => 5,
        _ => 8,
    };
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse::<u64>().map_or_else(|_| whole.to_owned(), grouped);
    if fraction.is_empty() {
        whole
    } else {
        format!("{whole}.{fraction}")
    }
}

/// Now, UTC, to the millisecond, as RFC 3339 has it: such texts sort as their times do.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `1 trade`, `2,000 trades`.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [7, 754, 3_723].map(|s| clock(Duration::from_secs(s))),
            ["00:07", "12:34", "1:02:03"]
        );
        assert_eq!(
            [4.21, 87.4, 1_340.0, 61_000.0, 600_000.0].map(millis),
            ["4.2 ms", "87 ms", "1.3 s", "61 s", "10 min"]
        );
        assert_eq!(
            [812_000, 54_000_000, 1_300_000_000].map(bytes),
            ["812 KB", "54 MB", "1.3 GB"]
        );
        assert_eq!(
            [91_154_000.0, 4_231.5, 0.00079276].map(price),
            ["91,154,000", "4,231.5", "0.00079276"]
        );
        assert_eq!(
            [60_000, 90_000, 300_000, 3_600_000, 250].map(|ms| span(Duration::from_millis(ms))),
            ["60s", "90s", "5m", "1h", "250ms"]
        );
        assert_eq!(plural(1, "trade", "trades"), "1 trade");
    }
}
