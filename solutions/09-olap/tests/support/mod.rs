//! A database of its own for each test, with the pipeline's tables.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, missing_docs)]

use clickhouse::Client;

pub struct Database {
    pub name: String,
    pub client: Client,
}

pub async fn stack() -> &'static stack::Stack {
    stack::Stack::shared()
        .await
        .unwrap_or_else(|error| panic!("no servers to test on: {error}"))
}

pub async fn database() -> Database {
    let url = stack().await.clickhouse().url();
    let name = stack::unique("olap");
    let root = stack::clickhouse_client(url);
    olap::create(&root, &name).await.expect("create the tables");
    Database {
        client: root.with_database(&name),
        name,
    }
}

impl Database {
    pub async fn run(&self, sql: &str) {
        self.client
            .query_raw(sql)
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Rows as tab-separated text: what is compared exactly, decimals included.
    pub async fn text(&self, sql: &str) -> String {
        let mut cursor = self
            .client
            .query_raw(sql)
            .fetch_bytes("TSV")
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let bytes = cursor.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}
