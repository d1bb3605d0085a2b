//! Refresh token rotation and the detection of reuse (RFC 9700 section 4.14.2, RFC 6749 section 6).

use regrant::event::{EventKind, Operation};
use regrant::grant::RevocationReason;
use regrant::policy::{OnReuse, PreviousAccessToken};
use regrant::{ClientId, GrantType, IssueRequest, Policy, Refusal, Scope, TokenError};

use crate::lifecycle::node::{
    Answer, DAY, HOUR, MINUTE, Node, Tokens, a_minute_of_grace, approval, client, refusal, run, subject,
};

fn without_rotation() -> Policy {
    Policy::default().with_issue_refresh_tokens_on_refresh(false)
}

fn is_reuse(answer: Answer) -> bool {
    refusal(answer) == Refusal::RefreshTokenReused
}

#[test]
fn a_refresh_answers_with_new_tokens_of_the_same_grant() {
    let node = Node::new(a_minute_of_grace());
    let first = node.issue();
    let second = node.refresh(first.refresh()).unwrap();
    assert_ne!(first.access, second.access);
    assert_ne!(first.refresh, second.refresh);
    // The same grant, the same scope.
    assert_eq!((second.grant_id, &second.scope, &second.resources), (first.grant_id, &first.scope, &first.resources));
    assert_eq!(second.expires_in, HOUR);
    assert!(node.is_active(&second.access) && node.is_active(second.refresh()));
    assert!(!node.is_active(first.refresh()), "a rotated refresh token is spent");
}

#[test]
fn every_generation_works_exactly_once_and_only_the_last_is_active() {
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 20, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| node.is_active(tokens.refresh())).collect();
    assert_eq!(active, [vec![false; 20], vec![true]].concat());
    let mut all: Vec<&str> = chain.iter().flat_map(|tokens| [&*tokens.access, tokens.refresh()]).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 42, "no token is ever issued twice");
}

#[test]
fn reuse_of_any_generation_kills_all_generations_and_all_access_tokens() {
    // 4 generations, each reused in a grant of its own.
    for reused in 0..4 {
        let node = Node::new(a_minute_of_grace());
        let chain = node.rotate(&node.issue(), 4, MINUTE);
        node.advance(MINUTE);
        assert!(is_reuse(node.refresh(chain[reused].refresh())), "generation {reused}");
        // The revocation is stored although the caller gets an error.
        assert!(!node.is_any_active(&chain), "generation {reused}");
        for tokens in &chain {
            assert_eq!(refusal(node.refresh(tokens.refresh())), Refusal::GrantRevoked);
        }
    }
}

#[test]
fn a_thief_who_comes_late_ends_the_session() {
    let node = Node::new(a_minute_of_grace());
    let stolen = node.issue();
    let owner = node.refresh(stolen.refresh()).unwrap();
    node.advance(MINUTE);
    assert!(is_reuse(node.refresh(stolen.refresh())));
    assert_eq!(refusal(node.refresh(owner.refresh())), Refusal::GrantRevoked);
    assert!(!node.is_active(&owner.access));
}

#[test]
fn a_thief_who_comes_first_loses_his_tokens_when_the_owner_comes() {
    let node = Node::new(a_minute_of_grace());
    let stolen = node.issue();
    let thief = node.rotate(&stolen, 3, MINUTE);
    node.advance(MINUTE);
    assert!(is_reuse(node.refresh(stolen.refresh())), "the owner finds the token spent");
    assert!(!node.is_any_active(&thief));
    assert_eq!(refusal(node.refresh(thief[3].refresh())), Refusal::GrantRevoked);
}

#[test]
fn reuse_is_seen_after_thousands_of_rotations() {
    // However late, with constant storage.
    let node = Node::new(a_minute_of_grace());
    let first = node.issue();
    let mut last = first.clone();
    let mut early_size = 0;
    for round in 0..3000 {
        node.advance(MINUTE * 30);
        last = node.refresh(last.refresh()).unwrap();
        if round == 10 {
            early_size = node.bytes(first.grant_id).len();
        }
    }
    let late_size = node.bytes(first.grant_id).len();
    assert!(late_size <= early_size + 16, "the record grew from {early_size} to {late_size} bytes");
    node.advance(MINUTE);
    assert!(is_reuse(node.refresh(first.refresh())));
    assert!(!node.is_any_active(&[last]));
}

#[test]
fn reuse_counts_before_excess_scope_does() {
    // Otherwise a thief who asks for too much scope is not detected.
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 1, MINUTE);
    node.advance(MINUTE);
    assert!(is_reuse(node.refresh_scoped(chain[0].refresh(), "read write delete")));
    assert!(!node.is_any_active(&chain));
}

