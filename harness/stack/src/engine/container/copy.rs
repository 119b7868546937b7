//! The log of a container, copied into a file of ours.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::LogsOptionsBuilder;

/// Copies a container's log to the end of a file, without what was copied before.
pub(super) async fn copy(
    docker: &Docker,
    id: &str,
    since: i32,
    to: &PathBuf,
    written: &AtomicU64,
) -> Result<(), String> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(to)
        .map_err(|error| error.to_string())?;
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .since(since)
        .build();
    let mut stream = std::pin::pin!(docker.logs(id, Some(options)));
    let mut known = written.load(Ordering::Acquire);
    while let Some(output) = stream.next().await {
        let bytes = match output {
            Ok(output) => output.into_bytes(),
            // The container is gone.
            Err(Error::DockerResponseServerError {
                status_code: 404 | 409, ..
            }) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let skipped = usize::try_from(known).unwrap_or(usize::MAX).min(bytes.len());
        known -= skipped as u64;
        let new = &bytes[skipped..];
        file.write_all(new).map_err(|error| error.to_string())?;
        written.fetch_add(new.len() as u64, Ordering::AcqRel);
    }
    Ok(())
}
