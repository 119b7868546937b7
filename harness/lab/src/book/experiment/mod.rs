//! `{{#experiment ID}}`: an experiment with its charts, its figures, what was expected, what the guide says, and whence it all is.

mod drawn;
mod table;

use measure::{Code, Experiment, Record, Verdict, shown_in};

use super::chart::Voice;
use super::claims;
use super::html::{escape, markdown, sentence};
use super::numbers::day;
use crate::labs::Lab;
use crate::measuring::Known;
use crate::measuring::known::{By, Taken};
use crate::measuring::quoted::Mark;

/// # Errors
/// A sentence: there is no such experiment.
pub(super) fn find<'a>(known: &'a Known, id: &str) -> Result<(&'a Lab, &'a Experiment), String> {
    known.experiment(id).ok_or_else(|| {
        let ids: Vec<&str> = known.experiments().map(|(_, each)| each.id.as_str()).collect();
        match ids.as_slice() {
            [] => format!("no lab.toml declares the experiment {id:?}; none declares any"),
            _ => format!(
                "no lab.toml declares the experiment {id:?}; there are {}",
                ids.join(", ")
            ),
        }
    })
}

/// An experiment with the records of both sides.
struct Whole<'a> {
    known: &'a Known,
    experiment: &'a Experiment,
    voice: Voice,
    mine: Option<Taken<'a>>,
    reference: Option<Taken<'a>>,
}

/// How the reader's own is called.
struct Words {
    yours: &'static str,
    prediction: &'static str,
}

impl Whole<'_> {
    fn words(&self) -> Words {
        match self.voice {
            Voice::Reader => Words {
                yours: "Yours",
                prediction: "Your prediction",
            },
            Voice::Shown => Words {
                yours: "Measured",
                prediction: "Predicted",
            },
        }
    }
}

/// # Errors
/// As [`find`].
pub(crate) fn figure(known: &Known, id: &str, voice: Voice) -> Result<String, String> {
    let (lab, experiment) = find(known, id)?;
    let whole = Whole {
        known,
        experiment,
        voice,
        mine: known.taken(id, By::Mine),
        reference: known.taken(id, By::Reference),
    };
    let short = lab.manifest.short();
    let mut out = format!(
        "<section class=\"experiment\" id=\"experiment-{id}\" aria-label=\"Experiment: {title}\">\n\
         <p class=\"box-title\">Experiment <code>{id}</code></p>\n<p class=\"experiment-title\">{shown}</p>\n\
         <details class=\"how\"><summary>How it is measured</summary>\n{how}\n</details>\n",
        id = escape(id),
        title = escape(&experiment.title),
        shown = sentence(&experiment.title),
        how = markdown(&experiment.how),
    );
    out.push_str(&asked(&whole, &short));
    let there = whole.mine.is_some() || whole.reference.is_some();
    if there {
        out.push_str(&drawn::charts(&whole));
        out.push_str(&table::all(&whole));
    } else {
        out.push_str(&format!(
            "<p class=\"none\">Not measured yet: <code>./lab bench {short}</code></p>\n"
        ));
    }
    out.push_str(&of_guide(&whole));
    out.push_str(&whence(&whole, &short));
    out.push_str("</section>");
    Ok(out)
}

/// The question before it, and the four answers side by side.
fn asked(whole: &Whole<'_>, lab: &str) -> String {
    let predict = &whole.experiment.predict;
    let unit = whole.experiment.unit(&predict.of.metric);
    let measured = |taken: Option<Taken<'_>>| {
        let figure = taken.and_then(|taken| taken.record.figure(&predict.of.metric, &predict.of.arm).cloned());
        let marks = taken.map_or(Vec::new(), |taken| taken.marks());
        let marks: Vec<String> = marks.iter().map(ToString::to_string).collect();
        figure.map(|figure| {
            let spread = figure.spread();
            let range = if spread.most > spread.least {
                format!("{} to {}", shown_in(spread.least, unit), shown_in(spread.most, unit))
            } else {
                String::new()
            };
            (shown_in(spread.median, unit), [vec![range], marks].concat())
        })
    };
    let predicted = whole.known.prediction(&predict.of).map(|prediction| {
        let (low, high) = (
            prediction.value / prediction.factor,
            prediction.value * prediction.factor,
        );
        let after = whole.known.measured_before(&whole.experiment.id, &prediction.date);
        let late = if after { "written down after a measurement" } else { "" };
        (
            shown_in(prediction.value, unit),
            vec![
                format!("{} to {}", shown_in(low, unit), shown_in(high, unit)),
                late.into(),
            ],
        )
    });
    let said = whole
        .known
        .claims
        .all()
        .find_map(|claim| claim.figure.as_ref().filter(|said| said.of == predict.of));
    let words = whole.words();
    let not_predicted = match whole.voice {
        Voice::Reader => format!("<code>./lab predict {lab}</code>"),
        Voice::Shown => "nothing was written down".into(),
    };
    let cells = [
        ("prediction", words.prediction, predicted, not_predicted),
        (
            "yours",
            words.yours,
            measured(whole.mine),
            format!("<code>./lab bench {lab}</code>"),
        ),
        (
            "reference",
            "Reference",
            measured(whole.reference),
            "not measured yet".into(),
        ),
        (
            "guide",
            "The guide",
            said.map(|said| (shown_in(said.value, unit), Vec::new())),
            "no number".into(),
        ),
    ];
    let mut out = format!(
        "<div class=\"asked\">\n<p>{}</p>\n<dl class=\"four\">\n",
        sentence(&predict.question)
    );
    for (class, word, found, without) in cells {
        let (value, notes) = match found {
            Some((value, notes)) => (format!("<span class=\"value\">{}</span>", escape(&value)), notes),
            None => (format!("<span class=\"without\">{without}</span>"), Vec::new()),
        };
        let notes: Vec<String> = notes
            .iter()
            .filter(|note| !note.is_empty())
            .map(|note| format!("<span class=\"note\">{}</span>", escape(note)))
            .collect();
        out.push_str(&format!(
            "<div class=\"{class}\"><dt>{word}</dt><dd>{value}{}</dd></div>\n",
            notes.concat()
        ));
    }
    out.push_str("</dl>\n</div>\n");
    out
}

