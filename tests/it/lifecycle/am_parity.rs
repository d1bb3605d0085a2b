//! `Policy::am_7_5()` behaves as ForgeRock / Ping AM 7.5 does (its "Refresh tokens" page and provider reference).

use regrant::policy::{ClientPolicy, GracePeriod, Lifetime, OnReuse};
use regrant::{GrantType, IssueRequest, Policy, Refusal, TokenError};

use crate::lifecycle::node::{
    DAY, HOUR, MINUTE, MS, Node, SECOND, START, approval, client, refusal, registered_anew, run, scope,
};

fn am() -> Policy {
    Policy::am_7_5()
}

#[test]
fn the_default_lifetimes_are_those_of_am() {
    // codeLifetime 120, accessTokenLifetime 3600, refreshTokenLifetime 604800.
    let node = Node::new(am());
    let tokens = node.issue();
    assert_eq!((tokens.expires_in, tokens.refresh_expires_at), (HOUR, Some(START + DAY * 7)));
    let code = node.authorize();
    node.advance(SECOND * 120 - MS);
    assert!(node.redeem(&code).is_ok());
}

#[test]
fn without_grace_the_old_refresh_token_is_dead_as_soon_as_the_new_one_exists() {
    let node = Node::new(am());
    let first = node.issue();
    let second = node.refresh(first.refresh()).unwrap();
    assert!(!node.is_active(first.refresh()));
    assert_eq!(refusal(node.refresh(first.refresh())).code().as_str(), "invalid_grant");
    // No AM text mentions that reuse ends the grant.
    assert!(node.is_active(second.refresh()) && node.is_active(&second.access) && node.is_active(&first.access));
    node.advance(HOUR);
    assert_eq!(refusal(node.refresh(first.refresh())).code().as_str(), "invalid_grant");
    assert!(node.refresh(second.refresh()).is_ok());
}

#[test]
fn with_grace_the_old_refresh_token_can_be_used_several_times_until_the_period_ends() {
    // refreshTokenGracePeriod: "multiple times if the network problem persists", whatever was done with its successor.
    let node = Node::new(am().with_grace_period((SECOND * 120).into()));
    let first = node.issue();
    let second = node.refresh(first.refresh()).unwrap();
    for _ in 0..10 {
        node.advance(SECOND * 10);
        assert_eq!(node.refresh(first.refresh()).unwrap().refresh, second.refresh);
    }
    let third = node.refresh(second.refresh()).unwrap();
    assert_eq!(node.refresh(first.refresh()).unwrap().refresh, third.refresh, "the current one: never a fork");
    node.advance(SECOND * 20);
    assert_eq!(refusal(node.refresh(first.refresh())).code().as_str(), "invalid_grant");
    assert!(node.refresh(third.refresh()).is_ok(), "the end of the period ends nothing else");
}

#[test]
fn the_grace_period_is_at_most_120_seconds() {
    assert!(am().with_grace_period((SECOND * 120).into()).validate().is_ok());
    assert!(am().with_grace_period((SECOND * 120 + MS).into()).validate().is_err());
}

#[test]
fn a_client_switches_grace_off_for_itself() {
    // AM: a client's -1. Here it is 0, since absence inherits.
    let node = Node::new(am().with_grace_period(MINUTE.into()));
    let strict = node.acting_as(
        client("app")
            .with_policy(ClientPolicy::default().with_grace_period(GracePeriod::Of(std::time::Duration::ZERO))),
    );
    for (node, is_answered) in [(node, true), (strict, false)] {
        let first = node.issue();
        node.refresh(first.refresh()).unwrap();
        assert_eq!(node.refresh(first.refresh()).is_ok(), is_answered);
    }
}

#[test]
fn revoking_a_refresh_token_revokes_the_grant_and_no_other() {
    // RT -> RT and all ATs of the same authorization grant.
    for by in 0..3 {
        let node = Node::new(am());
        let (chain, other) = (node.rotate(&node.issue(), 2, MINUTE), node.issue());
        node.revoke(chain[by].refresh());
        assert!(!node.is_any_active(&chain), "by generation {by}");
        assert_eq!(refusal(node.refresh(chain[2].refresh())), Refusal::GrantRevoked);
        assert!(node.is_active(&other.access) && node.is_active(other.refresh()));
    }
}

