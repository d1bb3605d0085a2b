//! Grants for a "my sessions" page and for administrators: listed, revoked one by one or all together, and purged.

use std::collections::BTreeSet;

use regrant::client::IntrospectionAccess;
use regrant::event::EventKind;
use regrant::grant::{GrantSummary, RevocationReason};
use regrant::policy::Lifetime;
use regrant::store::GrantOwner;
use regrant::{Approval, ClientId, GrantId, GrantType, Policy, Refusal};

use crate::lifecycle::node::{
    API, DAY, FILES, HOUR, MINUTE, MS, Node, START, Tokens, approval, client, refusal, registered_anew, resources, run,
    scope, subject,
};

fn of_subject(name: &str) -> GrantOwner {
    GrantOwner::Subject(subject(name))
}

fn of_client(id: &str) -> GrantOwner {
    GrantOwner::Client(ClientId::new(id).unwrap())
}

fn issue_for(node: &Node, name: &str) -> Tokens {
    node.try_issue(GrantType::Password, Approval::of(subject(name)).with_scope(scope("read"))).unwrap()
}

/// All pages of `limit`, one after the other; `between` runs after each.
fn pages(node: &Node, owner: &GrantOwner, limit: usize, mut between: impl FnMut()) -> Vec<GrantSummary> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = run(node.service.grants(owner, after, limit)).unwrap();
        assert!(page.grants.len() <= limit);
        all.extend(page.grants);
        let Some(next) = page.next else { return all };
        assert!(after < Some(next), "a listing goes on");
        after = Some(next);
        between();
    }
}

fn ids(node: &Node, owner: &GrantOwner) -> BTreeSet<GrantId> {
    pages(node, owner, 10, || {}).into_iter().map(|summary| summary.id).collect()
}

#[test]
fn a_listing_shows_who_may_do_what_since_when() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.advance(HOUR);
    let chain = node.rotate(&tokens, 1, MINUTE);
    let [summary] = pages(&node, &of_subject("demo"), 10, || {}).try_into().unwrap();
    assert_eq!((summary.id, summary.client_id.as_str()), (tokens.grant_id, "app"));
    assert_eq!((summary.grant_type, summary.approval), (GrantType::Password, approval()));
    assert_eq!((summary.created_at, summary.last_used_at), (START, START + HOUR + MINUTE));
    assert_eq!(summary.expires_at, chain[1].refresh_expires_at);
}

#[test]
fn pages_neither_skip_nor_repeat_while_writers_run() {
    for limit in [1, 3, 7, 100] {
        let node = Node::new(Policy::default());
        let mut sessions: Vec<Tokens> = (0..25).map(|_| node.issue()).collect();
        let expected: BTreeSet<GrantId> = sessions.iter().map(|tokens| tokens.grant_id).collect();
        let mut newer = BTreeSet::new();
        let listed: Vec<GrantId> = pages(&node, &of_subject("demo"), limit, || {
            for tokens in &mut sessions {
                *tokens = node.refresh(tokens.refresh()).unwrap();
            }
            newer.insert(node.issue().grant_id);
        })
        .into_iter()
        .map(|summary| summary.id)
        .collect();
        assert!(listed.is_sorted_by(|left, right| left < right), "ascending, none twice");
        let listed: BTreeSet<GrantId> = listed.into_iter().collect();
        assert!(listed.is_superset(&expected), "none skipped");
        assert!(listed.difference(&expected).all(|id| newer.contains(id)));
    }
}

#[test]
fn a_page_size_out_of_range_is_taken_for_the_nearest() {
    let node = Node::new(Policy::default());
    node.issue();
    node.issue();
    assert_eq!(run(node.service.grants(&of_subject("demo"), None, 0)).unwrap().grants.len(), 1);
    assert_eq!(run(node.service.grants(&of_subject("demo"), None, usize::MAX)).unwrap().grants.len(), 2);
}

#[test]
fn listings_are_by_subject_by_client_and_by_both() {
    let node = Node::new(Policy::default());
    let other = node.acting_as(client("other"));
    let mine = node.issue().grant_id;
    let elsewhere = other.issue().grant_id;
    let hers = issue_for(&node, "alice").grant_id;
    let machine = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap().grant_id;
    let both = |name, id| GrantOwner::SubjectAndClient(subject(name), ClientId::new(id).unwrap());
    let table = [
        (of_subject("demo"), vec![mine, elsewhere]),
        (of_subject("alice"), vec![hers]),
        (of_subject("app"), vec![]),
        (of_client("app"), vec![mine, hers, machine]),
        (of_client("other"), vec![elsewhere]),
        (both("demo", "app"), vec![mine]),
        (both("demo", "other"), vec![elsewhere]),
        (both("alice", "other"), vec![]),
    ];
    for (owner, expected) in table {
        assert_eq!(ids(&node, &owner), expected.into_iter().collect(), "{owner:?}");
    }
}

