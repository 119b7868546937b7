//! The small words of the command line: durations, rates, markets, a fault and its moment. Each error is a sentence.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use market::Market;

/// A text that is not what was wanted; says what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(String);

impl BadValue {
    /// An error that says `what`.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// Reads `90s`, `5m`, `1h`, `250ms`; a number alone is seconds.
///
/// # Errors
/// [`BadValue`] for anything else. Zero is a time like any other: a fault may strike with the first trade.
pub fn duration(text: &str) -> Result<Duration, BadValue> {
    let wanted = || BadValue::new(format!("{text:?} is no length of time; write 30s, 5m, 1h or 250ms"));
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return Err(wanted()),
    };
    let number: f64 = digits.parse().map_err(|_| wanted())?;
    if !number.is_finite() || number < 0.0 || number * scale > 1e7 {
        return Err(wanted());
    }
    Ok(Duration::from_secs_f64(number * scale))
}

/// How long a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So long, unless it is stopped before.
    For(Duration),
    /// Until it is stopped.
    Ever,
}

impl Length {
    /// The time, if there is one.
    pub fn limit(self) -> Option<Duration> {
        match self {
            Self::For(time) => Some(time),
            Self::Ever => None,
        }
    }
}

impl FromStr for Length {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if text == "ever" {
            return Ok(Self::Ever);
        }
        match duration(text) {
            Ok(time) if time >= Duration::from_secs(1) => Ok(Self::For(time)),
            _ => Err(BadValue::new(format!(
                "{text:?} is no length for a run; write 30s, 5m or 1h (at least 1s), or `ever` to go on until Ctrl-C"
            ))),
        }
    }
}

/// A length of time that something can happen in.
///
/// # Errors
/// As [`duration`], and for zero.
pub fn some_time(text: &str) -> Result<Duration, BadValue> {
    match duration(text)? {
        Duration::ZERO => Err(BadValue::new(format!(
            "nothing happens in {text:?}; write a length of time such as 30s or 5m"
        ))),
        time => Ok(time),
    }
}

/// How many brokers a stack can have.
///
/// # Errors
/// [`BadValue`] for any other number.
pub fn brokers(text: &str) -> Result<u8, BadValue> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err(BadValue::new(format!(
            "a stack has 1 broker, or 3 and a controller beside them, not {text}; write 1 or 3"
        ))),
    }
}

/// The exchange's own bound: beyond it a trade has less than its clock's smallest step.
const FASTEST: f64 = 1e9;

/// Trades per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// So many.
    PerSecond(f64),
    /// As many as the exchange can send.
    Max,
}

impl FromStr for Rate {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let (digits, scale) = match text.strip_suffix(['k', 'K']) {
            Some(digits) => (digits, 1_000.0),
            None => (text, 1.0),
        };
        // Looked at as scaled: 1e306k is a number as it is written, and none in trades per second.
        match digits.replace([',', '_'], "").parse().map(|rate: f64| rate * scale) {
            Ok(rate) if rate > 0.0 && rate <= FASTEST => Ok(Self::PerSecond(rate)),
            Ok(rate) if rate > FASTEST => Err(BadValue::new(format!(
                "{text:?} is faster than any machine; write 1e9 (trades per second) at most, or `max`"
            ))),
            _ => Err(BadValue::new(format!(
                "{text:?} is no rate; write trades per second, such as 2000 or 50k, or `max`"
            ))),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{}/s", crate::text::grouped(rate.round() as u64)),
            Self::Max => f.write_str("full speed"),
        }
    }
}

/// A host, and a port where it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(http::uri::Authority);

impl Host {
    /// Without the port.
    pub fn name(&self) -> &str {
        self.0.host()
    }

    /// The port; that of HTTPS if none was named.
    pub fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(443)
    }
}

