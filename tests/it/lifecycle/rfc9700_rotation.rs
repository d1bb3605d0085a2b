//! Refresh token rotation and the detection of reuse (RFC 9700 section 4.14.2, RFC 6749 section 6).

use regrant::event::{EventKind, Operation};
use regrant::grant::RevocationReason;
use regrant::policy::{OnReuse, PreviousAccessToken};
use regrant::{GrantType, IssueRequest, Policy, Refusal, Scope};

use crate::lifecycle::world::{
    Answer, DAY, HOUR, MINUTE, Tokens, World, a_minute_of_grace, approval, client, refusal, run,
};

fn without_rotation() -> Policy {
    Policy::default().with_issue_refresh_tokens_on_refresh(false)
}

fn is_reuse(answer: Answer) -> bool {
    refusal(answer) == Refusal::RefreshTokenReused
}

#[test]
fn a_refresh_answers_with_new_tokens_of_the_same_grant() {
    let world = World::new(a_minute_of_grace());
    let first = world.issue();
    let second = world.refresh(first.refresh()).unwrap();
    assert_ne!(first.access, second.access);
    assert_ne!(first.refresh, second.refresh);
    // C79: same family, same scope.
    assert_eq!((second.grant_id, &second.scope, &second.resources), (first.grant_id, &first.scope, &first.resources));
    assert_eq!(second.expires_in, HOUR);
    assert!(world.is_active(&second.access) && world.is_active(second.refresh()));
    assert!(!world.is_active(first.refresh()), "a rotated refresh token is spent");
}

#[test]
fn every_generation_works_exactly_once_and_only_the_last_is_active() {
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 20, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| world.is_active(tokens.refresh())).collect();
    assert_eq!(active, [vec![false; 20], vec![true]].concat());
    let mut all: Vec<&str> = chain.iter().flat_map(|tokens| [&*tokens.access, tokens.refresh()]).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 42, "no token is ever issued twice");
}

#[test]
fn reuse_of_any_generation_kills_all_generations_and_all_access_tokens() {
    // C61, C62: 4 generations, each reused in a life of its own.
    for reused in 0..4 {
        let world = World::new(a_minute_of_grace());
        let chain = world.rotate(&world.issue(), 4, MINUTE);
        world.advance(MINUTE);
        assert!(is_reuse(world.refresh(chain[reused].refresh())), "generation {reused}");
        // A12, C80: the revocation is committed although the caller got an error.
        assert!(!world.is_any_active(&chain), "generation {reused}");
        for tokens in &chain {
            assert_eq!(refusal(world.refresh(tokens.refresh())), Refusal::GrantRevoked);
        }
    }
}

#[test]
fn a_thief_who_comes_late_ends_the_session() {
    let world = World::new(a_minute_of_grace());
    let stolen = world.issue();
    let owner = world.refresh(stolen.refresh()).unwrap();
    world.advance(MINUTE);
    assert!(is_reuse(world.refresh(stolen.refresh())));
    assert_eq!(refusal(world.refresh(owner.refresh())), Refusal::GrantRevoked);
    assert!(!world.is_active(&owner.access));
}

#[test]
fn a_thief_who_comes_first_loses_his_tokens_when_the_owner_comes() {
    let world = World::new(a_minute_of_grace());
    let stolen = world.issue();
    let thief = world.rotate(&stolen, 3, MINUTE);
    world.advance(MINUTE);
    assert!(is_reuse(world.refresh(stolen.refresh())), "the owner finds the token spent");
    assert!(!world.is_any_active(&thief));
    assert_eq!(refusal(world.refresh(thief[3].refresh())), Refusal::GrantRevoked);
}

#[test]
fn reuse_is_seen_after_thousands_of_rotations() {
    // Promise 2: however late, with constant storage.
    let world = World::new(a_minute_of_grace());
    let first = world.issue();
    let mut last = first.clone();
    let mut early_size = 0;
    for round in 0..3000 {
        world.advance(MINUTE * 30);
        last = world.refresh(last.refresh()).unwrap();
        if round == 10 {
            early_size = world.bytes(first.grant_id).len();
        }
    }
    let late_size = world.bytes(first.grant_id).len();
    assert!(late_size <= early_size + 16, "the record grew from {early_size} to {late_size} bytes");
    world.advance(MINUTE);
    assert!(is_reuse(world.refresh(first.refresh())));
    assert!(!world.is_any_active(&[last]));
}

