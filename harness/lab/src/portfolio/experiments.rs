//! What was measured: each experiment that has own records, as the book draws it; and how to measure it again.

use measure::{Code, Mode};

use crate::book::chart::Voice;
use crate::book::experiment::figure;
use crate::book::html::{escape, sentence};
use crate::labs::Lab;
use crate::measuring::Known;
use crate::measuring::known::{By, Taken};

/// The experiments with own records, in the labs' order, each with the record that is shown.
pub(super) fn measured(known: &Known) -> impl Iterator<Item = (&Lab, &str, Taken<'_>)> {
    known.experiments().filter_map(|(lab, experiment)| {
        let taken = known.taken(&experiment.id, By::Mine)?;
        Some((lab, experiment.id.as_str(), taken))
    })
}

pub(super) fn section(known: &Known) -> String {
    let mut shown = String::new();
    let mut of = None;
    for (lab, id, _) in measured(known) {
        if of != Some(lab.manifest.number) {
            of = Some(lab.manifest.number);
            shown.push_str(&format!(
                "<h3><span class=\"number\">{}</span> {}</h3>\n",
                escape(&lab.manifest.short()),
                sentence(&lab.manifest.title)
            ));
        }
        // It is known, so that it can be drawn.
        shown.push_str(&figure(known, id, Voice::Shown).unwrap_or_default());
        shown.push('\n');
    }
    if shown.is_empty() {
        return super::empty(
            "experiments",
            "Experiments",
            "Nothing was measured yet: <code>./lab bench 05 --quick</code>.",
        );
    }
    let others: Vec<String> = known
        .experiments()
        .filter(|(_, each)| known.taken(&each.id, By::Mine).is_none())
        .map(|(_, each)| format!("<code>{}</code>", escape(&each.id)))
        .collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!("<p class=\"none\">Not measured: {}.</p>\n", others.join(", ")),
    };
    format!(
        "<section id=\"experiments\">\n<h2>Experiments</h2>\n\
         <p>A measured figure is the median of its repetitions; with it stand the least and the most of them. The reference is the \
         workbook's own code on the machine that is named below each experiment. The guide is the interview guide that the workbook \
         follows; a verdict on what it claims is computed from records by a fixed rule, and says from whose.</p>\n\
         <dl class=\"legend\">\n<div><dt><span class=\"mark\">quick</span></dt><dd>a first answer from a short run, not to be quoted</dd></div>\n\
         <div><dt><span class=\"mark\">stale</span></dt><dd>the code, a server's version or the machine has changed since</dd></div>\n\
         <div><dt><span class=\"verdict inconclusive\">inconclusive</span></dt><dd>the repetitions differ too much for a verdict</dd></div>\n</dl>\n\
         {shown}{others}</section>\n"
    )
}

/// The page's end: what takes the figures again.
pub(super) fn again(known: &Known) -> String {
    // What is measured by one call, of one revision.
    let mut calls: Vec<(String, String, &str, Vec<&str>)> = Vec::new();
    for (lab, id, Taken { record, .. }) in measured(known) {
        let short = lab.manifest.short();
        let call = match record.mode {
            Mode::Full => format!("./lab bench {short} --only "),
            Mode::Quick => format!("./lab bench {short} --quick --only "),
        };
        let whose = match record.code {
            Code::Yours => "own code",
            Code::Reference => "the reference's code",
        };
        let same = calls
            .iter_mut()
            .find(|(other, revision, of, _)| *other == call && *revision == record.revision && *of == whose);
        match same {
            Some((.., ids)) => ids.push(id),
            None => calls.push((call, record.revision.clone(), whose, vec![id])),
        }
    }
    let items: Vec<String> = calls
        .iter()
        .map(|(call, revision, whose, ids)| {
            format!(
                "<li><code>{}{}</code> at revision {}, {whose}</li>\n",
                escape(call),
                escape(&ids.join(",")),
                escape(revision)
            )
        })
        .collect();
    let items = match items.is_empty() {
        true => "<p><code>./lab bench 05</code> at the revision above takes the figures of a lab.</p>\n".to_owned(),
        false => format!(
            "<p>In a checkout of the workbook:</p>\n<ul>\n{}</ul>\n\
             <p>“With changes” says that the checkout held something that no commit has: such figures are of code that only its owner can show. \
             On another machine expect other figures; ratios hold better than values.</p>\n",
            items.concat()
        ),
    };
    format!(
        "<footer id=\"again\">\n<h2>To measure it again</h2>\n{items}\
         <p><code>./lab test 05</code> runs a lab's tests, <code>./lab score</code> tells of the predictions, and <code>./lab portfolio</code> \
         writes this page from the records in <code>.lab/</code>. They are plain text and prove nothing by themselves; measuring again does.</p>\n</footer>\n"
    )
}