impl FromStr for Host {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        match text.parse::<http::uri::Authority>() {
            Ok(host) if !host.host().is_empty() && !text.contains('@') => Ok(Self(host)),
            _ => Err(BadValue::new(format!(
                "{text:?} is no host; write a name without a scheme and a path, such as api.upbit.com"
            ))),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which markets: so many of the busiest, or these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Markets {
    /// The first so many of the exchange's list, which begins with the busiest.
    Count(usize),
    /// These.
    Named(Vec<Market>),
}

impl FromStr for Markets {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        if let Ok(count) = text.parse::<usize>() {
            return match count {
                0 => Err(BadValue::new("no market, no trade; write --markets 1 or more")),
                _ => Ok(Self::Count(count)),
            };
        }
        let mut named = Vec::new();
        for code in text.split(',') {
            let market = code.trim().parse::<Market>().map_err(|_| {
                BadValue::new(format!(
                    "{code:?} is no market; write a number, or codes such as KRW-BTC,KRW-ETH"
                ))
            })?;
            if !named.contains(&market) {
                named.push(market);
            }
        }
        Ok(Self::Named(named))
    }
}

impl fmt::Display for Markets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(1) => f.write_str("1 market"),
            Self::Count(count) => write!(f, "{count} markets"),
            Self::Named(named) => {
                for (i, market) in named.iter().enumerate() {
                    write!(f, "{}{market}", if i > 0 { "," } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        for bad in ["", "s", "-1s", "5 minutes", "nan", "inf", "1e300s", "１s"] {
            assert!(duration(bad).is_err(), "{bad:?} was taken for a time");
        }
    }

    #[test]
    fn a_run_lasts_a_second_or_more_or_for_ever() {
        assert_eq!("ever".parse(), Ok(Length::Ever));
        assert_eq!(
            "60s".parse::<Length>().map(Length::limit),
            Ok(Some(Duration::from_secs(60)))
        );
        assert_eq!(
            "0s".parse::<Length>().map_err(|e| e.to_string()),
            Err(
                "\"0s\" is no length for a run; write 30s, 5m or 1h (at least 1s), or `ever` to go on until Ctrl-C"
                    .into()
            )
        );
    }

    #[test]
    fn rates() {
        assert_eq!("2000".parse(), Ok(Rate::PerSecond(2_000.0)));
        assert_eq!("50k".parse(), Ok(Rate::PerSecond(50_000.0)));
        assert_eq!("1,500".parse(), Ok(Rate::PerSecond(1_500.0)));
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!(
            "fast".parse::<Rate>().map_err(|e| e.to_string()),
            Err("\"fast\" is no rate; write trades per second, such as 2000 or 50k, or `max`".into())
        );
        for bad in ["0", "-1", "NaN", "k", "", "-1e306k"] {
            let refused = bad.parse::<Rate>().map_err(|e| e.to_string());
            assert!(refused.is_err_and(|e| e.contains("is no rate")), "{bad:?}");
        }
        assert_eq!("1e6k".parse(), Ok(Rate::PerSecond(1e9)));
        for fast in ["1.1e9", "1e15", "1e20", "1e306k", "inf"] {
            let refused = fast.parse::<Rate>().map_err(|e| e.to_string());
            assert!(
                refused.is_err_and(|e| e.contains("1e9")),
                "{fast:?} was taken for a rate"
            );
        }
    }

    #[test]
    fn a_fault_may_strike_at_once_and_a_recording_of_no_time_is_refused() {
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(some_time("250ms"), Ok(Duration::from_millis(250)));
        assert!(some_time("0").is_err(), "a recording of no time was taken");
    }

    #[test]
    fn markets_by_number_or_by_name() {
        assert_eq!("120".parse(), Ok(Markets::Count(120)));
        let named: Markets = "KRW-BTC, KRW-ETH,KRW-BTC".parse().unwrap();
        assert_eq!(named.to_string(), "KRW-BTC,KRW-ETH");
        assert_eq!(
            "KRW-BTC,bitcoin".parse::<Markets>().map_err(|e| e.to_string()),
            Err("\"bitcoin\" is no market; write a number, or codes such as KRW-BTC,KRW-ETH".into())
        );
        assert!("0".parse::<Markets>().is_err());
    }
}
