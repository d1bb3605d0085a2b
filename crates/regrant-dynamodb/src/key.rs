//! Keys of items. A realm may be empty and a key attribute may not, so every key has a prefix.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regrant::GrantId;
use regrant::clock::Timestamp;
use regrant::store::{GrantKey, GrantOwner, GrantRecord, UseId};
use regrant::token::Realm;

/// Name of the partition key.
pub(crate) const PARTITION: &str = "pk";
/// Name of the sort key.
pub(crate) const SORT: &str = "sk";

/// Partitions of a client. One partition takes 1000 writes a second; a client may sign in more users than that.
const SHARDS: u8 = 16;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

impl Key {
    /// Key of a grant. The id comes last and has a fixed length, so no realm can imitate another key.
    pub(crate) fn grant(key: &GrantKey) -> Self {
        Self { partition: format!("g#{}#{}", key.realm, key.id), sort: "grant".to_owned() }
    }

    /// Key of a single-use mark.
    pub(crate) fn mark(id: &UseId) -> Self {
        Self { partition: format!("m#{}", URL_SAFE_NO_PAD.encode(id.as_bytes())), sort: "mark".to_owned() }
    }

    /// Key at which nothing is ever stored, for the check of rights.
    pub(crate) fn probe() -> Self {
        Self { partition: "probe".to_owned(), sort: "probe".to_owned() }
    }

    /// Keys of the index entries of a grant: one for its client, and one for its subject if it has one.
    pub(crate) fn entries(key: &GrantKey, record: &GrantRecord, reach: Timestamp) -> Vec<Self> {
        let owners = [
            Some(client_partition(&key.realm, record.client_id.as_str(), shard(key.id))),
            record.subject.as_ref().map(|subject| subject_partition(&key.realm, subject.as_str())),
        ];
        let sort = format!("{}#{:016x}", hex(key.id), reach.as_millis());
        owners.into_iter().flatten().map(|partition| Self { partition, sort: sort.clone() }).collect()
    }

    pub(crate) fn item(&self) -> Item {
        let pairs = [(PARTITION, &self.partition), (SORT, &self.sort)];
        pairs.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone()))).into()
    }
}

/// Partitions of the index that hold the grants of an owner after `after`, in the order of the ids.
pub(crate) fn partitions(realm: &Realm, owner: &GrantOwner, after: Option<GrantId>) -> Vec<String> {
    match owner {
        GrantOwner::Subject(subject) | GrantOwner::SubjectAndClient(subject, _) => {
            vec![subject_partition(realm, subject.as_str())]
        }
        GrantOwner::Client(client_id) => {
            (after.map_or(0, shard)..SHARDS).map(|shard| client_partition(realm, client_id.as_str(), shard)).collect()
        }
    }
}

// The length ends the realm: realms and names may contain any separator.
fn subject_partition(realm: &Realm, subject: &str) -> String {
    format!("s#{}#{realm}#{subject}", realm.as_str().len())
}

fn client_partition(realm: &Realm, client_id: &str, shard: u8) -> String {
    format!("c#{shard:x}#{}#{realm}#{client_id}", realm.as_str().len())
}

/// The first four bits of the id, so that the shards are in the order of the ids.
fn shard(id: GrantId) -> u8 {
    id.as_bytes()[0] >> 4
}

/// Sort key that is greater than those of all entries of `id`, and less than those of the next id.
pub(crate) fn behind(id: Option<GrantId>) -> String {
    // `$` follows `#` in ASCII. Sort keys of entries begin with a digit or letter, so they are greater than ` `.
    id.map_or_else(|| " ".to_owned(), |id| format!("{}$", hex(id)))
}

/// Reads the id from the sort key of an entry.
pub(crate) fn entered(sort: &str) -> Option<GrantId> {
    let (id, _) = sort.split_once('#')?;
    let number = u128::from_str_radix(id, 16).ok()?;
    (id.len() == 32).then(|| GrantId::from_bytes(number.to_be_bytes()))
}

// Unlike base64, hexadecimal digits have the order of the bytes that they stand for.
fn hex(id: GrantId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_in_the_order_of_the_ids_and_behind_their_predecessors() {
        let ids = [[0; 16], [0x0f; 16], [0x10; 16], [0x9f; 16], [0xa0; 16], [0xff; 16]].map(GrantId::from_bytes);
        for pair in ids.windows(2) {
            let [one, next] = [pair[0], pair[1]].map(|id| format!("{}#ffff", hex(id)));
            assert!(one < behind(Some(pair[0])) && behind(Some(pair[0])) < next);
            assert!(shard(pair[0]) <= shard(pair[1]));
            assert_eq!(entered(&one), Some(pair[0]));
        }
        assert!(behind(None) < hex(ids[0]));
    }

    #[test]
    fn no_realm_and_owner_are_those_of_another_pair() {
        let realm = |name| Realm::new(name).unwrap_or_default();
        let pairs = [("", "a#b"), ("a", "b"), ("a#b", ""), ("a#", "b"), ("1#a", "b"), ("", "1#a#b")];
        let partitions = pairs.map(|(name, subject)| subject_partition(&realm(name), subject));
        for (position, partition) in partitions.iter().enumerate() {
            assert!(!partitions[..position].contains(partition), "{partition}");
        }
    }
}
