//! The decisions about a pushed authorization request.

use std::time::Duration;

use super::{Fixture, KEY, MILLISECOND, OTHER_KEY, SECOND, client_id, scope};
use crate::client::Client;
use crate::engine::{AuthorizeRequest, PushRequest, arrive, authorize, check_push, pending, push, use_up};
use crate::grant::{Approval, Grant, RevocationReason};
use crate::outcome::Refusal;
use crate::ports::proof::ProofFault;
use crate::token::{Claims, Opened, TokenKind, TokenSecret};
use crate::vocabulary::{Confirmation, GrantType, RedirectUri};

const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

fn asked() -> AuthorizeRequest {
    let redirect_uri = RedirectUri::from_static("https://app.example/callback");
    AuthorizeRequest::new(Approval::default().with_scope(scope("read"))).with_redirect_uri(redirect_uri)
}

/// A fixture whose client may push requests.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.client.grant_types.push(GrantType::AuthorizationCode);
    fixture.client.redirect_uris = vec![RedirectUri::from_static("https://app.example/callback")];
    fixture
}

fn pushed(fixture: &Fixture) -> (Grant, Box<Opened>) {
    let (record, response) = push(PushRequest::new("state=x", asked()), &fixture.context()).unwrap();
    (record, fixture.tokens.open(TokenKind::RequestUri, response.request_uri.expose()).unwrap())
}

/// A `request_uri` of that record, made by a thief of the key, without the secret.
fn forged(fixture: &Fixture, record: &Grant) -> Opened {
    let secret = TokenSecret::random(&fixture.entropy);
    let claims = Claims { grant_id: &record.id(), number: 0, secret: &secret, lineage: None };
    let text = fixture.tokens.seal(TokenKind::RequestUri, fixture.tokens.ring().primary(), &claims);
    *fixture.tokens.open(TokenKind::RequestUri, &text).unwrap()
}

fn refusal_of(record: &Grant, presented: &Opened, client: &Client, fixture: &Fixture) -> Option<Refusal> {
    let (mut arriving, mut used) = (record.clone(), record.clone());
    let refused = pending(record, presented, client, fixture.now).err();
    let decision = arrive(&mut arriving, presented, client, fixture.now);
    assert_eq!(decision.outcome.err(), refused);
    assert!(refused.is_none() || (!decision.commits && arriving == *record));
    let decision = use_up(&mut used, presented, client, fixture.now);
    assert_eq!((decision.outcome.err(), decision.commits), (refused, refused.is_none()));
    refused
}

#[test]
fn the_first_arrival_is_stored_and_no_other_one() {
    let mut fixture = fixture();
    let (mut record, presented) = pushed(&fixture);
    assert_eq!(record.deletable_from(), Some(fixture.now + SECOND * 60));
    for commits in [true, false, false] {
        fixture.advance(SECOND);
        let decision = arrive(&mut record, &presented, &fixture.client, fixture.now);
        assert_eq!((decision.outcome.unwrap().parameters.as_slice(), decision.commits), (&b"state=x"[..], commits));
        assert_eq!(decision.events.as_slice(), []);
    }
    let until = fixture.now + HALF_AN_HOUR;
    fixture.step_back(SECOND * 2);
    assert_eq!(record.deletable_from(), Some(fixture.now + HALF_AN_HOUR), "from the first arrival on");
    assert!(record.deletable_from() < Some(until));
}

#[test]
fn a_request_expires_at_its_moment_before_and_after_its_arrival() {
    let mut fixture = fixture();
    let (mut record, presented) = pushed(&fixture);
    fixture.advance(SECOND * 60);
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), Some(Refusal::PushedRequestExpired));
    fixture.step_back(MILLISECOND);
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), None);
    assert!(arrive(&mut record, &presented, &fixture.client, fixture.now).commits);
    fixture.advance(HALF_AN_HOUR);
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), Some(Refusal::PushedRequestExpired));
    fixture.step_back(MILLISECOND);
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), None);
}

