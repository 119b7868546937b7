//! How a container is started, whatever is in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::bollard::models::{HostConfigLogConfig, SystemInfoCgroupDriverEnum};
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use crate::engine::container::{Container, Link, connect, force_away, speaks_of_taken_port};
use crate::engine::{LIMIT, ask, docker, sweep};
use crate::error::StackError;
use crate::ready::Probe;

/// A start takes seconds; one that takes longer than this is tried once more.
const FIRST_LIMIT: Duration = Duration::from_secs(30);
/// How often it is tried.
const TRIES: u32 = 3;

/// What a container weighs directly below the root, where each thread of a process weighs 1,024: a server is several of them.
/// (With control groups of version 2 the engine makes less of it, 1.5 to 3 threads.)
const WEIGHT: i64 = 4 * 1024;

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
    let mut tries = 1;
    let container = loop {
        let limit = if tries == 1 { FIRST_LIMIT } else { LIMIT };
        match launch(&docker, &wanted, limit) {
            // On a machine where containers leave the engine itself no processor, a start may stand still; and what was
            // given up may come to be after it was removed, and then has the name.
            Err(error) if tries < TRIES && is_worth_another_try(&error) => {
                tracing::warn!("once more: {error}");
                remove(&docker, &wanted.container)?;
                tries += 1;
            }
            done => break done,
        }
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

fn is_worth_another_try(error: &StackError) -> bool {
    match error {
        StackError::Late { .. } => true,
        StackError::Engine { why, .. } => why.contains("is already in use by container"),
        _ => false,
    }
}

fn launch(docker: &Docker, wanted: &Wanted<'_>, limit: Duration) -> Result<ContainerAsync<GenericImage>, StackError> {
    let (docker, link) = (docker.clone(), wanted.link.clone());
    let request = request(wanted.clone(), weighs_all_as_one(&docker))?;
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

/// Whether all containers together weigh as much as a single thread of ours, as on a machine without systemd: the engine puts
/// them into one control group, and we are in the root. Beside a build or a few tests every server of a cluster waits for
/// seconds then, and brokers are fenced. Where we have a group of our own, the two are weighed against each other, and that is fair.
fn weighs_all_as_one(docker: &Docker) -> bool {
    let ours = std::fs::read_to_string("/proc/self/cgroup").is_ok_and(|groups| in_the_root(&groups));
    let docker = docker.clone();
    // An engine that does not say is left to do as it does.
    let info = ours.then(|| {
        ask(
            "asking the engine what it is",
            LIMIT,
            async move { docker.info().await },
        )
    });
    matches!(info, Some(Ok(info)) if info.cgroup_driver == Some(SystemInfoCgroupDriverEnum::CGROUPFS))
}

/// Whether a process is in the root control group of the processor, by its `/proc/PID/cgroup` (see cgroups(7)).
fn in_the_root(groups: &str) -> bool {
    let of_the_processor = |line: &&str| {
        line.split(':')
            .nth(1)
            .is_some_and(|names| names.split(',').any(|name| name == "cpu"))
    };
    let unified = |line: &&str| line.starts_with("0::");
    let line = groups.lines().find(of_the_processor).or(groups.lines().find(unified));
    line.is_some_and(|line| line.ends_with(":/"))
}

fn remove(docker: &Docker, container: &str) -> Result<(), StackError> {
    let (docker, container) = (docker.clone(), container.to_owned());
    ask("removing a container", LIMIT, async move {
        force_away(&docker, &container).await
    })
}

/// The name of an image, and its tag: never the engine's own `latest`, which is another version every month.
fn name_and_tag(image: &str) -> Result<(&str, &str), StackError> {
    let parts = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    parts.ok_or_else(|| StackError::prepare("starting a container", format!("image {image} is named without a tag")))
}

fn request(wanted: Wanted<'_>, own_weight: bool) -> Result<ContainerRequest<GenericImage>, StackError> {
    let (image, tag) = name_and_tag(wanted.image)?;
    let mut request = GenericImage::new(image, tag)
        .with_container_name(&wanted.container)
        .with_network(wanted.network)
        .with_labels(sweep::labels(wanted.run))
        .with_label(sweep::SERVER, wanted.name)
        .with_label(sweep::DATA, wanted.data)
        .with_startup_timeout(LIMIT)
        .with_host_config_modifier(move |host| {
            if own_weight {
                host.cgroup_parent = Some("/".into());
                host.cpu_shares = Some(WEIGHT);
            }
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
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_refused_by_its_name() {
        assert_eq!(
            name_and_tag("here:5000/kafka:4.3.1").expect("a tag"),
            ("here:5000/kafka", "4.3.1")
        );
        for image in ["kafka", "here:5000/kafka"] {
            let refused = name_and_tag(image).expect_err("no tag").to_string();
            assert!(
                refused.contains(image) && refused.contains("without a tag"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_process_is_in_the_root_group_by_the_line_of_the_processor() {
        assert!(in_the_root(
            "9:name=systemd:/\n4:memory:/api/1\n1:cpu,cpuacct:/\n0::/\n"
        ));
        assert!(!in_the_root("4:memory:/\n1:cpuacct,cpu:/user.slice\n0::/\n"));
        assert!(in_the_root("0::/\n"));
        assert!(!in_the_root("0::/user.slice/user-1000.slice\n"));
        assert!(!in_the_root(""));
    }

    #[test]
    fn a_start_that_was_late_or_found_its_own_name_is_tried_again_and_a_taken_port_is_not() {
        let engine = |why: &str| StackError::Engine {
            doing: "starting kafka-1".into(),
            why: why.into(),
        };
        assert!(is_worth_another_try(&engine(
            "Conflict. The container name \"/kafka-1\" is already in use by container \"0a1b\"."
        )));
        assert!(is_worth_another_try(&StackError::Late {
            what: "starting kafka-1".into(),
            limit: FIRST_LIMIT
        }));
        assert!(!is_worth_another_try(&engine("port is already allocated")));
    }
}
