//! The report as text for a person: 80 columns, no colour, the verdict first and what to do next last.

mod lines;

use std::fmt::Write;

use market::Candle;

use crate::examples::time;
use crate::report::{CandleExample, Finding, Report, Verdict, whose};
use crate::verdict::grouped;
use lines::Text;

impl Report {
    /// The text: verdict and reasons, then what reached which stage, candles, dead letters, attributes, latency, faults,
    /// and for a run that did not pass the examples and what to do next.
    pub fn render(&self) -> String {
        let mut out = Text::default();
        self.head(&mut out);
        self.stages(&mut out);
        self.attributes(&mut out);
        self.faults(&mut out);
        self.findings(&mut out);
        self.next(&mut out);
        out.0
    }

    fn head(&self, out: &mut Text) {
        out.line(self.verdict.name());
        if self.verdict == Verdict::Pass {
            let base = if self.journal {
                "trade sent"
            } else {
                "trade in the topic"
            };
            out.wrapped(
                "  ",
                &match self.dead_letter_check.expected {
                    0 => format!("every {base} is one row, every candle is right"),
                    _ => format!("every {base} is one row, every candle right, every bad frame a dead letter"),
                },
            );
        }
        for reason in &self.reasons {
            out.wrapped("  - ", reason);
        }
        let many = |count: u64, one: &str| format!("{} {one}{}", grouped(count), if count == 1 { "" } else { "s" });
        out.line("");
        let began = self
            .started_ms
            .map(|ms| format!("{} · ", minute(ms)))
            .unwrap_or_default();
        if !self.command.is_empty() {
            out.wrapped("", &format!("{began}{}", self.command));
        }
        let source = match self.seed {
            Some(seed) => format!("source {} (seed {seed})", self.source),
            None => format!("source {}", self.source),
        };
        let length = format!("{} in {:.1} s", many(self.sent, "trade"), self.duration_s);
        out.list(
            "",
            &[
                length,
                source,
                many(self.markets, "market"),
                format!("{} records", self.encoding),
            ],
        );
        out.wrapped("", &format!("code {}", whose(&self.mine)));
        let mut servers: Vec<String> = Vec::new();
        if !self.stack.provider.is_empty() {
            servers.push(format!("{} stack", self.stack.provider));
        }
        servers.extend(
            self.stack
                .versions
                .iter()
                .map(|(server, version)| format!("{server} {version}")),
        );
        if self.brokers > 0 {
            servers.push(many(self.brokers, "broker"));
        }
        if self.may_lose_what_is_acknowledged() {
            servers.push(format!("acks={}", self.acks));
        }
        servers.push(many(self.partitions, "partition"));
        servers.push(many(self.workers, "worker"));
        out.list("", &servers);
    }

    fn stages(&self, out: &mut Text) {
        let trades_in_topic = self.records.saturating_sub(self.repeats + self.unreadable);
        let cell = |count: u64| if count == 0 { "-".to_owned() } else { grouped(count) };
        let mut row = |stage: &str, cells: [String; 5]| {
            let [trades, lost, unexpected, altered, other] = cells;
            out.line(&format!(
                "{stage:<16}{trades:>14}{lost:>10}{unexpected:>12}{altered:>10}{other:>16}"
            ));
        };
        row("", Default::default());
        row(
            "stage",
            ["trades", "lost", "unexpected", "altered", "more than once"].map(Into::into),
        );
        if self.journal {
            row(
                "sent",
                [
                    grouped(self.sent),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                ],
            );
        }
        let (lost, unexpected, altered) = (self.lost_by_stage, self.unexpected, self.altered);
        row(
            "in the topic",
            [
                grouped(trades_in_topic),
                cell(lost.ingest),
                cell(unexpected.ingest),
                cell(altered.ingest),
                cell(self.repeats),
            ],
        );
        row(
            "in the table",
            [
                grouped(self.once + self.duplicated),
                cell(lost.worker),
                cell(unexpected.worker),
                cell(altered.worker),
                cell(self.duplicated),
            ],
        );
        let candles = &self.candles;
        let headings = ["expected", "equal", "differing", "missing", "unexpected", "doubled"];
        let counts = [
            candles.expected,
            candles.equal,
            candles.differing,
            candles.missing,
            candles.unexpected,
            candles.doubled,
        ];
        out.line("");
        out.line(&columns("", &headings.map(Into::into)));
        let [expected, equal, rest @ ..] = counts;
        let cells: Vec<String> = [expected, equal]
            .map(grouped)
            .into_iter()
            .chain(rest.map(cell))
            .collect();
        out.line(&columns("candles", &cells));
        let check = &self.dead_letter_check;
        let headings = ["expected", "found", "missing", "unexpected", "cut off"];
        let counts = [
            check.expected,
            check.matched,
            check.missing,
            check.unexpected,
            check.went_down_with_the_socket,
        ];
        out.line("");
        out.line(&columns("", &headings.map(Into::into)));
        out.line(&columns("dead letters", &counts.map(cell)));
    }

