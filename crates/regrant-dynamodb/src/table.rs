//! Requests to the table. Every read is strongly consistent, and every write but that of an index entry is conditional.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use crate::failure::Failure;
use crate::item::{EXPIRES_AT, MADE, PAYLOAD, REACH, TTL, VERSION};
use crate::key::{Item, Key, PARTITION, SORT};
use crate::store::Inner;

/// Pause before keys are asked for again that a read left out: the answer was too large, or the table is throttled.
const PAUSE: Duration = Duration::from_millis(10);

/// A conditional change of a grant.
pub(crate) struct Change {
    pub(crate) version: AttributeValue,
    pub(crate) payload: AttributeValue,
    pub(crate) expires_at: Option<AttributeValue>,
    pub(crate) ttl: Option<AttributeValue>,
    pub(crate) expected: AttributeValue,
    pub(crate) reach: Reach,
}

/// The reach of a changed grant.
pub(crate) enum Reach {
    /// The change is made only if the grant's reach is this or more. It stays as it is.
    AtLeast(AttributeValue),
    /// The grant gets this reach.
    Moved(AttributeValue),
}

/// The entries of a partition of the index.
pub(crate) struct Entries {
    pub(crate) items: Vec<Item>,
    pub(crate) is_last: bool,
}

impl Inner {
    pub(crate) async fn get(&self, key: &Key) -> Result<Option<Item>, Failure> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.item())).consistent_read(true);
        let got = get.customize().config_override(self.settings.read.clone()).send().await;
        Ok(got.map_err(|error| self.failed("GetItem", error))?.item)
    }

    /// Reads the items at these keys, at most 100, in no order. Absent ones are left out.
    pub(crate) async fn get_all(&self, keys: &[Key]) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::with_capacity(keys.len());
        let mut keys: Vec<Item> = keys.iter().map(Key::item).collect();
        while !keys.is_empty() {
            let asked = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let asked = asked.map_err(|error| Failure::not_sent("BatchGetItem", &self.table, error))?;
            let get = self.client.batch_get_item().request_items(&self.table, asked);
            let got = get.customize().config_override(self.settings.read.clone()).send().await;
            let got = got.map_err(|error| self.failed("BatchGetItem", error))?;
            // Only one table was asked.
            items.extend(got.responses.unwrap_or_default().into_values().flatten());
            keys = got.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
            if !keys.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(items)
    }

    /// Reads at most `limit` index entries of a partition whose sort key is greater than `behind`.
    pub(crate) async fn query(&self, partition: &str, behind: String, limit: i32) -> Result<Entries, Failure> {
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(limit)
            .key_condition_expression("#partition = :partition AND #sort > :behind")
            .set_expression_attribute_names(Some(names([("#partition", PARTITION), ("#sort", SORT)])))
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .expression_attribute_values(":behind", AttributeValue::S(behind));
        let found = query.customize().config_override(self.settings.read.clone()).send().await;
        let found = found.map_err(|error| self.failed("Query", error))?;
        Ok(Entries { items: found.items.unwrap_or_default(), is_last: found.last_evaluated_key.is_none() })
    }

    /// Writes an item whatever is there.
    pub(crate) async fn put(&self, item: Item) -> Result<(), Failure> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.customize().config_override(self.settings.write.clone()).send().await;
        put.map(drop).map_err(|error| self.failed("PutItem", error))
    }

    /// Writes an item if there is none with its key. Returns false if there is one.
    pub(crate) async fn create(&self, item: Item) -> Result<bool, Failure> {
        self.put_if(item, "attribute_not_exists(#partition)").await
    }

    pub(crate) async fn put_if(&self, item: Item, condition: &str) -> Result<bool, Failure> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression(condition);
        let put = put.set_expression_attribute_names(Some(names([("#partition", PARTITION)])));
        let put = put.customize().config_override(self.settings.write.clone()).send().await;
        was_met(put.map_err(|error| self.failed("PutItem", error)))
    }

    /// Changes a grant. Returns false if the condition did not hold.
    pub(crate) async fn change(&self, key: &Key, change: Change) -> Result<bool, Failure> {
        let mut set = vec!["#version = :version", "#payload = :payload"];
        let mut remove = Vec::new();
        for (optional, assignment, name) in
            [(&change.expires_at, "#expires_at = :expires_at", "#expires_at"), (&change.ttl, "#ttl = :ttl", "#ttl")]
        {
            if optional.is_some() { set.push(assignment) } else { remove.push(name) }
        }
        let (condition, reach) = match change.reach {
            Reach::AtLeast(least) => ("#version = :expected AND #reach >= :reach", least),
            Reach::Moved(reach) => {
                set.push("#reach = :reach");
                ("#version = :expected", reach)
            }
        };
        let mut expression = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            expression = format!("{expression} REMOVE {}", remove.join(", "));
        }
        let values = [
            (":version", Some(change.version)),
            (":payload", Some(change.payload)),
            (":expires_at", change.expires_at),
            (":ttl", change.ttl),
            (":expected", Some(change.expected)),
            (":reach", Some(reach)),
        ];
        let update = self.client.update_item().table_name(&self.table).set_key(Some(key.item()));
        let update = update.update_expression(expression).condition_expression(condition);
        let update = update.set_expression_attribute_values(Some(crate::item::present(values)));
        let update = update.set_expression_attribute_names(Some(names([
            ("#version", VERSION),
            ("#payload", PAYLOAD),
            ("#expires_at", EXPIRES_AT),
            ("#ttl", TTL),
            ("#reach", REACH),
        ])));
        let update = update.customize().config_override(self.settings.write.clone()).send().await;
        was_met(update.map_err(|error| self.failed("UpdateItem", error)))
    }

    /// Deletes an index entry if it is still the one that was made at `made`.
    pub(crate) async fn delete(&self, key: &Key, made: AttributeValue) -> Result<bool, Failure> {
        let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key.item()));
        let delete = delete.condition_expression("#made = :made").expression_attribute_values(":made", made);
        let delete = delete.set_expression_attribute_names(Some(names([("#made", MADE)])));
        let delete = delete.customize().config_override(self.settings.write.clone()).send().await;
        was_met(delete.map_err(|error| self.failed("DeleteItem", error)))
    }

    pub(crate) fn failed<E>(&self, operation: &'static str, error: aws_sdk_dynamodb::error::SdkError<E>) -> Failure
    where
        E: aws_sdk_dynamodb::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Failure::new(operation, &self.table, error)
    }
}

/// Placeholders for names of attributes, some of which are reserved words.
fn names<const N: usize>(names: [(&str, &str); N]) -> HashMap<String, String> {
    names.map(|(placeholder, name)| (placeholder.to_owned(), name.to_owned())).into()
}

fn was_met<T>(written: Result<T, Failure>) -> Result<bool, Failure> {
    match written {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_condition() => Ok(false),
        Err(failure) => Err(failure),
    }
}
