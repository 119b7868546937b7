//! Servers that turn out to be containers of the Compose project on this machine: found by the labels that Compose sets.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::ContainerInspectResponse;
use testcontainers::bollard::query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder};

use super::Broker;
use crate::engine::container::{Container, Link};
use crate::engine::{LIMIT, ask, docker};
use crate::error::StackError;
use crate::ready::{self, Probe};
use crate::server::{Control, Server};
use crate::settings::kafka::{Listener, Role};

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const NETWORK: &str = "com.docker.compose.network";
/// The network of docker-compose.yml by which brokers reach each other.
const CLUSTER: &str = "cluster";

/// The servers of the project that are the ones we were told of.
#[derive(Debug, Default)]
pub(super) struct Project {
    brokers: HashMap<i32, Server>,
    pub(super) controller: Option<Server>,
    pub(super) clickhouse: Option<Server>,
    pub(super) bootstrap_for_servers: Option<String>,
    pub(super) kafka_version: Option<String>,
    /// All of them.
    pub(super) containers: Vec<Arc<Container>>,
    /// Why it was not looked for, if so.
    pub(super) unseen: Option<String>,
}

impl Project {
    pub(super) fn broker(&self, id: i32) -> Option<Server> {
        self.brokers.get(&id).cloned()
    }

    /// No engine says what there is.
    pub(super) fn unseen(why: impl ToString) -> Self {
        Self {
            unseen: Some(why.to_string()),
            ..Self::default()
        }
    }

    /// Looks for them. `run` is where their logs are copied to, `topic` what a broker that was started again is tried with.
    ///
    /// # Errors
    /// The engine does not say what there is.
    pub(super) fn find(run: &Path, brokers: &[Broker], clickhouse: &str, topic: &str) -> Result<Self, StackError> {
        let name = std::env::var("TICKBOOK_COMPOSE_PROJECT")
            .ok()
            .filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "tickbook".into());
        let docker = docker()?;
        let asking = docker.clone();
        let (found, cluster) = ask("looking for the Compose project", LIMIT, async move {
            look(&asking, &name).await
        })?;
        let mut project = Self::default();
        let (mut for_servers, mut containers) = (Vec::new(), Vec::new());
        let mut of = |service: &Service, probe: Probe, link| -> Result<Server, StackError> {
            let log = run.join(&service.name).join("server.log");
            let folder = log.parent().unwrap_or(run);
            std::fs::create_dir_all(folder).map_err(StackError::io("creating", folder))?;
            // From now on: of its life before, nobody asked.
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            let since = i32::try_from(now).unwrap_or(0);
            let container = Container::new(&service.name, &service.id, docker.clone(), log.clone(), probe, since);
            let container = container.linked(link);
            container.follow()?;
            let container = Arc::new(container);
            containers.push(Arc::clone(&container));
            Ok(Server::new(&service.name, log, container as Arc<dyn Control>))
        };
        for service in &found {
            let log = run.join(&service.name).join("server.log");
            let id = service.variable("KAFKA_NODE_ID").and_then(|id| id.parse::<i32>().ok());
            let broker = brokers
                .iter()
                .find(|broker| Some(broker.id) == id && service.publishes(broker.port));
            if let Some(broker) = broker {
                let address = format!("{}:{}", broker.host, broker.port);
                let probe = ready::kafka_probe(log, Role::Broker, address, brokers.len().min(3), topic);
                let link = cluster.as_ref().map(|network| Link {
                    network: network.clone(),
                    aliases: service.aliases(network, broker.id),
                });
                project.brokers.insert(broker.id, of(service, probe, link)?);
                for_servers.extend(
                    service
                        .advertised(Listener::SERVERS)
                        .map(|address| (broker.id, address)),
                );
                project.kafka_version = service.tag();
            } else if service.variable("KAFKA_PROCESS_ROLES") == Some("controller") {
                let probe = ready::kafka_probe(log, Role::Controller, String::new(), brokers.len(), topic);
                project.controller = Some(of(service, probe, None)?);
            } else if port_of(clickhouse).is_some_and(|port| service.publishes(port)) {
                let url = clickhouse.to_owned();
                let probe = Box::new(move |_| ready::clickhouse(&url, None).map(|()| true));
                project.clickhouse = Some(of(service, probe, None)?);
            }
        }
        // A controller of a cluster that is not the one we were told of is nobody's business.
        if project.brokers.is_empty() {
            project.controller = None;
        }
        project.containers = containers;
        for_servers.sort();
        if for_servers.len() == brokers.len() && project.clickhouse.is_some() {
            let addresses: Vec<_> = for_servers.into_iter().map(|(_, address)| address).collect();
            project.bootstrap_for_servers = Some(addresses.join(","));
        }
        Ok(project)
    }
}