#[test]
fn what_is_dead_or_not_yet_alive_is_not_listed() {
    let node = Node::new(Policy::default());
    let revoked = node.issue();
    node.revoke(revoked.refresh());
    let code = node.authorize();
    let live = node.issue();
    assert_eq!(ids(&node, &of_subject("demo")), [live.grant_id].into());
    let redeemed = node.redeem(&code).unwrap();
    assert_eq!(ids(&node, &of_subject("demo")), [live.grant_id, redeemed.grant_id].into());
    node.advance(DAY * 7 - MS);
    assert_eq!(ids(&node, &of_subject("demo")).len(), 2);
    node.advance(MS);
    assert!(ids(&node, &of_subject("demo")).is_empty());
}

#[test]
fn a_grant_of_which_nothing_can_be_used_is_not_listed() {
    let node = Node::new(Policy::default().with_issue_refresh_tokens(false).with_access_token_lifetime(MINUTE));
    let tokens = node.redeem(&node.authorize()).unwrap();
    node.advance(MINUTE);
    assert!(!node.is_active(&tokens.access));
    assert!(ids(&node, &of_subject("demo")).is_empty());
}

#[test]
fn realms_do_not_see_each_other() {
    let alpha = Node::new(Policy::default()).in_realm("alpha");
    let beta = alpha.in_realm("beta");
    let tokens = alpha.issue();
    assert_eq!(ids(&alpha, &of_subject("demo")).len(), 1);
    assert!(ids(&beta, &of_subject("demo")).is_empty());
    assert!(ids(&beta, &of_client("app")).is_empty());
    assert!(!run(beta.service.revoke_grant(tokens.grant_id)).unwrap());
    assert_eq!(run(beta.service.revoke_subject(&subject("demo"))).unwrap(), 0);
    beta.revoke(tokens.refresh());
    assert!(!beta.is_active(&tokens.access));
    assert_eq!(refusal(beta.refresh(tokens.refresh())), Refusal::TokenUnrecognized);
    assert!(alpha.is_active(&tokens.access) && alpha.refresh(tokens.refresh()).is_ok());
}

#[test]
fn revoking_one_session_ends_it_and_no_other() {
    let node = Node::new(Policy::default());
    let (one, two) = (node.rotate(&node.issue(), 2, MINUTE), node.issue());
    node.events.take();
    assert!(run(node.service.revoke_grant(one[0].grant_id)).unwrap());
    assert_eq!(node.events.kinds(), [EventKind::GrantRevoked(RevocationReason::HostRequest)]);
    assert!(!node.is_any_active(&one));
    assert_eq!(refusal(node.refresh(one[2].refresh())), Refusal::GrantRevoked);
    assert!(node.is_active(two.refresh()));
    assert!(!run(node.service.revoke_grant(one[0].grant_id)).unwrap(), "there is nothing left to revoke");
    assert!(!run(node.service.revoke_grant(GrantId::from_bytes([9; 16]))).unwrap());
}

#[test]
fn a_session_is_found_by_its_id_as_it_is_listed() {
    let node = Node::new(Policy::default());
    let tokens = node.rotate(&node.issue(), 2, MINUTE).pop().unwrap();
    let found = run(node.service.grant(tokens.grant_id)).unwrap();
    let [listed] = pages(&node, &of_subject("demo"), 10, || {}).try_into().unwrap();
    assert_eq!(format!("{found:?}"), format!("{:?}", Some(listed)));
}

#[test]
fn a_grant_that_is_dead_unknown_or_not_yet_alive_is_not_found_by_its_id() {
    let node = Node::new(Policy::default());
    let (revoked, live) = (node.issue(), node.issue());
    node.revoke(revoked.refresh());
    let code = node.authorize();
    let found = |id| run(node.service.grant(id)).unwrap();
    assert!(found(revoked.grant_id).is_none());
    assert!(found(GrantId::from_bytes([9; 16])).is_none());
    assert!(run(node.in_realm("other").service.grant(live.grant_id)).unwrap().is_none());
    let waiting: Vec<GrantId> = node.store.written().iter().map(|(key, _)| key.id).collect();
    assert_eq!(waiting.iter().filter(|id| found(**id).is_some()).count(), 1, "the code is out, and not redeemed");
    assert!(found(node.redeem(&code).unwrap().grant_id).is_some());
    node.advance(DAY * 7 - MS);
    assert!(found(live.grant_id).is_some());
    node.advance(MS);
    assert!(found(live.grant_id).is_none());
    node.store.set_down(true);
    assert!(run(node.service.grant(live.grant_id)).is_err());
}

