//! Gaps in the stream of trades, told when they are closed.

use measure::IngestProgress;

use crate::text;

/// What has been told so far.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    told: u64,
    repaired: u64,
    repair_ms: u64,
}

impl Gaps {
    /// Takes in what the ingest says; a sentence once every gap that is not told yet is closed.
    pub(super) fn see(&mut self, ingest: &IngestProgress) -> Option<String> {
        let gaps = ingest.gaps.saturating_sub(self.told);
        let fetched = ingest.repaired.saturating_sub(self.repaired);
        let took_ms = ingest.repair_ms.saturating_sub(self.repair_ms);
        // A gap is counted when the socket is lost; its repair begins with the next one.
        let begun = fetched > 0 || took_ms > 0;
        if gaps == 0 || !begun || ingest.repairing > 0 || !ingest.connected {
            return None;
        }
        *self = Self {
            told: ingest.gaps,
            repaired: ingest.repaired,
            repair_ms: ingest.repair_ms,
        };
        let of = if gaps == 1 {
            "gap".into()
        } else {
            format!("{gaps} gaps")
        };
        let trades = text::plural(fetched, "trade", "trades");
        Some(format!(
            "{of}: {trades} fetched over REST in {}",
            text::millis(took_ms as f64)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_and_when_it_is_closed() {
        let mut gaps = Gaps::default();
        let mut see = |connected, count, repairing, repaired, repair_ms| {
            gaps.see(&IngestProgress {
                connected,
                gaps: count,
                repairing,
                repaired,
                repair_ms,
                ..IngestProgress::default()
            })
        };
        assert_eq!(see(true, 0, 0, 0, 0), None);
        assert_eq!(see(false, 1, 0, 0, 0), None, "the socket is away");
        assert_eq!(see(true, 1, 0, 0, 0), None, "the repair has not begun");
        assert_eq!(see(true, 1, 40, 60, 700), None, "40 markets to go");
        let told = see(true, 1, 0, 102, 1_204);
        assert_eq!(told.as_deref(), Some("gap: 102 trades fetched over REST in 1.2 s"));
        assert_eq!(see(true, 1, 0, 102, 1_204), None, "told twice");
        let told = see(true, 3, 0, 103, 1_304);
        assert_eq!(told.as_deref(), Some("2 gaps: 1 trade fetched over REST in 100 ms"));
    }
}
