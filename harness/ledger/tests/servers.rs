//! The audit on real servers, behind a pipeline of a few lines: one run that passes and what it says once it is broken.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clickhouse::Row;
use clickhouse::sql::Identifier;
use exchange::{Exchange, ExchangeConfig};
use ledger::{AuditInput, Finding, LedgerError, Phase, Report, RunFacts, Verdict, audit, inconclusive};
use market::{Candle, Encoding, Position, Trade, tables};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use stack::{Stack, unique};
use support::{LATENESS, Record, Run, record, run};

const PARTITIONS: i32 = 3;

#[derive(Row, serde::Serialize)]
struct TradeRow {
    market: String,
    sequential_id: u64,
    event_time: i64,
    sent_time: i64,
    price: i128,
    volume: i128,
    side: i8,
    kafka_partition: i32,
    kafka_offset: i64,
}

impl TradeRow {
    fn new(at: Position, trade: &Trade) -> Self {
        Self {
            market: trade.market.as_str().into(),
            sequential_id: trade.sequential_id,
            event_time: trade.event_time.millis(),
            sent_time: trade.sent_time.millis(),
            price: trade.price.units(),
            volume: trade.volume.units(),
            side: if trade.side == market::Side::Bid { 1 } else { 2 },
            kafka_partition: at.partition,
            kafka_offset: at.offset,
        }
    }
}

#[derive(Row, serde::Serialize)]
struct CandleRow {
    market: String,
    interval: i8,
    start: i64,
    open: i128,
    high: i128,
    low: i128,
    close: i128,
    volume: i128,
    quote_volume: i128,
    trades: u64,
    kafka_partition: i32,
    kafka_offset: i64,
}

impl From<&Candle> for CandleRow {
    fn from(candle: &Candle) -> Self {
        Self {
            market: candle.market.as_str().into(),
            interval: candle.interval as i8 + 1,
            start: candle.start.millis(),
            open: candle.open.units(),
            high: candle.high.units(),
            low: candle.low.units(),
            close: candle.close.units(),
            volume: candle.volume.units(),
            quote_volume: candle.quote_volume.units(),
            trades: candle.trades,
            kafka_partition: candle.version.partition,
            kafka_offset: candle.version.offset,
        }
    }
}

/// Topics and a database of its own.
struct Place {
    client: clickhouse::Client,
    producer: FutureProducer,
    input: AuditInput,
    _scratch: tempfile::TempDir,
}

impl Place {
    async fn new(stack: &Stack, name: &str, journal: Option<PathBuf>) -> Self {
        let topic = unique(&format!("ledger-{name}"));
        let dead_letters = unique(&format!("ledger-{name}-dead"));
        stack.kafka().create_topic(&topic, PARTITIONS, &[]).await.unwrap();
        stack.kafka().create_topic(&dead_letters, 1, &[]).await.unwrap();
        let database = unique("ledger").replace('-', "_");
        stack.clickhouse().create_database(&database).await.unwrap();
        let client = stack.clickhouse().client().with_database(&database);
        for (table, columns) in [
            (tables::TRADES, tables::TRADES_COLUMNS.as_slice()),
            (tables::CANDLES, tables::CANDLES_COLUMNS.as_slice()),
        ] {
            let columns: Vec<_> = columns.iter().map(|(name, kind)| format!("`{name}` {kind}")).collect();
            let statement = format!(
                "CREATE TABLE {table} ({}) ENGINE = MergeTree ORDER BY market",
                columns.join(", ")
            );
            client.query(&statement).execute().await.unwrap();
        }
        let scratch = tempfile::tempdir().unwrap();
        let producer = ClientConfig::new()
            .set("bootstrap.servers", stack.kafka().bootstrap())
            .set("enable.idempotence", "true")
            .create()
            .unwrap();
        let input = AuditInput {
            journal,
            brokers: stack.kafka().bootstrap().into(),
            topic,
            dead_letters,
            clickhouse: stack.clickhouse().url().into(),
            database,
            encoding: Encoding::Json,
            bound_ms: support::BOUND,
            lateness_ms: LATENESS,
            scratch: scratch.path().into(),
            run: RunFacts {
                duration_s: 2.0,
                source: "generate".into(),
                ..RunFacts::default()
            },
        };
        Self {
            client,
            producer,
            input,
            _scratch: scratch,
        }
    }

