//! How much of the guide is treated: per document and per chapter.

use std::collections::BTreeMap;

use super::{Guide, Item, Kind, Target};

/// Counts of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    treated: usize,
    all: usize,
}

impl Count {
    fn add(&mut self, item: &Item) {
        self.all += 1;
        let treated = |target: &Target| !matches!(target, Target::Planned);
        self.treated += usize::from(item.to.iter().all(treated));
    }

    fn shown(self) -> String {
        match self.all {
            0 => "–".into(),
            all => format!("{}/{all}", self.treated),
        }
    }
}

/// The tables: what is treated (or left out with a word) of what there is.
pub(crate) fn table(guide: &Guide) -> String {
    let mut out = format!("{:<30}", "the guide, treated/all");
    for (_, name, _) in Kind::ALL {
        out.push_str(&format!("{name:>10}"));
    }
    out.push_str(&format!("{:>11}\n", "all"));
    for document in &guide.documents {
        let name = format!("{} {}", document.number, document.title);
        out.push_str(&row(&name, document.items.iter()));
    }
    out.push('\n');
    let mut chapters: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
    for item in guide.items() {
        let chapter = item.chapter.as_deref().unwrap_or("no chapter");
        chapters.entry(chapter).or_default().push(item);
    }
    for (chapter, items) in chapters {
        out.push_str(&row(
            &format!("chapter {chapter}").replace("chapter no", "no"),
            items.into_iter(),
        ));
    }
    out
}

fn row<'a>(name: &str, items: impl Iterator<Item = &'a Item>) -> String {
    let mut counts = [Count::default(); 7];
    for item in items {
        let at = Kind::ALL.iter().position(|(kind, _, _)| *kind == item.kind);
        counts[at.unwrap_or_default()].add(item);
        counts[6].add(item);
    }
    let (last, kinds) = (counts[6], &counts[..6]);
    let cells: String = kinds.iter().map(|count| format!("{:>10}", count.shown())).collect();
    format!("{name:<30}{cells}{:>11}\n", last.shown())
}
