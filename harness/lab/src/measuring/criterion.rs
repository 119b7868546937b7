//! The figures of a criterion bench, from the files that it leaves.

use std::path::Path;

use anyhow::Context;
use measure::Figure;
use serde::Deserialize;

use crate::keep::files;

/// How many parts a bench's samples are taken in: each part's median is one repetition of a figure. The samples themselves would
/// spread by their outliers, which say nothing about the next run.
const PARTS: usize = 5;

/// `benchmark.json`.
#[derive(Deserialize)]
struct About {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
enum Throughput {
    Elements(u64),
    #[serde(other)]
    Another,
}

/// `sample.json`: nanoseconds of so many turns.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Reads every bench below `home`; each gives `metric`, in ns per element, under the arm `bench=GROUP/FUNCTION/VALUE` without the
/// package's name.
///
/// # Errors
/// The files are not what criterion 0.8 leaves.
pub(super) fn figures(home: &Path, package: &str, metric: &str) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for path in files::walk(home)?.into_keys() {
        if path.ends_with("new/benchmark.json") {
            let folder = home.join(&path);
            let folder = folder.parent().unwrap_or(home);
            figures.push(figure(
                &read(&folder.join("benchmark.json"))?,
                &read(&folder.join("sample.json"))?,
                package,
                metric,
            ));
        }
    }
    Ok(figures)
}

fn read<T: for<'de> Deserialize<'de>>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what criterion leaves", file.display()))
}

fn figure(about: &About, sample: &Sample, package: &str, metric: &str) -> Figure {
    let elements = match about.throughput {
        Some(Throughput::Elements(count)) if count > 0 => count as f64,
        _ => 1.0,
    };
    let group = about.group_id.strip_prefix(package).unwrap_or(&about.group_id);
    let words = [
        Some(group.trim_start_matches('/')),
        about.function_id.as_deref(),
        about.value_str.as_deref(),
    ];
    let name: Vec<&str> = words.into_iter().flatten().filter(|word| !word.is_empty()).collect();
    let each: Vec<f64> = sample
        .times
        .iter()
        .zip(&sample.iters)
        .map(|(time, iters)| time / iters / elements)
        .collect();
    let part = each.len().div_ceil(PARTS).max(1);
    Figure {
        arm: format!("bench={}", name.join("/").replace([' ', ':'], "_")),
        metric: metric.to_owned(),
        samples: each
            .chunks(part)
            .map(|part| measure::Spread::of(part.to_vec()).median)
            .collect(),
        n: (sample.iters.iter().sum::<f64>() * elements) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_is_an_arm_and_its_samples_are_told_per_element() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("solution-08-watermarks_observe/per record/new");
        std::fs::create_dir_all(&folder).unwrap();
        let about = r#"{"group_id":"solution-08-watermarks/observe","function_id":"per record","value_str":null,
            "throughput":{"Elements":100},"full_id":"x","directory_name":"x","title":"x"}"#;
        std::fs::write(folder.join("benchmark.json"), about).unwrap();
        let times: Vec<f64> = (0..10).map(|i| 1_000.0 * f64::from(i + 1)).collect();
        let sample = serde_json::json!({"sampling_mode": "Flat", "iters": vec![10.0; 10], "times": times});
        std::fs::write(folder.join("sample.json"), sample.to_string()).unwrap();
        let figures = figures(home.path(), "solution-08-watermarks", "time").unwrap();
        assert_eq!(
            figures,
            [Figure {
                arm: "bench=observe/per_record".into(),
                metric: "time".into(),
                samples: vec![1.5, 3.5, 5.5, 7.5, 9.5],
                n: 10_000
            }]
        );
    }
}
