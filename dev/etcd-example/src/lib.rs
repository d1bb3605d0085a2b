//! The store of docs/store-example-etcd.md, which shows this file piece by piece.

// guide: imports
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, StoredGrant, Swap,
    TokenStore, Use, UseId, Version,
};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, Subject};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
// guide: end

// guide: requests
const DEADLINE: Duration = Duration::from_secs(2);

/// Grants and single-use marks in etcd.
#[derive(Debug)]
pub struct EtcdStore {
    url: String,
    agent: ureq::Agent,
}

impl EtcdStore {
    /// The store at the URL of a member, for example `http://127.0.0.1:2379`.
    pub fn new(url: impl Into<String>) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(DEADLINE));
        Self { url: url.into(), agent: agent.build().into() }
    }

    async fn ask(&self, method: &str, request: Value) -> Result<Value, StoreError> {
        let (agent, url) = (self.agent.clone(), format!("{}/v3/kv/{method}", self.url));
        let answer = spawn_blocking(move || {
            let mut answer = agent.post(url).send(request.to_string())?;
            let body = answer.body_mut().read_to_string()?;
            Ok::<_, ureq::Error>((answer.status().as_u16(), body))
        });
        let (status, body) = answer.await.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)?;
        match status {
            200 => serde_json::from_str(&body).map_err(StoreError::unavailable),
            // No leader, too slow, no space left.
            408 | 429 | 500.. => Err(StoreError::unavailable(body)),
            _ => Err(StoreError::rejected(body)),
        }
    }
}

/// Applies the deadline to a call of several requests.
async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(DEADLINE, call).await.unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))
}
// guide: end

// guide: keys
fn grant_key(realm: &Realm, id: GrantId) -> String {
    format!("regrant/grant/{}/{}", encoded(realm.as_str()), hex(id))
}

fn version_key(realm: &Realm, id: GrantId) -> String {
    format!("regrant/version/{}/{}", encoded(realm.as_str()), hex(id))
}

/// The prefix of the index of an owner; the id follows.
fn index(realm: &Realm, kind: &str, name: &str) -> String {
    format!("regrant/{kind}/{}/{}/", encoded(realm.as_str()), encoded(name))
}

fn index_keys(key: &GrantKey, record: &GrantRecord) -> Vec<String> {
    let client = index(&key.realm, "client", record.client_id.as_str());
    let subject = record.subject.as_ref().map(|subject| index(&key.realm, "subject", subject.as_str()));
    subject.into_iter().chain([client]).map(|prefix| prefix + &hex(key.id)).collect()
}

/// Names may contain a slash; this encoding has none.
fn encoded(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

/// Hexadecimal digits sort as the bytes of the id do.
fn hex(id: GrantId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id.as_bytes()))
}
// guide: end

// guide: swap
#[async_trait]
impl TokenStore for EtcdStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let found = self.ask("range", json!({ "key": bytes(grant_key(&key.realm, key.id)) })).await?;
        found["kvs"].get(0).map(read).transpose()
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let (version, version_key) = (Version::random(), bytes(version_key(&key.realm, key.id)));
        let condition = match expect {
            Expect::Absent => json!({ "key": version_key, "target": "CREATE", "create_revision": "0" }),
            Expect::Version(Version(expected)) => {
                json!({ "key": version_key, "target": "VALUE", "value": bytes(expected.to_string()) })
            }
        };
        let mut puts = vec![
            json!({ "request_put": { "key": version_key, "value": bytes(version.0.to_string()) } }),
            json!({ "request_put": { "key": bytes(grant_key(&key.realm, key.id)), "value": written(version, &record) } }),
        ];
        if expect == Expect::Absent {
            let entries = index_keys(key, &record).into_iter();
            puts.extend(entries.map(|entry| json!({ "request_put": { "key": bytes(entry), "value": "" } })));
        }
        let answer = self.ask("txn", json!({ "compare": [condition], "success": puts })).await?;
        Ok(if answer["succeeded"] == true { Swap::Stored } else { Swap::Conflict })
    }
}
// guide: end

