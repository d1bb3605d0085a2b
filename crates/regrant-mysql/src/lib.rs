#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![expect(clippy::doc_markdown, reason = "the README names products")]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod builder;
mod clients;
mod connection;
mod failure;
mod lease;
mod migration;
mod open_error;
mod queries;
mod row;
mod runner;
mod store;
mod table;
mod tls;
mod url;

pub use builder::MysqlStoreBuilder;
pub use clients::MysqlClients;
pub use mysql_async;
pub use open_error::OpenError;
pub use store::MysqlStore;
pub use table::Table;
