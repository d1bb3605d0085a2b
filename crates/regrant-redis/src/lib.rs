#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod builder;
mod durability;
mod grants;
mod index;
mod keys;
mod open_error;
mod record;
mod rights;
mod script;
mod server;
mod single_use;
mod store;

pub use builder::RedisStoreBuilder;
pub use durability::Durability;
pub use open_error::OpenError;
pub use store::RedisStore;
