//! `images`: gets what `--stack containers` and docker-compose.yml run.

use std::process::ExitCode;

use crate::{note, out};

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let images = stack::ensure_images(true)?;
    out(&format!(
        "TICKBOOK_KAFKA_IMAGE={}\nTICKBOOK_CLICKHOUSE_IMAGE={}\n",
        images.kafka, images.clickhouse
    ));
    note("both are there; for docker-compose.yml: export $(./lab images)");
    Ok(ExitCode::SUCCESS)
}
