//! The settings of ClickHouse that every provider gives it, as files for its `config.d`, and the schemas it reads topics by.

use std::fs;
use std::path::Path;

use crate::error::StackError;
use crate::spec::Sizing;

/// What is the same for every run; docker-compose.yml mounts the very file.
const FIXED: &str = include_str!("../../images/clickhouse/tickbook.xml");

/// Writes `config.d` and `schemas` into a folder, for a server to read there or for a container to be given.
pub(crate) fn lay_out(folder: &Path, display_name: &str, sizing: Sizing) -> Result<(), StackError> {
    let (config, schemas) = (folder.join("config.d"), folder.join("schemas"));
    for made in [&config, &schemas] {
        fs::create_dir_all(made).map_err(StackError::io("creating", made))?;
    }
    write(&config.join("tickbook.xml"), FIXED)?;
    // Files are read in the order of their names, and the last one is right.
    write(&config.join("tickbook-run.xml"), &of_run(display_name, sizing))?;
    // What the Kafka table engine needs to read the Protobuf topic: kafka_schema = 'trade.proto:Trade'.
    write(&schemas.join("trade.proto"), market::record::PROTO_SCHEMA)
}

/// What a container is given of that, and more that only a container needs; as the images lay it out.
pub(crate) const IN_CONTAINER: [&str; 5] = [
    "config.d/tickbook.xml",
    "config.d/tickbook-run.xml",
    "config.d/tickbook-schemas.xml",
    "users.d/tickbook.xml",
    "schemas/trade.proto",
];

/// Writes the rest of it, into the same folder.
pub(crate) fn lay_out_for_container(folder: &Path) -> Result<(), StackError> {
    let users = folder.join("users.d");
    fs::create_dir_all(&users).map_err(StackError::io("creating", &users))?;
    write(
        &folder.join("config.d/tickbook-schemas.xml"),
        include_str!("../../images/clickhouse/tickbook-schemas.xml"),
    )?;
    write(
        &users.join("tickbook.xml"),
        include_str!("../../images/clickhouse/tickbook-users.xml"),
    )
}

pub(crate) fn write(path: &Path, text: &str) -> Result<(), StackError> {
    fs::write(path, text).map_err(StackError::io("writing", path))
}

/// What changes from run to run.
fn of_run(display_name: &str, sizing: Sizing) -> String {
    let (merges, marks_mb) = match sizing {
        Sizing::Tests => (4, 64),
        Sizing::Throughput => (8, 256),
    };
    let memory = memory_mb(sizing) * 1024 * 1024;
    let marks = marks_mb * 1024 * 1024;
    format!(
        "<clickhouse>
  <display_name>{display_name}</display_name>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <background_pool_size>{merges}</background_pool_size>
</clickhouse>
"
    )
}

/// Megabytes that the server may use.
fn memory_mb(sizing: Sizing) -> u64 {
    let wanted = match sizing {
        Sizing::Tests => 2_048,
        Sizing::Throughput => 6_144,
    };
    // At most a third of the machine: Kafka, the pipeline and a person's editor live here too.
    let machine = crate::provision::memory_mb().unwrap_or(u64::MAX);
    wanted.min(machine / 3).max(768)
}
