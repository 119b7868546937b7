//! An order key out of the queries that it is to serve.
//!
//! A MergeTree keeps its rows in the order of its key, and of every 8,192 rows one entry in memory. A query skips what lies outside
//! the stretches of that order which it asks for, so what it reads follows from the key alone: before any row is there.

use crate::OlapError;

/// The most columns that queries may compare: keys are tried in every order.
pub const COLUMNS: usize = 6;

/// A query, as far as a key can serve it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Access {
    /// What it is called, for whoever reads the list.
    pub name: &'static str,
    /// The columns that it compares with one value each.
    pub equal: &'static [&'static str],
    /// The column of which it asks for a stretch, and the share of all values that lies in it, above 0 and at most 1.
    pub range: Option<(&'static str, f64)>,
    /// How often it is asked, in any unit that is the same for all.
    pub weight: f64,
}

/// A column, and how many values it has.
pub type Distinct = (&'static str, u64);

/// The share of a table's rows that a query reads where the rows stand in the order of `key`, between 0 and 1.
///
/// The key is followed from its front. A column that the query compares with one value leaves one of its values
/// (a share of 1 / distinct), and within that one value the next column is in order, so it goes on. A column of which it asks for a
/// stretch leaves that share, and ends the matter: beyond the first value of a stretch the next column begins anew. So
/// does a column that the query does not name. What stands behind is not looked at. Values are taken to be equally frequent.
///
/// A column that `distinct` does not name counts as having one value.
#[must_use]
pub fn share_read(key: &[&str], access: &Access, distinct: &[Distinct]) -> f64 {
    // TASK 1: follow the key from its front, and say what share is left to read
    let mut share = 1.0;
    for column in key {
        if access.equal.contains(column) {
            share /= values(column, distinct) as f64;
            continue;
        }
        if let Some((ranged, stretch)) = access.range
            && ranged == *column
        {
            share *= stretch;
        }
        break;
    }
    share
    // END TASK 1
}

/// The order key for some queries.
///
/// It is the order of the columns that the queries name (in `equal` or in `range`) under which they read the least together:
/// the least sum of weight × [`share_read`]. All orders are tried, because the best first column need not begin the best key. Of orders
/// that read the same ([`same`]) it is the one whose first column has fewer values, then its second, and so on: fewer values make longer
/// runs, which compress better and let what stands behind be searched. Of that order only as many columns are kept, from the
/// front, as it takes to read no more than the whole does. Then come the columns of `identity` that are not there yet, in their order:
/// they make the order of two rows total.
///
/// # Errors
/// [`OlapError::Key`]: no query names a column and there is no identity, so that there is nothing to order by; or more than
/// [`COLUMNS`] columns. Columns that spare nothing, without an identity, are an empty key and no error: any order is as good.
pub fn order_key(
    accesses: &[Access],
    distinct: &[Distinct],
    identity: &[&'static str],
) -> Result<Vec<&'static str>, OlapError> {
    // TASK 1: try all orders of the columns, keep the best one's front, add the identity
    let named = columns(accesses);
    if named.len() > COLUMNS || named.len() + identity.len() == 0 {
        return Err(OlapError::Key(named.len()));
    }
    let read = |key: &[&str]| sum_read(key, accesses, distinct);
    let counts = |key: &[&str]| -> Vec<u64> { key.iter().map(|column| values(column, distinct)).collect() };
    let mut key = Vec::new();
    for order in orders(&named) {
        let (new, best) = (read(&order), read(&key));
        let ahead = if same(new, best) {
            counts(&order) < counts(&key)
        } else {
            new < best
        };
        if key.is_empty() || ahead {
            key = order;
        }
    }
    let least = read(&key);
    while !key.is_empty() && same(read(&key[..key.len() - 1]), least) {
        key.pop();
    }
    let missing: Vec<&str> = identity
        .iter()
        .copied()
        .filter(|column| !key.contains(column))
        .collect();
    key.extend(missing);
    Ok(key)
    // END TASK 1
}

/// What queries read together: the sum of weight × [`share_read`].
fn sum_read(key: &[&str], accesses: &[Access], distinct: &[Distinct]) -> f64 {
    let of = |access: &Access| access.weight * share_read(key, access, distinct);
    accesses.iter().map(of).sum()
}

/// Whether two sums of shares are the same but for rounding.
#[must_use]
pub fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

fn values(column: &str, distinct: &[Distinct]) -> u64 {
    let found = distinct.iter().find(|(name, _)| *name == column);
    found.map_or(1, |(_, values)| (*values).max(1))
}

/// The columns that queries name, each once, as they come.
fn columns(accesses: &[Access]) -> Vec<&'static str> {
    let mut columns: Vec<&'static str> = Vec::new();
    for access in accesses {
        for column in access
            .equal
            .iter()
            .copied()
            .chain(access.range.map(|(column, _)| column))
        {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    columns
}

/// All orders of some columns: of none there is one, the empty one.
fn orders(columns: &[&'static str]) -> Vec<Vec<&'static str>> {
    if columns.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, first) in columns.iter().enumerate() {
        let rest: Vec<&'static str> = [&columns[..at], &columns[at + 1..]].concat();
        for mut order in orders(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}