/// The port of `http://HOST:PORT`.
fn port_of(url: &str) -> Option<u16> {
    url.trim_end_matches('/').rsplit_once(':')?.1.parse().ok()
}

/// One container of the project.
struct Service {
    name: String,
    id: String,
    found: ContainerInspectResponse,
}

impl Service {
    fn variable(&self, name: &str) -> Option<&str> {
        let all = self.found.config.as_ref()?.env.as_ref()?;
        all.iter()
            .filter_map(|variable| variable.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Whether one of its ports is this one on this machine.
    fn publishes(&self, port: u16) -> bool {
        let bindings = self
            .found
            .host_config
            .as_ref()
            .and_then(|host| host.port_bindings.as_ref());
        let mut ports = bindings
            .into_iter()
            .flatten()
            .flat_map(|(_, bound)| bound.iter().flatten());
        ports.any(|bound| bound.host_port.as_deref() == Some(&port.to_string()))
    }

    /// What one of its listeners tells clients.
    fn advertised(&self, listener: &str) -> Option<String> {
        let all = self.variable("KAFKA_ADVERTISED_LISTENERS")?;
        let prefix = format!("{listener}://");
        all.split(',')
            .find_map(|each| each.strip_prefix(&prefix))
            .map(str::to_owned)
    }

    /// What the others call it on their network; one that is cut off is known there by the name that the file gives it.
    fn aliases(&self, network: &str, id: i32) -> Vec<String> {
        let networks = self
            .found
            .network_settings
            .as_ref()
            .and_then(|settings| settings.networks.as_ref());
        let known = networks.and_then(|networks| networks.get(network)?.aliases.clone());
        let mut aliases = known.unwrap_or_default();
        // The engine adds the container's own short id by itself.
        aliases.retain(|alias| !self.id.starts_with(alias.as_str()));
        if aliases.is_empty() {
            aliases.push(format!("broker-{id}"));
        }
        aliases
    }

    /// The tag of its image.
    fn tag(&self) -> Option<String> {
        let image = self.found.config.as_ref()?.image.as_ref()?;
        image.rsplit_once(':').map(|(_, tag)| tag.to_owned())
    }
}

/// The containers of the project, and its network of brokers.
async fn look(docker: &Docker, project: &str) -> Result<(Vec<Service>, Option<String>), Error> {
    let filters = HashMap::from([("label", vec![format!("{PROJECT}={project}")])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let mut services = Vec::new();
    for container in docker.list_containers(Some(options)).await? {
        let name = container.labels.and_then(|mut labels| labels.remove(SERVICE));
        if let (Some(name), Some(id)) = (name, container.id) {
            let found = docker.inspect_container(&id, None).await?;
            services.push(Service { name, id, found });
        }
    }
    let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let networks = docker.list_networks(Some(options)).await?;
    let is_cluster = |labels: &HashMap<String, String>| labels.get(NETWORK).is_some_and(|name| name == CLUSTER);
    let cluster = networks
        .into_iter()
        .find(|network| network.labels.as_ref().is_some_and(is_cluster))
        .and_then(|network| network.name);
    Ok((services, cluster))
}

#[cfg(test)]
mod tests {
    use super::port_of;

    #[test]
    fn the_port_of_a_url_is_what_follows_its_last_colon() {
        assert_eq!(port_of("http://127.0.0.1:18123/"), Some(18123));
        assert_eq!(port_of("http://clickhouse"), None);
    }
}