#[test]
fn reuse_counts_before_excess_scope_does() {
    // C69: otherwise a thief who asks for too much goes unseen.
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 1, MINUTE);
    world.advance(MINUTE);
    assert!(is_reuse(world.refresh_scoped(chain[0].refresh(), "read write delete")));
    assert!(!world.is_any_active(&chain));
}

#[test]
fn reuse_is_reported_with_its_cause_and_its_consequence() {
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 2, MINUTE);
    world.advance(MINUTE);
    world.events.take();
    assert!(is_reuse(world.refresh(chain[1].refresh())));
    let seen = world.events.take();
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
        assert_eq!((event.client_id.as_deref(), event.subject.as_deref()), (Some("app"), Some("demo")));
    }
}

#[test]
fn each_success_is_reported_once() {
    let world = World::new(a_minute_of_grace());
    let first = world.issue();
    assert_eq!(world.events.kinds(), [EventKind::Issued]);
    let second = world.refresh(first.refresh()).unwrap();
    assert_eq!(world.events.kinds(), [EventKind::Rotated { generation: 1 }]);
    world.revoke(&second.access);
    assert_eq!(world.events.kinds(), [EventKind::AccessTokenRevoked]);
    world.revoke(second.refresh());
    assert_eq!(world.events.kinds(), [EventKind::GrantRevoked(RevocationReason::ClientRequest)]);
    let code = world.authorize();
    assert_eq!(world.events.kinds(), [EventKind::CodeIssued]);
    world.redeem(&code).unwrap();
    assert_eq!(world.events.kinds(), [EventKind::Redeemed]);
}

