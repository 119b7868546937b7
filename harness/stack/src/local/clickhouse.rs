//! A ClickHouse server as a child process: its configuration, and how it is started.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::process::Plan;
use super::server::{LocalServer, Start};
use crate::error::StackError;
use crate::ports::{ATTEMPTS, Offer};
use crate::provision::Pieces;
use crate::ready;
use crate::settings::clickhouse as settings;
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
    start_as(NAME, &|_| None, pieces, run, sizing, ports)
}

/// The same under another name, with a file more for its `config.d`, which is asked for anew with each port that it may need.
pub(super) fn start_as(
    name: &str,
    more: &dyn Fn(u16) -> Option<String>,
    pieces: &Pieces,
    run: &Path,
    sizing: Sizing,
    ports: &mut dyn Offer,
) -> Result<Running, StackError> {
    let folder = run.join(name);
    // A process of an earlier run may answer on the same port: the server is told its name, and is asked for it.
    let display_name = crate::unique("tickbook");
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (http, tcp) = (ports.port(), ports.port());
        lay_out(&folder, http, tcp, &display_name, sizing)?;
        if let Some(more) = more(ports.port()) {
            settings::write(&folder.join("config.d/tickbook-replica.xml"), &more)?;
        }
        let url = format!("http://127.0.0.1:{http}");
        let plan = process(name, pieces, run, &folder);
        let probe = {
            let (url, display_name) = (url.clone(), display_name.clone());
            move |_| ready::clickhouse(&url, Some(&display_name)).map(|()| true)
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
                    server: name.into(),
                    ports: format!("{http}, {tcp}"),
                    attempts,
                    log,
                });
            }
        }
    }
}

fn process(name: &str, pieces: &Pieces, run: &Path, folder: &Path) -> Plan {
    let mut config = std::ffi::OsString::from("--config-file=");
    config.push(folder.join("config.xml"));
    Plan {
        name: name.into(),
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
    let data = folder.join("data");
    fs::create_dir_all(&data).map_err(StackError::io("creating", &data))?;
    settings::write(&folder.join("users.xml"), USERS)?;
    settings::write(&folder.join("config.xml"), &config(folder, http, tcp))?;
    settings::lay_out(folder, display_name, sizing)
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

fn config(folder: &Path, http: u16, tcp: u16) -> String {
    let base = folder.display();
    format!(
        "<clickhouse>
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
</clickhouse>
"
    )
}
