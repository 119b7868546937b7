//! The container engine of this machine, asked over its socket.
//!
//! From threads of its own. Containers outlive the async runtime that happened to start them (all tests of a process share
//! one stack), and a server may be told something from anywhere, also from inside a runtime, where waiting for another
//! runtime would panic.

pub(crate) mod container;
pub(crate) mod images;
pub(crate) mod sweep;

use std::fmt::Display;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use testcontainers::bollard::Docker;
use testcontainers::core::client::docker_client_instance;
use tokio::runtime::{Builder, Runtime};

use crate::error::StackError;
use crate::spec::Provider;

/// An engine that answers later than this is taken for none.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// For whatever an engine does in moments, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// How often a question may be asked in that time.
const ATTEMPTS: u32 = 3;

fn runtime() -> Result<&'static Runtime, StackError> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("containers")
            .enable_all()
            .build()
    });
    RUNTIME
        .as_ref()
        .map_err(|error| StackError::prepare("starting a thread for the container engine", error))
}

/// Has `work` done on the engine's own threads, and waits for it. Blocking.
pub(crate) fn ask<T, E>(
    doing: impl Into<String>,
    limit: Duration,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, StackError>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let doing = doing.into();
    let (sender, answer) = channel();
    let _asked = put(sender, work)?;
    match answer.recv_timeout(limit) {
        Ok(answer) => answer.map_err(|why| StackError::Engine { doing, why }),
        Err(RecvTimeoutError::Timeout) => Err(StackError::Late { what: doing, limit }),
        Err(RecvTimeoutError::Disconnected) => Err(StackError::prepare(doing, "the thread that did it panicked")),
    }
}

/// [`ask`] for what may be asked twice: an engine was seen to do what it was told, and to answer only the next question
/// (20.10, a container killed while its health was being checked). The first answer counts, whichever question it is to:
/// a question that only takes long is not given up because it was repeated.
pub(crate) fn ask_again<T, E, F>(doing: &str, limit: Duration, work: impl Fn() -> F) -> Result<T, StackError>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let (sender, answer) = channel();
    let mut asked = Vec::new();
    for attempt in 1..=ATTEMPTS {
        asked.push(put(sender.clone(), work())?);
        match answer.recv_timeout(limit / ATTEMPTS) {
            Ok(answer) => {
                return answer.map_err(|why| StackError::Engine {
                    doing: doing.to_owned(),
                    why,
                });
            }
            Err(_) if attempt < ATTEMPTS => tracing::warn!(doing, attempt, "the container engine is asked again"),
            Err(_) => {}
        }
    }
    Err(StackError::Late {
        what: doing.to_owned(),
        limit,
    })
}

/// A question that is with the engine. Dropped, it is taken back: what is told to have failed is not to be done later on.
struct Asked(tokio::task::JoinHandle<()>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn put<T, E>(
    sender: Sender<Result<T, String>>,
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<Asked, StackError>
where
    T: Send + 'static,
    E: Display + Send + 'static,
{
    let asked = runtime()?.spawn(async move {
        // Whoever asked may have lost patience.
        let _ = sender.send(work.await.map_err(|error| error.to_string()));
    });
    Ok(Asked(asked))
}

/// Lets `work` go on by itself, on the engine's own threads.
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<tokio::task::JoinHandle<()>, StackError> {
    Ok(runtime()?.spawn(work))
}

/// The client, as testcontainers finds it: by `DOCKER_HOST`, else at the usual sockets.
pub(crate) fn docker() -> Result<Docker, StackError> {
    static FOUND: OnceLock<Docker> = OnceLock::new();
    if let Some(docker) = FOUND.get() {
        return Ok(docker.clone());
    }
    let docker = ask("finding the container engine", ANSWER_LIMIT, docker_client_instance())?;
    Ok(FOUND.get_or_init(|| docker).clone())
}

/// The version of the engine, if one answers soon.
pub(crate) fn version() -> Result<String, StackError> {
    let docker = docker()?;
    let version = ask("asking the container engine", ANSWER_LIMIT, async move {
        docker.version().await
    })?;
    Ok(version.version.unwrap_or_else(|| "of unknown version".into()))
}

/// Refuses, in a sentence, where no engine answers.
pub(crate) fn must_answer() -> Result<(), StackError> {
    let unavailable = |why| StackError::Unavailable {
        provider: Provider::Containers,
        why,
        instead: "--stack local on Linux, or start an engine (`dockerd`, Docker Desktop) and ask again",
    };
    if crate::provision::find_program("docker").is_none() {
        return Err(unavailable("there is no docker command".into()));
    }
    match version() {
        Ok(_) => Ok(()),
        Err(error) => Err(unavailable(format!("no container engine answers ({error})"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    /// Says when it is dropped.
    struct Dropped(std::sync::mpsc::Sender<()>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn a_question_that_gets_no_answer_is_asked_again_and_not_for_ever() {
        let asked = Arc::new(AtomicU32::new(0));
        let question = |answered_at| {
            let asked = Arc::clone(&asked);
            move || {
                let nth = asked.fetch_add(1, Ordering::SeqCst) + 1;
                async move {
                    if nth < answered_at {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, String>(nth)
                }
            }
        };
        // Three parts of 300 ms: a busy machine must not make the slow answer later than the last of them.
        let limit = Duration::from_millis(900);
        assert_eq!(ask_again("answering late", limit, question(3)).expect("it answers"), 3);
        asked.store(0, Ordering::SeqCst);
        let slow = Arc::clone(&asked);
        let slow = ask_again("answering slowly", limit, move || {
            let nth = slow.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                tokio::time::sleep(Duration::from_millis(400)).await;
                Ok::<_, String>(nth)
            }
        });
        assert_eq!(slow.expect("it answers"), 1, "the first question is not given up");
        asked.store(0, Ordering::SeqCst);
        let late = ask_again("never answering", limit, question(u32::MAX));
        assert!(matches!(late, Err(StackError::Late { .. })), "{late:?}");
        assert_eq!(asked.load(Ordering::SeqCst), ATTEMPTS);
    }

    #[test]
    fn what_was_told_to_be_late_is_not_done_afterwards() {
        let (dropped, gone) = channel();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let done = Arc::new(AtomicBool::new(false));
        let work = {
            let (done, dropped) = (Arc::clone(&done), Dropped(dropped));
            async move {
                let _dropped = dropped;
                let went = wait.await;
                done.store(true, Ordering::Release);
                went
            }
        };
        let late = ask("a late answer", Duration::from_millis(20), work);
        assert!(matches!(late, Err(StackError::Late { .. })), "{late:?}");
        gone.recv_timeout(Duration::from_secs(10))
            .expect("the work is dropped, not left to itself");
        assert!(go.send(()).is_err() && !done.load(Ordering::Acquire));
    }
}
