//! Calls of a store, and their errors.

use std::error::Error;
use std::fmt::Write as _;

use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoreError, TokenStore, UseId,
};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, Subject};

/// The key of a grant in the default realm.
#[must_use]
pub fn key(id: u128) -> GrantKey {
    GrantKey { realm: Realm::default(), id: GrantId::from_bytes(id.to_be_bytes()) }
}

/// A record of the client "app" and the subject "demo" without expiry.
#[must_use]
pub fn record(payload: impl Into<Vec<u8>>) -> GrantRecord {
    GrantRecord {
        payload: payload.into().into(),
        client_id: ClientId::new("app").expect("a client id"),
        subject: Some(Subject::new("demo").expect("a subject")),
        expires_at: None,
    }
}

/// Errors of all calls of a store; each call must fail.
pub async fn failures(store: &(impl TokenStore + GrantIndex + PurgeExpired + SingleUse)) -> Vec<StoreError> {
    let (next, epoch, used) = (record("next"), Timestamp::from_millis(0), UseId::from_bytes([1; 32]));
    let owner = GrantOwner::Client(next.client_id.clone());
    let outcomes = [
        store.load(&key(1)).await.err(),
        store.compare_and_swap(&key(2), Expect::Absent, next).await.err(),
        store.page(&Realm::default(), &owner, None, 10).await.err(),
        store.purge_expired(epoch, 10).await.err(),
        store.use_once(&used, epoch).await.err(),
    ];
    outcomes.map(|error| error.expect("the call fails")).into()
}

/// Text of an error with all its causes, in each form that may reach a log.
#[must_use]
pub fn text_of(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        write!(text, "; {error}").expect("memory");
        cause = error.source();
    }
    text
}
