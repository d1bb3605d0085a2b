//! ARCHITECTURE.md, order of checks: reach.

use super::{Fixture, HOUR, RefreshRequest, resources, scope};
use crate::outcome::Refusal;
use crate::vocabulary::{GrantType, Resources, Scope};

#[test]
fn more_than_was_granted_is_refused_though_the_client_is_registered_for_it_and_the_token_stays_good() {
    let mut fixture = Fixture::new();
    fixture.client.scope = scope("read write admin");
    fixture.client.resources = resources(&["https://api.example", "https://other.example"]);
    let request = || RefreshRequest::new(fixture.first.clone());
    fixture.refresh(&request().with_scope(scope("read admin"))).assert_refused(Refusal::ScopeExceeded);
    let elsewhere = resources(&["https://other.example"]);
    fixture.refresh(&request().with_resources(elsewhere)).assert_refused(Refusal::ResourceExceeded);
    assert!(fixture.refresh(&request()).result.is_ok());
}

#[test]
fn a_named_scope_or_resource_that_was_withdrawn_is_refused() {
    let mut fixture = Fixture::new();
    fixture.client.scope = scope("read");
    fixture.client.resources = Resources::empty();
    let request = || RefreshRequest::new(fixture.first.clone()).with_scope(scope("read"));
    let withdrawn = RefreshRequest::new(fixture.first.clone()).with_scope(scope("write"));
    fixture.refresh(&withdrawn).assert_refused(Refusal::ScopeExceeded);
    let resource = resources(&["https://api.example"]);
    fixture.refresh(&request().with_resources(resource)).assert_refused(Refusal::ResourceExceeded);
}

#[test]
fn reuse_is_found_before_the_reach_is_checked() {
    let mut fixture = Fixture::new();
    let first = fixture.first.clone();
    let second = fixture.rotate(&first);
    fixture.rotate(&second);
    fixture.advance(HOUR);
    let request = RefreshRequest::new(first).with_scope(scope("admin"));
    fixture.refresh(&request).assert_reuse(Refusal::RefreshTokenReused);
}

#[test]
fn a_narrow_access_token_leaves_the_grant_its_whole_scope() {
    let mut fixture = Fixture::new();
    let narrow = fixture.refresh(&RefreshRequest::new(fixture.first.clone()).with_scope(scope("read")));
    assert_eq!(narrow.response().scope, scope("read"));
    let second = super::RefreshToken::new(narrow.refresh_token());
    fixture.commit(narrow);
    assert_eq!(fixture.present(&second).response().scope, scope("read write"));
}

#[test]
fn scope_that_was_withdrawn_from_the_client_is_gone_from_its_grants() {
    let mut fixture = Fixture::new();
    fixture.client.scope = scope("read");
    assert_eq!(fixture.present(&fixture.first).response().scope, scope("read"));
    fixture.client.scope = Scope::empty();
    fixture.present(&fixture.first).assert_refused(Refusal::ScopeWithdrawn);
    fixture.client.scope = scope("read write");
    fixture.client.resources = Resources::empty();
    fixture.present(&fixture.first).assert_refused(Refusal::ResourceWithdrawn);
}

#[test]
fn a_client_that_lost_the_right_to_refresh_keeps_its_token() {
    let mut fixture = Fixture::new();
    fixture.client.grant_types = vec![GrantType::Password];
    fixture.present(&fixture.first).assert_refused(Refusal::GrantTypeNotAllowed);
    fixture.client.grant_types = vec![GrantType::Password, GrantType::RefreshToken];
    assert!(fixture.present(&fixture.first).result.is_ok());
}
