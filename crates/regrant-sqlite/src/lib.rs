#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod clients;
mod connection;
mod db;
mod deadline;
mod direct;
mod error;
mod file;
mod grants;
mod host_rows;
mod marks;
mod open_error;
mod overdue;
mod purge;
mod schema;
mod store;
mod synchronous;
mod table_prefix;
mod task;
mod threads;
mod url;

pub use builder::SqliteStoreBuilder;
pub use clients::SqliteClients;
pub use open_error::OpenError;
pub use rusqlite;
pub use store::SqliteStore;
pub use synchronous::Synchronous;
pub use table_prefix::TablePrefix;
