//! Streams the tables with a plain `SELECT`: no `FINAL`, no `DISTINCT`, because a doubled row is what is looked for.
//!
//! The client is asynchronous and the audit is not: a thread with a runtime of its own reads, and hands rows over in
//! batches through a bounded channel, so that reading and spilling overlap and memory stays bounded.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use clickhouse::sql::Identifier;
use clickhouse::{Client, Row};
use market::{Amount, Candle, Decimal, EventTime, Interval, Market, Position, Side, Trade, tables};
use serde::Deserialize;

use super::SILENCE;
use crate::LedgerError;

/// Rows in a batch.
const BATCH: usize = 4096;

/// The tables of one database.
pub(crate) struct Tables {
    url: String,
    database: String,
    silence: Duration,
}

/// A row of the table of trades; `Err` when it can be no trade.
pub(crate) type TradeRow = (Position, Result<Trade, String>);

#[derive(Row, Deserialize)]
struct RawTrade<'a> {
    market: &'a str,
    sequential_id: u64,
    event_time: i64,
    sent_time: i64,
    price: i128,
    volume: i128,
    side: i8,
    kafka_partition: i32,
    kafka_offset: i64,
}

impl RawTrade<'_> {
    fn read(&self) -> TradeRow {
        let at = Position {
            partition: self.kafka_partition,
            offset: self.kafka_offset,
        };
        (
            at,
            self.trade()
                .ok_or_else(|| format!("{:?} {}", self.market, self.sequential_id)),
        )
    }

    fn trade(&self) -> Option<Trade> {
        Some(Trade {
            market: Market::new(self.market.as_bytes()).ok()?,
            sequential_id: self.sequential_id,
            event_time: EventTime::from_millis(self.event_time),
            sent_time: EventTime::from_millis(self.sent_time),
            price: Decimal::from_units(self.price).ok()?,
            volume: Decimal::from_units(self.volume).ok()?,
            side: match self.side {
                1 => Side::Bid,
                2 => Side::Ask,
                _ => return None,
            },
        })
    }
}

#[derive(Row, Deserialize)]
struct RawCandle<'a> {
    market: &'a str,
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

impl RawCandle<'_> {
    fn read(&self) -> Option<Candle> {
        let decimal = |units| Decimal::from_units(units).ok();
        Some(Candle {
            market: Market::new(self.market.as_bytes()).ok()?,
            interval: *Interval::ALL.get(usize::try_from(self.interval).ok()?.checked_sub(1)?)?,
            start: EventTime::from_millis(self.start),
            open: decimal(self.open)?,
            high: decimal(self.high)?,
            low: decimal(self.low)?,
            close: decimal(self.close)?,
            volume: decimal(self.volume)?,
            quote_volume: Amount::from_units(self.quote_volume).ok()?,
            trades: self.trades,
            version: Position {
                partition: self.kafka_partition,
                offset: self.kafka_offset,
            },
        })
    }
}

impl Tables {
    pub(crate) fn new(url: &str, database: &str) -> Self {
        Self {
            url: url.to_owned(),
            database: database.to_owned(),
            silence: SILENCE,
        }
    }

    /// Rows in a table: for the progress, and to know at once whether the server answers.
    pub(crate) fn count(&self, table: &'static str) -> Result<u64, LedgerError> {
        let mut count = 0;
        let query = "count()";
        self.stream(query, move |client, send, silence| {
            Box::pin(async move {
                let count = client
                    .query("SELECT count() FROM ?")
                    .bind(Identifier(table))
                    .fetch_one::<u64>();
                let count = silence.end(count).await?;
                let _ = send.send(vec![count]);
                Ok(())
            })
        })?
        .each(|rows| {
            count = rows;
            Ok(())
        })?;
        Ok(count)
    }

    /// Calls `each` for every row of the table of trades.
    pub(crate) fn trades(&self, each: impl FnMut(TradeRow) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        self.stream("for the trades", |client, send, silence| {
            Box::pin(async move {
                let mut cursor = client
                    .query("SELECT ?fields FROM ?")
                    .bind(Identifier(tables::TRADES))
                    .fetch::<RawTrade<'_>>()
                    .map_err(|error| error.to_string())?;
                let mut batch = Vec::with_capacity(BATCH);
                while let Some(row) = silence.end(cursor.next()).await? {
                    batch.push(row.read());
                    if batch.len() == BATCH
                        && send
                            .send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                            .is_err()
                    {
                        return Ok(()); // the audit stopped for an error of its own
                    }
                }
                let _ = send.send(batch);
                Ok(())
            })
        })?
        .each(each)
    }