#[test]
fn revoking_an_access_token_revokes_that_one_alone() {
    // Server-side mode.
    let node = Node::new(am());
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    node.revoke(&chain[1].access);
    let active: Vec<bool> = chain.iter().map(|tokens| node.is_active(&tokens.access)).collect();
    assert_eq!(active, [true, false, true]);
    assert!(node.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn revoking_what_is_unknown_dead_or_anothers_is_no_error_and_changes_nothing() {
    // RFC 7009 section 2.2.
    let node = Node::new(am());
    let tokens = node.issue();
    let stranger = node.acting_as(client("stranger"));
    stranger.revoke(tokens.refresh());
    stranger.revoke(&tokens.access);
    for garbage in ["", "garbage", "rt_garbage", &tokens.access[1..]] {
        node.revoke(garbage);
    }
    assert!(node.is_active(&tokens.access) && node.is_active(tokens.refresh()));
    node.revoke(tokens.refresh());
    let before = node.bytes(tokens.grant_id);
    node.advance(MINUTE);
    node.revoke(tokens.refresh());
    node.revoke(&tokens.access);
    assert_eq!(node.bytes(tokens.grant_id), before, "the first time and reason stand");
}

#[test]
fn a_refresh_leaves_the_previous_access_token_to_its_own_expiry() {
    let node = Node::new(am());
    let first = node.issue();
    node.advance(MINUTE);
    node.refresh(first.refresh()).unwrap();
    node.advance(HOUR - MINUTE - MS);
    assert!(node.is_active(&first.access));
    node.advance(MS);
    assert!(!node.is_active(&first.access));
}

#[test]
fn a_chain_slides_for_as_long_as_it_is_used() {
    let node = Node::new(am());
    let chain = node.rotate(&node.issue(), 60, DAY * 7 - MS);
    assert!(node.is_active(chain[60].refresh()));
}

#[test]
fn a_refresh_token_lifetime_of_never_is_kept() {
    // refreshTokenLifetime = -1; introspection has no `exp`.
    let node = Node::new(am().with_refresh_token_lifetime(Lifetime::Never));
    let tokens = node.issue();
    node.advance(DAY * 10_000);
    assert_eq!(node.introspect(tokens.refresh()).unwrap().expires_at, None);
    assert!(node.refresh(tokens.refresh()).is_ok());
}

#[test]
fn narrowing_applies_to_the_access_token_only() {
    let node = Node::new(am());
    let narrow = node.refresh_scoped(node.issue().refresh(), "write").unwrap();
    assert_eq!(narrow.scope, scope("write"));
    let next = node.refresh(narrow.refresh()).unwrap();
    assert_eq!(next.scope, scope("read write"));
    assert_eq!(refusal(node.refresh_scoped(next.refresh(), "delete")).code().as_str(), "invalid_scope");
}

#[test]
fn refresh_tokens_are_issued_when_both_settings_say_so() {
    // issueRefreshToken, issueRefreshTokenOnRefreshedToken; a client overrides each.
    let table = [
        (true, None, true, None, true, true),
        (false, None, true, None, false, false),
        (true, Some(false), true, None, false, false),
        (false, Some(true), true, None, true, true),
        (true, None, false, None, true, false),
        (true, None, true, Some(false), true, false),
        (true, None, false, Some(true), true, true),
    ];
    for (issue, client_issue, rotate, client_rotate, first_has, second_has) in table {
        let node = Node::new(am().with_issue_refresh_tokens(issue).with_issue_refresh_tokens_on_refresh(rotate));
        let mut overrides = ClientPolicy::default();
        overrides.issue_refresh_tokens = client_issue;
        overrides.issue_refresh_tokens_on_refresh = client_rotate;
        let node = node.acting_as(client("app").with_policy(overrides));
        let first = node.issue();
        assert_eq!(first.refresh.is_some(), first_has);
        if let Some(token) = &first.refresh {
            let second = node.refresh(token).unwrap();
            assert_eq!(second.refresh.is_some(), second_has);
            assert_eq!(node.is_active(token), !second_has, "without rotation the old one stays valid");
        }
    }
}

#[test]
fn the_flows_of_am_get_refresh_tokens_or_not() {
    let flows = [
        ("authorization_code", true),
        ("password", true),
        ("urn:ietf:params:oauth:grant-type:device_code", true),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", true),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", true),
        ("urn:openid:params:grant-type:ciba", true),
        ("urn:ietf:params:oauth:grant-type:uma-ticket", true),
        ("urn:example:extension", true),
        ("implicit", false),
        ("client_credentials", false),
        // AM: a refresh token is no subject and no requested type; RFC 8693 section 2.2.1: typically not issued.
        ("urn:ietf:params:oauth:grant-type:token-exchange", false),
    ];
    for (name, expected) in flows {
        let flow: GrantType = name.parse().unwrap();
        let node = Node::new(am());
        let node = node.acting_as(client("app").with_grant_types([flow.clone(), GrantType::RefreshToken]));
        let tokens = node.try_issue(flow, approval()).unwrap();
        assert_eq!(tokens.refresh.is_some(), expected, "{name}");
        // An issued token can be refreshed, whatever its flow (sebadob/rauthy#1351).
        assert_eq!(tokens.refresh.map(|token| node.refresh(&token).is_ok()), expected.then_some(true), "{name}");
    }
}

#[test]
fn public_clients_have_no_client_credentials() {
    let node = Node::new(am());
    let public =
        node.acting_as(client("app").with_authentication_methods(regrant::client::ClientAuthenticationMethod::None));
    let answer = run(public.service.issue(&public.client, IssueRequest::client_credentials(scope("read"))));
    assert!(matches!(answer, Err(TokenError::Refused(Refusal::GrantTypeNotAllowed))));
}

#[test]
fn a_code_used_twice_revokes_all_tokens_of_its_grant() {
    let node = Node::new(am());
    let code = node.authorize();
    let chain = node.rotate(&node.redeem(&code).unwrap(), 1, SECOND);
    assert_eq!(refusal(node.redeem(&code)).code().as_str(), "invalid_grant");
    assert!(!node.is_any_active(&chain));
}

#[test]
fn what_am_flattens_to_invalid_grant_is_invalid_grant() {
    // Unknown, used, revoked, expired, an AT passed as RT, another realm, another client (OSS: invalid_request, against
    // RFC 6749 section 5.2).
    let node = Node::new(am());
    let (spent, revoked, idle) = (node.issue(), node.issue(), node.issue());
    node.refresh(spent.refresh()).unwrap();
    node.revoke(revoked.refresh());
    let elsewhere = node.in_realm("elsewhere");
    let stranger = node.acting_as(client("stranger"));
    let heir = node.acting_as(registered_anew("app"));
    let mut refusals = vec![
        refusal(node.refresh("unknown")),
        refusal(node.refresh(spent.refresh())),
        refusal(node.refresh(revoked.refresh())),
        refusal(node.refresh(&idle.access)),
        refusal(elsewhere.refresh(idle.refresh())),
        refusal(stranger.refresh(idle.refresh())),
        refusal(heir.refresh(idle.refresh())),
    ];
    node.advance(DAY * 7);
    refusals.push(refusal(node.refresh(idle.refresh())));
    for refusal in refusals {
        assert_eq!(refusal.code().as_str(), "invalid_grant", "{refusal:?}");
    }
}

#[test]
fn the_defaults_differ_from_am_only_where_the_design_says_so() {
    let ours = Policy::default();
    let migrated = am()
        .with_pushed_request_lifetime(ours.pushed_request_lifetime)
        .with_grace_period(ours.grace_period)
        .with_catch_up_window(ours.catch_up_window)
        .with_extend_on_use(ours.extend_on_use)
        .with_on_reuse(OnReuse::Revoke)
        .with_max_live_access_tokens(ours.max_live_access_tokens)
        .with_require_pkce(ours.require_pkce);
    assert_eq!(migrated, ours);
}
