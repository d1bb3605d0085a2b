use std::error::Error;
use std::path::Path;

pub(crate) use regrant::store::SharedStore;
use regrant::store::StoreOpener;
use regrant_mysql::MysqlStore;
use regrant_postgres::PostgresStore;
use regrant_redis::RedisStore;
use regrant_sqlite::SqliteStore;

/// Opens the store of `--store` for a server. No error repeats the value: a URL may contain a password.
pub(crate) async fn open(url: &str) -> Result<SharedStore, Box<dyn Error>> {
    // A real host migrates during deployment, under a role with that privilege.
    if url.starts_with("postgres") {
        PostgresStore::builder(url)?.migrate().await?;
    } else if url.starts_with("mysql:") || url.starts_with("mariadb:") {
        MysqlStore::builder(url)?.migrate().await?;
    }
    opened(url).await
}

/// Opens the store that servers use, for a command beside them. A mistyped name is an error, and never a new, empty
/// store: an operator would believe that nothing is left to revoke.
pub(crate) async fn open_existing(url: &str) -> Result<SharedStore, Box<dyn Error>> {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    let file = rest.split('?').next().unwrap_or_default();
    let file = file.strip_prefix("//").unwrap_or(file);
    match &*scheme.to_ascii_lowercase() {
        "memory" => return Err(IN_MEMORY.into()),
        "sqlite" if file == ":memory:" => return Err(IN_MEMORY.into()),
        // The name of a file with an encoded character is known to the store alone.
        "sqlite" if !file.contains('%') && !Path::new(file).is_file() => {
            return Err(format!("there is no file {file}").into());
        }
        _ => {}
    }
    opened(url).await
}

const IN_MEMORY: &str = "a store in memory is in the process of its server: name a store that outlives it";

async fn opened(url: &str) -> Result<SharedStore, Box<dyn Error>> {
    let opener = StoreOpener::new().with::<SqliteStore>().with::<PostgresStore>();
    Ok(opener.with::<MysqlStore>().with::<RedisStore>().open(url).await?)
}
