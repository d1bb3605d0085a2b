//! ARCHITECTURE.md, order of checks: owner, proof, life.

use super::{Fixture, HOUR, KEY, OTHER_KEY, SECOND, client_id};
use crate::client::Client;
use crate::grant::RevocationReason;
use crate::outcome::Refusal;
use crate::policy::{Lifetime, Policy};
use crate::token::{Binding, Claims, Lineage, Root, TokenKind, TokenSecret};
use crate::vocabulary::{RefreshToken, Registration};

#[test]
fn a_token_of_another_client_is_refused_before_its_key_is_asked_for() {
    let mut fixture = Fixture::public(Some(KEY));
    fixture.client.id = client_id("other");
    fixture.key = None;
    fixture.present(&fixture.first).assert_refused(Refusal::OtherClient);
}

#[test]
fn a_token_of_an_earlier_registration_is_refused() {
    let mut fixture = Fixture::new();
    fixture.client.registration = Registration(1);
    fixture.present(&fixture.first).assert_refused(Refusal::OtherRegistration);
}

#[test]
fn a_client_that_was_registered_anew_uses_its_own_grants() {
    let client = Client::new(client_id("app")).with_registration(Registration(1));
    let mut fixture = Fixture::of(client, Policy::default(), None);
    assert!(fixture.present(&fixture.first).result.is_ok());
    fixture.client.registration = Registration(0);
    fixture.present(&fixture.first).assert_refused(Refusal::OtherRegistration);
}

#[test]
fn a_token_sealed_by_a_stolen_key_lacks_the_root_and_does_not_revoke_the_grant() {
    let fixture = Fixture::new();
    let secret = TokenSecret::random(&fixture.entropy);
    let lineage = Lineage { root: Root::random(&fixture.entropy), binding: Binding::BEARER };
    let claims = Claims { grant_id: &fixture.grant.id(), number: 0, secret: &secret, lineage: Some(&lineage) };
    let forged = fixture.tokens.seal(TokenKind::RefreshToken, fixture.tokens.ring().primary(), &claims);
    fixture.present(&RefreshToken::new(forged)).assert_refused(Refusal::RootMismatch);
}

#[test]
fn a_bound_token_needs_its_key() {
    let mut fixture = Fixture::public(Some(KEY));
    for key in [None, Some(OTHER_KEY)] {
        fixture.key = key;
        fixture.present(&fixture.first).assert_refused(Refusal::ProofOfPossessionFailed);
    }
    fixture.key = Some(KEY);
    assert!(fixture.present(&fixture.first).result.is_ok());
}

#[test]
fn a_spent_bound_token_without_its_key_is_no_reuse() {
    let mut fixture = Fixture::public(Some(KEY));
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    fixture.rotate(&second);
    fixture.advance(HOUR);
    fixture.key = Some(OTHER_KEY);
    fixture.present(&first).assert_refused(Refusal::ProofOfPossessionFailed);
    fixture.key = Some(KEY);
    fixture.present(&first).assert_reuse(Refusal::RefreshTokenReused);
}

#[test]
fn the_key_is_checked_before_the_life_of_the_grant() {
    let mut fixture = Fixture::public(Some(KEY));
    fixture.grant.revoke(fixture.now, RevocationReason::HostRequest);
    fixture.present(&fixture.first).assert_refused(Refusal::GrantRevoked);
    fixture.key = None;
    fixture.present(&fixture.first).assert_refused(Refusal::ProofOfPossessionFailed);
}

#[test]
fn a_grant_lifetime_that_was_shortened_ends_living_grants() {
    let mut fixture = Fixture::new();
    fixture.policy.grant_lifetime = Lifetime::Of(HOUR);
    fixture.advance(SECOND * 3599);
    assert!(fixture.present(&fixture.first).result.is_ok());
    fixture.advance(SECOND);
    fixture.present(&fixture.first).assert_refused(Refusal::GrantExpired);
}
