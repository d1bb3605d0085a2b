//! Scope and resources: narrowed for an access token, never for the grant (RFC 6749 sections 3.3 and 6, RFC 8707).

use std::collections::BTreeSet;

use proptest::prelude::*;
use regrant::{Approval, GrantType, Policy, RedeemRequest, RefreshRequest, Refusal, Resources, Scope};

use crate::lifecycle::node::{
    API, CALLBACK, FILES, HOUR, MINUTE, Node, VERIFIER, approval, cases, client, refusal, resources, scope, subject,
};

#[test]
fn a_refresh_without_scope_gets_the_whole_scope() {
    // RFC 6749 section 6.
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 1, MINUTE);
    assert!(chain.iter().all(|tokens| tokens.scope == scope("read write")));
    assert_eq!(node.refresh_scoped(chain[1].refresh(), "write read").unwrap().scope, scope("read write"));
}

#[test]
fn narrowing_reaches_one_access_token_and_the_refresh_token_keeps_the_whole_scope() {
    // RFC 6749 section 6: narrowing affects the access token alone.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let narrow = node.refresh_scoped(first.refresh(), "read").unwrap();
    assert_eq!(narrow.scope, scope("read"));
    assert_eq!(node.introspect(&narrow.access).unwrap().scope, scope("read"));
    assert_eq!(node.introspect(narrow.refresh()).unwrap().scope, scope("read write"));
    assert_eq!(node.introspect(&first.access).unwrap().scope, scope("read write"));
    let other = node.refresh_scoped(narrow.refresh(), "write").unwrap();
    assert_eq!(other.scope, scope("write"), "what one refresh left out the next one may ask for");
    assert_eq!(node.refresh(other.refresh()).unwrap().scope, scope("read write"));
}

#[test]
fn an_empty_scope_is_a_subset_too() {
    let node = Node::new(Policy::default());
    let empty = node.refresh_scoped(node.issue().refresh(), "").unwrap();
    assert!(empty.scope.is_empty());
    assert!(node.introspect(&empty.access).unwrap().scope.is_empty());
}

#[test]
fn more_than_the_grant_holds_is_refused_and_consumes_nothing() {
    // RFC 6749 section 6.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let before = node.bytes(first.grant_id);
    for wider in ["delete", "read write delete", "READ", "rea", "readwrite"] {
        assert_eq!(refusal(node.refresh_scoped(first.refresh(), wider)), Refusal::ScopeExceeded, "{wider}");
    }
    assert_eq!(Refusal::ScopeExceeded.code().as_str(), "invalid_scope");
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(first.refresh()).is_ok());
}

#[test]
fn a_scope_withdrawn_from_the_client_is_gone_from_its_grants() {
    // Keycloak: GHSA-895x-rfqp-jh5c.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let reader = node.acting_as(client("app").with_scope(scope("read delete")));
    for wanted in ["write", "read write"] {
        assert_eq!(refusal(reader.refresh_scoped(first.refresh(), wanted)), Refusal::ScopeExceeded, "{wanted}");
    }
    // A request without a scope gets the rest, and the answer names it. The client cannot know which scope was
    // withdrawn.
    let narrow = reader.refresh(first.refresh()).unwrap();
    assert_eq!(narrow.scope, scope("read"));
    assert_eq!(node.introspect(&narrow.access).unwrap().scope, scope("read"));
    // A scope that the client gained later was not consented to.
    assert_eq!(refusal(reader.refresh_scoped(narrow.refresh(), "read delete")), Refusal::ScopeExceeded);
    // And when the client gets it back, so does the grant.
    assert_eq!(node.refresh(narrow.refresh()).unwrap().scope, scope("read write"));
}

#[test]
fn access_tokens_keep_what_was_withdrawn_until_they_expire_or_the_client_is_revoked() {
    for is_revoked in [false, true] {
        let node = Node::new(Policy::default());
        let first = node.issue();
        let reader = node.acting_as(client("app").with_scope(scope("read")).with_resources(resources(&[API])));
        reader.refresh(first.refresh()).unwrap();
        let active = reader.introspect(&first.access).unwrap();
        assert_eq!((active.scope, active.resources), (scope("read write"), resources(&[API, FILES])));
        if is_revoked {
            crate::lifecycle::node::run(reader.service.revoke_client(&reader.client.id)).unwrap();
        } else {
            node.advance(HOUR);
        }
        assert!(!reader.is_active(&first.access));
    }
}

