//! The decisions about a device authorization: ARCHITECTURE.md, order of checks, for RFC 8628.

use super::{Fixture, HOUR, MILLISECOND, SECOND, resources, scope};
use crate::engine::{
    Context, DeviceAuthorizationRequest, admit, approve_device, authorize_device, check_owner, decide_device, poll,
    redeem_device,
};
use crate::grant::{Approval, Grant, RevocationReason};
use crate::outcome::{EventKind, Refusal};
use crate::policy::{Lifetime, Policy};
use crate::token::{Claims, Opened, TokenKind, TokenSecret};
use crate::vocabulary::{GrantId, GrantType, Scope, Subject};

/// A device that waits for its user, and its code.
fn device(fixture: &mut Fixture) -> (Grant, Box<Opened>) {
    fixture.client.grant_types.push(GrantType::DeviceCode);
    let request = DeviceAuthorizationRequest::new().with_scope(scope("read"));
    let (device, response) = authorize_device(&request, &fixture.context()).unwrap();
    (device, fixture.tokens.open(TokenKind::DeviceCode, response.device_code.expose()).unwrap())
}

/// Approves the device, and returns the grant that waits for its poll.
fn approve(fixture: &Fixture, device: &mut Grant) -> Grant {
    let approval = Approval::of(Subject::new("demo").unwrap()).with_scope(scope("read"));
    let grant = approve_device(device, approval, &fixture.entropy, fixture.now).unwrap();
    let decision = decide_device(device, Some(grant.id()), fixture.now);
    assert!(decision.commits);
    assert_eq!(*decision.events, [], "the approval was reported with its grant");
    grant
}

/// A device code of that grant, made by a thief of the key, without the secret.
fn forged(fixture: &Fixture, id: GrantId) -> Opened {
    let secret = TokenSecret::random(&fixture.entropy);
    let claims = Claims { grant_id: &id, number: 0, secret: &secret, lineage: None };
    let code = fixture.tokens.seal(TokenKind::DeviceCode, fixture.tokens.ring().primary(), &claims);
    *fixture.tokens.open(TokenKind::DeviceCode, &code).unwrap()
}

/// Redeems the approved grant as the service does.
fn redeem(grant: &Grant, code: &Opened, ctx: &Context<'_>) -> Result<Vec<EventKind>, Refusal> {
    let mut grant = grant.clone();
    let owned = check_owner(ctx.client, &grant, code)?;
    let admitted = admit(&grant, owned, ctx)?;
    let decision = redeem_device(&mut grant, admitted, ctx);
    assert_eq!(decision.commits, decision.outcome.is_ok());
    decision.outcome.map(|_| decision.events.to_vec())
}

#[test]
fn a_device_code_sealed_by_a_stolen_key_slows_no_device_down_and_redeems_nothing() {
    let mut fixture = Fixture::new();
    let (mut device, code) = device(&mut fixture);
    let forged = forged(&fixture, device.id());
    let decision = poll(&mut device.clone(), &forged, &fixture.context());
    assert_eq!((decision.outcome, decision.commits), (Err(Refusal::TokenUnrecognized), false));
    let grant = approve(&fixture, &mut device);
    let decision = poll(&mut device.clone(), &forged, &fixture.context());
    assert_eq!((decision.outcome, decision.commits), (Err(Refusal::TokenUnrecognized), false));
    assert_eq!(redeem(&grant, &forged, &fixture.context()), Err(Refusal::TokenUnrecognized));
    assert_eq!(redeem(&grant, &code, &fixture.context()), Ok(vec![EventKind::Redeemed]));
}

#[test]
fn a_device_code_expires_at_the_same_moment_for_poll_decision_and_redemption() {
    let mut fixture = Fixture::new();
    let (mut waiting, code) = device(&mut fixture);
    let mut approved = waiting.clone();
    let grant = approve(&fixture, &mut approved);
    fixture.now = fixture.now + fixture.policy.device_code_lifetime;
    fixture.step_back(MILLISECOND);
    assert_eq!(poll(&mut approved.clone(), &code, &fixture.context()).outcome, Ok(grant.id()));
    assert!(redeem(&grant, &code, &fixture.context()).is_ok());
    assert!(decide_device(&mut waiting.clone(), None, fixture.now).outcome.is_ok());
    fixture.advance(MILLISECOND);
    assert_eq!(poll(&mut approved, &code, &fixture.context()).outcome, Err(Refusal::DeviceCodeExpired));
    assert_eq!(redeem(&grant, &code, &fixture.context()), Err(Refusal::DeviceCodeExpired));
    assert_eq!(decide_device(&mut waiting, None, fixture.now).outcome, Err(Refusal::UserCodeUnknown));
}

#[test]
fn a_session_of_a_device_begins_with_its_approval() {
    let mut fixture = Fixture::with_policy(Policy::default().with_grant_lifetime(Lifetime::Of(HOUR)));
    let (mut device, _) = device(&mut fixture);
    fixture.advance(SECOND * 100);
    assert_eq!(Box::new(approve(&fixture, &mut device)).summary().created_at, fixture.now);
}

#[test]
fn a_denial_is_reported() {
    let mut fixture = Fixture::new();
    let (mut device, _) = device(&mut fixture);
    let decision = decide_device(&mut device, None, fixture.now);
    assert_eq!(
        (decision.commits, decision.events.as_slice()),
        (true, &[EventKind::DeviceDecided { approved: false }][..])
    );
}

#[test]
fn a_device_of_a_client_without_a_default_scope_asks_for_one() {
    let mut fixture = Fixture::new();
    fixture.client.grant_types.push(GrantType::DeviceCode);
    fixture.client.default_scope = Some(Scope::empty());
    let answer = authorize_device(&DeviceAuthorizationRequest::new(), &fixture.context());
    assert_eq!(answer.err(), Some(Refusal::ScopeMissing));
}

#[test]
fn a_revoked_device_is_refused_as_revoked() {
    let mut fixture = Fixture::new();
    let (mut device, code) = device(&mut fixture);
    device.revoke(fixture.now, RevocationReason::HostRequest);
    let decision = poll(&mut device, &code, &fixture.context());
    assert_eq!((decision.outcome, decision.commits), (Err(Refusal::GrantRevoked), false));
}

#[test]
fn scope_and_resources_of_a_request_are_asked_for_together() {
    let mut fixture = Fixture::new();
    fixture.client.grant_types.push(GrantType::DeviceCode);
    let wanted = resources(&["https://api.example"]);
    let request = DeviceAuthorizationRequest::new().with_resources(wanted.clone()).with_scope(scope("read"));
    let (device, _) = authorize_device(&request, &fixture.context()).unwrap();
    assert_eq!((&device.approval().scope, &device.approval().resources), (&scope("read"), &wanted));
}