#[test]
fn reuse_is_reported_with_its_cause_and_its_consequence() {
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    node.advance(MINUTE);
    node.events.take();
    assert!(is_reuse(node.refresh(chain[1].refresh())));
    let seen = node.events.take();
    let kinds: Vec<EventKind> = seen.iter().map(|event| event.kind).collect();
    let cause = Refusal::RefreshTokenReused;
    assert_eq!(
        kinds,
        [
            EventKind::ReuseDetected { cause, revoked: true },
            EventKind::GrantRevoked(RevocationReason::RefreshTokenReuse),
            EventKind::Refused(cause),
        ]
    );
    for event in seen {
        assert_eq!(event.operation, Operation::Refresh);
        assert_eq!(event.grant_id, Some(chain[0].grant_id));
        assert_eq!(
            (event.client_id.as_ref().map(ClientId::as_str), event.subject),
            (Some("app"), Some(subject("demo")))
        );
    }
}

#[test]
fn each_success_is_reported_once() {
    let node = Node::new(a_minute_of_grace());
    let first = node.issue();
    assert_eq!(node.events.kinds(), [EventKind::Issued]);
    let second = node.refresh(first.refresh()).unwrap();
    assert_eq!(node.events.kinds(), [EventKind::Rotated { generation: 1 }]);
    node.revoke(&second.access);
    assert_eq!(node.events.kinds(), [EventKind::AccessTokenRevoked]);
    node.revoke(second.refresh());
    assert_eq!(node.events.kinds(), [EventKind::GrantRevoked(RevocationReason::ClientRequest)]);
    let code = node.authorize();
    assert_eq!(node.events.kinds(), [EventKind::CodeIssued]);
    node.redeem(&code).unwrap();
    assert_eq!(node.events.kinds(), [EventKind::Redeemed]);
}

