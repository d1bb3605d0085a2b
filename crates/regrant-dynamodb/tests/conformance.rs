//! The conformance kit, on a server with the API of DynamoDB.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

mod common;

use std::process::ExitCode;
use std::sync::Arc;

use common::{at, new_table, server};
use regrant_conformance::store::{Fixture, StoreHarness, Suite};
use regrant_dynamodb::DynamoStore;
use testbed::{Disturbance, Proxy};

fn main() -> ExitCode {
    let suite = Suite::new(Dynamo).grant_index().single_use();
    regrant_conformance::run(suite.without("purge_expired", "the table deletes expired items by itself"))
}

struct Dynamo;

#[async_trait::async_trait]
impl StoreHarness for Dynamo {
    type Store = DynamoStore;

    async fn fresh(&self) -> Fixture<DynamoStore> {
        let table = new_table().await;
        let proxy = Arc::new(Proxy::before(server().address()));
        let outage = Arc::clone(&proxy);
        let [one, two] = [(), ()].map(|()| at(proxy.address(), &table));
        Fixture::new(one.open().await.unwrap())
            .with_second_handle(two.open().await.unwrap())
            .with_outage(async move || outage.shut())
            .with_lost_reply(move || {
                proxy.disturb(Disturbance::DropReply);
                std::future::ready(())
            })
    }
}