    /// Sends all, then waits: the client keeps the order of each partition.
    async fn produce(&self, records: &[Record]) {
        let sent: Vec<_> = records
            .iter()
            .map(|record| {
                let message = FutureRecord::to(&self.input.topic)
                    .partition(record.at.partition)
                    .key(&record.key)
                    .payload(&record.payload);
                self.producer.send_result(message).map_err(|(error, _)| error).unwrap()
            })
            .collect();
        for (sent, record) in sent.into_iter().zip(records) {
            let delivery = sent.await.unwrap().map_err(|(error, _)| error).unwrap();
            assert_eq!(
                (delivery.partition, delivery.offset),
                (record.at.partition, record.at.offset)
            );
        }
    }

    async fn letter(&self, bytes: &[u8]) {
        let header = |key, value| Header {
            key,
            value: Some(value),
        };
        let headers = OwnedHeaders::new()
            .insert(header(market::record::HEADER_REASON, "malformed"))
            .insert(header(market::record::HEADER_SOURCE, "websocket"));
        let message = FutureRecord::<(), _>::to(&self.input.dead_letters)
            .payload(bytes)
            .headers(headers);
        self.producer.send(message, Duration::from_secs(10)).await.unwrap();
    }

    async fn insert(&self, run: &Run) {
        let mut rows = self.client.insert::<TradeRow>(tables::TRADES).await.unwrap();
        for (at, trade) in &run.rows {
            rows.write(&TradeRow::new(*at, trade)).await.unwrap();
        }
        rows.end().await.unwrap();
        let mut rows = self.client.insert::<CandleRow>(tables::CANDLES).await.unwrap();
        for candle in &run.candles {
            rows.write(&candle.into()).await.unwrap();
        }
        rows.end().await.unwrap();
    }

    async fn audit(&self) -> Result<Report, LedgerError> {
        let input = self.input.clone();
        tokio::task::spawn_blocking(move || {
            let mut phases = Vec::new();
            let report = audit(&input, &mut |phase, done, total| {
                assert!(done <= total, "{phase:?}: {done} of {total}");
                phases.push(phase);
            })?;
            phases.dedup();
            assert!(
                phases.contains(&Phase::Topic) && phases.last() == Some(&Phase::Compare),
                "{phases:?}"
            );
            Ok(report)
        })
        .await
        .unwrap()
    }
}

fn trades(folder: &Path) -> Vec<Trade> {
    exchange::journal::Reader::open(folder)
        .unwrap()
        .map(|entry| entry.unwrap().trade)
        .collect()
}

