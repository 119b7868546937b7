//! The figures of `bench pipeline` as tables: plain for the terminal, in Markdown for the book. The rows are made once.

use measure::{Cost, Spread};

use super::programme::{Figures, Run};
use crate::text;

/// A table: its head and its rows. The first two columns are words, the others figures.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// All tables.
pub(crate) fn tables(figures: &Figures) -> [Table; 4] {
    [
        super::targets::table(figures),
        stages(&figures.stages),
        whole(figures),
        latency(&figures.latency),
    ]
}

/// Every stage, each way beside its floor.
fn stages(costs: &[Cost]) -> Table {
    let rows = costs.iter().map(|cost| {
        let ratio = to_floor(costs, cost).map(|ratio| format!("{ratio:.2}"));
        vec![
            cost.stage.clone(),
            match cost.floor {
                true => format!("floor: {}", cost.way),
                false => cost.way.clone(),
            },
            text::grouped(cost.per_second.median.round() as u64),
            spread(&cost.cpu_us),
            cost.servers_us.as_ref().map_or("–".into(), spread),
            ratio.unwrap_or("–".into()),
            format!("{:.2}", cost.allocations),
            if cost.bytes > 0.0 {
                format!("{:.0}", cost.bytes)
            } else {
                "–".into()
            },
        ]
    });
    Table {
        title: "Stages",
        head: vec![
            "stage",
            "how",
            "records/s",
            "CPU µs",
            "servers' CPU µs",
            "to floor",
            "allocations",
            "bytes",
        ],
        rows: rows.collect(),
    }
}

/// How much more it costs than the floor that was measured in turns with it: the last one before it, of its stage.
pub(super) fn to_floor(costs: &[Cost], cost: &Cost) -> Option<f64> {
    let floor = costs
        .iter()
        .filter(|other| other.floor && other.stage == cost.stage)
        .rfind(|other| !cost.floor && comes_before(costs, other, cost))?;
    let all = |cost: &Cost| cost.cpu_us.median + cost.servers_us.map_or(0.0, |servers| servers.median);
    Some(all(cost) / all(floor))
}

fn comes_before(costs: &[Cost], one: &Cost, other: &Cost) -> bool {
    let at = |cost: &Cost| costs.iter().position(|each| std::ptr::eq(each, cost));
    at(one) < at(other)
}

/// `1.23 (1.20–1.31)`.
fn spread(spread: &Spread) -> String {
    let digits = if spread.median < 0.1 { 4 } else { 2 };
    format!(
        "{:.digits$} ({:.digits$}–{:.digits$})",
        spread.median, spread.least, spread.most
    )
}

fn whole(figures: &Figures) -> Table {
    whole_of(&figures.whole)
}

/// The whole, with what each process takes of the processor for each trade.
fn whole_of(runs: &[Run]) -> Table {
    Table {
        title: "The whole",
        head: vec![
            "run",
            "trading",
            "trades",
            "trades/s",
            "CPU µs: exchange",
            "ingest",
            "Kafka",
            "worker",
            "ClickHouse",
            "sum",
            "p99",
        ],
        rows: runs.iter().map(row).collect(),
    }
}

fn row(run: &Run) -> Vec<String> {
    let pace = match run.rate {
        None => "full speed",
        Some(_) if run.kept_up() => "kept up with",
        Some(_) => "not kept up with",
    };
    let name = format!("{}, {pace}", run.encoding);
    let per = |millis: u64| millis as f64 * 1e3 / run.trades.max(1) as f64;
    let parts = [
        run.used.exchange_ms,
        run.cpu_ms.0,
        run.used.kafka_ms,
        run.cpu_ms.1,
        run.used.clickhouse_ms,
    ];
    let mut row = vec![
        name,
        format!("{:.0} s", run.seconds),
        text::grouped(run.trades),
        text::grouped(run.per_second.round() as u64),
    ];
    row.extend(parts.iter().map(|part| format!("{:.2}", per(*part))));
    row.push(format!("{:.2}", per(parts.iter().sum())));
    row.push(text::millis(run.latency_ms[1]));
    row
}

