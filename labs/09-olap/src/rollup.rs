//! Aggregates that a view keeps as states, for a dashboard that would else read every trade again.
//!
//! Created only on request, in tables of their own: a view that fails leaves its source's row committed, and a repeated insert
//! reaches a view's target twice, so no rollup may feed a table that has to be exact.

use market::tables::TRADES;

use crate::OlapError;
use crate::name::identifier;

/// How the values of a column are folded into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// That of the first trade by (event time, sequential id).
    First,
    /// That of the last trade.
    Last,
    /// The greatest.
    Max,
    /// The least.
    Min,
    /// Their sum.
    Sum,
    /// How many rows there are, repeats included.
    Count,
    /// Their mean.
    Average,
    /// How many different values there are.
    Distinct,
}

/// An aggregate of a rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The column that keeps it.
    pub name: &'static str,
    /// How it is made.
    pub fold: Fold,
    /// Of which column of the source; of none for [`Fold::Count`].
    pub of: &'static str,
    /// The ClickHouse type of what is folded; of a sum or a count, that of its result.
    pub kind: &'static str,
}

/// What trades are ordered by, and its type: a market's ids alone do not ascend with its time.
const ORDER: &str = "(event_time, sequential_id)";
const ORDER_KIND: &str = "Tuple(DateTime64(3, 'UTC'), UInt64)";

impl Measure {
    /// The type of the column that keeps it in an `AggregatingMergeTree`, where rows of one key are merged at some time.
    ///
    /// Where folding two results is the same as folding all values, the result is state enough:
    /// `SimpleAggregateFunction(FUNCTION, KIND)`, with the function that folds *results*: two maxima make one by `max`, two sums by `sum`,
    /// and two counts by `sum`. Everything else needs a state: `AggregateFunction(FUNCTION, KIND)` with `avg` and `uniqExact`; first and
    /// last are `argMin` and `argMax`, with two types: that of the value, then that of what it is ordered by.
    #[must_use]
    pub fn column(&self) -> String {
        todo!("task 3: the column's type: a result where results can be folded, else a state")
    }

    /// What the view selects for it from rows of the source: for a state the function with `State` behind its name
    /// (`argMinState(COLUMN, ORDER)`), else the plain function; `count()` for a count.
    #[must_use]
    pub fn state(&self) -> String {
        todo!("task 3: what makes it out of rows")
    }

    /// What reads it back from any number of rows of the rollup, merged or not: for a state the function with `Merge` behind its
    /// name, applied to the column that keeps it (`argMinMerge(NAME)`), else the function that folds results (see [`Measure::column`]).
    #[must_use]
    pub fn merge(&self) -> String {
        todo!("task 3: what makes it out of columns")
    }
}

/// A rollup of trades by market and minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollup {
    /// The table; the view that feeds it is `NAME_view`.
    pub name: &'static str,
    /// What it keeps.
    pub measures: Vec<Measure>,
}

impl Rollup {
    /// A minute's candle, and beside it what only states can keep.
    #[must_use]
    pub fn candles() -> Self {
        const DECIMAL: &str = "Decimal(38, 8)";
        let measure = |name, fold, of, kind| Measure { name, fold, of, kind };
        Self {
            name: "trades_per_minute",
            measures: vec![
                measure("open", Fold::First, "price", DECIMAL),
                measure("high", Fold::Max, "price", DECIMAL),
                measure("low", Fold::Min, "price", DECIMAL),
                measure("close", Fold::Last, "price", DECIMAL),
                measure("volume", Fold::Sum, "volume", DECIMAL),
                measure("trades", Fold::Count, "", "UInt64"),
                measure("mean", Fold::Average, "price", DECIMAL),
                measure("ids", Fold::Distinct, "sequential_id", "UInt64"),
            ],
        }
    }

    /// The statements that create it: the table, then the view, so that no row is taken before there is a place for it. What was in
    /// `trades` before is not in it: a view sees inserts and no tables.
    ///
    /// # Errors
    /// [`OlapError::Name`].
    pub fn statements(&self, database: &str) -> Result<Vec<String>, OlapError> {
        let kinds: Vec<String> = self.measures.iter().map(Measure::column).collect();
        let mut lines = vec![
            "    market LowCardinality(String)".into(),
            "    minute DateTime('UTC')".into(),
        ];
        for (measure, kind) in self.measures.iter().zip(&kinds) {
            identifier(measure.name, "column")?;
            lines.push(format!("    {} {kind}", measure.name));
        }
        let state = |measure: &Measure| format!("    {} AS {}", measure.state(), measure.name);
        let states: Vec<String> = self.measures.iter().map(state).collect();
        identifier(database, "database")?;
        identifier(self.name, "table")?;
        let (name, lines, states) = (self.name, lines.join(",\n"), states.join(",\n"));
        Ok(vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {database}.{name} (\n{lines}\n)\nENGINE = AggregatingMergeTree\nORDER BY (market, minute)"
            ),
            format!(
                "CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.{name}_view TO {database}.{name} AS\nSELECT\n    market,\n    toStartOfMinute(event_time) AS minute,\n{states}\nFROM {database}.{TRADES}\nGROUP BY market, minute"
            ),
        ])
    }

    /// The query for a market's minutes in `[from, to)`, in order, with the parameters `market` (String), `from` and `to` (Int64,
    /// milliseconds since 1970). Its columns are `minute` and the measures, under their names.
    ///
    /// Rows of one key may stand apart, in several parts and within none: which merges have run must not show. So it groups
    /// by the key and merges, always.
    ///
    /// # Errors
    /// [`OlapError::Name`].
    pub fn query(&self, database: &str) -> Result<String, OlapError> {
        identifier(database, "database")?;
        identifier(self.name, "table")?;
        todo!("task 3: the query that merges what is kept, whichever parts there are")
    }
}

/// Statements for a per-minute rollup of the trades: [`Rollup::candles`].
///
/// # Errors
/// [`OlapError::Name`].
pub fn trades_per_minute(database: &str) -> Result<Vec<String>, OlapError> {
    Rollup::candles().statements(database)
}
