//! A table as it is declared, and the statements that follow from that.

use crate::OlapError;
use crate::name::identifier;

/// A column: its name, its ClickHouse type, and its codecs, such as `DoubleDelta, LZ4`, where the default is not wanted.
pub type Stored = (&'static str, &'static str, Option<&'static str>);

/// What becomes of rows with the same key when parts are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// They all stay.
    Merge,
    /// The one with the highest value of this column stays.
    Replacing(&'static str),
    /// Their states are merged into one.
    Aggregating,
}

/// How rows are divided: parts of different partitions are never merged, and one partition can be dropped for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// By day of this column, in UTC.
    Day(&'static str),
    /// By month of it.
    Month(&'static str),
}

/// How long rows are kept: the column that says how old a row is, and days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// A `DateTime64` column.
    pub column: &'static str,
    /// After how many days a row goes; up to 2,200, because behind the cap of [`Keep::expression`] 32 bits have six years left.
    pub days: u32,
}

/// A copy of the rows in another order, within each part; the server takes it where it reads less of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Its name.
    pub name: &'static str,
    /// The order of its rows.
    pub key: Vec<&'static str>,
}

/// A skip index: the least and the greatest value of some columns for every 8,192 rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipIndex {
    /// Its name.
    pub name: &'static str,
    /// What it covers.
    pub columns: Vec<&'static str>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: Vec<Stored>,
    /// What merges do.
    pub engine: Engine,
    /// How it is divided; not at all without one.
    pub partition: Option<Partition>,
    /// In which order its rows stand.
    pub key: Vec<&'static str>,
    /// Its skip indexes.
    pub indexes: Vec<SkipIndex>,
    /// Its projections.
    pub projections: Vec<Projection>,
    /// How long it keeps its rows; for ever without one.
    pub keep: Option<Keep>,
    /// Settings of the table.
    pub settings: Vec<(&'static str, String)>,
}

impl Partition {
    /// The column that it is made of.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Day(column) | Self::Month(column) => column,
        }
    }

    /// As it stands behind `PARTITION BY`. A number and not a `Date`, which ends in 2149, when a `DateTime64` goes on to 2299.
    #[must_use]
    pub fn expression(self) -> String {
        match self {
            Self::Day(column) => format!("toYYYYMMDD({column})"),
            Self::Month(column) => format!("toYYYYMM({column})"),
        }
    }
}

impl Engine {
    /// As it stands behind `ENGINE =`.
    fn clause(self) -> String {
        match self {
            Self::Merge => "MergeTree".into(),
            Self::Replacing(version) => format!("ReplacingMergeTree({version})"),
            Self::Aggregating => "AggregatingMergeTree".into(),
        }
    }
}

impl Keep {
    /// As it stands behind `TTL`: the time at which a row goes.
    ///
    /// The server keeps that time in 32 bits, in seconds since 1970, without looking whether it fits: a row of the year 2150
    /// would have expired in 2013 and go at the first merge. So the column counts as 2100-01-01 00:00:00 UTC where it is later:
    /// `least(COLUMN, toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) + INTERVAL DAYS DAY`.
    #[must_use]
    pub fn expression(self) -> String {
        // TASK 2: when a row goes, for rows of the far future too
        format!(
            "least({}, toDateTime64('2100-01-01 00:00:00', 3, 'UTC')) + INTERVAL {} DAY",
            self.column, self.days
        )
        // END TASK 2
    }
}

impl Table {
    /// A plain MergeTree with the default codecs.
    #[must_use]
    pub fn new(name: &'static str, columns: &[(&'static str, &'static str)], key: Vec<&'static str>) -> Self {
        Self {
            name,
            columns: columns.iter().map(|(name, kind)| (*name, *kind, None)).collect(),
            engine: Engine::Merge,
            partition: None,
            key,
            indexes: Vec::new(),
            projections: Vec::new(),
            keep: None,
            settings: Vec::new(),
        }
    }