    /// Calls `each` for every row of the table of candles.
    pub(crate) fn candles(
        &self,
        each: impl FnMut(Option<Candle>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        self.stream("for the candles", |client, send, silence| {
            Box::pin(async move {
                let mut cursor = client
                    .query("SELECT ?fields FROM ?")
                    .bind(Identifier(tables::CANDLES))
                    .fetch::<RawCandle<'_>>()
                    .map_err(|error| error.to_string())?;
                let mut batch = Vec::with_capacity(BATCH);
                while let Some(row) = silence.end(cursor.next()).await? {
                    batch.push(row.read());
                    if batch.len() == BATCH
                        && send
                            .send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                            .is_err()
                    {
                        return Ok(());
                    }
                }
                let _ = send.send(batch);
                Ok(())
            })
        })?
        .each(each)
    }

    fn stream<T, F>(&self, query: &'static str, read: F) -> Result<Stream<T>, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(Client, SyncSender<Vec<T>>, Silence) -> Reading + Send + 'static,
    {
        let (send, rows) = sync_channel(8);
        let (url, database, silence) = (self.url.clone(), self.database.clone(), Silence(self.silence));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| self.failed(query, &e.to_string()))?;
        let thread = std::thread::Builder::new()
            .name("audit-clickhouse".into())
            .spawn(move || {
                runtime.block_on(async {
                    let client = stack::clickhouse_client(&url).with_database(database);
                    read(client, send, silence).await
                })
            })
            .map_err(|e| self.failed(query, &e.to_string()))?;
        Ok(Stream {
            rows,
            thread,
            failed: Box::new({
                let url = self.url.clone();
                move |detail| LedgerError::ClickHouse { url, query, detail }
            }),
        })
    }

    fn failed(&self, query: &'static str, detail: &str) -> LedgerError {
        LedgerError::ClickHouse {
            url: self.url.clone(),
            query,
            detail: detail.to_owned(),
        }
    }
}

type Reading = std::pin::Pin<Box<dyn Future<Output = Result<(), String>>>>;

/// How long each answer may take. The client limits only the making of a connection, and a server that is frozen accepts
/// one: its kernel does.
#[derive(Clone, Copy)]
struct Silence(Duration);

impl Silence {
    async fn end<T>(self, answer: impl Future<Output = Result<T, clickhouse::error::Error>>) -> Result<T, String> {
        match tokio::time::timeout(self.0, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("nothing came for {:?}", self.0)),
        }
    }
}

/// Rows on their way.
struct Stream<T> {
    rows: Receiver<Vec<T>>,
    thread: std::thread::JoinHandle<Result<(), String>>,
    failed: Box<dyn FnOnce(String) -> LedgerError>,
}

impl<T> Stream<T> {
    /// Takes all rows; then the thread says whether these were all.
    fn each(self, mut each: impl FnMut(T) -> Result<(), LedgerError>) -> Result<(), LedgerError> {
        for batch in &self.rows {
            batch.into_iter().try_for_each(&mut each)?;
        }
        match self.thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(detail)) => Err((self.failed)(detail)),
            Err(_) => Err((self.failed)("the reading thread panicked".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Instant;

    use stack::Stack;

    use super::*;

    /// Long enough for a busy machine, short enough to wait for.
    const SHORT: Duration = Duration::from_secs(2);

    fn impatient(url: &str) -> Tables {
        Tables {
            silence: SHORT,
            ..Tables::new(url, "default")
        }
    }

    #[track_caller]
    fn gave_up(read: Result<impl std::fmt::Debug, LedgerError>, from: Instant) {
        let told = read.unwrap_err().to_string();
        assert!(told.contains("nothing came for 2s"), "{told}");
        assert!(from.elapsed() < 10 * SHORT, "it took {:?}", from.elapsed());
    }

    #[test]
    fn a_server_that_accepts_and_says_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tables = impatient(&format!("http://{}", listener.local_addr().unwrap()));
        gave_up(tables.count(tables::TRADES), Instant::now());
        gave_up(tables.trades(|_| Ok(())), Instant::now());
        gave_up(tables.candles(|_| Ok(())), Instant::now());
    }

    #[test]
    fn a_server_that_falls_silent_in_the_middle_of_its_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tables = impatient(&format!("http://{}", listener.local_addr().unwrap()));
        let (done, wait) = sync_channel::<()>(0);
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .unwrap();
            let _ = wait.recv();
        });
        gave_up(tables.trades(|_| Ok(())), Instant::now());
        drop(done);
        server.join().unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_frozen_clickhouse_is_given_up_and_answers_again_once_it_is_thawed() {
        // Servers of its own: what others ask of the shared ones meanwhile would wait.
        let stack = Stack::own(0).await.unwrap();
        let clickhouse = stack.clickhouse();
        let table = format!("CREATE TABLE {} (x UInt8) ENGINE = Memory", tables::TRADES);
        clickhouse.client().query(&table).execute().await.unwrap();
        let ask = || {
            let tables = impatient(clickhouse.url());
            tokio::task::spawn_blocking(move || tables.count(tables::TRADES))
        };
        assert_eq!(ask().await.unwrap().unwrap(), 0);
        clickhouse.server().freeze().await.unwrap();
        let from = Instant::now();
        gave_up(ask().await.unwrap(), from);
        clickhouse.server().thaw().await.unwrap();
        assert_eq!(ask().await.unwrap().unwrap(), 0);
    }
}
