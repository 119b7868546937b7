//! A database of its own for each test, with the pipeline's tables or without.

use clickhouse::Client;

pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) client: Client,
}

pub(crate) async fn stack() -> &'static stack::Stack {
    stack::Stack::shared()
        .await
        .unwrap_or_else(|error| panic!("no servers to test on: {error}"))
}

pub(crate) async fn database() -> Database {
    let url = stack().await.clickhouse().url();
    let name = stack::unique("olap");
    let root = stack::clickhouse_client(url);
    olap::create(&root, &name).await.expect("create the tables");
    Database {
        client: root.with_database(&name),
        name,
    }
}

/// One without tables, for what needs none of the lab's.
pub(crate) async fn bare() -> Database {
    let server = stack().await.clickhouse();
    let name = stack::unique("olap");
    server.create_database(&name).await.expect("create a database");
    Database {
        client: stack::clickhouse_client(server.url()).with_database(&name),
        name,
    }
}

/// 1,000,000 trades of 10 markets in one merged part, as the sink would have written them: market `KRW-N` every 3 ms, from
/// 2024-01-01 on.
pub(crate) async fn a_million(database: &Database) {
    database
        .run(
            "INSERT INTO trades SELECT concat('KRW-', toString(cityHash64(number) % 10)), number, \
             fromUnixTimestamp64Milli(1704067200000 + toInt64(number) * 3, 'UTC'), \
             fromUnixTimestamp64Milli(1704067200000 + toInt64(number) * 3, 'UTC'), 1, 1, 'BID', \
             cityHash64(number) % 10 % 6, intDiv(number, 6) FROM numbers(1000000)",
        )
        .await;
    database.run("OPTIMIZE TABLE trades FINAL").await;
}

impl Database {
    pub(crate) async fn run(&self, sql: &str) {
        self.client
            .query_raw(sql)
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Rows as tab-separated text: what is compared exactly, decimals included.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let mut cursor = self
            .client
            .query_raw(sql)
            .fetch_bytes("TSV")
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let bytes = cursor.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}