#[test]
fn under_refuse_a_reuse_is_reported_and_changes_nothing() {
    let node = Node::new(a_minute_of_grace().with_on_reuse(OnReuse::Refuse));
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    node.advance(MINUTE);
    node.events.take();
    let before = node.bytes(chain[0].grant_id);
    for spent in &chain[..2] {
        assert!(is_reuse(node.refresh(spent.refresh())));
        let cause = Refusal::RefreshTokenReused;
        assert_eq!(
            node.events.kinds(),
            [EventKind::ReuseDetected { cause, revoked: false }, EventKind::Refused(cause)]
        );
    }
    assert_eq!(node.bytes(chain[0].grant_id), before);
    assert!(node.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn another_client_cannot_spend_a_token_nor_kill_a_grant_with_it() {
    // The owner is checked before any write.
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    node.advance(MINUTE);
    let stranger = node.acting_as(client("stranger"));
    let before = node.bytes(chain[0].grant_id);
    for tokens in &chain {
        assert_eq!(refusal(stranger.refresh(tokens.refresh())), Refusal::OtherClient);
        stranger.revoke(tokens.refresh());
        stranger.revoke(&tokens.access);
        assert!(!stranger.is_active(&tokens.access) && !stranger.is_active(tokens.refresh()));
    }
    assert_eq!(node.bytes(chain[0].grant_id), before);
    assert!(node.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn two_sessions_of_one_user_and_client_are_separate_families() {
    // Two sign-ins are two grants.
    let node = Node::new(a_minute_of_grace());
    let (one, two) = (node.issue(), node.issue());
    node.refresh(one.refresh()).unwrap();
    node.advance(MINUTE);
    assert!(is_reuse(node.refresh(one.refresh())));
    assert!(node.is_active(&two.access) && node.is_active(two.refresh()));
    assert!(node.refresh(two.refresh()).is_ok());
}

#[test]
fn without_rotation_the_refresh_token_stays_and_the_answer_has_none() {
    // AM: issueRefreshTokenOnRefreshedToken = false.
    let node = Node::new(without_rotation());
    let first = node.issue();
    let mut accesses = vec![first.access.clone()];
    for _ in 0..5 {
        node.advance(MINUTE);
        let again = node.refresh(first.refresh()).unwrap();
        assert_eq!((again.refresh, again.refresh_expires_at), (None, None));
        assert!(!accesses.contains(&again.access));
        accesses.push(again.access);
    }
    assert!(accesses.iter().all(|access| node.is_active(access)));
    assert!(node.is_active(first.refresh()));
}

#[test]
fn without_rotation_a_refresh_token_in_use_does_not_die_as_if_it_lay_unused() {
    // IdentityServer3 #2411, PostHog PR 63340: the end counted from the issue, and daily users were logged out each
    // week.
    let node = Node::new(without_rotation());
    let first = node.issue();
    for _ in 0..30 {
        node.advance(DAY * 6);
        node.refresh(first.refresh()).unwrap();
        let end = node.service.now() + DAY * 7;
        assert_eq!(node.introspect(first.refresh()).unwrap().expires_at, Some(end));
        assert_eq!(node.store.record(first.grant_id).unwrap().expires_at, Some(end), "for the purge");
    }
    node.advance(DAY * 7);
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenExpired);
}

#[test]
fn without_rotation_a_use_lengthens_no_grant() {
    let node = Node::new(without_rotation().with_grant_lifetime((DAY * 10).into()));
    let first = node.issue();
    node.advance(DAY * 6);
    node.refresh(first.refresh()).unwrap();
    assert_eq!(node.introspect(first.refresh()).unwrap().expires_at, Some(crate::lifecycle::node::START + DAY * 10));
    node.advance(DAY * 4);
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::GrantExpired);
}

#[test]
fn without_rotation_and_extension_the_refresh_token_keeps_its_first_end_as_in_am() {
    for policy in
        [without_rotation().with_extend_on_use(false), Policy::am_7_5().with_issue_refresh_tokens_on_refresh(false)]
    {
        let node = Node::new(policy);
        let first = node.issue();
        let end = first.refresh_expires_at.unwrap();
        node.advance(DAY * 6);
        node.refresh(first.refresh()).unwrap();
        assert_eq!(node.introspect(first.refresh()).unwrap().expires_at, Some(end));
        node.advance(DAY);
        assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenExpired);
    }
}

#[test]
fn an_extension_that_is_switched_off_later_counts_from_the_issue_at_once() {
    let node = Node::new(without_rotation());
    let first = node.issue();
    node.advance(DAY * 6);
    node.refresh(first.refresh()).unwrap();
    node.advance(DAY);
    let fixed = node.under(without_rotation().with_extend_on_use(false));
    assert_eq!(refusal(fixed.refresh(first.refresh())), Refusal::RefreshTokenExpired);
    assert!(node.refresh(first.refresh()).is_ok());
}

#[test]
fn rotation_switched_on_in_mid_life_rotates_from_the_next_refresh() {
    // Rotation switched off after issuance.
    let still = Node::new(without_rotation());
    let first = still.issue();
    still.refresh(first.refresh()).unwrap();
    let rotating = still.under(a_minute_of_grace());
    let chain = rotating.rotate(&first, 1, MINUTE);
    assert_ne!(chain[0].refresh, chain[1].refresh);
    rotating.advance(MINUTE);
    assert!(is_reuse(rotating.refresh(first.refresh())));
}

#[test]
fn rotation_switched_off_in_mid_life_keeps_the_head_and_still_sees_reuse() {
    let rotating = Node::new(a_minute_of_grace());
    let chain = rotating.rotate(&rotating.issue(), 2, MINUTE);
    let still = rotating.under(without_rotation());
    for _ in 0..3 {
        still.advance(MINUTE);
        assert_eq!(still.refresh(chain[2].refresh()).unwrap().refresh, None);
    }
    assert!(is_reuse(still.refresh(chain[1].refresh())));
    assert!(!still.is_any_active(&chain));
}

#[test]
fn earlier_access_tokens_live_on_by_default() {
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 3, MINUTE);
    assert!(chain.iter().all(|tokens| node.is_active(&tokens.access)));
}

