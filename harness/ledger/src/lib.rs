//! The auditor: what became of every trade, from the exchange's journal through the topic to the tables.