#[test]
fn a_user_revokes_a_session_of_its_own_and_no_other() {
    let node = Node::new(Policy::default());
    let (mine, hers) = (node.issue(), issue_for(&node, "alice"));
    let machine = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
    node.events.take();
    let before = node.store.snapshot();
    let demo = subject("demo");
    for id in [hers.grant_id, machine.grant_id] {
        assert!(!run(node.service.revoke_grant_of(&demo, id)).unwrap());
        let [event] = node.events.take().try_into().unwrap();
        assert_eq!((event.kind, event.grant_id), (EventKind::Refused(Refusal::OtherSubject), Some(id)));
    }
    // The same answer for a grant that does not exist, and no event: it may have been purged.
    assert!(!run(node.service.revoke_grant_of(&demo, GrantId::from_bytes([9; 16]))).unwrap());
    assert_eq!(node.store.snapshot(), before);
    assert!(node.is_active(hers.refresh()) && node.is_active(&machine.access));

    assert!(run(node.service.revoke_grant_of(&demo, mine.grant_id)).unwrap());
    assert_eq!(node.events.kinds(), [EventKind::GrantRevoked(RevocationReason::HostRequest)]);
    assert!(!node.is_active(&mine.access) && !node.is_active(mine.refresh()) && node.is_active(hers.refresh()));
    assert!(!run(node.service.revoke_grant_of(&demo, mine.grant_id)).unwrap(), "there is nothing left to revoke");
    assert_eq!(node.events.take(), []);
}

#[test]
fn a_revoked_grant_whose_code_is_out_cannot_be_redeemed() {
    let node = Node::new(Policy::default());
    let code = node.authorize();
    run(node.service.revoke_subject(&subject("demo"))).unwrap();
    assert_eq!(refusal(node.redeem(&code)), Refusal::GrantRevoked);
}

#[test]
fn revoking_a_subject_ends_all_its_sessions_and_nobody_elses() {
    let node = Node::new(Policy::default());
    let mut his: Vec<Tokens> = (0..205).map(|_| node.issue()).collect();
    his.push(node.acting_as(client("other")).issue());
    let hers = issue_for(&node, "alice");
    assert_eq!(run(node.service.revoke_subject(&subject("demo"))).unwrap(), 206);
    assert!(!node.is_any_active(&his));
    assert!(node.is_active(&hers.access) && node.is_active(hers.refresh()));
    assert_eq!(run(node.service.revoke_subject(&subject("demo"))).unwrap(), 0);
}

#[test]
fn revoking_a_client_ends_all_its_grants_and_no_other_clients() {
    let node = Node::new(Policy::default());
    let other = node.acting_as(client("other"));
    let (mine, elsewhere) = (node.issue(), other.issue());
    let machine = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
    assert_eq!(run(node.service.revoke_client(&ClientId::new("app").unwrap())).unwrap(), 2);
    assert!(!node.is_any_active(&[mine, machine]));
    assert!(other.is_active(&elsewhere.access) && other.is_active(elsewhere.refresh()));
}

#[test]
fn a_client_registered_anew_inherits_nothing() {
    // The id was given to somebody else.
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let heir = node.acting_as(registered_anew("app"));
    let before = node.bytes(tokens.grant_id);
    assert_eq!(refusal(heir.refresh(tokens.refresh())), Refusal::OtherRegistration);
    heir.revoke(tokens.refresh());
    heir.revoke(&tokens.access);
    assert!(!heir.is_active(tokens.refresh()) && !heir.is_active(&tokens.access));
    assert_eq!(node.bytes(tokens.grant_id), before);
    // Nor can it spend a token or kill a grant with a spent one.
    let chain = node.rotate(&tokens, 1, MINUTE);
    node.advance(MINUTE);
    assert_eq!(refusal(heir.refresh(tokens.refresh())), Refusal::OtherRegistration);
    assert!(node.is_active(chain[1].refresh()));
    assert!(heir.issue().refresh.is_some());
}