#[test]
fn under_refuse_a_reuse_is_reported_and_changes_nothing() {
    let world = World::new(a_minute_of_grace().with_on_reuse(OnReuse::Refuse));
    let chain = world.rotate(&world.issue(), 2, MINUTE);
    world.advance(MINUTE);
    world.events.take();
    let before = world.bytes(chain[0].grant_id);
    for spent in &chain[..2] {
        assert!(is_reuse(world.refresh(spent.refresh())));
        let cause = Refusal::RefreshTokenReused;
        assert_eq!(
            world.events.kinds(),
            [EventKind::ReuseDetected { cause, revoked: false }, EventKind::Refused(cause)]
        );
    }
    assert_eq!(world.bytes(chain[0].grant_id), before);
    assert!(world.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn another_client_cannot_spend_a_token_nor_kill_a_grant_with_it() {
    // C18, C19, C22, A14 (keystone #1262): ownership comes before everything that writes.
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 2, MINUTE);
    world.advance(MINUTE);
    let stranger = world.acting_as(client("stranger"));
    let before = world.bytes(chain[0].grant_id);
    for tokens in &chain {
        assert_eq!(refusal(stranger.refresh(tokens.refresh())), Refusal::OtherClient);
        stranger.revoke(tokens.refresh());
        stranger.revoke(&tokens.access);
        assert!(!stranger.is_active(&tokens.access) && !stranger.is_active(tokens.refresh()));
    }
    assert_eq!(world.bytes(chain[0].grant_id), before);
    assert!(world.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn two_sessions_of_one_user_and_client_are_separate_families() {
    // C33, C118.
    let world = World::new(a_minute_of_grace());
    let (one, two) = (world.issue(), world.issue());
    world.refresh(one.refresh()).unwrap();
    world.advance(MINUTE);
    assert!(is_reuse(world.refresh(one.refresh())));
    assert!(world.is_active(&two.access) && world.is_active(two.refresh()));
    assert!(world.refresh(two.refresh()).is_ok());
}

#[test]
fn without_rotation_the_refresh_token_stays_and_the_answer_has_none() {
    // C3. AM: issueRefreshTokenOnRefreshedToken = false.
    let world = World::new(without_rotation());
    let first = world.issue();
    let mut accesses = vec![first.access.clone()];
    for _ in 0..5 {
        world.advance(MINUTE);
        let again = world.refresh(first.refresh()).unwrap();
        assert_eq!((again.refresh, again.refresh_expires_at), (None, None));
        assert!(!accesses.contains(&again.access));
        accesses.push(again.access);
    }
    assert!(accesses.iter().all(|access| world.is_active(access)));
    assert!(world.is_active(first.refresh()));
}

#[test]
fn without_rotation_a_refresh_token_in_use_does_not_die_as_if_it_lay_unused() {
    // IdentityServer3 #2411, PostHog PR 63340: the end counted from the issue, and daily users were logged out each
    // week.
    let world = World::new(without_rotation());
    let first = world.issue();
    for _ in 0..30 {
        world.advance(DAY * 6);
        world.refresh(first.refresh()).unwrap();
        let end = world.service.now() + DAY * 7;
        assert_eq!(world.introspect(first.refresh()).unwrap().expires_at, Some(end));
        assert_eq!(world.store.record(first.grant_id).unwrap().expires_at, Some(end), "for the purge");
    }
    world.advance(DAY * 7);
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::RefreshTokenExpired);
}

#[test]
fn without_rotation_a_use_lengthens_no_grant() {
    let world = World::new(without_rotation().with_grant_lifetime((DAY * 10).into()));
    let first = world.issue();
    world.advance(DAY * 6);
    world.refresh(first.refresh()).unwrap();
    assert_eq!(world.introspect(first.refresh()).unwrap().expires_at, Some(crate::lifecycle::world::START + DAY * 10));
    world.advance(DAY * 4);
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::GrantExpired);
}

#[test]
fn without_rotation_and_extension_the_refresh_token_keeps_its_first_end_as_in_am() {
    for policy in
        [without_rotation().with_extend_on_use(false), Policy::am_7_5().with_issue_refresh_tokens_on_refresh(false)]
    {
        let world = World::new(policy);
        let first = world.issue();
        let end = first.refresh_expires_at.unwrap();
        world.advance(DAY * 6);
        world.refresh(first.refresh()).unwrap();
        assert_eq!(world.introspect(first.refresh()).unwrap().expires_at, Some(end));
        world.advance(DAY);
        assert_eq!(refusal(world.refresh(first.refresh())), Refusal::RefreshTokenExpired);
    }
}

#[test]
fn an_extension_that_is_switched_off_later_counts_from_the_issue_at_once() {
    let world = World::new(without_rotation());
    let first = world.issue();
    world.advance(DAY * 6);
    world.refresh(first.refresh()).unwrap();
    world.advance(DAY);
    let fixed = world.under(without_rotation().with_extend_on_use(false));
    assert_eq!(refusal(fixed.refresh(first.refresh())), Refusal::RefreshTokenExpired);
    assert!(world.refresh(first.refresh()).is_ok());
}

#[test]
fn rotation_switched_on_in_mid_life_rotates_from_the_next_refresh() {
    // C78.
    let still = World::new(without_rotation());
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
    let rotating = World::new(a_minute_of_grace());
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
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 3, MINUTE);
    assert!(chain.iter().all(|tokens| world.is_active(&tokens.access)));
}

