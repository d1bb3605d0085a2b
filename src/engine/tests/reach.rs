//! ARCHITECTURE.md, order of checks: reach.

use super::{Fixture, HOUR, RefreshRequest, resources, scope};
use crate::engine::{IssueRequest, issue};
use crate::grant::Approval;
use crate::outcome::Refusal;
use crate::vocabulary::{AuthorizationDetails, GrantType, Resources, Scope, Subject};

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

/// A fixture whose grant has these details.
fn with_details(text: &'static str) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.client.authorization_details_types = vec!["a".to_owned(), "b".to_owned()];
    let approval = Approval::of(Subject::new("demo").unwrap())
        .with_scope(scope("read write"))
        .with_resources(resources(&["https://api.example"]))
        .with_authorization_details(AuthorizationDetails::from_static(text));
    let (grant, response) = issue(IssueRequest::new(GrantType::Password, approval), &fixture.context()).unwrap();
    fixture.first = response.facts.refresh_token.unwrap().token;
    fixture.grant = grant;
    fixture
}

#[test]
fn an_access_token_has_the_granted_details_or_the_named_ones_and_the_grant_keeps_all() {
    let mut fixture = with_details(r#"[{"type":"a"},{"type":"b"}]"#);
    let one = AuthorizationDetails::from_static(r#"[{"type":"b"}]"#);
    let narrow = RefreshRequest::new(fixture.first.clone()).with_authorization_details(one.clone());
    let narrow = fixture.refresh(&narrow);
    assert_eq!(narrow.response().authorization_details, Some(one.clone()));
    assert_eq!(narrow.grant.access_tokens().last().unwrap().authorization_details, Some(one));
    let second = super::RefreshToken::new(narrow.refresh_token());
    fixture.commit(narrow);
    let whole = fixture.present(&second);
    assert_eq!(whole.response().authorization_details, fixture.grant.approval().authorization_details);
    assert_eq!(whole.grant.access_tokens().last().unwrap().authorization_details, None, "stored once");
}

#[test]
fn details_that_were_not_granted_or_were_withdrawn_are_refused() {
    let mut fixture = with_details(r#"[{"type":"a"},{"type":"b"}]"#);
    let named = |fixture: &Fixture, text| {
        let request = RefreshRequest::new(fixture.first.clone());
        fixture.refresh(&request.with_authorization_details(AuthorizationDetails::from_static(text)))
    };
    named(&fixture, r#"[{"type":"a","more":1}]"#).assert_refused(Refusal::AuthorizationDetailsExceeded);
    fixture.client.authorization_details_types = vec!["a".to_owned()];
    named(&fixture, r#"[{"type":"b"}]"#).assert_refused(Refusal::AuthorizationDetailsExceeded);
    let left = AuthorizationDetails::from_static(r#"[{"type":"a"}]"#);
    assert_eq!(fixture.present(&fixture.first).response().authorization_details, Some(left));
    fixture.client.authorization_details_types.clear();
    fixture.present(&fixture.first).assert_refused(Refusal::AuthorizationDetailsWithdrawn);
}