// guide: values
/// Keys and values are bytes; the gateway wants them in base64.
fn bytes(content: impl AsRef<[u8]>) -> String {
    STANDARD.encode(content)
}

fn written(version: Version, record: &GrantRecord) -> String {
    let grant = json!({
        "version": version.0,
        "client": record.client_id.as_str(),
        "subject": record.subject.as_ref().map(Subject::as_str),
        "end": record.expires_at.map(Timestamp::as_millis),
        "payload": STANDARD.encode(&record.payload),
    });
    bytes(grant.to_string())
}

/// Reads a key with its value, or only the value, from an answer.
fn read(pair: &Value) -> Result<StoredGrant, StoreError> {
    let corrupt = || StoreError::corrupt("the value of a grant's key is not a grant");
    let value = STANDARD.decode(pair["value"].as_str().ok_or_else(corrupt)?).map_err(|_| corrupt())?;
    let grant: Value = serde_json::from_slice(&value).map_err(|_| corrupt())?;
    let text = |name: &str| grant[name].as_str().ok_or_else(corrupt);
    let record = GrantRecord {
        payload: STANDARD.decode(text("payload")?).map_err(|_| corrupt())?.into(),
        client_id: ClientId::new(text("client")?).map_err(|_| corrupt())?,
        subject: grant["subject"].as_str().map(Subject::new).transpose().map_err(|_| corrupt())?,
        expires_at: grant["end"].as_i64().map(Timestamp::from_millis),
    };
    Ok(StoredGrant { version: Version(grant["version"].as_u64().ok_or_else(corrupt)?), record })
}
// guide: end

// guide: page
#[async_trait]
impl GrantIndex for EtcdStore {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let (prefix, client) = match owner {
            GrantOwner::Subject(subject) => (index(realm, "subject", subject.as_str()), None),
            GrantOwner::Client(client) => (index(realm, "client", client.as_str()), None),
            GrantOwner::SubjectAndClient(subject, client) => (index(realm, "subject", subject.as_str()), Some(client)),
        };
        in_time(async {
            let mut page = Vec::new();
            // `$` is greater than nothing and less than every digit that could follow.
            let mut from = after.map_or_else(|| prefix.clone(), |id| format!("{prefix}{}$", hex(id)));
            while page.len() < limit {
                let (entries, is_last) = self.list(&from, &prefix, BATCH).await?;
                let ids: Vec<GrantId> = entries.iter().filter_map(|(key, _)| id_of(key)).collect();
                let Some(last) = ids.last() else { break };
                from = format!("{prefix}{}$", hex(*last));
                let grants = self.load_all(realm, &ids).await?;
                let is_asked_for = |grant: &StoredGrant| client.is_none_or(|client| grant.record.client_id == *client);
                page.extend(grants.into_iter().filter(|(_, grant)| is_asked_for(grant)));
                if is_last {
                    break;
                }
            }
            page.truncate(limit);
            Ok(page)
        })
        .await
    }
}

/// Keys that one request returns or asks for; a transaction has at most 128 operations.
const BATCH: usize = 50;

impl EtcdStore {
    /// Returns pairs with this prefix, from a key on, and true if there are no more.
    async fn list(&self, from: &str, prefix: &str, limit: usize) -> Result<(Vec<(String, Value)>, bool), StoreError> {
        // All prefixes end with a slash, and `0` follows it.
        let end = format!("{}0", prefix.trim_end_matches('/'));
        let found = self.ask("range", json!({ "key": bytes(from), "range_end": bytes(end), "limit": limit })).await?;
        let key = |pair: &Value| String::from_utf8(STANDARD.decode(pair["key"].as_str()?).ok()?).ok();
        let pairs = found["kvs"].as_array().into_iter().flatten();
        Ok((pairs.filter_map(|pair| Some((key(pair)?, pair.clone()))).collect(), found["more"] != true))
    }

