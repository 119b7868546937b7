//! The `pipeline` program: reads its arguments and hands over to the library.

use std::process::ExitCode;

use clap::Parser;

/// Also in the place of C's `malloc`: librdkafka takes memory on one thread and gives it back on another, for every record.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The client calls it an error when a member that has left its group is dropped; it is none.
const DEFAULT_LOG: &str = "info,rdkafka::consumer::base_consumer=off";

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(DEFAULT_LOG)),
        )
        .with_ansi(false)
        .init();
    pipeline::cli::run(pipeline::cli::Cli::parse())
}
