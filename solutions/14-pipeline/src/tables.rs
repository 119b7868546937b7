//! Creates the database and its tables.

use anyhow::Context;

use crate::cli::ClickHouseArgs;
use crate::parts::olap;

/// Creates the database, the tables and the view; leaves what is there.
pub(crate) async fn create(args: ClickHouseArgs) -> anyhow::Result<()> {
    let client = clickhouse::Client::default().with_url(&args.clickhouse);
    olap::create(&client, &args.database).await.with_context(|| {
        format!(
            "cannot create the tables in database {} at {}",
            args.database, args.clickhouse
        )
    })
}