    /// The statement that creates it in `database` where it is not there yet.
    ///
    /// `CREATE TABLE IF NOT EXISTS DATABASE.NAME (…)`, in the parentheses the columns (`NAME TYPE`, and `CODEC(…)` where one is given),
    /// then the indexes (`INDEX NAME (COLUMN, …) TYPE minmax GRANULARITY 1`), then the projections
    /// (`PROJECTION NAME (SELECT * ORDER BY COLUMN, …)`). Behind them, in the order that the server asks for: `ENGINE = …`
    /// (`MergeTree`, `ReplacingMergeTree(VERSION)`, `AggregatingMergeTree`), `PARTITION BY`, `ORDER BY (…)`, `TTL`, `SETTINGS NAME = VALUE, …`;
    /// what the table has not is left out.
    ///
    /// Where rows go by the column that the table is divided by, `ttl_only_drop_parts = 1` stands among the settings: whole parts go,
    /// for nothing, and no part is rewritten to take some of its rows out.
    ///
    /// # Errors
    /// What `check` finds. [`OlapError::Name`]: the database, the table, a column, an index or a projection has a name that would have to be
    /// quoted. [`OlapError::Column`]: what the key, an index, a projection, the partition, the version or the TTL is made of is no column
    /// of the table. Types and codecs are the program's own and are not looked at.
    pub fn statement(&self, database: &str) -> Result<String, OlapError> {
        // TASK 2: check the names, then write the clauses in their order
        self.check(database)?;
        let columns = self.columns.iter().map(|(name, kind, codec)| match codec {
            Some(codec) => format!("{name} {kind} CODEC({codec})"),
            None => format!("{name} {kind}"),
        });
        let body: Vec<String> = columns.chain(self.beside()).collect();
        let mut clauses = vec![
            format!(
                "CREATE TABLE IF NOT EXISTS {database}.{} (\n    {}\n)",
                self.name,
                body.join(",\n    ")
            ),
            format!("ENGINE = {}", self.engine.clause()),
        ];
        clauses.extend(
            self.partition
                .map(|partition| format!("PARTITION BY {}", partition.expression())),
        );
        clauses.push(format!("ORDER BY ({})", self.key.join(", ")));
        clauses.extend(self.keep.map(|keep| format!("TTL {}", keep.expression())));
        let mut settings: Vec<String> = self
            .settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if self
            .keep
            .is_some_and(|keep| self.partition.is_some_and(|by| by.column() == keep.column))
        {
            settings.push("ttl_only_drop_parts = 1".into());
        }
        if !settings.is_empty() {
            clauses.push(format!("SETTINGS {}", settings.join(", ")));
        }
        Ok(clauses.join("\n"))
        // END TASK 2
    }

    /// Skip indexes and projections, as they stand behind the columns.
    fn beside(&self) -> impl Iterator<Item = String> {
        let indexes = self.indexes.iter().map(|index| {
            let columns = index.columns.join(", ");
            format!("INDEX {} ({columns}) TYPE minmax GRANULARITY 1", index.name)
        });
        let projections = self.projections.iter().map(|projection| {
            let key = projection.key.join(", ");
            format!("PROJECTION {} (SELECT * ORDER BY {key})", projection.name)
        });
        indexes.chain(projections)
    }

    /// The statement that changes how long an existing table keeps its rows.
    ///
    /// # Errors
    /// As [`Table::statement`].
    pub fn keep_statement(&self, database: &str) -> Result<String, OlapError> {
        self.check(database)?;
        let table = format!("ALTER TABLE {database}.{}", self.name);
        Ok(match self.keep {
            Some(keep) => format!("{table} MODIFY TTL {}", keep.expression()),
            None => format!("{table} REMOVE TTL"),
        })
    }

    /// Whether every name can stand in a statement, and every column that something is made of is there.
    fn check(&self, database: &str) -> Result<(), OlapError> {
        identifier(database, "database")?;
        identifier(self.name, "table")?;
        for (name, _, _) in &self.columns {
            identifier(name, "column")?;
        }
        for name in self.indexes.iter().map(|index| index.name) {
            identifier(name, "skip index")?;
        }
        for name in self.projections.iter().map(|projection| projection.name) {
            identifier(name, "projection")?;
        }
        let indexed = self.indexes.iter().flat_map(|index| &index.columns);
        let projected = self.projections.iter().flat_map(|projection| &projection.key);
        let version = match &self.engine {
            Engine::Replacing(version) => Some(version),
            Engine::Merge | Engine::Aggregating => None,
        };
        let divided = self.partition.map(Partition::column);
        let kept = self.keep.map(|keep| keep.column);
        let used = self.key.iter().chain(indexed).chain(projected).chain(version);
        for column in used.copied().chain(divided).chain(kept) {
            if !self.has(column) {
                return Err(OlapError::Column {
                    table: self.name.into(),
                    column: column.into(),
                });
            }
        }
        Ok(())
    }

    /// Whether it has such a column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _, _)| *name == column)
    }
}