#[test]
fn a_grant_of_which_nothing_is_registered_any_more_is_over_for_clients_that_name_no_scope() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let before = node.bytes(first.grant_id);
    let other = node.acting_as(client("app").with_scope(scope("delete")));
    assert_eq!(refusal(other.refresh(first.refresh())), Refusal::ScopeWithdrawn);
    let elsewhere = node.acting_as(client("app").with_resources(resources(&["https://other.example/"])));
    assert_eq!(refusal(elsewhere.refresh(first.refresh())), Refusal::ResourceWithdrawn);
    for refusal in [Refusal::ScopeWithdrawn, Refusal::ResourceWithdrawn] {
        assert_eq!(refusal.code().as_str(), "invalid_grant");
    }
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(first.refresh()).is_ok());
}

#[test]
fn a_grant_without_scope_and_resources_is_refreshed_whatever_is_registered() {
    let node = Node::new(Policy::default());
    let bare = node.try_issue(GrantType::Password, Approval::of(subject("demo"))).unwrap();
    let nothing = node.acting_as(client("app").with_scope(Scope::empty()).with_resources(Resources::empty()));
    assert!(nothing.refresh(bare.refresh()).unwrap().scope.is_empty());
}

#[test]
fn a_code_and_a_device_code_give_what_is_still_registered() {
    let node = Node::new(Policy::default());
    let reader = node.acting_as(client("app").with_scope(scope("read")).with_resources(resources(&[API])));
    let code = node.authorize();
    let device = node.authorize_device();
    crate::lifecycle::node::run(
        node.service.approve_device(&device.user_code, Approval::of(subject("demo")).with_scope(scope("read write"))),
    )
    .unwrap();
    let redeemed = reader.redeem(&code).unwrap();
    assert_eq!((&redeemed.scope, &redeemed.resources), (&scope("read"), &resources(&[API])));
    assert_eq!(reader.poll(device.device_code.expose()).unwrap().scope, scope("read"));
    // The grant keeps what was consented to.
    assert_eq!(node.refresh(redeemed.refresh()).unwrap().scope, scope("read write"));
}

#[test]
fn nothing_is_issued_beyond_what_the_client_is_registered_for() {
    let node = Node::new(Policy::default());
    let reader = node.acting_as(client("app").with_scope(scope("read")));
    assert_eq!(refusal(reader.try_issue(GrantType::Password, approval())), Refusal::ScopeExceeded);
    assert!(reader.try_authorize().is_err());
    let plain = node.acting_as(client("app").with_resources(resources(&[API])));
    assert_eq!(refusal(plain.try_issue(GrantType::Password, approval())), Refusal::ResourceExceeded);
    assert!(node.store.grants.is_empty());
}

#[test]
fn resources_narrow_like_scope() {
    // RFC 8707 section 2.2.
    let node = Node::new(Policy::default());
    let first = node.issue();
    assert_eq!(first.resources, resources(&[API, FILES]));
    let narrow = node.refresh_with(&RefreshRequest::new(first.refresh()).with_resources(resources(&[API]))).unwrap();
    assert_eq!(narrow.resources, resources(&[API]));
    assert_eq!(node.introspect(&narrow.access).unwrap().resources, resources(&[API]));
    assert_eq!(node.introspect(narrow.refresh()).unwrap().resources, resources(&[API, FILES]));
    let whole = node.refresh(narrow.refresh()).unwrap();
    assert_eq!(whole.resources, resources(&[API, FILES]));
    let before = node.bytes(first.grant_id);
    let strange = RefreshRequest::new(whole.refresh()).with_resources(resources(&[API, "https://other.example/"]));
    assert_eq!(refusal(node.refresh_with(&strange)), Refusal::ResourceExceeded);
    assert_eq!(Refusal::ResourceExceeded.code().as_str(), "invalid_target");
    assert_eq!(node.bytes(first.grant_id), before);
}

