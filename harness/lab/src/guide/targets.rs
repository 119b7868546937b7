//! Whether what the inventory points at is there, and whether a chapter that is written leaves nothing of its own out.

use std::collections::{BTreeMap, BTreeSet};

use super::{Guide, Kind, Target, mistake};
use crate::measuring::claims::Mistake;

/// What can be pointed at.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Ids of claims, with the items of the guide that each names.
    pub(crate) claims: BTreeMap<String, Vec<String>>,
    /// Ids of the bank's questions, with the same.
    pub(crate) questions: BTreeMap<String, Vec<String>>,
    /// Pages below `book/src`.
    pub(crate) pages: BTreeSet<String>,
}

impl Places {
    /// Whether a chapter has its page.
    pub(crate) fn is_written(&self, chapter: &str) -> bool {
        self.pages.iter().any(|page| page.starts_with(&format!("{chapter}-")))
    }
}

/// What is wrong: a target that is not there, an item of a written chapter without one, a claim or question that names an item which
/// does not point back.
pub(crate) fn check(guide: &Guide, places: &Places) -> Vec<Mistake> {
    let mut mistakes = guide.mistakes.clone();
    for item in guide.items() {
        let mut wrong = |what: String| mistakes.push(mistake(item.line, format!("{}: {what}", item.id)));
        for target in &item.to {
            match target {
                Target::Claim(id) if !names(&places.claims, id, &item.id) => wrong(format!(
                    "no claim {id} of book/claims names it; write it there, or correct the target"
                )),
                Target::Question(id) if !names(&places.questions, id, &item.id) => wrong(format!(
                    "no question {id} of book/questions names it; write it there, or correct the target"
                )),
                Target::Page(page) if !places.pages.contains(page.split('#').next().unwrap_or(page)) => {
                    wrong(format!("there is no page book/src/{page}; correct the target"));
                }
                _ => {}
            }
        }
        let Some(chapter) = item.chapter.as_deref().filter(|chapter| places.is_written(chapter)) else {
            continue;
        };
        let has = |wanted: fn(&Target) -> bool| item.to.iter().any(wanted);
        match item.kind {
            _ if has(|target| *target == Target::Planned) => {
                wrong(format!(
                    "chapter {chapter} is written, and this is still planned; name where it is treated"
                ));
            }
            Kind::Claim if item.checkable && !has(|target| matches!(target, Target::Claim(_))) => wrong(format!(
                "chapter {chapter} is written, and no claim judges this; write one: {}",
                item.says
            )),
            Kind::Question if !has(|target| matches!(target, Target::Question(_))) => wrong(format!(
                "chapter {chapter} is written, and the bank does not have this question: {}",
                item.says
            )),
            _ => {}
        }
    }
    for (kind, named) in [("claim", &places.claims), ("question", &places.questions)] {
        for (id, of) in named
            .iter()
            .flat_map(|(id, items)| items.iter().map(move |item| (id, item)))
        {
            let back = |target: &Target| match target {
                Target::Claim(to) => kind == "claim" && to == id,
                Target::Question(to) => kind == "question" && to == id,
                _ => false,
            };
            match guide.items().find(|item| item.id == *of) {
                None => mistakes.push(mistake(
                    1,
                    format!("{kind} {id} names {of}, which is not here; correct it there"),
                )),
                Some(item) if !item.to.iter().any(back) => mistakes.push(mistake(
                    item.line,
                    format!("{kind} {id} names {of}, whose `to` does not name {kind}:{id}; add it"),
                )),
                Some(_) => {}
            }
        }
    }
    mistakes
}

fn names(all: &BTreeMap<String, Vec<String>>, id: &str, item: &str) -> bool {
    all.get(id).is_some_and(|items| items.iter().any(|each| each == item))
}