#[test]
fn a_request_is_used_once_and_stays_used_until_its_end() {
    let fixture = fixture();
    let (mut record, presented) = pushed(&fixture);
    let until = record.deletable_from();
    let decision = use_up(&mut record, &presented, &fixture.client, fixture.now);
    assert!(decision.outcome.is_ok() && decision.commits && decision.events.is_empty());
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), Some(Refusal::PushedRequestUsed));
    assert_eq!(record.deletable_from(), until);
    let bytes = record.encode();
    assert!(!bytes.windows(7).any(|part| part == b"state=x"));
}

#[test]
fn a_stolen_key_makes_no_request_uri_and_a_stranger_gets_nothing() {
    let fixture = fixture();
    let (mut record, presented) = pushed(&fixture);
    let forged = forged(&fixture, &record);
    assert_eq!(refusal_of(&record, &forged, &fixture.client, &fixture), Some(Refusal::PushedRequestUnknown));
    let stranger = Client { id: client_id("other"), ..fixture.client.clone() };
    let other = Some(Refusal::PushedRequestOfOtherClient);
    assert_eq!(refusal_of(&record, &presented, &stranger, &fixture), other);
    assert_eq!(refusal_of(&record, &forged, &stranger, &fixture), other);
    record.revoke(fixture.now, RevocationReason::HostRequest);
    assert_eq!(refusal_of(&record, &presented, &fixture.client, &fixture), Some(Refusal::PushedRequestUnknown));
    // The grant of a session is no pushed request.
    let session = &fixture.grant;
    assert_eq!(refusal_of(session, &presented, &fixture.client, &fixture), Some(Refusal::PushedRequestUnknown));
}

#[test]
fn the_key_is_the_proven_one_or_the_named_one_and_not_two() {
    let mut fixture = fixture();
    let pushed_with = |fixture: &Fixture, named: Option<Confirmation>| {
        let request = PushRequest::new("", asked().with_confirmation(named));
        push(request, &fixture.context()).map(|(record, response)| {
            let presented = fixture.tokens.open(TokenKind::RequestUri, response.request_uri.expose()).unwrap();
            pending(&record, &presented, &fixture.client, fixture.now).unwrap().0.confirmation
        })
    };
    assert_eq!(pushed_with(&fixture, None), Ok(None));
    assert_eq!(pushed_with(&fixture, Some(KEY)), Ok(Some(KEY)));
    fixture.key = Some(KEY);
    assert_eq!(pushed_with(&fixture, None), Ok(Some(KEY)));
    assert_eq!(pushed_with(&fixture, Some(KEY)), Ok(Some(KEY)));
    assert_eq!(pushed_with(&fixture, Some(OTHER_KEY)), Err(Refusal::ProofInvalid(ProofFault::OtherKey)));
}

#[test]
fn a_push_is_judged_as_its_authorization_will_be_except_that_it_need_not_be_pushed() {
    let mut fixture = fixture();
    fixture.policy.require_pushed_authorization_requests = true;
    let request = || PushRequest::new("", asked());
    assert_eq!(check_push(&request(), &fixture.context()), Ok(()));
    assert_eq!(authorize(asked(), &fixture.context()).err(), Some(Refusal::PushedRequestRequired));
    let mut without_uri = asked();
    without_uri.redirect_uri = None;
    let without_uri = PushRequest::new("", without_uri);
    assert_eq!(check_push(&without_uri, &fixture.context()), Err(Refusal::RedirectUriMissing));
    let mut more = asked();
    more.approval.scope = scope("admin");
    let more = PushRequest::new("", more);
    assert_eq!(check_push(&more, &fixture.context()), Err(Refusal::ScopeExceeded));
    fixture.client.redirect_uris.clear();
    assert_eq!(check_push(&request(), &fixture.context()), Err(Refusal::RedirectUriNotRegistered));
    assert_eq!(authorize(asked(), &fixture.context()).err(), Some(Refusal::RedirectUriNotRegistered));
}
