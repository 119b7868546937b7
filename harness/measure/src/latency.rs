//! Latencies as a histogram that travels: recorded in one process, merged and shown in another.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};

/// A latency histogram in microseconds, from 1 µs to 1 hour at three significant digits (HdrHistogram).
///
/// A histogram and not a list of percentiles, because percentiles of two workers cannot be merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

/// A text that is no histogram.
#[derive(Debug, thiserror::Error)]
#[error("not a latency histogram: {0}")]
pub struct LatencyError(String);

const HOUR_US: u64 = 3_600_000_000;

impl Default for Latency {
    fn default() -> Self {
        // The three bounds are constants that the constructor accepts.
        Self(Histogram::new_with_bounds(1, HOUR_US, 3).expect("constant bounds"))
    }
}

impl Latency {
    /// Counts `count` events of that latency; what is beyond an hour counts as an hour.
    pub fn record(&mut self, micros: u64, count: u64) {
        self.0.saturating_record_n(micros.max(1), count);
    }

    /// Adds another histogram's counts.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so every value fits.
        let _ = self.0.add(&other.0);
    }

    /// How many events were counted.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value in milliseconds that the share `quantile` (0 to 1) of the events do not exceed; 0 without events.
    pub fn millis_at(&self, quantile: f64) -> f64 {
        if self.0.is_empty() {
            0.0
        } else {
            self.0.value_at_quantile(quantile) as f64 / 1e3
        }
    }

    /// The largest value in milliseconds.
    pub fn max_millis(&self) -> f64 {
        self.0.max() as f64 / 1e3
    }

    /// Forgets all events.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    fn to_hex(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to a Vec cannot fail.
        let _ = V2Serializer::new().serialize(&self.0, &mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_hex(text: &str) -> Result<Self, LatencyError> {
        let bytes = (0..text.len())
            .step_by(2)
            .map(|i| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect::<Option<Vec<u8>>>()
            .ok_or_else(|| LatencyError("odd or foreign hexadecimal digits".into()))?;
        Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map(Self)
            .map_err(|e| LatencyError(e.to_string()))
    }
}

impl serde::Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> serde::Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_survives_the_journey_and_merges() {
        let mut one = Latency::default();
        one.record(1_500, 99);
        one.record(80_000, 1);
        let text = serde_json::to_string(&one).unwrap();
        let mut two: Latency = serde_json::from_str(&text).unwrap();
        assert_eq!(one, two);
        two.merge(&one);
        assert_eq!(two.count(), 200);
        assert!((two.millis_at(0.5) - 1.5).abs() < 0.01, "{}", two.millis_at(0.5));
        assert!(two.max_millis() >= 80.0);
    }

    #[test]
    fn broken_text_is_an_error() {
        assert!(serde_json::from_str::<Latency>("\"0g\"").is_err());
        assert!(serde_json::from_str::<Latency>("\"00\"").is_err());
    }
}
