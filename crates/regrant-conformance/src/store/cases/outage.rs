//! The database cannot be reached: connections are refused, or requests are swallowed.

use std::time::Duration;

use regrant::event::ErrorCode;
use regrant::store::{Expect, Swap, TokenStore};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, Key, KeyRing,
    RefreshRequest, Subject, TokenError, TokenService,
};

use super::support::{answered, ends_in_time, fails_in_time, key, record};
use crate::store::cases::Case;
use crate::store::{Fixture, StoreHarness};

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    cases![an_unreachable_store_fails_transiently, an_unreachable_store_is_no_absence_to_the_service]
}

pub(in crate::store) fn cases_of_silence<H: StoreHarness>() -> Vec<Case<H>> {
    cases![a_silent_store_fails_transiently_in_time, a_silent_store_is_no_absence_to_the_service]
}

async fn an_unreachable_store_fails_transiently(harness: &impl StoreHarness) {
    each_call_fails(harness, Outage::Refused).await;
}

async fn an_unreachable_store_is_no_absence_to_the_service(harness: &impl StoreHarness) {
    each_request_fails(harness, Outage::Refused).await;
}

/// A store without a deadline keeps every request for ever.
async fn a_silent_store_fails_transiently_in_time(harness: &impl StoreHarness) {
    each_call_fails(harness, Outage::Silent).await;
}

async fn a_silent_store_is_no_absence_to_the_service(harness: &impl StoreHarness) {
    each_request_fails(harness, Outage::Silent).await;
}

/// The two ways in which a database is out of reach.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outage {
    /// Connections are closed and refused.
    Refused,
    /// Requests are swallowed.
    Silent,
}

impl Outage {
    pub(super) async fn begin<S: Send + Sync>(self, fixture: &mut Fixture<S>) {
        match self {
            Self::Refused => fixture.cut_off().await,
            Self::Silent => fixture.silence().await,
        }
    }
}

/// Longest time of a request to the service: five times what the contract of [`TokenStore`] promises, for busy
/// machines.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);

/// Never "absent": that would log the user out. Never "conflict": there was no other write.
async fn each_call_fails(harness: &impl StoreHarness, outage: Outage) {
    let mut fixture = harness.prompt().await;
    let store = fixture.store();
    let (there, missing) = (key(1), key(2));
    // A creation whose answer came too late conflicts with itself.
    let create = async || store.compare_and_swap(&there, Expect::Absent, record("x")).await;
    let _: Swap = answered("a creation", create).await;
    let found = answered("a load", async || store.load(&there).await).await;
    let version = Expect::Version(found.unwrap_or_else(|| panic!("the record is gone")).version);
    outage.begin(&mut fixture).await;
    // At once, so that some calls find an open connection and others need a new one.
    tokio::join!(
        fails_in_time("a load", store.load(&there)),
        fails_in_time("a load of what is not there", store.load(&missing)),
        fails_in_time("a swap", store.compare_and_swap(&there, version, record("y"))),
        fails_in_time("a swap of what is not there", store.compare_and_swap(&missing, version, record("y"))),
        fails_in_time("a creation", store.compare_and_swap(&missing, Expect::Absent, record("y"))),
        fails_in_time("a creation of what is there", store.compare_and_swap(&there, Expect::Absent, record("y"))),
    );
    // Those that come later find the connections that the first ones have left behind.
    fails_in_time("a later load", store.load(&there)).await;
    fails_in_time("a later swap", store.compare_and_swap(&there, version, record("z"))).await;
}

/// A client is asked to try again; a resource server gets an error, not "inactive".
async fn each_request_fails(harness: &impl StoreHarness, outage: Outage) {
    let mut fixture = harness.prompt().await;
    let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
    let service = TokenService::builder(fixture.store(), ClientRegistry::new(), keys).build().unwrap();
    let client =
        Client::new(ClientId::new("app").unwrap()).with_grant_types([GrantType::Password, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());
    let tokens = loop {
        let approval = Approval::of(Subject::new("demo").unwrap());
        match service.issue(&client, IssueRequest::new(GrantType::Password, approval)).await {
            Ok(tokens) => break tokens,
            Err(error) => assert_retryable("before the outage", &error),
        }
    };
    let (access_token, refresh_token) = (tokens.access_token, tokens.refresh_token.unwrap());
    let refresh = RefreshRequest::new(refresh_token.expose());
    outage.begin(&mut fixture).await;
    let limit = LONGEST_REQUEST;
    let (introspected, known, revoked, refreshed) = tokio::join!(
        ends_in_time("an introspection", limit, service.introspect(&client, access_token.expose())),
        ends_in_time("an introspection", limit, service.introspect(&client, refresh_token.expose())),
        ends_in_time("a revocation", limit, service.revoke(&client, refresh_token.expose())),
        ends_in_time("a refresh", limit, service.refresh(&client, &refresh)),
    );
    assert_retryable("an introspection", &introspected.unwrap_err());
    assert_retryable("an introspection of a refresh token", &known.unwrap_err());
    assert_retryable("a revocation", &revoked.unwrap_err());
    assert_retryable("a refresh", &refreshed.unwrap_err());
}

fn assert_retryable(what: &str, error: &TokenError) {
    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{what}: {error:?}");
}