    /// Loads grants in one transaction. Grants that a purge has just deleted are left out.
    async fn load_all(&self, realm: &Realm, ids: &[GrantId]) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let range = |id: &GrantId| json!({ "request_range": { "key": bytes(grant_key(realm, *id)) } });
        let loads: Vec<Value> = ids.iter().map(range).collect();
        let answer = self.ask("txn", json!({ "success": loads })).await?;
        let found = answer["responses"].as_array().into_iter().flatten().map(|one| &one["response_range"]["kvs"][0]);
        ids.iter().zip(found).filter(|(_, pair)| !pair.is_null()).map(|(id, pair)| Ok((*id, read(pair)?))).collect()
    }
}

/// The id at the end of a key.
fn id_of(key: &str) -> Option<GrantId> {
    let (_, id) = key.rsplit_once('/')?;
    Some(GrantId::from_bytes(u128::from_str_radix(id, 16).ok()?.to_be_bytes()))
}
// guide: end

// guide: purge
#[async_trait]
impl PurgeExpired for EtcdStore {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        for prefix in ["regrant/grant/", "regrant/mark/"] {
            let (mut from, mut is_last) = (prefix.to_owned(), false);
            while !is_last && purged < limit {
                let pairs;
                (pairs, is_last) = self.list(&from, prefix, BATCH).await?;
                for (key, pair) in pairs {
                    if purged < limit && is_over(&key, &pair, now)? {
                        purged += usize::from(self.delete(&key, &pair).await?);
                    }
                    from = key + "$";
                }
            }
        }
        Ok(purged)
    }
}

fn is_over(key: &str, pair: &Value, now: Timestamp) -> Result<bool, StoreError> {
    let end = if key.starts_with("regrant/mark/") { mark_end(pair) } else { read(pair)?.record.expires_at };
    Ok(end.is_some_and(|end| end <= now))
}

impl EtcdStore {
    /// Deletes a mark, or a grant with its version and its index entries, unless it was written meanwhile.
    async fn delete(&self, key: &str, pair: &Value) -> Result<bool, StoreError> {
        let mut keys = vec![key.to_owned()];
        if let (Some(rest), Some(id)) = (key.strip_prefix("regrant/grant/"), id_of(key)) {
            let realm = rest.split_once('/').and_then(|(realm, _)| URL_SAFE_NO_PAD.decode(realm).ok());
            let realm = realm.and_then(|realm| Realm::new(String::from_utf8(realm).ok()?).ok());
            let grant = GrantKey { realm: realm.ok_or_else(|| StoreError::corrupt("a key without a realm"))?, id };
            keys.push(version_key(&grant.realm, id));
            keys.extend(index_keys(&grant, &read(pair)?.record));
        }
        let unchanged = json!({ "key": bytes(key), "target": "VALUE", "value": pair["value"] });
        let deletes: Vec<Value> =
            keys.into_iter().map(|key| json!({ "request_delete_range": { "key": bytes(key) } })).collect();
        let answer = self.ask("txn", json!({ "compare": [unchanged], "success": deletes })).await?;
        Ok(answer["succeeded"] == true)
    }
}
// guide: end

// guide: mark
#[async_trait]
impl SingleUse for EtcdStore {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        let key = bytes(format!("regrant/mark/{}", URL_SAFE_NO_PAD.encode(id.as_bytes())));
        let absent = json!({ "key": key, "target": "CREATE", "create_revision": "0" });
        let put = json!({ "request_put": { "key": key, "value": bytes(expires_at.as_millis().to_string()) } });
        let answer = self.ask("txn", json!({ "compare": [absent], "success": [put] })).await?;
        Ok(if answer["succeeded"] == true { Use::First } else { Use::Again })
    }
}

/// The end of a mark. One that cannot be read is never over.
fn mark_end(pair: &Value) -> Option<Timestamp> {
    let value = STANDARD.decode(pair["value"].as_str()?).ok()?;
    String::from_utf8(value).ok()?.parse().ok().map(Timestamp::from_millis)
}
// guide: end
