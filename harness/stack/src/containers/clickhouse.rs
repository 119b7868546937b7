//! ClickHouse in a container: its configuration, and how it is started.

use std::path::Path;
use std::sync::Arc;

use super::Networks;
use super::start::{Wanted, start as start_container};
use crate::engine::container::Container;
use crate::error::StackError;
use crate::ports::{ATTEMPTS, Offer, Random};
use crate::ready;
use crate::settings::clickhouse as settings;
use crate::spec::Sizing;

const NAME: &str = "clickhouse";
const HTTP_PORT: u16 = 8123;
/// In both images a volume.
const DATA: &str = "/var/lib/clickhouse";
/// In both images.
const CONFIG: &str = "/etc/clickhouse-server";

/// A running server and its place.
pub(super) struct Running {
    pub(super) url: String,
    /// As the server itself says it: the image's tag has no patch number.
    pub(super) version: String,
    pub(super) server: Arc<Container>,
}

/// Starts a server, with another port if the first is taken.
pub(super) fn start(image: &str, run: &Path, networks: &Networks, sizing: Sizing) -> Result<Running, StackError> {
    let folder = run.join(NAME);
    let log = folder.join("server.log");
    // Another server may answer on the same port: this one is told its name, and is asked for it.
    let display_name = crate::unique("tickbook");
    settings::lay_out(&folder, &display_name, sizing)?;
    settings::lay_out_for_container(&folder)?;
    let files = settings::IN_CONTAINER
        .map(|file| (format!("{CONFIG}/{file}"), folder.join(file)))
        .to_vec();
    let (mut attempts, mut port) = (0, 0);
    while attempts < ATTEMPTS {
        attempts += 1;
        port = Random.port();
        let url = format!("http://127.0.0.1:{port}");
        let wanted = Wanted {
            name: NAME,
            container: format!("{}-{NAME}", networks.client.trim_end_matches("-client")),
            image,
            run,
            network: &networks.client,
            link: None,
            // Who may be which user is said in users.d.
            variables: vec![("CLICKHOUSE_SKIP_USER_SETUP".into(), "1".into())],
            port: Some((port, HTTP_PORT)),
            files: files.clone(),
            data: DATA,
            log: log.clone(),
        };
        let probe = {
            let (url, display_name) = (url.clone(), display_name.clone());
            move |_| ready::clickhouse(&url, Some(&display_name)).map(|()| true)
        };
        if let Some(server) = start_container(wanted, Box::new(probe))? {
            let version = ready::clickhouse_version(&url)?;
            let server = Arc::new(server);
            return Ok(Running { url, version, server });
        }
    }
    Err(StackError::PortsTaken {
        server: NAME.into(),
        ports: port.to_string(),
        attempts,
        log,
    })
}