#[test]
fn a_retry_for_other_resources_gets_another_access_token_beside_the_same_refresh_token() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let answer = node.refresh(first.refresh()).unwrap();
    let request = RefreshRequest::new(first.refresh()).with_resources(resources(&[FILES]));
    let narrow = node.refresh_with(&request).unwrap();
    assert_ne!(narrow.access, answer.access);
    assert_eq!(narrow.refresh, answer.refresh);
    assert_eq!(node.refresh_with(&request).unwrap(), narrow);
}

#[test]
fn a_resource_withdrawn_from_the_client_is_gone_from_its_grants() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let plain = node.acting_as(client("app").with_resources(resources(&[API])));
    let request = RefreshRequest::new(first.refresh()).with_resources(resources(&[FILES]));
    assert_eq!(refusal(plain.refresh_with(&request)), Refusal::ResourceExceeded);
    assert_eq!(plain.refresh(first.refresh()).unwrap().resources, resources(&[API]));
}

#[test]
fn a_redemption_may_narrow_resources_and_the_refresh_token_keeps_them() {
    let node = Node::new(Policy::default());
    let request = |code: &str, wanted: Resources| {
        RedeemRequest::new(code).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER).with_resources(wanted)
    };
    let code = node.authorize();
    let strange = request(&code, resources(&["https://other.example/"]));
    assert_eq!(refusal(node.redeem_with(&strange)), Refusal::ResourceExceeded);
    let tokens = node.redeem_with(&request(&code, resources(&[FILES]))).unwrap();
    assert_eq!(tokens.resources, resources(&[FILES]));
    assert_eq!(node.refresh(tokens.refresh()).unwrap().resources, resources(&[API, FILES]));
}

/// The grammar of RFC 6749 section 3.3, written anew: scope-token *( SP scope-token ), and the empty text.
fn model(text: &str) -> Option<BTreeSet<&str>> {
    if text.is_empty() {
        return Some(BTreeSet::new());
    }
    let is_token_char = |c: char| matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
    text.split(' ').map(|token| (!token.is_empty() && token.chars().all(is_token_char)).then_some(token)).collect()
}

fn scope_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::collection::vec("[a-c]{1,2}", 0..6).prop_map(|tokens| tokens.join(" ")),
        2 => proptest::collection::vec("[!#-\\[\\]-~]{1,6}", 0..6).prop_map(|tokens| tokens.join(" ")),
        1 => "[ -~]{0,12}",
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_scope_is_the_set_of_its_tokens(text in scope_text()) {
        let (parsed, expected) = (Scope::new(&text), model(&text));
        prop_assert_eq!(parsed.is_ok(), expected.is_some());
        if let (Ok(parsed), Some(expected)) = (parsed, expected) {
            let tokens: Vec<&str> = parsed.iter().collect();
            let ascending: Vec<&str> = expected.iter().copied().collect();
            prop_assert_eq!(&tokens, &ascending);
            prop_assert_eq!(parsed.is_empty(), expected.is_empty());
            prop_assert_eq!(parsed.to_string(), ascending.join(" "));
            prop_assert_eq!(&Scope::new(&parsed.to_string()).unwrap(), &parsed);
            prop_assert!(expected.iter().all(|token| parsed.contains(token)));
            prop_assert!(!parsed.contains(""));
            prop_assert_eq!(parsed.contains("a"), expected.contains("a"));
        }
    }

    #[test]
    fn a_scope_is_a_subset_when_the_set_is(left in scope_text(), right in scope_text(), both in scope_text()) {
        let joined = format!("{right} {both}");
        for (left, right) in [(&left, &right), (&both, &joined), (&left, &joined)] {
            if let (Some(small), Some(large)) = (model(left), model(right)) {
                let (left, right) = (Scope::new(left).unwrap(), Scope::new(right).unwrap());
                prop_assert_eq!(left.is_subset_of(&right), small.is_subset(&large));
                prop_assert_eq!(left == right, small == large);
            }
        }
    }
}
