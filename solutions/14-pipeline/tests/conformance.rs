//! The conformance checks themselves: right claims pass, wrong ones are rejected, and nothing passes unseen.
//!
//! The cases in `data` are ours. With `TICKBOOK_SEMANTICS` naming a folder with `window-cases.jsonl` and
//! `partitioner-vectors.jsonl`, the same holds for every case in there.

#![allow(clippy::print_stderr)] // a test that runs on less than it could says so

use std::path::{Path, PathBuf};

use pipeline::conformance::{self, Summary};
use serde_json::{Value, json};

type Check = fn(&[u8]) -> Summary;

const WINDOWS: (&str, Check) = ("window-cases.jsonl", |text| conformance::windows(text));
const PARTITIONER: (&str, Check) = ("partitioner-vectors.jsonl", |text| conformance::partitioner(text));

/// Our own cases, and the folder that the environment names.
fn folders() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")];
    match std::env::var_os("TICKBOOK_SEMANTICS") {
        Some(folder) => folders.push(folder.into()),
        None => eprintln!("TICKBOOK_SEMANTICS is not set: only the cases in tests/data are run"),
    }
    folders
}

fn read(folder: &Path, file: &str) -> Vec<Value> {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object per line"))
        .collect()
}

fn check((_, check): (&str, Check), cases: &[Value]) -> Summary {
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    check(lines.join("\n").as_bytes())
}

#[test]
fn every_case_of_our_dialect_passes() {
    for folder in folders() {
        for kind in [WINDOWS, PARTITIONER] {
            let cases = read(&folder, kind.0);
            let summary = check(kind, &cases);
            assert!(summary.is_success(), "{}/{}\n{summary}", folder.display(), kind.0);
            let ours = |case: &&Value| case["engine"].as_str().is_none_or(|engine| engine == "flink");
            assert_eq!(
                summary.passed,
                cases.iter().filter(ours).count(),
                "skipped: {:?}",
                summary.skipped
            );
        }
    }
}

/// Every way of making one leaf of a value wrong.
fn wrong(value: &Value) -> Vec<Value> {
    let at = |make: &dyn Fn(Value) -> Value, inner: &Value| wrong(inner).into_iter().map(make).collect::<Vec<_>>();
    match value {
        Value::Null => vec![json!(12_345)],
        Value::Bool(yes) => vec![json!(!yes)],
        Value::Number(number) => match number.as_i64() {
            Some(n) => vec![
                json!(n.checked_add(1).unwrap_or(0)),
                json!(n.wrapping_neg().wrapping_sub(3)),
            ],
            None => vec![],
        },
        Value::String(text) => match text.strip_prefix("0x") {
            Some(_) => vec![json!("0x00000007")],
            None => vec![json!(format!("{text}?"))],
        },
        Value::Array(items) => {
            let mut all: Vec<Value> = Vec::new();
            for (i, item) in items.iter().enumerate() {
                all.extend(at(
                    &|wrong| {
                        let mut items = items.clone();
                        items[i] = wrong;
                        json!(items)
                    },
                    item,
                ));
                if item.is_array() || item.is_object() {
                    let mut fewer = items.clone();
                    fewer.remove(i);
                    all.push(json!(fewer));
                    let mut more = items.clone();
                    more.push(item.clone());
                    all.push(json!(more));
                }
            }
            all
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, inner)| {
                at(
                    &|wrong| {
                        let mut fields = fields.clone();
                        fields.insert(name.clone(), wrong);
                        json!(fields)
                    },
                    inner,
                )
            })
            .collect(),
    }
}

