//! What a query will read, by the server's plan.

use serde::Deserialize;

use crate::OlapError;

/// One index, in the order in which the server asks them: what it was given, and what it left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexUse {
    /// `MinMax` and `Partition` of the table's partitions, `PrimaryKey` of its order key, `Skip` of a skip index.
    pub kind: String,
    /// A skip index's name.
    pub name: Option<String>,
    /// The columns of it that the query gives a condition for; empty where it had to pass everything on.
    pub keys: Vec<String>,
    /// Parts left, and parts given.
    pub parts: (u64, u64),
    /// Granules left, and granules given: 8,192 rows each.
    pub granules: (u64, u64),
}

/// One table (or one of its projections) that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRead {
    /// `DATABASE.TABLE`, or the projection's name.
    pub of: String,
    /// What its indexes leave, in order; none where it has none to ask.
    pub indexes: Vec<IndexUse>,
}

/// What a query will read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// Every table, as often as it is read.
    pub reads: Vec<TableRead>,
}

#[derive(Deserialize)]
struct Root {
    #[serde(rename = "Plan")]
    plan: Node,
}

/// A step of the plan, and the steps that feed it.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "Node Type")]
    kind: String,
    #[serde(rename = "Description", default)]
    description: String,
    #[serde(rename = "Indexes", default)]
    indexes: Vec<Index>,
    #[serde(rename = "Plans", default)]
    plans: Vec<Node>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    #[serde(rename = "Type")]
    kind: String,
    name: Option<String>,
    #[serde(default)]
    keys: Vec<String>,
    #[serde(rename = "Initial Parts")]
    initial_parts: u64,
    #[serde(rename = "Selected Parts")]
    selected_parts: u64,
    #[serde(rename = "Initial Granules")]
    initial_granules: u64,
    #[serde(rename = "Selected Granules")]
    selected_granules: u64,
}

impl From<Index> for IndexUse {
    fn from(index: Index) -> Self {
        Self {
            kind: index.kind,
            name: index.name,
            keys: index.keys,
            parts: (index.selected_parts, index.initial_parts),
            granules: (index.selected_granules, index.initial_granules),
        }
    }
}

impl Plan {
    /// From what `EXPLAIN json = 1, indexes = 1` answers: a list with one plan, a tree of steps of which each lists those
    /// that feed it. A table is read by a step of the type `ReadFromMergeTree`, whose description says which; such steps stand at the
    /// ends of the tree, several where a query joins or unites, and are given in the order of the text. A query without any
    /// (a plain `count()` is answered from the parts' own counts) reads no table.
    ///
    /// # Errors
    /// [`OlapError::Plan`]: it is no such text, or the list has not one plan.
    pub fn parse(json: &str) -> Result<Self, OlapError> {
        todo!("task 5: walk the tree to the tables that are read")
    }

    /// Granules that will be read, and granules that there are, over all tables: of each table what its last index leaves, of what its
    /// first was given.
    #[must_use]
    pub fn granules(&self) -> (u64, u64) {
        todo!("task 5: the last of each table, of the first")
    }

    /// The use of a skip index, wherever it is used.
    #[must_use]
    pub fn skip(&self, name: &str) -> Option<&IndexUse> {
        let mut all = self.reads.iter().flat_map(|read| &read.indexes);
        all.find(|index| index.name.as_deref() == Some(name))
    }
}
