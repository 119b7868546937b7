//! The terms of the trade in English and Korean, from `book/glossary.toml`.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::html::{escape, inline, sentence};
use crate::labs::manifest::line_of;
use crate::measuring::claims::Mistake;

/// Below the checkout.
pub(super) const FILE: &str = "book/glossary.toml";
/// The page that holds them.
const PAGE: &str = "glossary.html";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    term: Vec<Spanned<Term>>,
}

/// One term.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Term {
    /// As it stands in a sentence: `watermark`, `ISR`.
    pub(crate) en: String,
    /// As Korean engineers say it.
    pub(crate) ko: String,
    /// What it is, a sentence.
    pub(crate) says: String,
}

impl Term {
    /// The Korean without what explains it, `백프레셔` of `백프레셔(배압)`: it stands in parentheses itself. Where Korean takes the English
    /// word, `acks(응답 설정)`, what explains it is what is of use.
    fn short(&self) -> &str {
        match self.ko.split_once('(') {
            Some((same, inside)) if same.trim().eq_ignore_ascii_case(&self.en) => {
                inside.trim_end().trim_end_matches(')')
            }
            Some((short, _)) if !short.trim().is_empty() => short.trim(),
            _ => &self.ko,
        }
    }

    /// Its anchor on the glossary's page.
    fn anchor(&self) -> String {
        let letters = self.en.chars().map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        });
        letters.collect::<String>().trim_matches('-').to_owned()
    }
}

/// All terms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glossary {
    terms: Vec<Term>,
}

impl Glossary {
    /// Reads it; what is wrong with a term costs that term.
    pub(super) fn read(root: &Path) -> (Self, Vec<Mistake>) {
        match std::fs::read_to_string(root.join(FILE)) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                let what = format!("cannot be read ({error}); `git checkout -- {FILE}` brings it back");
                (Self::default(), vec![super::mistake(FILE, 1, what)])
            }
        }
    }

    fn parse(text: &str) -> (Self, Vec<Mistake>) {
        let raw: Raw = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => return (Self::default(), vec![super::toml_mistake(FILE, text, &error)]),
        };
        let (mut terms, mut wrong) = (Vec::<Term>::new(), Vec::new());
        for term in raw.term {
            let line = line_of(text, term.span().start);
            let term = term.into_inner();
            if [&term.en, &term.ko, &term.says]
                .iter()
                .any(|part| part.trim().is_empty())
            {
                wrong.push(super::mistake(
                    FILE,
                    line,
                    format!("{:?} lacks a side; write en, ko and says", term.en),
                ));
            } else if terms.iter().any(|other| other.anchor() == term.anchor()) {
                wrong.push(super::mistake(
                    FILE,
                    line,
                    format!("{:?} stands here twice; remove one", term.en),
                ));
            } else {
                terms.push(term);
            }
        }
        terms.sort_by_key(|term| term.en.to_lowercase());
        (Self { terms }, wrong)
    }

    /// The term of this English name, in whatever case.
    pub(crate) fn find(&self, en: &str) -> Option<&Term> {
        self.terms
            .iter()
            .find(|term| term.en.to_lowercase() == en.to_lowercase())
    }

    /// `{{#term watermark}}`, or as a sentence wants it `{{#term watermark|watermarks}}`: the term as it is written there, its Korean beside
    /// it, with a link from a page that lies `up` folders deep.
    pub(super) fn inline(&self, written: &str, up: &str) -> Result<String, String> {
        let (name, written) = match written.split_once('|') {
            Some((name, written)) => (name.trim(), written.trim()),
            None => (written, written),
        };
        let term = self
            .find(name)
            .ok_or_else(|| format!("the glossary has no term {name:?}; add it to {FILE}, with en, ko and says"))?;
        Ok(format!(
            "<a class=\"term\" href=\"{up}{PAGE}#{}\" title=\"{}\">{} <span class=\"ko\" lang=\"ko\">({})</span></a>",
            term.anchor(),
            escape(&term.says),
            inline(written),
            inline(term.short())
        ))
    }

    /// `{{#glossary}}`: all of them.
    pub(super) fn table(&self) -> String {
        let mut out = String::from(
            "<div class=\"table-wrapper\" role=\"region\" aria-label=\"Glossary\" tabindex=\"0\">\n<table class=\"glossary\">\n\
             <thead><tr><th scope=\"col\">English</th><th scope=\"col\" lang=\"ko\">한국어</th><th scope=\"col\">What it is</th></tr></thead>\n<tbody>\n",
        );
        for term in &self.terms {
            out.push_str(&format!(
                "<tr id=\"{}\"><th scope=\"row\">{}</th><td lang=\"ko\">{}</td><td>{}</td></tr>\n",
                term.anchor(),
                escape(&term.en),
                escape(&term.ko),
                sentence(&term.says)
            ));
        }
        out.push_str("</tbody>\n</table>\n</div>");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "[[term]]\nen = \"watermark\"\nko = \"워터마크\"\nsays = \"How far event time has come.\"\n\
                       [[term]]\nen = \"Dead letter\"\nko = \"데드 레터\"\nsays = \"A record that could not be read.\"\n";

    #[test]
    fn a_term_has_its_korean_beside_it_and_leads_to_the_glossary() {
        let (glossary, wrong) = Glossary::parse(TWO);
        assert_eq!(wrong, []);
        let shown = glossary.inline("Watermark", "../").unwrap();
        assert!(
            shown.contains("href=\"../glossary.html#watermark\"") && shown.contains("Watermark <span"),
            "{shown}"
        );
        assert!(shown.contains("(워터마크)"), "{shown}");
        for (ko, beside) in [("백프레셔(배압)", "(백프레셔)"), ("backpressure(배압)", "(배압)")] {
            let one = format!("[[term]]\nen = \"backpressure\"\nko = \"{ko}\"\nsays = \"x\"\n");
            let shown = Glossary::parse(&one).0.inline("backpressure", "").unwrap();
            assert!(shown.contains(beside), "{ko}: {shown}");
        }
        assert!(
            glossary.table().contains("<tr id=\"dead-letter\">"),
            "{}",
            glossary.table()
        );
    }

    #[test]
    fn a_term_may_stand_in_the_form_that_its_sentence_wants() {
        let (glossary, _) = Glossary::parse(TWO);
        let html = glossary.inline("watermark|watermarks", "").unwrap();
        assert!(
            html.contains(">watermarks <span") && html.contains("#watermark\""),
            "{html}"
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_costs_no_other_term() {
        let (glossary, wrong) = Glossary::parse(&format!(
            "{TWO}[[term]]\nen = \"Watermark\"\nko = \"x\"\nsays = \"x\"\n"
        ));
        assert_eq!(
            wrong[0].to_string(),
            "book/glossary.toml:9: \"Watermark\" stands here twice; remove one"
        );
        assert!(glossary.find("dead letter").is_some());
        let (_, wrong) = Glossary::parse("[[term]]\nen = 5\n");
        assert!(wrong[0].to_string().starts_with("book/glossary.toml:2: "), "{wrong:?}");
        let refused = glossary.inline("waterfall", "").unwrap_err();
        assert!(refused.contains("book/glossary.toml"), "{refused}");
    }
}