#[test]
fn earlier_access_tokens_die_at_the_refresh_when_the_policy_says_so() {
    // The optional policy to revoke the access token of the previous generation.
    let node = Node::new(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    let chain = node.rotate(&node.issue(), 3, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| node.is_active(&tokens.access)).collect();
    assert_eq!(active, [false, false, false, true]);
    let still = node.under(without_rotation().with_previous_access_token(PreviousAccessToken::Revoke));
    let again = still.refresh(chain[3].refresh()).unwrap();
    assert!(!still.is_active(&chain[3].access) && still.is_active(&again.access));
}

#[test]
fn a_refused_refresh_kills_no_earlier_access_token() {
    let node = Node::new(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    let first = node.issue();
    assert_eq!(refusal(node.refresh_scoped(first.refresh(), "delete")), Refusal::ScopeExceeded);
    assert!(node.is_active(&first.access));
}

#[test]
fn the_oldest_access_token_makes_room_for_one_too_many() {
    let node = Node::new(Policy::default().with_max_live_access_tokens(3));
    let chain = node.rotate(&node.issue(), 5, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| node.is_active(&tokens.access)).collect();
    assert_eq!(active, [false, false, false, true, true, true]);
}

#[test]
fn an_expired_access_token_takes_no_room() {
    // The younger one expired first, so there is room beside the older.
    let node = Node::new(Policy::default().with_max_live_access_tokens(2));
    let brief = node.under(Policy::default().with_max_live_access_tokens(2).with_access_token_lifetime(MINUTE));
    let first = node.issue();
    let second = brief.refresh(first.refresh()).unwrap();
    node.advance(MINUTE);
    let third = node.refresh(second.refresh()).unwrap();
    let active = [&first, &second, &third].map(|tokens| node.is_active(&tokens.access));
    assert_eq!(active, [true, false, true]);
}

#[test]
fn a_lowered_limit_of_live_access_tokens_holds_from_the_next_refresh() {
    // A policy change applies to existing grants at their next request.
    let node = Node::new(a_minute_of_grace());
    let chain = node.rotate(&node.issue(), 9, MINUTE);
    let strict = node.under(Policy::default().with_max_live_access_tokens(2));
    let last = strict.refresh(chain[9].refresh()).unwrap();
    let mut all: Vec<Tokens> = chain;
    all.push(last);
    let active: Vec<bool> = all.iter().map(|tokens| strict.is_active(&tokens.access)).collect();
    assert_eq!(active, [vec![false; 9], vec![true; 2]].concat());
}

#[test]
fn only_flows_that_may_refresh_get_a_refresh_token() {
    // RFC 6749 sections 4.2.2 and 4.4.3.
    let table = [
        (GrantType::Password, true),
        (GrantType::DeviceCode, true),
        (GrantType::Implicit, false),
        (GrantType::ClientCredentials, false),
    ];
    let node = Node::new(a_minute_of_grace());
    for (grant_type, expected) in table {
        let tokens = node.try_issue(grant_type.clone(), approval()).unwrap();
        assert_eq!(tokens.refresh.is_some(), expected, "{grant_type}");
        assert_eq!(tokens.refresh_expires_at.is_some(), expected, "{grant_type}");
        assert!(node.is_active(&tokens.access));
    }
    assert!(node.redeem(&node.authorize()).unwrap().refresh.is_some());
}

#[test]
fn client_credentials_act_for_nobody_but_the_client() {
    let node = Node::new(a_minute_of_grace());
    let scope: Scope = "read".parse().unwrap();
    let response = run(node.service.issue(&node.client, IssueRequest::client_credentials(scope))).unwrap();
    assert!(response.refresh_token.is_none());
    let active = node.introspect(response.access_token.expose()).unwrap();
    assert_eq!((active.approval.subject, active.grant_type), (None, GrantType::ClientCredentials));
}

#[test]
fn no_refresh_token_is_issued_when_the_policy_says_so() {
    // AM: issueRefreshToken = false.
    let node = Node::new(Policy::default().with_issue_refresh_tokens(false));
    assert_eq!(node.issue().refresh, None);
    assert_eq!(node.redeem(&node.authorize()).unwrap().refresh, None);
}

#[test]
fn switching_refresh_tokens_off_does_not_end_those_that_exist() {
    let node = Node::new(a_minute_of_grace());
    let first = node.issue();
    let off = node.under(Policy::default().with_issue_refresh_tokens(false));
    let second = off.refresh(first.refresh()).unwrap();
    assert!(off.is_active(second.refresh()));
}

#[test]
fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let node = Node::new(a_minute_of_grace());
    let plain = node.acting_as(client("app").with_grant_types([GrantType::Password]));
    assert_eq!(plain.issue().refresh, None);
}

#[test]
fn a_client_that_may_refresh_no_more_is_unauthorized_and_loses_nothing() {
    // Refused with unauthorized_client. Once the grant type is back, the token still works.
    let node = Node::new(a_minute_of_grace());
    let first = node.issue();
    let plain = node.acting_as(client("app").with_grant_types([GrantType::Password]));
    let before = node.bytes(first.grant_id);
    assert_eq!(refusal(plain.refresh(first.refresh())), Refusal::GrantTypeNotAllowed);
    assert_eq!(Refusal::GrantTypeNotAllowed.code().as_str(), "unauthorized_client");
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(first.refresh()).is_ok());
}

#[test]
fn a_client_may_only_start_the_flows_it_is_registered_for() {
    let node = Node::new(a_minute_of_grace());
    let plain = node.acting_as(client("app").with_grant_types([GrantType::RefreshToken]));
    assert_eq!(refusal(plain.try_issue(GrantType::Password, approval())), Refusal::GrantTypeNotAllowed);
    assert!(matches!(plain.try_authorize(), Err(TokenError::Refused(Refusal::GrantTypeNotAllowed))));
    assert!(node.store.grants.is_empty());
}

#[test]
fn what_is_no_refresh_token_is_refused_without_asking_the_store() {
    // Garbage does not reach the store.
    let node = Node::new(a_minute_of_grace());
    let tokens = node.issue();
    let calls = node.store.calls();
    for garbage in ["", "rt_", "garbage", &tokens.access, &tokens.refresh()[1..], &format!("{} ", tokens.refresh())] {
        assert_eq!(refusal(node.refresh(garbage)), Refusal::TokenUnrecognized);
    }
    assert_eq!(node.store.calls(), calls);
}
