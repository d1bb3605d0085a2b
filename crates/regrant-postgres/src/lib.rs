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
mod param;
mod queries;
mod row;
mod runner;
mod session;
mod store;
mod table;
mod tls;
mod url;

pub use builder::PostgresStoreBuilder;
pub use clients::PostgresClients;
pub use deadpool_postgres;
pub use open_error::OpenError;
pub use store::PostgresStore;
pub use table::Table;