    fn attributes(&self, out: &mut Text) {
        out.line("");
        let mut pair = |name: &str, values: &[String]| out.list(&format!("{name:<14}"), values);
        pair(
            "trades",
            &[
                format!("late {}", grouped(self.late)),
                format!("too late for a candle {}", grouped(self.too_late)),
                format!("reordered {}", grouped(self.reordered)),
                format!("repeats in the topic {}", grouped(self.repeats)),
            ],
        );
        pair(
            "candle rows",
            &[
                format!("{}, the newest of each candle counts", grouped(self.candles.rows)),
                format!("{} candles were still open", grouped(self.candles.open)),
            ],
        );
        pair(
            "throughput",
            &[format!("{} trades/s", grouped(self.trades_per_second.round() as u64))],
        );
        let latency = &self.latency_ms;
        let figures = [
            ("p50", latency.p50),
            ("p99", latency.p99),
            ("p99.9", latency.p999),
            ("max", latency.max),
        ];
        pair("latency", &figures.map(|(name, ms)| format!("{name} {}", span(ms))));
        if self.repair.gaps > 0 {
            let gaps = format!(
                "{} gap{}",
                grouped(self.repair.gaps),
                if self.repair.gaps == 1 { "" } else { "s" }
            );
            let fetched = format!(
                "{} trades fetched over REST in {}",
                grouped(self.repair.repaired),
                span(self.repair.repair_ms as f64)
            );
            pair("repair", &[gaps, fetched]);
        }
        pair("audit", &[format!("{:.1} s", self.audit_s)]);
    }

    fn faults(&self, out: &mut Text) {
        if self.faults.is_empty() {
            return;
        }
        out.line("");
        out.line("faults");
        for fault in &self.faults {
            let struck = if fault.struck { "" } else { "never struck: " };
            let head = format!("  {:>6.1} s  {:<18}  ", fault.at_s, fault.name);
            out.wrapped_with(&head, &" ".repeat(32), &format!("{struck}{}", fault.what));
        }
    }

    fn findings(&self, out: &mut Text) {
        if !self.examples.is_empty() {
            out.line("");
            out.line("examples (the first of each kind, by event time)");
        }
        for example in &self.examples {
            out.wrapped_with(&format!("  {}: ", title(example.finding)), "      ", &example.detail);
        }
        if !self.candles.examples.is_empty() {
            out.line("");
            out.line("candles (the first of each kind)");
        }
        for example in &self.candles.examples {
            candle(out, example);
        }
    }

    /// Whether the run did not ask for the acknowledgement of all replicas.
    fn may_lose_what_is_acknowledged(&self) -> bool {
        !self.acks.is_empty() && self.acks != "all"
    }

