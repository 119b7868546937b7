//! Questions as they are written: each is read for itself, so that a broken one costs none of its neighbours.

use std::ops::Range;

use measure::claim::Source;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Digests, Links, Place, Question, Text, shape};
use crate::labs::manifest::line_of;
use crate::measuring::claims::Mistake;

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: Spanned<String>,
    chapter: Spanned<String>,
    #[serde(default)]
    guide: Option<Spanned<Vec<String>>>,
    minutes: Spanned<u32>,
    links: Option<Spanned<Links>>,
    source: Source,
    synced: Option<Spanned<Digests>>,
    en: Spanned<Text>,
    ko: Spanned<Text>,
}

/// Where, and what.
pub(super) type Wrong = (Range<usize>, String);

/// The questions of a file, and what in it is none.
pub(super) fn parse(text: &str, file: &str) -> (Vec<Question>, Vec<Mistake>) {
    let (mut questions, mut broken) = (Vec::new(), Vec::new());
    let told = |(span, what): Wrong| Mistake {
        file: file.to_owned(),
        line: line_of(text, span.start),
        what,
    };
    match tables(text) {
        Ok(tables) => {
            for table in tables {
                match question(table, text, file) {
                    Ok(question) => questions.push(question),
                    Err(wrongs) => broken.extend(wrongs.into_iter().map(told)),
                }
            }
        }
        Err(wrong) => broken.push(told(wrong)),
    }
    (questions, broken)
}

/// Where `synced` stands, or where it would: bytes of the file, by question.
pub(super) fn places_of_synced(text: &str) -> Vec<(String, Range<usize>)> {
    let tables = tables(text).unwrap_or_default();
    let raws = tables
        .into_iter()
        .filter_map(|table| Raw::deserialize(table.into_deserializer()).ok());
    let place = |raw: Raw| {
        let minutes = raw.minutes.span().end;
        let span = raw.synced.map_or(minutes..minutes, |synced| synced.span());
        (raw.id.into_inner(), span)
    };
    raws.map(place).collect()
}

fn tables(text: &str) -> Result<Vec<Spanned<DeValue<'_>>>, Wrong> {
    let failed = |error: toml::de::Error| (error.span().unwrap_or(0..0), said(&error, "the other files"));
    let mut whole = DeTable::parse(text).map_err(failed)?.into_inner();
    let mut tables = Vec::new();
    if let Some(found) = whole.remove("question") {
        let span = found.span();
        let DeValue::Array(array) = found.into_inner() else {
            return Err((span, "questions are written [[question]]; write it so".into()));
        };
        tables.extend(array);
    }
    match whole.iter().next() {
        Some((other, _)) => Err((
            other.span(),
            format!(
                "{} belongs to no question; write [[question]] above it",
                other.get_ref()
            ),
        )),
        None => Ok(tables),
    }
}

/// What a parser says, in one line, with what to do.
pub(super) fn said(error: &toml::de::Error, others: &str) -> String {
    let words = error.message().trim().replace('\n', " ");
    format!("{words}; correct this line, {others} go on without it")
}

fn question(table: Spanned<DeValue<'_>>, text: &str, file: &str) -> Result<Question, Vec<Wrong>> {
    let span = table.span();
    let raw = Raw::deserialize(table.into_deserializer()).map_err(|error| {
        let at = error.span().unwrap_or_else(|| span.clone());
        vec![(at, said(&error, "the other questions"))]
    })?;
    let line = |span: Range<usize>| line_of(text, span.start);
    let or_id = |span: Option<Range<usize>>| line(span.unwrap_or_else(|| raw.id.span()));
    let place = Place {
        file: file.to_owned(),
        line: line(raw.id.span()),
        guide: or_id(raw.guide.as_ref().map(Spanned::span)),
        links: or_id(raw.links.as_ref().map(Spanned::span)),
        en: line(raw.en.span()),
        ko: line(raw.ko.span()),
    };
    let spans = shape::Spans {
        id: raw.id.span(),
        chapter: raw.chapter.span(),
        minutes: raw.minutes.span(),
        en: raw.en.span(),
        ko: raw.ko.span(),
    };
    let question = Question {
        id: raw.id.into_inner(),
        chapter: raw.chapter.into_inner(),
        guide: raw.guide.map(Spanned::into_inner).unwrap_or_default(),
        minutes: raw.minutes.into_inner(),
        links: raw.links.map(Spanned::into_inner).unwrap_or_default(),
        source: raw.source,
        synced: raw.synced.map(Spanned::into_inner),
        en: raw.en.into_inner(),
        ko: raw.ko.into_inner(),
        place,
    };
    match shape::wrongs(&question, &spans) {
        wrongs if wrongs.is_empty() => Ok(question),
        wrongs => Err(wrongs),
    }
}
