//! The sink: blocks into ClickHouse so that every row is there once, through any crash, freeze or takeover.