#[test]
fn earlier_access_tokens_die_at_the_refresh_when_the_policy_says_so() {
    // C11.
    let world = World::new(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    let chain = world.rotate(&world.issue(), 3, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| world.is_active(&tokens.access)).collect();
    assert_eq!(active, [false, false, false, true]);
    let still = world.under(without_rotation().with_previous_access_token(PreviousAccessToken::Revoke));
    let again = still.refresh(chain[3].refresh()).unwrap();
    assert!(!still.is_active(&chain[3].access) && still.is_active(&again.access));
}

#[test]
fn a_refused_refresh_kills_no_earlier_access_token() {
    let world = World::new(Policy::default().with_previous_access_token(PreviousAccessToken::Revoke));
    let first = world.issue();
    assert_eq!(refusal(world.refresh_scoped(first.refresh(), "delete")), Refusal::ScopeExceeded);
    assert!(world.is_active(&first.access));
}

#[test]
fn the_oldest_access_token_makes_room_for_one_too_many() {
    let world = World::new(Policy::default().with_max_live_access_tokens(3));
    let chain = world.rotate(&world.issue(), 5, MINUTE);
    let active: Vec<bool> = chain.iter().map(|tokens| world.is_active(&tokens.access)).collect();
    assert_eq!(active, [false, false, false, true, true, true]);
}

#[test]
fn an_expired_access_token_takes_no_room() {
    // The younger one expired first, so there is room beside the older.
    let world = World::new(Policy::default().with_max_live_access_tokens(2));
    let brief = world.under(Policy::default().with_max_live_access_tokens(2).with_access_token_lifetime(MINUTE));
    let first = world.issue();
    let second = brief.refresh(first.refresh()).unwrap();
    world.advance(MINUTE);
    let third = world.refresh(second.refresh()).unwrap();
    let active = [&first, &second, &third].map(|tokens| world.is_active(&tokens.access));
    assert_eq!(active, [true, false, true]);
}

#[test]
fn a_lowered_limit_of_live_access_tokens_holds_from_the_next_refresh() {
    // DESIGN section 6: a policy change applies to living grants at their next request.
    let world = World::new(a_minute_of_grace());
    let chain = world.rotate(&world.issue(), 9, MINUTE);
    let strict = world.under(Policy::default().with_max_live_access_tokens(2));
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
    let world = World::new(a_minute_of_grace());
    for (grant_type, expected) in table {
        let tokens = world.try_issue(grant_type.clone(), approval()).unwrap();
        assert_eq!(tokens.refresh.is_some(), expected, "{grant_type}");
        assert_eq!(tokens.refresh_expires_at.is_some(), expected, "{grant_type}");
        assert!(world.is_active(&tokens.access));
    }
    assert!(world.redeem(&world.authorize()).unwrap().refresh.is_some());
}

#[test]
fn client_credentials_act_for_nobody_but_the_client() {
    let world = World::new(a_minute_of_grace());
    let scope: Scope = "read".parse().unwrap();
    let response = run(world.service.issue(&world.client, IssueRequest::client_credentials(scope))).unwrap();
    assert!(response.refresh_token.is_none());
    let active = world.introspect(response.access_token.expose()).unwrap();
    assert_eq!((active.approval.subject, active.grant_type), (None, GrantType::ClientCredentials));
}

#[test]
fn no_refresh_token_is_issued_when_the_policy_says_so() {
    // AM: issueRefreshToken = false.
    let world = World::new(Policy::default().with_issue_refresh_tokens(false));
    assert_eq!(world.issue().refresh, None);
    assert_eq!(world.redeem(&world.authorize()).unwrap().refresh, None);
}

#[test]
fn switching_refresh_tokens_off_does_not_end_those_that_exist() {
    let world = World::new(a_minute_of_grace());
    let first = world.issue();
    let off = world.under(Policy::default().with_issue_refresh_tokens(false));
    let second = off.refresh(first.refresh()).unwrap();
    assert!(off.is_active(second.refresh()));
}

#[test]
fn a_client_that_may_not_refresh_gets_no_refresh_token() {
    let world = World::new(a_minute_of_grace());
    let plain = world.acting_as(client("app").with_grant_types([GrantType::Password]));
    assert_eq!(plain.issue().refresh, None);
}

#[test]
fn a_client_that_may_refresh_no_more_is_unauthorized_and_loses_nothing() {
    // C25: unauthorized_client, and the day the grant type comes back the token still works.
    let world = World::new(a_minute_of_grace());
    let first = world.issue();
    let plain = world.acting_as(client("app").with_grant_types([GrantType::Password]));
    let before = world.bytes(first.grant_id);
    assert_eq!(refusal(plain.refresh(first.refresh())), Refusal::GrantTypeNotAllowed);
    assert_eq!(Refusal::GrantTypeNotAllowed.code().as_str(), "unauthorized_client");
    assert_eq!(world.bytes(first.grant_id), before);
    assert!(world.refresh(first.refresh()).is_ok());
}

#[test]
fn a_client_may_only_start_the_flows_it_is_registered_for() {
    let world = World::new(a_minute_of_grace());
    let plain = world.acting_as(client("app").with_grant_types([GrantType::RefreshToken]));
    assert_eq!(refusal(plain.try_issue(GrantType::Password, approval())), Refusal::GrantTypeNotAllowed);
    assert!(plain.try_authorize().is_err());
    assert!(world.store.grants.is_empty());
}

#[test]
fn what_is_no_refresh_token_is_refused_without_asking_the_store() {
    // C30, C161. Promise 3: garbage touches no store.
    let world = World::new(a_minute_of_grace());
    let tokens = world.issue();
    let calls = world.store.calls();
    for garbage in ["", "rt_", "garbage", &tokens.access, &tokens.refresh()[1..], &format!("{} ", tokens.refresh())] {
        assert_eq!(refusal(world.refresh(garbage)), Refusal::TokenUnrecognized);
    }
    assert_eq!(world.store.calls(), calls);
}
