//! Clients and stores for tests.

#![allow(dead_code, reason = "each test binary uses its part of it")]
#![expect(clippy::unwrap_used, reason = "a helper that cannot go on fails the test")]

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use regrant_dynamodb::aws_sdk_dynamodb::Client;
use regrant_dynamodb::aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use regrant_dynamodb::{DynamoStore, DynamoStoreBuilder};
use testbed::{Dynalite, LONG};

/// Secret key of all clients; in no error.
pub(crate) const SECRET: &str = "hunter2-secret-access-key";

/// One server for all tests that do not stop it. Each has a table of its own.
pub(crate) fn server() -> &'static Dynalite {
    static SERVER: LazyLock<Dynalite> = LazyLock::new(Dynalite::start);
    &SERVER
}

/// The client of an application, with connections of its own.
pub(crate) fn client(address: SocketAddr) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("AKIDEXAMPLE", SECRET, None, None, "tests"))
        .endpoint_url(format!("http://{address}"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

pub(crate) fn fresh_table() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Options for a store in `table` with a long deadline. The server has no time to live.
pub(crate) fn at(address: SocketAddr, table: &str) -> DynamoStoreBuilder {
    DynamoStore::builder(client(address), table).deadline(LONG).assume_time_to_live()
}

/// Creates a table on the shared server and returns its name.
pub(crate) async fn new_table() -> String {
    let table = fresh_table();
    at(server().address(), &table).create_table().await.unwrap();
    table
}
