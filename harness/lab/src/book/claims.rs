//! What the guide claims, and what was found: tables of verdicts, one verdict, and the foot of a box.

use measure::Claim;
use measure::claim::{Seen, Take, Verdict};
use measure::shown_in;

use super::chart::Voice;
use super::html::{escape, inline, sentence};
use crate::measuring::Known;
use crate::measuring::claims::FOLDER;
use crate::measuring::known::By;

/// A verdict, and whose records gave it.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    seen: Vec<Seen>,
    /// Of the records: quick, stale.
    marks: Vec<String>,
    by: By,
}

/// By the reader's records where they are whole and fresh, else by the reference's; also where a quick run of the reader's decides
/// nothing.
pub(super) fn judge(known: &Known, claim: &Claim) -> Judged {
    let of = |by| {
        let (verdict, seen, marks) = known.judge(claim, by);
        Judged {
            verdict,
            seen,
            marks,
            by,
        }
    };
    let mine = of(By::Mine);
    let open = matches!(mine.verdict, Verdict::NotMeasured { .. } | Verdict::NotHere { .. });
    let has = |word: &str| mine.marks.iter().any(|mark| mark.starts_with(word));
    let undecided = has("quick") && matches!(mine.verdict, Verdict::Inconclusive { .. });
    if open || undecided || has("stale") {
        let reference = of(By::Reference);
        let nothing = matches!(reference.verdict, Verdict::NotMeasured { .. });
        return if nothing && !open { mine } else { reference };
    }
    mine
}

/// # Errors
/// A sentence: there is no such claim.
pub(super) fn find<'a>(known: &'a Known, id: &str) -> Result<&'a Claim, String> {
    known
        .claims
        .find(id)
        .ok_or_else(|| format!("{FOLDER} has no claim {id:?}; correct the name, or write the claim"))
}

impl Judged {
    /// The verdict's word, as a badge: a sign, a word, a colour.
    pub(super) fn badge(&self) -> String {
        let (class, sign) = match self.verdict {
            Verdict::Confirmed => ("confirmed", "✓"),
            Verdict::Refuted => ("refuted", "✗"),
            Verdict::Depends { .. } => ("depends", "±"),
            Verdict::Inconclusive { .. } => ("inconclusive", "≈"),
            Verdict::NotMeasured { .. } => ("open", "…"),
            Verdict::NotHere { .. } => ("not-here", "–"),
        };
        format!(
            "<span class=\"verdict {class}\"><span aria-hidden=\"true\">{sign}</span> {}</span>",
            self.verdict.word()
        )
    }

    /// On what it depends, why there is none; nothing where the word says all.
    pub(super) fn detail(&self, known: &Known, claim: &Claim) -> Option<String> {
        match &self.verdict {
            Verdict::Confirmed | Verdict::Refuted => None,
            Verdict::Depends { holds, fails } => Some(format!(
                "Holds: {}. Does not: {}.",
                escape(&holds.join("; ")),
                escape(&fails.join("; "))
            )),
            Verdict::Inconclusive { why } => Some(format!("{}.", sentence(&capital(why)))),
            Verdict::NotMeasured { .. } => {
                let first = claim
                    .figures()
                    .next()
                    .and_then(|name| known.experiment(&name.experiment));
                first.map(|(lab, _)| {
                    format!(
                        "To measure it: <code>./lab bench {}</code>.",
                        escape(&lab.manifest.short())
                    )
                })
            }
            Verdict::NotHere { why } => Some(sentence(&ended(&capital(why)))),
        }
    }

