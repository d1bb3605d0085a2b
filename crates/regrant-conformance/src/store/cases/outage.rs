//! The database cannot be reached.

use regrant::event::ErrorCode;
use regrant::store::{Expect, TokenStore};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing,
    RefreshRequest, Subject, TokenService,
};

use super::support::{create, key, record};
use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![an_unreachable_store_fails_transiently, an_unreachable_store_is_no_absence_to_the_service]
}

/// Never "absent": that would log the user out. Never "conflict": there was no other write.
async fn an_unreachable_store_fails_transiently(harness: &impl StoreHarness) {
    let mut fixture = harness.fresh().await;
    let store = fixture.store();
    let version = create(&*store, &key(1), record("x")).await;
    fixture.cut_off().await;
    for number in [1, 2] {
        match store.load(&key(number)).await {
            Ok(answer) => panic!("an unreachable store answered {answer:?}"),
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        for expect in [Expect::Absent, Expect::Version(version)] {
            match store.compare_and_swap(&key(number), expect, record("y")).await {
                Ok(answer) => panic!("an unreachable store answered {answer:?}"),
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        }
    }
}

/// A client is asked to try again; a resource server gets an error, not "inactive".
async fn an_unreachable_store_is_no_absence_to_the_service(harness: &impl StoreHarness) {
    let mut fixture = harness.fresh().await;
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(fixture.store(), ClientRegistry::new(), keys).build().unwrap();
    let client =
        Client::new(ClientId::new("app").unwrap()).with_grant_types([GrantType::Password, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());
    let approval = Approval::of(Subject::new("demo").unwrap());
    let tokens = service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await.unwrap();
    let refresh_token = tokens.refresh_token.unwrap();
    fixture.cut_off().await;
    let errors = [
        service.introspect(&client, tokens.access_token.expose()).await.unwrap_err(),
        service.introspect(&client, refresh_token.expose()).await.unwrap_err(),
        service.revoke(&client, refresh_token.expose()).await.unwrap_err(),
        service.refresh(&client, &RefreshRequest::new(refresh_token)).await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{error:?}");
    }
}
