//! Stores and records for tests, and a look at the items.

use std::collections::HashMap;
use std::time::Duration;

use regrant::GrantId;
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{
    Expect, GrantIndex as _, GrantKey, GrantOwner, GrantRecord, StoreError, StoredGrant, Swap, TokenStore as _, Version,
};
use regrant::token::Realm;
use regrant_dynamodb::DynamoStore;
use regrant_dynamodb::aws_sdk_dynamodb::Client;
use regrant_dynamodb::aws_sdk_dynamodb::types::AttributeValue;
pub(crate) use testbed::{LONG, key, text_of};

pub(crate) use crate::common::{SECRET, at, client, fresh_table, new_table, server};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A store in a table of its own, and the client and the table for a look behind it.
pub(crate) struct Own {
    pub(crate) store: DynamoStore,
    pub(crate) client: Client,
    pub(crate) table: String,
}

impl Own {
    pub(crate) async fn new() -> Self {
        let table = new_table().await;
        let store = at(server().address(), &table).open().await.unwrap();
        Self { store, client: client(server().address()), table }
    }

    /// All items of the table, by their keys.
    pub(crate) async fn items(&self) -> Vec<Item> {
        let items = self.client.scan().table_name(&self.table).send().await.unwrap().items.unwrap_or_default();
        let mut items: Vec<Item> = items;
        items.sort_by_key(|item| (text(item, "pk").to_owned(), text(item, "sk").to_owned()));
        items
    }

    /// Index entries of the subject "demo", or of the client "app".
    pub(crate) async fn entries(&self, kind: char) -> Vec<Item> {
        self.items().await.into_iter().filter(|item| text(item, "pk").starts_with(kind)).collect()
    }

    pub(crate) async fn grant(&self, key: &GrantKey) -> Item {
        let is_it = |item: &Item| text(item, "pk") == format!("g##{}", key.id);
        self.items().await.into_iter().find(is_it).expect("a grant")
    }

    pub(crate) async fn put(&self, item: Item) {
        self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.unwrap();
    }

    pub(crate) async fn delete(&self, item: &Item) {
        let delete = self.client.delete_item().table_name(&self.table);
        let delete = delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone());
        delete.send().await.unwrap();
    }
}

pub(crate) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().expect("a text")
}

pub(crate) fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name).map(|value| value.as_n().expect("a number").parse().expect("an integer"))
}

/// A record of "app" and "demo" that expires in an hour.
pub(crate) fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    record_until(payload, Some(SystemClock.now() + HOUR))
}

pub(crate) fn record_until(payload: impl Into<Vec<u8>>, expires_at: Option<Timestamp>) -> GrantRecord {
    GrantRecord { expires_at, ..testbed::record(payload) }
}

pub(crate) async fn create(store: &DynamoStore, key: &GrantKey, record: GrantRecord) -> Version {
    assert_eq!(store.compare_and_swap(key, Expect::Absent, record).await.unwrap(), Swap::Stored);
    existing(store, key).await.version
}

pub(crate) async fn existing(store: &DynamoStore, key: &GrantKey) -> StoredGrant {
    store.load(key).await.unwrap().unwrap()
}

pub(crate) async fn replace(store: &DynamoStore, key: &GrantKey, record: GrantRecord) {
    let version = existing(store, key).await.version;
    let swap = store.compare_and_swap(key, Expect::Version(version), record).await;
    assert_eq!(swap.unwrap(), Swap::Stored, "there is no other writer");
}

pub(crate) fn demo() -> GrantOwner {
    GrantOwner::Subject("demo".try_into().unwrap())
}

pub(crate) fn app() -> GrantOwner {
    GrantOwner::Client("app".try_into().unwrap())
}

pub(crate) async fn listed(store: &DynamoStore, owner: &GrantOwner) -> Vec<GrantId> {
    let page = store.page(&Realm::default(), owner, None, 1000).await.unwrap();
    page.into_iter().map(|(id, _)| id).collect()
}

pub(crate) fn assert_transient(error: &StoreError) {
    assert!(error.is_transient(), "{}", text_of(error));
}