    /// What was seen, and whose it is: `3 brokers: 1.4; 1 broker: 1.1 (reference)`.
    pub(super) fn evidence(&self, known: &Known, claim: &Claim, voice: Voice) -> Option<String> {
        if self.seen.is_empty() {
            return None;
        }
        let check = |seen: &Seen| claim.check.iter().find(|check| check.when == seen.when);
        let unit = |seen: &Seen| match check(seen) {
            Some(check) if check.over.is_none() => {
                let experiment = known.experiment(&check.of.experiment);
                experiment.map_or("", |(_, experiment)| experiment.unit(&check.of.metric))
            }
            Some(_) => "×",
            None => "",
        };
        let one = |seen: &Seen| {
            let holds = if seen.holds { "holds" } else { "does not hold" };
            let which = match check(seen).map_or(Take::Median, |check| check.take) {
                Take::Median => "",
                Take::Most => " at the most",
                Take::Least => " at the least",
            };
            format!(
                "{}: {}{which} ({holds})",
                escape(&seen.when),
                shown_in(seen.value, unit(seen))
            )
        };
        let all: Vec<String> = self.seen.iter().map(one).collect();
        let whose = match (self.by, voice) {
            (By::Mine, Voice::Reader) => "Measured by you",
            (By::Mine, Voice::Shown) => "By own records",
            (By::Reference, Voice::Reader) => "Measured by the reference",
            (By::Reference, Voice::Shown) => "By the reference's records",
        };
        let marks = match self.marks.is_empty() {
            true => String::new(),
            false => format!(" ({})", escape(&self.marks.join("; "))),
        };
        Some(format!("{whose}{marks}: {}.", all.join("; ")))
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A clause as a sentence.
fn ended(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '?', '!']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// `{{#verdict CLAIM}}`, in a sentence.
///
/// # Errors
/// As [`find`].
pub(super) fn verdict(known: &Known, id: &str) -> Result<String, String> {
    let claim = find(known, id)?;
    Ok(judge(known, claim).badge())
}

/// `{{#claims 05}}`, or of all chapters without a word.
///
/// # Errors
/// A sentence: no claim is of that chapter.
pub(super) fn table(known: &Known, chapter: &str) -> Result<String, String> {
    let of: Vec<&Claim> = known
        .claims
        .all()
        .filter(|claim| chapter.is_empty() || claim.chapter == chapter)
        .collect();
    if of.is_empty() {
        return match chapter {
            "" => Ok("<p class=\"none\">No claim has been written down yet.</p>".into()),
            _ => Err(format!(
                "{FOLDER} has no claim of chapter {chapter:?}; a chapter is its number, such as 05"
            )),
        };
    }
    let mut out = String::from(
        "<div class=\"table-wrapper\" role=\"region\" aria-label=\"Claims and verdicts\" tabindex=\"0\">\n<table class=\"claims\">\n\
         <thead><tr><th scope=\"col\">The guide says</th><th scope=\"col\">Verdict</th><th scope=\"col\">What was found</th></tr></thead>\n<tbody>\n",
    );
    for claim in of {
        let judged = judge(known, claim);
        let mut found = vec![sentence(&claim.because)];
        found.extend(judged.detail(known, claim));
        let evidence = judged
            .evidence(known, claim, Voice::Reader)
            .map_or(String::new(), |text| format!("<p class=\"evidence\">{text}</p>"));
        out.push_str(&format!(
            "<tr id=\"claim-{}\"><td>{}</td><td>{}</td><td>{}{evidence}{}</td></tr>\n",
            escape(&claim.id),
            sentence(&claim.says),
            judged.badge(),
            found.join(" "),
            source(claim)
        ));
    }
    out.push_str("</tbody>\n</table>\n</div>");
    Ok(out)
}

/// The foot of a box on some claims: what the guide says, the verdict, and what it stands on.
///
/// # Errors
/// As [`find`].
pub(super) fn foot(known: &Known, ids: &str) -> Result<String, String> {
    let mut out = String::new();
    for id in ids.split_whitespace() {
        let claim = find(known, id)?;
        let judged = judge(known, claim);
        let mut text = vec![sentence(&claim.because)];
        text.extend(judged.detail(known, claim));
        text.extend(
            judged
                .evidence(known, claim, Voice::Reader)
                .map(|evidence| format!("<span class=\"evidence\">{evidence}</span>")),
        );
        out.push_str(&format!(
            "<div class=\"claim\">\n<p class=\"claim-says\"><span class=\"label\">The guide says</span> {}</p>\n<p>{} {}</p>\n{}</div>\n",
            sentence(&claim.says),
            judged.badge(),
            text.join(" "),
            source(claim)
        ));
    }
    Ok(out)
}

fn source(claim: &Claim) -> String {
    claim.source.as_ref().map_or(String::new(), |source| {
        format!(
            "<p class=\"source\">Source: <a href=\"{}\">{}</a>, {}</p>\n",
            escape(&source.url),
            inline(&source.title),
            escape(&source.date)
        )
    })
}
