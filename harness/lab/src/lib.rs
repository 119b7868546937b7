//! The lab command: sets up, runs, watches and audits the pipeline.
