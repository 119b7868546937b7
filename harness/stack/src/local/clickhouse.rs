//! A ClickHouse server as a child process: its configuration, and how it is started.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::ports::{ATTEMPTS, Offer};
use super::process::Plan;
use super::server::{LocalServer, Start};
use crate::error::StackError;
use crate::provision::Pieces;
use crate::ready;
use crate::spec::Sizing;

const NAME: &str = "clickhouse";

/// A running server and its place.
pub(crate) struct Running {
    pub(crate) url: String,
    /// As the server itself says it: the archive's name has no patch number.
    pub(crate) version: String,
    pub(crate) server: Arc<LocalServer>,
}

/// Starts a server below `run`, with other ports if those offered are taken.
pub(crate) fn start(pieces: &Pieces, run: &Path, sizing: Sizing, ports: &mut dyn Offer) -> Result<Running, StackError> {
    let folder = run.join(NAME);
    // A process of an earlier run may answer on the same port: the server is told its name, and is asked for it.
    let display_name = crate::unique("tickbook");
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (http, tcp) = (ports.port(), ports.port());
        lay_out(&folder, http, tcp, &display_name, sizing)?;
        let url = format!("http://127.0.0.1:{http}");
        let plan = process(pieces, run, &folder);
        let probe = {
            let (url, display_name) = (url.clone(), display_name.clone());
            move |_| ready::clickhouse(&url, &display_name).map(|()| true)
        };
        let server = Arc::new(LocalServer::new(plan, Box::new(probe), None));
        match server.start()? {
            Start::Ready => {
                let version = ready::clickhouse_version(&url)?;
                return Ok(Running { url, version, server });
            }
            Start::PortTaken if attempts < ATTEMPTS => {}
            Start::PortTaken => {
                let log = server.process().plan().log();
                return Err(StackError::PortsTaken {
                    server: NAME.into(),
                    ports: format!("{http}, {tcp}"),
                    attempts,
                    log,
                });
            }
        }
    }
}

fn process(pieces: &Pieces, run: &Path, folder: &Path) -> Plan {
    let mut config = std::ffi::OsString::from("--config-file=");
    config.push(folder.join("config.xml"));
    Plan {
        name: NAME.into(),
        launcher: pieces.launcher.clone(),
        run: run.to_path_buf(),
        folder: folder.to_path_buf(),
        program: pieces.launcher.clone(),
        arguments: vec!["clickhouse".into(), pieces.engine.clone().into(), config],
        // Its watchdog would fork: the id that we signal must be the server's own.
        environment: vec![("CLICKHOUSE_WATCHDOG_ENABLE", "0".into())],
    }
}

fn lay_out(folder: &Path, http: u16, tcp: u16, display_name: &str, sizing: Sizing) -> Result<(), StackError> {
    let schemas = folder.join("schemas");
    for folder in [&schemas, &folder.join("data")] {
        fs::create_dir_all(folder).map_err(StackError::io("creating", folder))?;
    }
    let write = |path: &Path, text: &str| fs::write(path, text).map_err(StackError::io("writing", path));
    // What the Kafka table engine needs to read the Protobuf topic: kafka_schema = 'trade.proto:Trade'.
    write(&schemas.join("trade.proto"), market::record::PROTO_SCHEMA)?;
    write(&folder.join("users.xml"), USERS)?;
    write(
        &folder.join("config.xml"),
        &config(folder, http, tcp, display_name, sizing),
    )
}

/// The default user has no password: nobody but this machine may be it.
const USERS: &str = "<clickhouse>
  <profiles>
    <default>
      <!-- an insert is acknowledged when its part is written, not when it is queued -->
      <async_insert>0</async_insert>
    </default>
  </profiles>
  <users>
    <default>
      <password/>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <access_management>1</access_management>
    </default>
  </users>
  <quotas><default/></quotas>
</clickhouse>
";

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

fn config(folder: &Path, http: u16, tcp: u16, display_name: &str, sizing: Sizing) -> String {
    let (merges, marks_mb) = match sizing {
        Sizing::Tests => (4, 64),
        Sizing::Throughput => (8, 256),
    };
    let base = folder.display();
    let memory = memory_mb(sizing) * 1024 * 1024;
    let marks = marks_mb * 1024 * 1024;
    // The pools are given: left out, this build's are tiny, and one of them is zero. The two merge_tree settings must
    // stay below twice the pool, or no table can be made. A log table exists only where it has a section.
    let system_log = |name: &str| {
        format!(
            "  <{name}>
    <database>system</database>
    <table>{name}</table>
    <flush_interval_milliseconds>500</flush_interval_milliseconds>
  </{name}>
"
        )
    };
    format!(
        "<clickhouse>
  <display_name>{display_name}</display_name>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http}</http_port>
  <tcp_port>{tcp}</tcp_port>
  <path>{base}/data/</path>
  <tmp_path>{base}/data/tmp/</tmp_path>
  <user_files_path>{base}/data/user_files/</user_files_path>
  <format_schema_path>{base}/schemas/</format_schema_path>
  <user_directories>
    <users_xml><path>{base}/users.xml</path></users_xml>
    <local_directory><path>{base}/data/access/</path></local_directory>
  </user_directories>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>{merges}</background_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <background_message_broker_schedule_pool_size>8</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>4</background_distributed_schedule_pool_size>
  <background_fetches_pool_size>4</background_fetches_pool_size>
  <background_common_pool_size>4</background_common_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>4</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>4</number_of_free_entries_in_pool_to_execute_mutation>
  </merge_tree>
{}{}</clickhouse>
",
        system_log("query_log"),
        system_log("part_log"),
    )
}