#[test]
fn every_claim_made_wrong_in_any_one_place_is_rejected() {
    let mut tried = 0;
    for folder in folders() {
        for case in read(&folder, WINDOWS.0) {
            let expect = &case["expect"];
            // An error is claimed in words, which are not compared; a control is wrong already.
            if expect.get("error").is_some() || expect.get("harness_must_fail").is_some() || case["engine"] != "flink" {
                continue;
            }
            for claim in wrong(expect) {
                let mut case = case.clone();
                case["expect"] = claim;
                let summary = check(WINDOWS, &[case.clone()]);
                assert_eq!((summary.passed, summary.failed.len()), (0, 1), "accepted: {case}");
                tried += 1;
            }
        }
        for vector in read(&folder, PARTITIONER.0) {
            for name in ["hash_i32", "hash_hex", "partition_of", "partition_java"] {
                let Some(claim) = vector.get(name) else { continue };
                for claim in wrong(claim) {
                    let mut vector = vector.clone();
                    vector[name] = claim;
                    let summary = check(PARTITIONER, &[vector.clone()]);
                    assert_eq!((summary.passed, summary.failed.len()), (0, 1), "accepted: {vector}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "only {tried} wrong claims were tried");
}

#[test]
fn an_error_is_expected_only_where_there_is_one_and_the_other_way_round() {
    for mut case in read(&folders()[0], WINDOWS.0) {
        let expect = &case["expect"];
        if expect.get("harness_must_fail").is_some() {
            continue;
        }
        case["expect"] = match expect.get("error") {
            None => json!({"error": "it must be refused"}),
            Some(_) => json!({"windows": [], "sessions": [], "watermark": 1, "idle": false, "emitted": []}),
        };
        let summary = check(WINDOWS, &[case.clone()]);
        assert_eq!((summary.passed, summary.failed.len()), (0, 1), "accepted: {case}");
    }
}

#[test]
fn a_claim_that_is_not_understood_fails_whatever_else_is_right() {
    for mut case in read(&folders()[0], WINDOWS.0) {
        case["expect"]["state_size"] = json!(0);
        let summary = check(WINDOWS, &[case.clone()]);
        assert_eq!(summary.passed, 0, "accepted: {case}");
        assert!(summary.failed[0].difference.contains("state_size"), "{summary}");
    }
    for mut vector in read(&folders()[0], PARTITIONER.0) {
        vector["partition_sarama_reference"] = json!({"3": 0});
        assert_eq!(check(PARTITIONER, &[vector]).passed, 0);
    }
}

#[test]
fn a_control_passes_only_because_its_claim_is_wrong() {
    let control = |expect: Value| {
        json!({"id": "control", "kind": "window_assign", "engine": "flink", "expect": expect,
            "params": {"type": "tumbling", "size": 10}, "input": {"ts": 5}})
    };
    let verdict = |expect| check(WINDOWS, &[control(expect)]).passed == 1;
    assert!(verdict(json!({"harness_must_fail": true, "windows": [[1, 11]]})));
    assert!(
        !verdict(json!({"harness_must_fail": true, "windows": [[0, 10]]})),
        "the claim is right"
    );
    assert!(
        !verdict(json!({"harness_must_fail": true, "unheard_of": 1})),
        "not understood is not wrong"
    );
    assert!(!verdict(json!({"harness_must_fail": true})), "nothing is claimed");
}

#[test]
fn what_is_not_ours_is_skipped_by_reason_and_what_is_broken_fails_by_line() {
    let text = concat!(
        r#"{"id": "b", "kind": "window_assign", "engine": "beam", "params": {}, "input": {}, "expect": {}}"#,
        "\n",
        r#"{"id": "c", "kind": "window_assign", "engine": "beam", "params": {}, "input": {}, "expect": {}}"#,
        "\n",
        r#"{"id": "d", "kind": "join", "engine": "flink", "params": {}, "input": {}, "expect": {}}"#,
        "\n\n",
        "{broken\n",
        r#"{"id": "e", "kind": "window_assign", "engine": "flink", "params": {"type": "tumbling", "size": 10},"#,
        r#" "input": {"ts": 1}, "expect": {"windows": [[0, 10]]}, "a field of tomorrow": [1]}"#,
        "\n",
        r#"{"id": "f", "engine": "flink", "expect": {"windows": []}}"#,
        "\n",
        r#"{"id": "g", "kind": "operator", "engine": "flink", "params": 7, "expect": {"emitted": []}}"#,
        "\n",
        r#"{"id": "h", "kind": "operator", "engine": "flink", "params": {"type": "tumbling", "size": 10},"#,
        r#" "input": {"steps": [["event", "a"]]}, "expect": {"emitted": []}}"#,
    );
    let summary = conformance::windows(text.as_bytes());
    assert_eq!(summary.passed, 1, "{summary}");
    assert_eq!(summary.skipped.values().sum::<usize>(), 3);
    assert_eq!(summary.skipped.len(), 2, "one reason for the engine, one for the kind");
    let failed: Vec<&str> = summary.failed.iter().map(|failure| failure.id.as_str()).collect();
    assert_eq!(failed, ["line 5", "f", "g", "h"]);
    let shown = summary.to_string();
    assert_eq!(shown.lines().last(), Some("1 passed, 4 failed, 3 skipped"));
    assert!(!summary.is_success());
    assert!(!conformance::windows(&b""[..]).is_success(), "no cases prove nothing");
}
