//! A store of your own, in two methods. This one is a map behind a lock. A database does the same with
//! `UPDATE ... WHERE key = $1 AND version = $2`.
//!
//! ```text
//! cargo run --example custom_store
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use regrant::store::{Expect, GrantKey, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, RefreshRequest,
    Subject, SystemEntropy, TokenService,
};

#[derive(Default)]
struct MapStore(Mutex<HashMap<GrantKey, StoredGrant>>);

#[async_trait]
impl TokenStore for MapStore {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.get(key).cloned())
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        // Condition and write happen under one lock, so no other write comes between them.
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = match (expect, records.get(key)) {
            (Expect::Absent, None) => true,
            (Expect::Version(version), Some(current)) => current.version == version,
            _ => false,
        };
        if !holds {
            return Ok(Swap::Conflict);
        }
        records.insert(key.clone(), StoredGrant { version: Version::random(), record });
        Ok(Swap::Stored)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MapStore::default(), ClientRegistry::new(), keys).build()?;
    let client = Client::new(ClientId::from_static("app"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());

    let request = IssueRequest::new(GrantType::AuthorizationCode, Approval::of(Subject::from_static("demo")));
    let first = service.issue(&client, request).await?;
    println!("issued    grant {}", first.grant_id);
    let refresh_token = first.refresh_token.ok_or("no refresh token")?;
    let second = service.refresh(&client, &RefreshRequest::new(refresh_token)).await?;
    println!("refreshed grant {}: one record, written twice", second.grant_id);
    Ok(())
}
