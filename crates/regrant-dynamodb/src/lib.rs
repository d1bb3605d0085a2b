#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod call;
mod failure;
mod grants;
mod index;
mod item;
mod key;
mod open_error;
mod rights;
mod store;
mod table;

pub use aws_sdk_dynamodb;
pub use builder::DynamoStoreBuilder;
pub use open_error::OpenError;
pub use store::DynamoStore;