/// Trades of a real journal, brought into the topic in order.
async fn executed(folder: &Path) -> Vec<Trade> {
    let rate = exchange::Rate::PerSecond(5_000.0);
    let source = exchange::Source::Generate {
        seed: 7,
        markets: 12,
        rate,
    };
    let exchange = Exchange::start(ExchangeConfig::new(source, folder)).await.unwrap();
    exchange.begin();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while exchange.counters().executed < 2_000 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the exchange must execute 2,000 trades within 20 s"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    exchange.finish().await;
    drop(exchange);
    trades(folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_from_the_journal_to_the_tables_passes_and_a_lost_row_and_a_wrong_candle_fail() {
    let stack = Stack::shared().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let sent = executed(&journal).await;
    assert!(sent.len() >= 2_000, "the journal must hold what was executed");

    let mut run = run(1, 0, 1);
    run.sent = sent;
    let mut next = [0; PARTITIONS as usize];
    for trade in &run.sent {
        let partition = trade
            .market
            .as_bytes()
            .iter()
            .map(|byte| usize::from(*byte))
            .sum::<usize>()
            % next.len();
        run.topic.push(record(partition as i32, next[partition], trade));
        next[partition] += 1;
    }
    run.pipe();
    let place = Place::new(stack, "pass", Some(journal)).await;
    place.produce(&run.topic).await;
    place.insert(&run).await;

    let report = place.audit().await.unwrap();
    assert_eq!(
        report.verdict,
        Verdict::Pass,
        "{}\n{:#?}",
        report.render(),
        report.candles.examples
    );
    let count = run.sent.len() as u64;
    assert_eq!(
        (report.sent, report.once, report.rows, report.records),
        (count, count, count, count)
    );
    assert_eq!((report.partitions, report.markets), (3, 12));
    assert_eq!(report.candles.rows, run.candles.len() as u64);
    assert!(report.trades_per_second > 0.0);
    assert!(
        std::fs::read_dir(&place.input.scratch).unwrap().next().is_none(),
        "the scratch folder must be empty"
    );

    // Broken where a worker would break it: one row gone, one candle's count wrong, one letter nobody sent.
    let (_, gone) = run.rows[100];
    let setting = "mutations_sync = 1";
    place
        .client
        .query(&format!(
            "ALTER TABLE ? DELETE WHERE market = ? AND sequential_id = ? SETTINGS {setting}"
        ))
        .bind(Identifier(tables::TRADES))
        .bind(gone.market.as_str())
        .bind(gone.sequential_id)
        .execute()
        .await
        .unwrap();
    let wrong = run.candles[run.newest_candle(0)];
    place
        .client
        .query(&format!(
            "ALTER TABLE ? UPDATE trades = trades + 1 WHERE market = ? AND interval = ? AND \
             toUnixTimestamp64Milli(start) = ? AND kafka_offset = ? SETTINGS {setting}"
        ))
        .bind(Identifier(tables::CANDLES))
        .bind(wrong.market.as_str())
        .bind(wrong.interval.name())
        .bind(wrong.start.millis())
        .bind(wrong.version.offset)
        .execute()
        .await
        .unwrap();
    place.letter(b"\xffnever sent").await;
    let report = place.audit().await.unwrap();
    assert_eq!(report.verdict, Verdict::Fail, "{}", report.render());
    assert_eq!(
        (
            report.lost_by_stage.worker,
            report.candles.differing,
            report.dead_letters
        ),
        (1, 1, 1)
    );
    assert_eq!(report.candles.examples[0].columns, ["trades"]);
    let lost = report
        .examples
        .iter()
        .find(|example| example.finding == Finding::LostWorker)
        .unwrap();
    assert!(lost.detail.contains(&gone.sequential_id.to_string()), "{lost:?}");
    assert_eq!(report.reasons.len(), 3, "{:#?}", report.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_trades_repeats_and_no_journal_on_servers() {
    let stack = Stack::shared().await.unwrap();
    let run = run(5, 3_000, 60);
    let mut place = Place::new(stack, "topic", None).await;
    place.produce(&run.topic).await;
    place.insert(&run).await;
    let report = place.audit().await.unwrap();
    assert_eq!(
        report.verdict,
        Verdict::Pass,
        "{}\n{:#?}",
        report.render(),
        report.candles.examples
    );
    assert_eq!((report.sent, report.repeats), (3_000, run.topic.len() as u64 - 3_000));
    assert!(report.late > 0 && report.too_late > 0 && report.reordered > 0);

    place.input.database = "no_such_database".into();
    let error = place.audit().await.unwrap_err();
    assert!(matches!(error, LedgerError::ClickHouse { .. }), "{error}");
    place.input.topic = unique("no-such-topic");
    let error = place.audit().await.unwrap_err();
    assert!(matches!(error, LedgerError::Kafka { .. }), "{error}");
    place.input.run.pipeline_failed = Some("no worker can be started".into());
    let report = inconclusive(&place.input, &error);
    assert_eq!(report.verdict.exit_code(), 2, "what was not looked at is not judged");
    assert!(report.reasons[0].contains("no topic"), "{:?}", report.reasons);
    assert!(report.reasons[1].contains("no worker"), "{:?}", report.reasons);
}
