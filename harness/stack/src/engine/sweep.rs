//! Containers and networks whose owner is gone, and the keeper that does not let it come to that.
//!
//! Everything of a run is labelled with the run's folder. Its owner lives as long as it holds the lock in there, as for
//! processes: no later process can be mistaken for it.

use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};

use super::{LIMIT, ask, docker};
use crate::error::StackError;
use crate::rundir;

/// On everything of a run: its folder.
pub(crate) const RUN: &str = "tickbook.run";
/// On everything of a run: the machine that the folder is on. An engine may serve several.
pub(crate) const HOST: &str = "tickbook.host";
/// On a container: the server's name.
pub(crate) const SERVER: &str = "tickbook.server";
/// On a container: the folder of its data in there.
pub(crate) const DATA: &str = "tickbook.data";

/// Ends what belongs to a run, and saves its data first where everything is to be kept. In a script, because it runs when
/// its owner may be gone; after it the launcher removes the folder.
const END: &str = r#"
run=$1
filter="label=$2=$run"
containers=$(docker ps --all --quiet --filter "$filter")
if [ "$(cat "$run/keep" 2>/dev/null)" = all ]; then
    for container in $containers; do
        name=$(docker inspect --format "{{index .Config.Labels \"$3\"}}" "$container")
        data=$(docker inspect --format "{{index .Config.Labels \"$4\"}}" "$container")
        docker kill "$container" >/dev/null 2>&1
        docker cp --quiet "$container:$data" "$run/$name/data" || docker cp "$container:$data" "$run/$name/data"
    done
fi
# Words on purpose: ids have no spaces. Twice, because what waits long for a processor dies after the engine has stopped waiting.
[ -z "$containers" ] || docker rm --force --volumes $containers >/dev/null 2>&1 || docker rm --force --volumes $containers >/dev/null
networks=$(docker network ls --quiet --filter "$filter")
[ -z "$networks" ] || docker network rm $networks >/dev/null
"#;

/// How this machine is called.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The labels of everything of a run.
pub(crate) fn labels(run: &Path) -> HashMap<String, String> {
    [(RUN, run.display().to_string()), (HOST, host())]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
}

/// Removes what dead owners of this machine have left in the engine; returns how many containers that were.
///
/// # Errors
/// The engine does not answer.
pub(crate) fn dead() -> Result<usize, StackError> {
    let docker = docker()?;
    ask("removing what dead owners left", LIMIT, async move {
        let filters = HashMap::from([("label", vec![format!("{HOST}={}", host())])]);
        let is_dead = |labels: &Option<HashMap<String, String>>| {
            let run = labels.as_ref().and_then(|labels| labels.get(RUN)).map(PathBuf::from);
            run.is_some_and(|run| rundir::is_orphan(&run))
        };
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let mut removed = 0;
        for container in docker.list_containers(Some(options)).await? {
            if let Some(id) = container.id.filter(|_| is_dead(&container.labels)) {
                let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
                // Somebody else may be sweeping too.
                if docker.remove_container(&id, Some(options)).await.is_ok() {
                    removed += 1;
                }
            }
        }
        let options = ListNetworksOptionsBuilder::new().filters(&filters).build();
        for network in docker.list_networks(Some(options)).await? {
            if let Some(id) = network.id.filter(|_| is_dead(&network.labels)) {
                let _ = docker.remove_network(&id).await;
            }
        }
        Ok::<_, testcontainers::bollard::errors::Error>(removed)
    })
}

/// A process that ends a run when its owner is gone, however it went: it notices that a pipe has lost its other end.
#[derive(Debug)]
pub(crate) struct Keeper(Child);

impl Keeper {
    /// Watches over the run in this folder.
    pub(crate) fn start(launcher: &Path, run: &Path) -> Result<Self, StackError> {
        Command::new(launcher)
            .arg("after")
            .arg("--run")
            .arg(run)
            .args(["--", "sh", "-c", END, "sh"])
            .arg(run)
            .args([RUN, SERVER, DATA])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at the terminal is not for it.
            .process_group(0)
            .spawn()
            .map(Self)
            .map_err(|error| StackError::prepare("starting the containers' keeper", error))
    }

    /// Has it do its work now, and waits for it.
    pub(crate) fn finish(&mut self) -> Result<(), StackError> {
        drop(self.0.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < LIMIT {
            match self.0.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let why = format!("it ended with {status}; ./lab clean removes what is left");
                    return Err(StackError::prepare("removing the containers", why));
                }
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(StackError::prepare("waiting for the containers' keeper", error)),
            }
        }
        Err(StackError::Late {
            what: "the removal of the containers".into(),
            limit: LIMIT,
        })
    }
}