    fn next(&self, out: &mut Text) {
        let mut steps: Vec<&str> = Vec::new();
        let (lost, altered, unexpected) = (self.lost_by_stage, self.altered, self.unexpected);
        let candles = &self.candles;
        let letters = &self.dead_letter_check;
        if self.verdict == Verdict::Fail {
            if self.reasons.iter().any(|reason| reason.starts_with("pipeline: ")) {
                steps.push(
                    "pipeline: the log of the process that ended, or of the one that is waited for, has its last words",
                );
            }
            if self.may_lose_what_is_acknowledged() && lost.ingest > 0 {
                steps.push(
                    "acks: this run did not ask for those of all replicas (--acks), so a leader that dies or is cut off takes what it \
                     alone had along; that loss is what the setting means",
                );
            }
            if lost.ingest + altered.ingest + unexpected.ingest + self.unreadable + self.misplaced > 0 {
                steps.push(
                    "ingest: compare the event times of the examples with the faults above. A trade lost in a gap is the \
                     repair's, one lost at the end the flush's; a wrong value is the decoder's or the encoder's",
                );
            }
            if lost.worker + altered.worker + unexpected.worker + self.duplicated > 0 || candles.doubled > 0 {
                steps.push(
                    "worker: partition@offset of an example says in which block the row was. Look in the workers' logs \
                     for the epoch with that offset: was it prepared, inserted, read back, taken over?",
                );
            }
            if candles.differing + candles.missing + candles.unexpected > 0 {
                steps.push(
                    "windows: a kafka_offset that differs means that a firing is missing; other columns at the same \
                     offset mean a wrong sum or a wrong lateness decision",
                );
            }
            if letters.missing + letters.unexpected + self.dead_lettered > 0 {
                steps.push(
                    "dead letters: the header reason of a letter says which check refused the bytes; a missing one was \
                     dropped by the feed, or its delivery was not waited for",
                );
            }
            steps.push("the same run again: the same seed, rate and faults; with --keep the servers' data stays, too");
        } else if self.verdict == Verdict::Inconclusive {
            if self.faults.iter().any(|fault| !fault.struck) {
                steps.push("let the run last longer than its last fault");
            }
            if self.sent == 0 {
                steps.push("look in the log of the ingest: did it connect and subscribe?");
            }
            if steps.is_empty() {
                steps.push("cure the reason above, and run again: this run neither passed nor failed");
            }
        }
        if !steps.is_empty() {
            out.line("");
            out.line("what to do next");
            steps.iter().for_each(|step| out.wrapped("  - ", step));
        }
    }
}

/// Milliseconds below a second, seconds above.
fn span(ms: f64) -> String {
    if ms < 1_000.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{:.1} s", ms / 1e3)
    }
}

/// `2026-11-21 13:04 UTC`.
fn minute(ms: i64) -> String {
    let text = time(ms);
    text.get(..16)
        .map_or(text.clone(), |minute| format!("{} UTC", minute.replace('T', " ")))
}

fn columns(name: &str, cells: &[String]) -> String {
    cells.iter().fold(format!("{name:<13}"), |mut line, cell| {
        let _ = write!(line, " {cell:>10}");
        line
    })
}

fn title(finding: Finding) -> &'static str {
    match finding {
        Finding::LostIngest => "lost by the ingest",
        Finding::LostWorker => "lost by the worker",
        Finding::Duplicated => "duplicated",
        Finding::DeadLettered => "dead-lettered",
        Finding::UnexpectedIngest => "unexpected in the topic",
        Finding::UnexpectedWorker => "unexpected in the table",
        Finding::AlteredIngest => "altered by the ingest",
        Finding::AlteredWorker => "altered by the worker",
        Finding::Misplaced => "misplaced",
        Finding::Unreadable => "unreadable",
        Finding::DeadLetterMissing => "no dead letter",
        Finding::DeadLetterUnexpected => "unexpected dead letter",
    }
}

/// One candle: both versions, or the one there is.
fn candle(out: &mut Text, example: &CandleExample) {
    let Some(any) = example.expected.as_ref().or(example.found.as_ref()) else {
        return;
    };
    let what = match (&example.expected, &example.found) {
        (Some(_), Some(_)) => format!("differs in {}", example.columns.join(", ")),
        (Some(_), None) => "missing".to_owned(),
        _ if example.columns.is_empty() => "no trade supports it".to_owned(),
        _ => example.columns.join(", "),
    };
    let name = format!("{} {} {}", any.market, any.interval, time(any.start.millis()));
    out.wrapped_with(&format!("  {name}: "), "      ", &what);
    for (side, version) in [("expected", &example.expected), ("found", &example.found)] {
        if let Some(version) = version {
            out.wrapped_with(&format!("      {side:<9} "), &" ".repeat(16), &numbers(version));
        }
    }
}

fn numbers(candle: &Candle) -> String {
    format!(
        "open {} high {} low {} close {} volume {} quote {} trades {} at {}@{}",
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
        candle.trades,
        candle.version.partition,
        candle.version.offset
    )
}
