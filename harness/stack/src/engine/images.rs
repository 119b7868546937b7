//! The images that containers are made of: the official ones, or our own where no registry can be reached.

mod build;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;

use super::{LIMIT, ask, docker, must_answer};
use crate::error::StackError;
use crate::provision::{Progress, versions};

/// A registry that says nothing for so long is not to be had.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// The most that an image may take to come.
const PULL_LIMIT: Duration = Duration::from_secs(1800);
/// On an image of ours: what it was made from.
const KEY: &str = "tickbook.key";

/// Which image each server is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Kafka's, as `NAME:TAG`.
    pub kafka: String,
    /// ClickHouse's, as `NAME:TAG`.
    pub clickhouse: String,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Kafka,
    ClickHouse,
}

impl Kind {
    fn official(self) -> Result<&'static str, StackError> {
        let images = &versions()?.images;
        Ok(match self {
            Self::Kafka => &images.kafka,
            Self::ClickHouse => &images.clickhouse,
        })
    }

    /// What we call our own.
    fn own(self) -> Result<String, StackError> {
        let versions = versions()?;
        Ok(match self {
            Self::Kafka => format!("tickbook-kafka:{}", versions.kafka.version),
            Self::ClickHouse => format!("tickbook-clickhouse:{}", versions.clickhouse.version),
        })
    }

    /// The one that is there, if one is.
    fn present(self) -> Result<Option<String>, StackError> {
        let official = self.official()?;
        if key_of(official)?.is_some() {
            return Ok(Some(official.to_owned()));
        }
        let own = self.own()?;
        let is_current = key_of(&own)? == Some(build::key(self)?);
        Ok(is_current.then_some(own))
    }

    /// In the order of what costs least: there already, pulled, built.
    fn get(self, progress: &Progress, shown: bool) -> Result<String, StackError> {
        if let Some(present) = self.present()? {
            return Ok(present);
        }
        let official = self.official()?;
        match pull(official, progress) {
            Ok(()) => Ok(official.to_owned()),
            Err(error) => {
                tracing::info!(%error, "no registry: the image is built here");
                let own = self.own()?;
                build::build(self, &own, progress, shown).map_err(|built| StackError::Image {
                    image: official.to_owned(),
                    pull: error.to_string(),
                    build: built.to_string(),
                })?;
                Ok(own)
            }
        }
    }
}

/// The images that are there, if both are. Blocking.
pub(crate) fn present() -> Result<Option<Images>, StackError> {
    let (kafka, clickhouse) = (Kind::Kafka.present()?, Kind::ClickHouse.present()?);
    Ok(kafka
        .zip(clickhouse)
        .map(|(kafka, clickhouse)| Images { kafka, clickhouse }))
}

/// Both images: the official ones or ours, whichever is there; else the official ones from their registry; else ours,
/// built from what the local stack is made of. Done before, it takes milliseconds. `progress` shows on standard error what
/// takes longer. Blocking.
///
/// # Errors
/// No engine answers, or an image can neither be pulled nor built; the sentence says what is missing.
pub fn ensure_images(progress: bool) -> Result<Images, StackError> {
    must_answer()?;
    let shown = progress;
    let progress = Progress::new(progress);
    Ok(Images {
        kafka: Kind::Kafka.get(&progress, shown)?,
        clickhouse: Kind::ClickHouse.get(&progress, shown)?,
    })
}

/// The label that says what a local image was made from; empty for one of somebody else's.
fn key_of(image: &str) -> Result<Option<String>, StackError> {
    let (docker, name) = (docker()?, image.to_owned());
    ask(format!("looking for image {image}"), LIMIT, async move {
        match docker.inspect_image(&name).await {
            Ok(found) => {
                let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
                Ok(Some(labels.get(KEY).cloned().unwrap_or_default()))
            }
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    })
}

/// Pulls an image, unless its registry cannot be reached.
fn pull(image: &str, progress: &Progress) -> Result<(), StackError> {
    let task = progress.task(&format!("pulling {image}"), 0);
    let docker = docker()?;
    let options = CreateImageOptionsBuilder::new().from_image(image).build();
    let doing = format!("pulling {image}");
    ask(doing, PULL_LIMIT, async move {
        let started = Instant::now();
        let mut stream = std::pin::pin!(docker.create_image(Some(options), None, None));
        loop {
            match tokio::time::timeout(SILENCE_LIMIT, stream.next()).await {
                Ok(Some(Ok(_))) => task.at(0),
                Ok(Some(Err(error))) => return Err(error.to_string()),
                Ok(None) => {
                    task.done();
                    return Ok(());
                }
                Err(_) => {
                    return Err(format!(
                        "the registry said nothing for {SILENCE_LIMIT:?}, {:?} in",
                        started.elapsed()
                    ));
                }
            }
        }
    })
}
