//! The servers a lab talks to, Kafka and ClickHouse, and how to hurt them.
