//! Stores on dynalite.

use std::net::SocketAddr;

use regrant_dynamodb::aws_sdk_dynamodb::Client;
use regrant_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use regrant_dynamodb::{DynamoStore, DynamoStoreBuilder};

/// Options for a store at this address, in one table of the server.
pub(crate) fn at(address: SocketAddr) -> DynamoStoreBuilder {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests"))
        .endpoint_url(format!("http://{address}"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    DynamoStore::builder(Client::from_conf(config.build()), "regrant").assume_time_to_live()
}
