use std::error::Error;

pub(crate) use regrant::store::SharedStore;
use regrant::store::StoreOpener;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;

/// Opens the store of `--store`. No error repeats the value: a URL may contain a password.
pub(crate) async fn open(url: &str) -> Result<SharedStore, Box<dyn Error>> {
    if url.starts_with("postgres") {
        // A real host migrates during deployment, under a role with that privilege.
        PostgresStore::builder(url)?.migrate().await?;
    }
    let opener = StoreOpener::new().with::<SqliteStore>().with::<PostgresStore>().with::<RedisStore>();
    Ok(opener.open(url).await?)
}
