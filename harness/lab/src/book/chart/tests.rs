//! What charts look like as text, and what every one of them has.

use super::*;

fn mark(whose: Whose, value: f64, least: f64, most: f64) -> Mark {
    Mark {
        whose,
        value,
        least,
        most,
    }
}

fn some_bars(log: bool) -> Bars {
    Bars {
        title: "acks=all costs a round trip <more>".into(),
        unit: "ms".into(),
        log,
        voice: Voice::Reader,
        arms: vec![
            Arm {
                label: "acks=all · brokers=3".into(),
                marks: vec![
                    mark(Whose::Yours, 12.5, 11.0, 14.0),
                    mark(Whose::Reference, 9.0, 8.5, 9.2),
                    mark(Whose::Predicted, 20.0, 10.0, 40.0),
                    mark(Whose::Guide, 5.0, 5.0, 5.0),
                ],
            },
            Arm {
                label: "acks=0 · brokers=3 · linger=0 · compression=zstd · batch=16".into(),
                marks: vec![mark(Whose::Yours, 0.0, 0.0, 0.0), mark(Whose::Reference, 0.4, 0.4, 0.4)],
            },
        ],
    }
}

fn some_lines(log: bool) -> Lines {
    let point = |x: f64, whose, value: f64| Point {
        x,
        mark: mark(whose, value, value * 0.9, value * 1.1),
    };
    let series = |label: &str, whose, by: f64| Series {
        label: label.into(),
        whose,
        points: [0.0, 100.0, 500.0, 2_000.0]
            .map(|x| point(x, whose, by / (x + 100.0)))
            .to_vec(),
    };
    Lines {
        title: "A wider bound makes fewer trades late".into(),
        unit: "%".into(),
        x_title: "bound, ms".into(),
        log,
        voice: Voice::Reader,
        series: vec![
            series("disorder=200", Whose::Yours, 100.0),
            series("disorder=200", Whose::Reference, 120.0),
            series("disorder=800", Whose::Yours, 900.0),
            Series {
                label: String::new(),
                whose: Whose::Predicted,
                points: vec![Point {
                    x: 500.0,
                    mark: mark(Whose::Predicted, 3.0, 1.0, 9.0),
                }],
            },
        ],
    }
}

#[test]
fn bars_are_drawn() {
    insta::assert_snapshot!(bars(&some_bars(false)));
}

#[test]
fn bars_on_a_logarithmic_axis_are_drawn_where_some_are_zero() {
    let drawn = bars(&some_bars(true));
    assert!(
        !drawn.contains("NaN") && !drawn.contains("inf"),
        "a value lies nowhere: {drawn}"
    );
    assert!(
        drawn.contains("The axis is logarithmic."),
        "the text does not say it: {drawn}"
    );
    assert!(drawn.contains("width=\"0%\""), "0 is a bar of no length: {drawn}");
}

#[test]
fn lines_are_drawn() {
    insta::assert_snapshot!(lines(&some_lines(false)));
}

#[test]
fn every_chart_has_a_name_and_all_its_values_in_words() {
    for drawn in [
        bars(&some_bars(false)),
        bars(&some_bars(true)),
        lines(&some_lines(false)),
        lines(&some_lines(true)),
    ] {
        let page = scraper::Html::parse_fragment(&drawn);
        let select = |what: &str| scraper::Selector::parse(what).unwrap();
        let text = |what: &str| {
            page.select(&select(what))
                .next()
                .map(|found| found.text().collect::<String>())
        };
        assert!(
            text("svg[role=img] > title").is_some_and(|title| title.len() > 10),
            "no title: {drawn}"
        );
        let words = text("svg[role=img] > desc").unwrap_or_default();
        assert!(
            words.contains("yours") && words.contains(" to "),
            "the description lacks values: {words}"
        );
        assert!(!drawn.contains("\n\n"), "an empty line ends mdBook's block of HTML");
        assert!(
            !drawn.contains("fill=") && !drawn.contains("stroke="),
            "colours belong into the stylesheet: {drawn}"
        );
    }
}

#[test]
fn what_cannot_be_drawn_leaves_the_drawing_whole() {
    let none = Bars {
        arms: vec![],
        ..some_bars(true)
    };
    assert!(bars(&none).contains("</svg>"));
    let none = Lines {
        series: vec![],
        ..some_lines(true)
    };
    assert!(lines(&none).contains("</svg>"));
    let mut broken = some_bars(false);
    broken.arms[0].marks[0] = mark(Whose::Yours, f64::NAN, f64::NEG_INFINITY, f64::INFINITY);
    let drawn = bars(&broken);
    assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
}

#[test]
fn intervals_stand_in_multiples_of_what_was_predicted() {
    let one = |label: &str, predicted, factor, measured, word: &str| Interval {
        label: label.into(),
        unit: "ms".into(),
        predicted,
        factor,
        measured,
        word: word.into(),
    };
    let drawn = intervals(&Intervals {
        title: "Predicted & measured".into(),
        all: vec![
            one("hit: p99 acks=all", 10.0, 3.0, 20.0, "inside"),
            one("missed: p99 acks=1", 10.0, 2.0, 450.0, "off by 45×"),
            one("none measured", 10.0, 2.0, 0.0, "measured 0"),
            one("none predicted <b>", 0.0, 2.0, 7.0, "predicted 0"),
            one("none at all", 0.0, 2.0, 0.0, "inside"),
        ],
    });
    assert!(!drawn.contains("NaN") && !drawn.contains("inf\""), "{drawn}");
    insta::assert_snapshot!(drawn);
}
