//! The tables: schemas, order keys, views, and the queries that a dashboard asks.
