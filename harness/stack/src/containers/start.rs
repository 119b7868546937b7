//! How a container is started, whatever is in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::HostConfigLogConfig;
use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use crate::engine::container::{Container, Link, connect, speaks_of_taken_port};
use crate::engine::{LIMIT, ask, docker, sweep};
use crate::error::StackError;
use crate::ready::Probe;

/// A start takes seconds; one that takes longer than this is tried once more.
const FIRST_LIMIT: Duration = Duration::from_secs(30);

/// What to start.
#[derive(Clone)]
pub(super) struct Wanted<'a> {
    /// Of the server.
    pub(super) name: &'a str,
    /// Of the container: its name on the networks, too.
    pub(super) container: String,
    pub(super) image: &'a str,
    pub(super) run: &'a Path,
    /// The network that it is started on.
    pub(super) network: &'a str,
    /// The network that it is joined to at once, and can be cut off from.
    pub(super) link: Option<Link>,
    pub(super) variables: Vec<(String, String)>,
    /// On this machine, and in the container.
    pub(super) port: Option<(u16, u16)>,
    /// Where in the container which file is wanted.
    pub(super) files: Vec<(String, PathBuf)>,
    /// The folder of its data in the container.
    pub(super) data: &'static str,
    pub(super) log: PathBuf,
}

/// Starts it and waits until it is ready; `None` when its port is taken.
pub(super) fn start(wanted: Wanted<'_>, probe: Probe) -> Result<Option<Container>, StackError> {
    let docker = docker()?;
    let (name, log, link) = (wanted.name.to_owned(), wanted.log.clone(), wanted.link.clone());
    let container = match launch(&docker, &wanted, FIRST_LIMIT) {
        // On a machine where containers leave the engine itself no processor, a start may stand still.
        Err(StackError::Late { what, .. }) => {
            tracing::warn!("{what} is not answered by the container engine: once more");
            remove(&docker, &wanted.container)?;
            launch(&docker, &wanted, LIMIT)
        }
        done => done,
    };
    let container = match container {
        Ok(container) => container,
        Err(error) if speaks_of_taken_port(&error.to_string()) => {
            // It was made and could not be started; nobody else knows of it.
            remove(&docker, &wanted.container)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let id = container.id().to_owned();
    let container = Container::new(&name, &id, docker, log, probe, 0)
        .linked(link)
        .owned(container);
    container.follow()?;
    container.wait(0)?;
    Ok(Some(container))
}

fn launch(docker: &Docker, wanted: &Wanted<'_>, limit: Duration) -> Result<ContainerAsync<GenericImage>, StackError> {
    let (request, docker, link) = (request(wanted.clone()), docker.clone(), wanted.link.clone());
    ask(format!("starting {}", wanted.name), limit, async move {
        let container = request.start().await.map_err(|error| error.to_string())?;
        // At once: the JVM takes longer to come to the point where it looks for the others.
        if let Some(link) = link {
            let joined = connect(&docker, container.id(), link).await;
            joined.map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(container)
    })
}

fn remove(docker: &Docker, container: &str) -> Result<(), StackError> {
    let (docker, container) = (docker.clone(), container.to_owned());
    ask("removing a container", LIMIT, async move {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        match docker.remove_container(&container, Some(options)).await {
            // It never came to be.
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            done => done,
        }
    })
}

fn request(wanted: Wanted<'_>) -> ContainerRequest<GenericImage> {
    let (image, tag) = wanted.image.rsplit_once(':').unwrap_or((wanted.image, "latest"));
    let mut request = GenericImage::new(image, tag)
        .with_container_name(&wanted.container)
        .with_network(wanted.network)
        .with_labels(sweep::labels(wanted.run))
        .with_label(sweep::SERVER, wanted.name)
        .with_label(sweep::DATA, wanted.data)
        .with_startup_timeout(LIMIT)
        .with_host_config_modifier(|host| {
            // On loopback only: nobody but this machine may reach servers without a password.
            for bindings in host.port_bindings.iter_mut().flat_map(|bindings| bindings.values_mut()) {
                for binding in bindings.iter_mut().flatten() {
                    binding.host_ip = Some("127.0.0.1".into());
                }
            }
            host.publish_all_ports = Some(false);
            // The one kind of log that can be read from its beginning, whatever the engine's own default.
            host.log_config = Some(HostConfigLogConfig {
                typ: Some("json-file".into()),
                config: None,
            });
        });
    for (name, value) in wanted.variables {
        request = request.with_env_var(name, value);
    }
    if let Some((outside, inside)) = wanted.port {
        request = request.with_mapped_port(outside, inside.tcp());
    }
    for (target, file) in wanted.files {
        request = request.with_copy_to(target, file);
    }
    request
}