/// Latency under a load that does not wait, and what it costs the table.
fn latency(runs: &[Run]) -> Table {
    let rows = runs.iter().map(|run| {
        let per_second = |count: u64| format!("{:.1}", count as f64 / run.seconds.max(1.0));
        let share = |millis: u64| format!("{:.0} %", millis as f64 / run.seconds.max(1.0) / 10.0);
        let [p50, p99, p999] = run.latency_ms.map(text::millis);
        vec![
            text::grouped(run.rate.unwrap_or(0.0) as u64),
            format!("{:.0} s", run.seconds),
            run.linger_ms.to_string(),
            run.epoch_ms.to_string(),
            p50,
            p99,
            p999,
            per_second(run.used.inserts),
            per_second(run.used.parts),
            per_second(run.used.merges),
            text::grouped((run.used.merged_rows as f64 / run.seconds.max(1.0)) as u64),
            share(run.used.clickhouse_ms),
            share(run.used.kafka_ms),
        ]
    });
    Table {
        title: "Latency from the exchange's send to a readable row",
        head: vec![
            "trades/s",
            "trading",
            "linger, ms",
            "epoch, ms",
            "p50",
            "p99",
            "p99.9",
            "inserts/s",
            "parts/s",
            "merges/s",
            "merged rows/s",
            "ClickHouse CPU",
            "Kafka CPU",
        ],
        rows: rows.collect(),
    }
}

/// One run, for a terminal.
pub(crate) fn text_of(run: &Run) -> String {
    rendered([whole_of(std::slice::from_ref(run)), latency(std::slice::from_ref(run))])
}

/// For a terminal.
pub(crate) fn text(figures: &Figures) -> String {
    rendered(tables(figures))
}

fn rendered(tables: impl IntoIterator<Item = Table>) -> String {
    let mut all = String::new();
    for table in tables {
        let widths: Vec<usize> = (0..table.head.len())
            .map(|column| {
                let cells = table.rows.iter().map(|row| row[column].chars().count());
                cells.chain([table.head[column].chars().count()]).max().unwrap_or(0)
            })
            .collect();
        all.push_str(&format!("\n{}\n", table.title));
        let head: Vec<String> = table.head.iter().map(|word| (*word).to_owned()).collect();
        for row in std::iter::once(&head).chain(&table.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let room = " ".repeat(width - cell.chars().count());
                // Words to the left, figures to the right.
                let cell = if column < 2 {
                    format!("{cell}{room}")
                } else {
                    format!("{room}{cell}")
                };
                line.push_str(&format!("  {cell}"));
            }
            all.push_str(line.trim_end());
            all.push('\n');
        }
    }
    all
}

/// For the book.
pub(crate) fn markdown(table: &Table) -> String {
    let rule = (0..table.head.len()).map(|column| if column < 2 { "---" } else { "---:" });
    let lines = [table.head.join(" | "), rule.collect::<Vec<_>>().join(" | ")];
    let rows = table.rows.iter().map(|row| row.join(" | "));
    lines
        .into_iter()
        .chain(rows)
        .map(|line| format!("| {line} |\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(stage: &str, way: &str, floor: bool, cpu: f64) -> Cost {
        let spread = Spread {
            median: cpu,
            least: cpu,
            most: cpu,
        };
        Cost {
            stage: stage.into(),
            way: way.into(),
            floor,
            records: 1,
            bytes: 235.0,
            per_second: spread,
            cpu_us: spread,
            servers_us: None,
            allocations: 0.0,
        }
    }

    #[test]
    fn each_way_is_compared_with_the_floor_that_was_measured_with_it() {
        let costs = [
            cost("produce", "bare, json", true, 1.0),
            cost("produce", "ours, json", false, 1.1),
            cost("produce", "bare, protobuf", true, 0.5),
            cost("produce", "ours, protobuf", false, 0.6),
            cost("decode", "without a floor", false, 0.3),
        ];
        let ratios: Vec<String> = stages(&costs).rows.into_iter().map(|row| row[5].clone()).collect();
        assert_eq!(ratios, ["–", "1.10", "–", "1.20", "–"]);
    }

    #[test]
    fn a_table_of_the_book_has_a_rule_and_a_line_for_each_row() {
        let table = stages(&[cost("decode", "exact", false, 0.3)]);
        let text = markdown(&table);
        assert_eq!(text.lines().count(), 3);
        assert!(text.lines().all(|line| line.matches('|').count() == 9), "{text}");
    }
}
