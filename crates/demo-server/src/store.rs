use std::error::Error;

pub(crate) use regrant::store::SharedStore;
use regrant::store::StoreOpener;
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;

/// Opens the store of `--store`. No error repeats the value: a URL may contain a password.
pub(crate) async fn open(url: &str) -> Result<SharedStore, Box<dyn Error>> {
    // A real host migrates during deployment, under a role with that privilege.
    if url.starts_with("postgres") {
        PostgresStore::builder(url)?.migrate().await?;
    } else if url.starts_with("mysql:") || url.starts_with("mariadb:") {
        MysqlStore::builder(url)?.migrate().await?;
    }
    let opener = StoreOpener::new().with::<SqliteStore>().with::<PostgresStore>();
    Ok(opener.with::<MysqlStore>().with::<RedisStore>().open(url).await?)
}
