//! What is done against the real exchange, done against the project's own behind TLS: the same client, the same words,
//! but a certificate that only the test trusts.

#![allow(clippy::unwrap_used)] // helpers of tests: a panic is the failure

mod common;

use std::path::PathBuf;

use common::{home, lab};
use exchange::{Exchange, ExchangeConfig, Rate, Source};
use serde_json::Value;
use tempfile::TempDir;

struct Behind {
    exchange: Exchange,
    host: String,
    ca_cert: PathBuf,
    dir: TempDir,
}

async fn behind_tls() -> Behind {
    let dir = tempfile::tempdir().unwrap();
    let source = Source::Generate {
        seed: 5,
        markets: 12,
        rate: Rate::PerSecond(400.0),
    };
    let mut config = ExchangeConfig::new(source, dir.path().join("journal"));
    config.tls = true;
    let exchange = Exchange::start(config).await.unwrap();
    exchange.begin();
    let url = exchange.rest_url();
    let port = url.strip_prefix("https://").unwrap().split([':', '/']).nth(1).unwrap();
    let ca_cert = dir.path().join("ca.pem");
    std::fs::write(&ca_cert, exchange.ca_pem().unwrap()).unwrap();
    Behind {
        host: format!("localhost:{port}"),
        exchange,
        ca_cert,
        dir,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_against_an_exchange_behind_tls_passes_its_audit() {
    let behind = behind_tls().await;
    let home = home();
    let ca_cert = behind.ca_cert.to_str().unwrap();
    let mut args = vec![
        "up",
        "--source",
        "upbit",
        "--upbit-host",
        &behind.host,
        "--ca-cert",
        ca_cert,
    ];
    args.extend(["--markets", "9", "--for", "5s", "--plain", "--json"]);
    let report: Value = serde_json::from_str(&lab(&home, &args).await.unwrap()).unwrap();
    assert_eq!(
        (&report["verdict"], &report["source"]),
        (&"PASS".into(), &"upbit".into()),
        "{report:#}"
    );
    let sent = report["sent"].as_u64().unwrap();
    let executed = behind.exchange.counters().executed;
    assert!(
        (1..=executed).contains(&sent),
        "{sent} in the topic, {executed} executed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_made_from_an_exchange_behind_tls() {
    let behind = behind_tls().await;
    let file = behind.dir.path().join("day.capture.jsonl");
    let (ca_cert, to) = (behind.ca_cert.to_str().unwrap(), file.to_str().unwrap());
    let args = [
        "record",
        "--upbit-host",
        &behind.host,
        "--ca-cert",
        ca_cert,
        "--for",
        "2s",
        to,
    ];
    lab(behind.dir.path(), &args).await.unwrap();
    let frames = std::fs::read_to_string(&file).unwrap().lines().count();
    assert!(frames > 100, "{frames} lines in two seconds of 400 trades each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_refused_in_one_sentence() {
    let behind = behind_tls().await;
    let args = ["up", "--source", "upbit", "--upbit-host", &behind.host, "--plain"];
    let words = lab(behind.dir.path(), &args).await.unwrap_err();
    assert!(
        words.contains("localhost cannot be reached (invalid peer certificate") && words.contains("--source generate"),
        "{words}"
    );
}
