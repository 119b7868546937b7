//! The network by which a broker in a container reaches the others.

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::models::{EndpointSettings, NetworkConnectRequest};

/// The network between a broker and the others, from which it can be cut off.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) network: String,
    /// What the others call it there, and nowhere else.
    pub(crate) aliases: Vec<String>,
}

/// Joins a container to a network under its aliases there; one that is joined stays so.
pub(crate) async fn connect(docker: &Docker, id: &str, link: Link) -> Result<(), Error> {
    let request = NetworkConnectRequest {
        container: id.to_owned(),
        endpoint_config: Some(EndpointSettings {
            aliases: Some(link.aliases),
            ..EndpointSettings::default()
        }),
    };
    match docker.connect_network(&link.network, request).await {
        Err(Error::DockerResponseServerError { message, .. }) if message.contains("already exists in network") => {
            Ok(())
        }
        done => done,
    }
}
