use super::*;

fn claim(checks: &str) -> Claim {
    let text = format!(
        "id = 'x'\nchapter = '05'\nguide = ['g1-c-001']\nsays = 'all is slow'\nbecause = 'of replicas'\ncheck = [{checks}]"
    );
    toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn judge(checks: &str, figures: &[(&str, &[f64])]) -> Verdict {
    judge_of(1, checks, figures)
}

fn judge_of(repetitions: usize, checks: &str, figures: &[(&str, &[f64])]) -> Verdict {
    let figures: Vec<(FigureName, Figure)> = figures
        .iter()
        .map(|(name, samples)| {
            let name: FigureName = name.parse().unwrap();
            let figure = Figure {
                arm: name.arm.clone(),
                metric: name.metric.clone(),
                samples: samples.to_vec(),
                n: 1,
            };
            (name, figure)
        })
        .collect();
    let find = |name: &FigureName| {
        let found = figures.iter().find(|(known, _)| known == name)?;
        Some(Bounded {
            figure: &found.1,
            bound: 0.3,
            repetitions,
        })
    };
    claim(checks).judge(find).0
}

const ONE: &str = "{ when = '1 broker', of = 'e p99 acks=all b=1', over = 'e p99 acks=1 b=1', at_least = 1.1 }";
const THREE: &str = "{ when = '3 brokers', of = 'e p99 acks=all b=3', over = 'e p99 acks=1 b=3', at_least = 1.1 }";

#[test]
fn all_none_and_some_of_the_checks_are_three_verdicts() {
    let both = format!("{ONE}, {THREE}");
    let with = |one: f64, three: f64| {
        let figures: [(&str, &[f64]); 4] = [
            ("e p99 acks=all b=1", &[one]),
            ("e p99 acks=1 b=1", &[1.0]),
            ("e p99 acks=all b=3", &[three]),
            ("e p99 acks=1 b=3", &[1.0]),
        ];
        judge(&both, &figures)
    };
    assert_eq!(with(1.2, 1.2), Verdict::Confirmed);
    assert_eq!(with(1.0, 1.0), Verdict::Refuted);
    assert_eq!(
        with(1.0, 1.2),
        Verdict::Depends {
            holds: vec!["3 brokers".into()],
            fails: vec!["1 broker".into()]
        }
    );
}

#[test]
fn a_wide_spread_decides_nothing_but_what_happened_once_has_happened() {
    let wide: &[(&str, &[f64])] = &[("e p99 acks=all b=1", &[1.0, 2.0, 3.0]), ("e p99 acks=1 b=1", &[1.0])];
    let verdict = judge(ONE, wide);
    let Verdict::Inconclusive { why } = &verdict else {
        panic!("{verdict:?}")
    };
    assert!(why.contains("e p99 acks=all b=1 spread by 100 %"), "{why}");
    let far: &[(&str, &[f64])] = &[("e p99 acks=all b=1", &[2.0, 4.0, 9.0]), ("e p99 acks=1 b=1", &[1.0])];
    assert_eq!(judge(ONE, far), Verdict::Confirmed, "each repetition alone decides it");
    let below: &[(&str, &[f64])] = &[("e p99 acks=all b=1", &[0.1, 0.5, 1.0]), ("e p99 acks=1 b=1", &[1.0])];
    assert_eq!(judge(ONE, below), Verdict::Refuted, "and so it does here");
    let between = "{ when = 'a band', of = 'e p99 acks=all b=1', at_least = 1.5, at_most = 2.5 }";
    let Verdict::Inconclusive { .. } = judge(between, wide) else {
        panic!("below it and above it are two sides, though neither holds")
    };
    let lost: &[(&str, &[f64])] = &[("loss lost acks=1", &[0.0, 0.0, 7.0])];
    let any = "{ when = 'a killed leader', of = 'loss lost acks=1', take = 'most', at_least = 1 }";
    assert_eq!(judge(any, lost), Verdict::Confirmed);
    let each = "{ when = 'a killed leader', of = 'loss lost acks=1', take = 'least', at_least = 1 }";
    assert_eq!(judge(each, lost), Verdict::Refuted);
}

#[test]
fn what_was_not_measured_has_no_verdict() {
    let verdict = judge(ONE, &[("e p99 acks=all b=1", &[1.0])]);
    assert_eq!(
        verdict,
        Verdict::NotMeasured {
            missing: "e p99 acks=1 b=1".into()
        }
    );
    let mut row = claim("");
    assert!(
        matches!(row.judge(|_| None).0, Verdict::NotMeasured { .. }),
        "no check is no proof"
    );
    row.not_here = Some("it needs another client".into());
    assert_eq!(row.judge(|_| None).0.word(), "not measured here");
}

#[test]
fn the_least_and_the_most_ratio_are_of_one_repetition_each() {
    let check = |take: &str, bound: &str| {
        format!("{{ when = 'x', of = 'e p99 way=new', over = 'e p99 way=old', take = '{take}', {bound} }}")
    };
    let figures: [(&str, &[f64]); 2] = [("e p99 way=new", &[50.0, 6.0]), ("e p99 way=old", &[10.0, 2.0])];
    // 5 and 3; the ends of both would give 3 and 5 only by luck, and 50 / 2 or 6 / 10 were never seen.
    assert_eq!(
        judge(&check("least", "at_least = 3, at_most = 3"), &figures),
        Verdict::Confirmed
    );
    assert_eq!(
        judge(&check("most", "at_least = 5, at_most = 5"), &figures),
        Verdict::Confirmed
    );
    let unpaired: [(&str, &[f64]); 2] = [("e p99 way=new", &[50.0, 6.0]), ("e p99 way=old", &[10.0, 4.0, 2.0])];
    assert_eq!(judge(&check("least", "at_most = 0.6"), &unpaired), Verdict::Confirmed);
    assert_eq!(judge(&check("most", "at_least = 25"), &unpaired), Verdict::Confirmed);
}

#[test]
fn to_0_there_is_no_ratio_and_no_verdict() {
    for (of, take) in [(0.0, "median"), (5.0, "median"), (0.0, "most"), (5.0, "least")] {
        let check =
            format!("{{ when = 'x', of = 'e p99 way=new', over = 'e p99 way=old', take = '{take}', at_least = 1 }}");
        let verdict = judge(&check, &[("e p99 way=new", &[of]), ("e p99 way=old", &[0.0])]);
        assert!(
            matches!(&verdict, Verdict::Inconclusive { why } if why.contains("no ratio")),
            "{of} / 0, {take}: {verdict:?}"
        );
    }
}

#[test]
fn too_few_repetitions_decide_nothing_whatever_is_taken_of_them() {
    for take in ["median", "most", "least"] {
        let check = format!("{{ when = 'x', of = 'e p99 way=new', take = '{take}', at_least = 1 }}");
        let of = |samples: &[f64]| judge_of(3, &check, &[("e p99 way=new", samples)]);
        assert!(
            matches!(of(&[5.0]), Verdict::Inconclusive { why } if why.contains("once in a quick run")),
            "{take}: {:?}",
            of(&[5.0])
        );
        assert_eq!(of(&[5.0, 5.0, 5.0]), Verdict::Confirmed, "{take}");
    }
}