#[test]
fn purge_keeps_what_lives_and_deletes_what_is_dead() {
    let node = Node::new(Policy::default());
    let expired = node.issue();
    let abandoned = node.authorize();
    node.advance(DAY * 3);
    let live = node.issue();
    let revoked = node.issue();
    node.revoke(revoked.refresh());
    node.advance(DAY * 4 - MS);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 1, "only the code that nobody redeemed");
    node.advance(MS);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 1);
    assert!(node.store.record(expired.grant_id).is_none());
    assert_eq!(refusal(node.refresh(expired.refresh())), Refusal::GrantUnknown);
    assert_eq!(refusal(node.redeem(&abandoned)), Refusal::GrantUnknown);
    assert!(node.refresh(live.refresh()).is_ok());
    node.advance(DAY * 3);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 1);
    assert!(node.store.record(revoked.grant_id).is_none());
    assert!(node.store.record(live.grant_id).is_some());
}

#[test]
fn purge_removes_a_revoked_grant_when_it_would_have_ended() {
    // Not before: its creation, delivered late, would make it anew.
    let node = Node::new(Policy::default());
    let by_host = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
    let by_client = node.try_issue(GrantType::ClientCredentials, Approval::default()).unwrap();
    node.advance(MINUTE);
    run(node.service.revoke_grant(by_host.grant_id)).unwrap();
    node.revoke(&by_client.access);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 0);
    node.advance(HOUR - MINUTE);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 2);
    assert!(node.store.grants.is_empty());
}

#[test]
fn a_revoked_grant_that_would_never_have_expired_goes_too_in_the_end() {
    let node = Node::new(Policy::default().with_refresh_token_lifetime(Lifetime::Never));
    let (live, revoked) = (node.issue(), node.issue());
    node.revoke(revoked.refresh());
    node.advance(DAY * 365);
    assert_eq!(run(node.service.purge_expired(100)).unwrap(), 1);
    assert!(node.store.record(revoked.grant_id).is_none());
    assert!(node.refresh(live.refresh()).is_ok());
}

#[test]
fn purge_does_no_more_than_it_is_told_to() {
    let node = Node::new(Policy::default());
    for _ in 0..25 {
        node.issue();
    }
    node.advance(DAY * 7);
    let purged: Vec<usize> = (0..4).map(|_| run(node.service.purge_expired(10)).unwrap()).collect();
    assert_eq!(purged, [10, 10, 5, 0]);
    assert!(node.store.grants.is_empty());
    assert_eq!(run(node.service.purge_expired(0)).unwrap(), 0);
}

#[test]
fn a_spent_token_is_known_as_such_after_a_purge() {
    // The evidence of reuse is kept as long as the grant.
    let node = Node::new(Policy::default());
    let first = node.issue();
    let mut last = first.clone();
    for _ in 0..20 {
        last = node.rotate(&last, 1, DAY * 6).pop().unwrap();
        assert_eq!(run(node.service.purge_expired(100)).unwrap(), 0);
    }
    node.advance(DAY * 6);
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::RefreshTokenReused);
    assert!(!node.is_any_active(&[last]));
}

#[test]
fn a_purged_grant_leaves_no_trace_in_the_listings() {
    let node = Node::new(Policy::default());
    node.issue();
    node.advance(DAY * 7);
    run(node.service.purge_expired(10)).unwrap();
    for owner in [of_subject("demo"), of_client("app")] {
        let page = run(node.service.grants(&owner, None, 1)).unwrap();
        assert!(page.grants.is_empty() && page.next.is_none());
    }
}

#[test]
fn each_caller_learns_of_tokens_only_what_is_its_to_know() {
    // RFC 7662 section 4 (Keycloak: CVE-2026-37979).
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let table = [
        (IntrospectionAccess::Own, false, false),
        (IntrospectionAccess::Audiences(resources(&[API])), true, false),
        (IntrospectionAccess::Audiences(resources(&[FILES, "https://other.example/"])), true, false),
        (IntrospectionAccess::Audiences(resources(&["https://other.example/"])), false, false),
        (IntrospectionAccess::Any, true, true),
    ];
    for (access, of_access_token, of_refresh_token) in table {
        let caller = node.acting_as(client("server").with_introspection(access.clone()));
        assert_eq!(caller.is_active(&tokens.access), of_access_token, "{access:?}");
        assert_eq!(caller.is_active(tokens.refresh()), of_refresh_token, "{access:?}");
    }
}