/// What the guide claims of it, with verdicts.
fn of_guide(whole: &Whole<'_>) -> String {
    let about = |claim: &&measure::Claim| claim.figures().any(|name| name.experiment == whole.experiment.id);
    let claims: Vec<_> = whole.known.claims.all().filter(about).collect();
    let mut list = String::new();
    for claim in claims {
        let judged = claims::judge(whole.known, claim);
        // Who is shown it cannot look the claim up: what the verdict stands on comes with it.
        let evidence = match (whole.voice, &judged.verdict) {
            (Voice::Reader, _) => vec![],
            (Voice::Shown, Verdict::NotMeasured { .. }) => continue,
            (Voice::Shown, Verdict::Inconclusive { .. }) => vec![
                judged.detail(whole.known, claim),
                judged.evidence(whole.known, claim, whole.voice),
            ],
            (Voice::Shown, _) => vec![judged.evidence(whole.known, claim, whole.voice)],
        };
        let evidence: String = evidence
            .into_iter()
            .flatten()
            .map(|text| format!(" <span class=\"evidence\">{text}</span>"))
            .collect();
        list.push_str(&format!(
            "<li>{} {}{evidence}</li>\n",
            judged.badge(),
            sentence(&claim.says)
        ));
    }
    if list.is_empty() {
        return list;
    }
    format!("<p class=\"list-title\">What the guide says</p>\n<ul class=\"of-guide\">\n{list}</ul>\n")
}

/// Where the figures come from, and what makes them.
fn whence(whole: &Whole<'_>, lab: &str) -> String {
    let mut out = String::from("<footer class=\"whence\">\n");
    for (word, taken) in [(whole.words().yours, whole.mine), ("Reference", whole.reference)] {
        let Some(taken) = taken else { continue };
        let record = taken.record;
        let servers: Vec<String> = record
            .servers
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        let servers = match (record.provider.as_str(), servers.as_slice()) {
            ("none" | "", _) => "no servers".to_owned(),
            (provider, []) => format!("servers: {provider}"),
            (provider, all) => format!("servers: {provider}, {}", all.join(", ")),
        };
        out.push_str(&format!(
            "<p><strong>{word}</strong>: {}, {}, {}; {}; revision {}.{}</p>\n",
            escape(day(&record.date)),
            code_of(record, whole.voice),
            escape(&record.machine.to_string()),
            escape(&servers),
            escape(&record.revision),
            marked(&taken)
        ));
        for note in &record.notes {
            out.push_str(&format!("<p class=\"note\">{}</p>\n", escape(note)));
        }
    }
    if let (Some(mine), Some(reference)) = (whole.mine, whole.reference)
        && mine.record.provider != reference.record.provider
    {
        out.push_str("<p class=\"note\">The two are of different servers: do not compare one with the other.</p>\n");
    }
    let experiment = whole.experiment;
    out.push_str(&format!(
        "<p>To measure it: <code>./lab bench {lab}</code>, {} for this experiment; with <code>--quick</code> a first answer within a minute.</p>\n</footer>\n",
        minutes(experiment.minutes)
    ));
    out
}

/// Whose code a figure is of.
fn code_of(record: &Record, voice: Voice) -> &'static str {
    match (record.code, voice) {
        (Code::Reference, _) => "the reference's code",
        (Code::Yours, Voice::Reader) => "your code",
        (Code::Yours, Voice::Shown) => "own code",
    }
}

/// `1 minute`, `12 minutes`.
fn minutes(minutes: f64) -> String {
    match minutes.ceil() {
        1.0 => "1 minute".into(),
        more => format!("{more} minutes"),
    }
}

fn marked(taken: &Taken<'_>) -> String {
    let marks = taken.marks();
    let badge = |mark: &Mark| format!(" <span class=\"mark\">{}</span>", escape(&mark.to_string()));
    marks.iter().map(badge).collect()
}
