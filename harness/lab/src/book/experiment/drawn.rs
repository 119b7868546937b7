//! An experiment's charts: which figures go where.

use std::collections::BTreeMap;

use measure::{Chart, Figure, factors};

use super::Whole;
use crate::book::chart::{Arm, Bars, Lines, Mark, Point, Series, Whose, bars, lines};

pub(super) fn charts(whole: &Whole<'_>) -> String {
    whole.experiment.chart.iter().map(|chart| one(whole, chart)).collect()
}

fn one(whole: &Whole<'_>, chart: &Chart) -> String {
    let unit = whole.experiment.unit(&chart.metric).to_owned();
    let all = marks(whole, chart);
    let arms: Vec<&str> = all.iter().map(|(arm, _)| arm.as_str()).collect();
    let varying = varying(&arms);
    match &chart.x {
        None => {
            let named = |(arm, marks): (String, Vec<Mark>)| Arm {
                label: label(&arm, &varying, None),
                marks,
            };
            bars(&Bars {
                title: chart.title.clone(),
                unit,
                log: chart.log,
                voice: whole.voice,
                arms: all.into_iter().map(named).collect(),
            })
        }
        Some(x) => lines(&Lines {
            title: chart.title.clone(),
            unit,
            x_title: chart.x_title.clone().unwrap_or_else(|| x.clone()),
            log: chart.log,
            voice: whole.voice,
            series: series(&all, x, &varying),
        }),
    }
}

/// Each arm that the chart shows with all that is known of it, in the order in which the arms were measured.
fn marks(whole: &Whole<'_>, chart: &Chart) -> Vec<(String, Vec<Mark>)> {
    let mut arms: Vec<(String, Vec<Mark>)> = Vec::new();
    let mut put = |arm: &str, mark: Mark| match arms.iter_mut().find(|(name, _)| name == arm) {
        Some((_, marks)) => marks.push(mark),
        None => arms.push((arm.to_owned(), vec![mark])),
    };
    let shown = |figure: &&Figure| figure.metric == chart.metric && chart.shows(&figure.arm);
    for (whose, taken) in [(Whose::Yours, whole.mine), (Whose::Reference, whole.reference)] {
        for figure in taken.iter().flat_map(|taken| &taken.record.figures).filter(shown) {
            let spread = figure.spread();
            put(
                &figure.arm,
                Mark {
                    whose,
                    value: spread.median,
                    least: spread.least,
                    most: spread.most,
                },
            );
        }
    }
    let asked = &whole.experiment.predict.of;
    if let Some(prediction) = whole
        .known
        .prediction(asked)
        .filter(|_| asked.metric == chart.metric && chart.shows(&asked.arm))
    {
        put(
            &asked.arm,
            Mark {
                whose: Whose::Predicted,
                value: prediction.value,
                least: prediction.value / prediction.factor,
                most: prediction.value * prediction.factor,
            },
        );
    }
    for said in whole.known.claims.all().filter_map(|claim| claim.figure.as_ref()) {
        if said.of.experiment == whole.experiment.id && said.of.metric == chart.metric && chart.shows(&said.of.arm) {
            put(
                &said.of.arm,
                Mark {
                    whose: Whose::Guide,
                    value: said.value,
                    least: said.value,
                    most: said.value,
                },
            );
        }
    }
    arms
}

/// The factors in which the arms differ, also by not having it: the others are said by the title.
fn varying(arms: &[&str]) -> Vec<String> {
    let mut values: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in arms.iter().flat_map(|arm| factors(arm)) {
        match values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if !known.contains(&value) => known.push(value),
            Some(_) => {}
            None => values.push((name, vec![value])),
        }
    }
    let everywhere = |name: &str| arms.iter().all(|arm| factors(arm).any(|(known, _)| known == name));
    let differ = values
        .into_iter()
        .filter(|(name, values)| values.len() > 1 || arms.len() == 1 || !everywhere(name));
    differ.map(|(name, _)| name.to_owned()).collect()
}

/// `acks=all · linger=5`, of the factors that vary, but the one along the axis.
fn label(arm: &str, varying: &[String], without: Option<&str>) -> String {
    let kept = |(name, _): &(&str, &str)| varying.iter().any(|known| known == name) && Some(*name) != without;
    let words: Vec<String> = factors(arm)
        .filter(kept)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    words.join(" · ")
}

fn series(all: &[(String, Vec<Mark>)], x: &str, varying: &[String]) -> Vec<Series> {
    let mut lines: BTreeMap<(usize, Whose), Series> = BTreeMap::new();
    let mut labels: Vec<String> = Vec::new();
    for (arm, marks) in all {
        let Some(at) = factors(arm)
            .find(|(name, _)| *name == x)
            .and_then(|(_, value)| value.parse().ok())
        else {
            continue;
        };
        let label = label(arm, varying, Some(x));
        let nth = labels.iter().position(|known| *known == label).unwrap_or_else(|| {
            labels.push(label.clone());
            labels.len() - 1
        });
        for mark in marks {
            let line = lines.entry((nth, mark.whose)).or_insert_with(|| Series {
                label: label.clone(),
                whose: mark.whose,
                points: Vec::new(),
            });
            line.points.push(Point {
                x: at,
                mark: mark.clone(),
            });
        }
    }
    for line in lines.values_mut() {
        line.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    lines.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_only_what_differs() {
        let arms = ["acks=all linger=0 brokers=3", "acks=1 linger=0 brokers=3"];
        let factors = varying(&arms);
        assert_eq!(factors, ["acks"]);
        assert_eq!(label(arms[0], &factors, None), "acks=all");
        assert_eq!(varying(&arms[..1]).len(), 3, "a lone arm is named in full");
        let one_more = [arms[0], "acks=all linger=0 brokers=3 retries=3"];
        assert_eq!(varying(&one_more), ["retries"]);
    }

    #[test]
    fn a_line_is_in_the_order_of_its_axis_whatever_was_measured_first() {
        let mark = |value| {
            vec![Mark {
                whose: Whose::Yours,
                value,
                least: value,
                most: value,
            }]
        };
        let all = [
            ("bound=500 d=1".to_owned(), mark(2.0)),
            ("bound=0 d=1".to_owned(), mark(9.0)),
            ("bound=x d=1".to_owned(), mark(1.0)),
        ];
        let lines = series(&all, "bound", &["bound".into()]);
        let xs: Vec<f64> = lines[0].points.iter().map(|point| point.x).collect();
        assert_eq!(
            (lines.len(), xs),
            (1, vec![0.0, 500.0]),
            "an arm whose value is no number has no place on the axis"
        );
    }
}
