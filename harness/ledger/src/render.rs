//! The report as text for a person: 80 columns, no colour.

use std::fmt::Write;

use crate::report::Report;

impl Report {
    /// The text: the verdict, then the reasons.
    pub fn render(&self) -> String {
        let mut out = format!("{}\n", self.verdict.name());
        for reason in &self.reasons {
            let _ = writeln!(out, "  - {reason}");
        }
        out
    }
}
