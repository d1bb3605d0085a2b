//! No fault logs a user out: every call of the store fails once, before or after its work, and the client retries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::authenticator::{AuthenticateError, ClientAuthenticator, CredentialRefusal};
use regrant::event::{ErrorCode, EventKind};
use regrant::policy::{GracePeriod, Limit};
use regrant::store::GrantOwner;
use regrant::{
    AuthenticatedClient, ClientCredentials, ClientId, ClientSecret, Key, KeyRing, Policy, RefreshRequest, Refusal,
    TokenError, TokenService,
};

use crate::lifecycle::node::{
    Answer, CALLBACK, DAY, MINUTE, MS, Node, START, Tokens, VERIFIER, a_minute_of_grace, assert_retryable, refusal,
    run, scope, subject,
};
use fixtures::{Fault, GateState, WatchedStore};

pub(crate) const FAULTS: [Fault; 2] = [Fault::Before, Fault::After];

/// No operation here makes more calls than this, read-backs and second rounds included.
pub(crate) const CALLS: usize = 12;

fn policies() -> [Policy; 4] {
    [
        Policy::default(),
        Policy::default().with_grace_period(Duration::ZERO.into()),
        Policy::default().with_grace_period(GracePeriod::UntilSuccessorUse),
        Policy::default().with_max_replays(Limit::AtMost(20)),
    ]
}

/// Lets each call of `operation` go wrong in turn, in a node of its own; then, with the store well again, `check`s.
fn each_fault<S>(
    prepare: impl Fn(&Node) -> S,
    operation: impl Fn(&Node, &S) -> Answer,
    check: impl Fn(&Node, &S, Answer, &str),
) {
    for policy in policies() {
        for fault in FAULTS {
            for k in 0..CALLS {
                let node = Node::new(policy.clone());
                let state = prepare(&node);
                node.store.fail(k, fault);
                let answer = operation(&node, &state);
                node.store.calm();
                check(&node, &state, answer, &format!("call {k} failed {fault:?}, {policy:?}"));
            }
        }
    }
}

/// Asserts that `answer` is a success or asks the client to try again, and does so.
fn or_retry(answer: Answer, what: &str, retry: impl FnOnce() -> Answer) -> Tokens {
    match answer {
        Ok(tokens) => tokens,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{what}: {error:?}");
            retry().unwrap_or_else(|error| panic!("{what}: the retry failed: {error:?}"))
        }
    }
}

/// Asserts that `tokens` are the live end of their grant.
pub(crate) fn assert_alive(node: &Node, tokens: &Tokens, what: &str) {
    assert!(node.is_active(&tokens.access), "{what}");
    assert!(node.is_active(tokens.refresh()), "{what}");
    node.advance(MINUTE * 2);
    assert!(node.refresh(tokens.refresh()).is_ok(), "{what}");
}

#[test]
fn no_fault_spoils_an_issue() {
    each_fault(
        |_| (),
        |node, ()| node.try_issue(regrant::GrantType::Password, crate::lifecycle::node::approval()),
        |node, (), answer, what| assert_alive(node, &or_retry(answer, what, || Ok(node.issue())), what),
    );
}

#[test]
fn no_fault_spoils_an_authorization_or_its_redemption() {
    each_fault(
        |_| (),
        |node, ()| node.redeem(&node.try_authorize()?),
        |node, (), answer, what| {
            let tokens = or_retry(answer, what, || node.redeem(&node.authorize()));
            assert_alive(node, &tokens, what);
        },
    );
}

#[test]
fn no_single_fault_costs_a_code() {
    // One redemption, however often it is retried.
    each_fault(
        Node::authorize,
        |node, code| node.redeem(code),
        |node, code, answer, what| {
            let tokens = or_retry(answer, what, || node.redeem(code));
            assert_alive(node, &tokens, what);
        },
    );
}

#[test]
fn no_fault_costs_a_session_at_refresh() {
    // keycloak/keycloak#49213.
    each_fault(
        Node::issue,
        |node, first| node.refresh(first.refresh()),
        |node, first, answer, what| {
            let tokens = or_retry(answer, what, || node.refresh(first.refresh()));
            assert!(!node.is_active(first.refresh()), "{what}");
            assert_eq!(node.store.writes(), 2, "one issue, one rotation: {what}");
            assert_alive(node, &tokens, what);
        },
    );
}

#[test]
fn no_fault_changes_what_a_replay_answers() {
    for wanted in ["read write", "read"] {
        for policy in policies() {
            if policy.grace_period == Duration::ZERO.into() {
                continue;
            }
            for fault in FAULTS {
                for k in 0..CALLS {
                    let node = Node::new(policy.clone());
                    let first = node.issue();
                    let lost = node.refresh(first.refresh()).unwrap();
                    node.store.fail(k, fault);
                    let answer = node.refresh_scoped(first.refresh(), wanted);
                    node.store.calm();
                    let what = format!("{wanted}, call {k} failed {fault:?}");
                    let tokens = or_retry(answer, &what, || node.refresh_scoped(first.refresh(), wanted));
                    assert_eq!(tokens.refresh, lost.refresh, "{what}");
                    assert_eq!(tokens.scope, scope(wanted), "{what}");
                    assert_eq!(node.refresh_scoped(first.refresh(), wanted).unwrap().access, tokens.access, "{what}");
                    assert_alive(&node, &tokens, &what);
                }
            }
        }
    }
}

#[test]
fn an_acknowledged_revocation_holds_and_one_that_failed_can_be_repeated() {
    // A revocation is never acknowledged while the token is active (fosite: CVE-2020-15223).
    type Revocation = fn(&Node, &Tokens) -> Result<(), TokenError>;
    let revocations: [Revocation; 4] = [
        |node, tokens| run(node.service.revoke(&node.client, tokens.refresh())),
        |node, tokens| run(node.service.revoke_grant(tokens.grant_id)).map(drop),
        |node, _| run(node.service.revoke_subject(&subject("demo"))).map(drop),
        |node, _| run(node.service.revoke_client(&node.client.id)).map(drop),
    ];
    for (number, revocation) in revocations.iter().enumerate() {
        for fault in FAULTS {
            for k in 0..CALLS {
                let node = Node::new(Policy::default());
                let chain = node.rotate(&node.issue(), 1, MINUTE);
                node.store.fail(k, fault);
                let answer = revocation(&node, &chain[1]);
                node.store.calm();
                if let Err(error) = answer {
                    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable);
                    revocation(&node, &chain[1]).unwrap();
                }
                assert!(!node.is_any_active(&chain), "{number}: call {k} failed {fault:?}");
                assert_eq!(refusal(node.refresh(chain[1].refresh())), Refusal::GrantRevoked);
            }
        }
    }
}

#[test]
fn a_node_whose_clock_is_ahead_revokes_a_grant_that_others_still_serve() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    // By the clock of this node the grant has expired.
    node.advance(DAY * 8);
    node.revoke(tokens.refresh());
    node.clock.set(START);
    assert_eq!(refusal(node.refresh(tokens.refresh())), Refusal::GrantRevoked);
}

#[test]
fn one_grant_that_cannot_be_revoked_does_not_keep_the_others_alive() {
    for k in 0..40 {
        let node = Node::new(Policy::default());
        let sessions: Vec<Tokens> = (0..5).map(|_| node.issue()).collect();
        node.store.fail(k, Fault::Before);
        let answer = run(node.service.revoke_subject(&subject("demo")));
        node.store.calm();
        let alive = sessions.iter().filter(|tokens| node.is_active(tokens.refresh())).count();
        // Only when the listing itself failed is nothing done.
        assert!(alive <= if answer.is_err() && k > 0 { 1 } else { 5 }, "call {k}");
        assert!(answer.is_err() || alive == 0, "call {k}");
        run(node.service.revoke_subject(&subject("demo"))).unwrap();
        assert!(!node.is_any_active(&sessions));
    }
}

#[test]
fn an_outage_is_never_told_as_an_inactive_token_or_an_empty_list() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    for token in [&*tokens.access, tokens.refresh()] {
        node.store.fail(0, Fault::Before);
        let answer = run(node.service.introspect(&node.client, token));
        assert_eq!(answer.unwrap_err().code(), ErrorCode::TemporarilyUnavailable);
    }
    let owner = GrantOwner::Subject(subject("demo"));
    node.store.fail(0, Fault::Before);
    assert!(run(node.service.grants(&owner, None, 10)).is_err());
    node.store.fail(0, Fault::Before);
    node.events.take();
    assert!(run(node.service.purge_expired(10)).is_err());
    let told = node.events.take();
    assert_eq!((told.len(), told[0].operation), (1, regrant::event::Operation::PurgeExpired));
    assert_eq!(told[0].failure.as_ref().map(|failure| failure.chain[1].as_str()), Some("connection refused"));
    assert!(node.is_active(&tokens.access));
}

#[test]
fn the_reaction_to_reuse_is_stored_before_the_refusal_leaves() {
    // The grant is ended in the store before the refusal is sent.
    for fault in FAULTS {
        for k in 0..CALLS {
            let node = Node::new(a_minute_of_grace());
            let chain = node.rotate(&node.issue(), 1, MINUTE);
            node.advance(MINUTE);
            node.store.fail(k, fault);
            let answer = node.refresh(chain[0].refresh());
            node.store.calm();
            if let Err(TokenError::Refused(refused)) = &answer {
                assert!(!node.is_any_active(&chain), "call {k} failed {fault:?}: {refused}");
            } else {
                assert_retryable(answer);
                refusal(node.refresh(chain[0].refresh()));
                assert!(!node.is_any_active(&chain), "call {k} failed {fault:?}");
            }
        }
    }
}

#[test]
fn an_outage_of_any_length_costs_no_session_with_grace() {
    for start in 0..4 {
        for length in 1..10 {
            for fault in FAULTS {
                let node = Node::new(Policy::default());
                let first = node.issue();
                for k in start..start + length {
                    node.store.fail(k, fault);
                }
                let mut answer = node.refresh(first.refresh());
                for _ in 0..10 {
                    if answer.is_ok() {
                        break;
                    }
                    assert_retryable(answer);
                    answer = node.refresh(first.refresh());
                }
                node.store.calm();
                assert_alive(&node, &answer.unwrap(), &format!("{length} calls from {start} on failed {fault:?}"));
            }
        }
    }
}

#[test]
fn a_write_whose_acknowledgement_was_lost_is_confirmed_by_reading_back() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    node.events.take();
    node.store.fail(1, Fault::After);
    let tokens = node.refresh(first.refresh()).unwrap();
    assert_eq!(node.events.kinds(), [EventKind::WriteConfirmed, EventKind::Rotated { generation: 1 }]);
    assert!(node.is_active(tokens.refresh()));
}

#[test]
fn a_refresh_that_is_stored_late_still_has_one_successor() {
    // The write arrives after the read-back, before the retry or after it.
    for before_retry in [true, false] {
        let node = Node::new(Policy::default());
        let first = node.issue();
        node.store.fail(1, Fault::Late);
        assert_retryable(node.refresh(first.refresh()));
        assert!(node.is_active(first.refresh()));
        if before_retry {
            node.store.deliver();
            assert!(!node.is_active(first.refresh()));
        }
        let tokens = node.refresh(first.refresh()).unwrap();
        node.store.deliver();
        assert_eq!(node.refresh(first.refresh()).unwrap(), tokens);
        assert_alive(&node, &tokens, "late");
    }
}

#[test]
fn a_window_counts_from_the_decision_and_not_from_the_write() {
    for (late, is_answered) in [(MINUTE - MS, true), (MINUTE, false)] {
        let node = Node::new(a_minute_of_grace());
        let first = node.issue();
        node.store.fail(1, Fault::Late);
        assert_retryable(node.refresh(first.refresh()));
        node.advance(late);
        node.store.deliver();
        assert_eq!(node.refresh(first.refresh()).is_ok(), is_answered, "{late:?}");
    }
}

#[test]
fn a_revocation_that_is_stored_late_was_not_acknowledged() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.store.fail(1, Fault::Late);
    assert!(run(node.service.revoke(&node.client, tokens.refresh())).is_err());
    node.store.deliver();
    assert!(!node.is_any_active(&[tokens]));
}

#[test]
fn a_redemption_that_is_stored_late_leaves_nothing_alive_that_nobody_holds() {
    // The one fault that costs a second sign-in (see TokenService::redeem): it must at least be safe.
    let node = Node::new(Policy::default());
    let code = node.authorize();
    node.store.fail(1, Fault::Late);
    assert_retryable(node.redeem(&code));
    node.store.deliver();
    assert_eq!(refusal(node.redeem(&code)), Refusal::CodeReused);
    let listed = run(node.service.grants(&GrantOwner::Subject(subject("demo")), None, 10)).unwrap();
    assert!(listed.grants.is_empty());
}

#[test]
fn conflicts_for_ever_are_contention_and_consume_nothing() {
    let node = Node::new(Policy::default());
    let (first, code) = (node.issue(), node.authorize());
    let before = node.bytes(first.grant_id);
    node.events.take();
    node.store.conflict_always();
    let calls = node.store.calls();
    for answer in [
        node.refresh(first.refresh()),
        node.redeem(&code),
        node.try_issue(regrant::GrantType::Password, crate::lifecycle::node::approval()),
    ] {
        assert!(matches!(answer, Err(TokenError::Contended)), "{answer:?}");
        assert_retryable(answer);
    }
    assert_eq!(node.events.kinds(), [EventKind::Contended; 3]);
    assert!(matches!(run(node.service.revoke(&node.client, first.refresh())), Err(TokenError::Contended)));
    assert!(node.store.calls() - calls < 1000, "bounded");
    node.store.calm();
    assert_eq!(node.bytes(first.grant_id), before);
    assert!(node.refresh(first.refresh()).is_ok() && node.redeem(&code).is_ok());
}

#[test]
fn a_damaged_record_is_reported_and_left_as_it_is() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 1, MINUTE);
    let (id, whole) = (chain[0].grant_id, node.store.record(chain[0].grant_id).unwrap());
    node.advance(MINUTE);
    let mut damaged = whole.clone();
    Arc::make_mut(&mut damaged.payload)[40] ^= 1;
    node.store.overwrite(id, damaged.clone());
    node.events.take();
    let service = &node.service;
    let answers: [(&str, Result<(), TokenError>); 5] = [
        ("refresh", node.refresh(chain[1].refresh()).map(drop)),
        // Above all no reuse is seen in it: that would log the user out.
        ("reuse", node.refresh(chain[0].refresh()).map(drop)),
        ("revoke", run(service.revoke(&node.client, chain[1].refresh()))),
        ("revoke_grant", run(service.revoke_grant(id)).map(drop)),
        ("introspect", run(service.introspect(&node.client, &chain[1].access)).map(drop)),
    ];
    for (what, answer) in answers {
        let error = answer.expect_err(what);
        // Trying again mends no record.
        assert_eq!(error.code(), ErrorCode::ServerError, "{what}");
        assert!(matches!(&error, TokenError::Store(error) if error.is_corrupt() && !error.is_transient()), "{what}");
    }
    let events = node.events.take();
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event.kind == EventKind::RecordCorrupt && event.grant_id == Some(id)));
    assert_eq!(node.store.record(id), Some(damaged));
    node.store.overwrite(id, whole);
    assert!(node.refresh(chain[1].refresh()).is_ok());
}

#[test]
fn a_damaged_record_hides_no_other_from_the_listing() {
    let node = Node::new(Policy::default());
    let sessions: Vec<Tokens> = (0..3).map(|_| node.issue()).collect();
    let mut damaged = node.store.record(sessions[1].grant_id).unwrap();
    damaged.payload = damaged.payload[1..].into();
    node.store.overwrite(sessions[1].grant_id, damaged);
    node.events.take();
    let page = run(node.service.grants(&GrantOwner::Subject(subject("demo")), None, 10)).unwrap();
    assert_eq!(page.grants.len(), 2);
    let events = node.events.take();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].grant_id), (EventKind::RecordCorrupt, Some(sessions[1].grant_id)));
    assert!(run(node.service.revoke_subject(&subject("demo"))).is_err(), "not all could be revoked");
    assert!(!node.is_active(&sessions[0].access) && !node.is_active(&sessions[2].access));
}

#[test]
fn every_flipped_bit_of_a_record_is_detected() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 2, MINUTE / 4);
    let (id, whole) = (chain[0].grant_id, node.store.record(chain[0].grant_id).unwrap());
    for bit in 0..whole.payload.len() * 8 {
        let mut damaged = whole.clone();
        Arc::make_mut(&mut damaged.payload)[bit / 8] ^= 1 << (bit % 8);
        node.store.overwrite(id, damaged);
        let answer = node.refresh(chain[2].refresh());
        assert!(matches!(&answer, Err(TokenError::Store(error)) if error.is_corrupt()), "bit {bit}: {answer:?}");
    }
    node.store.overwrite(id, whole);
    assert!(node.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn a_gate_that_is_down_consumes_nothing() {
    let node = Node::new(Policy::default());
    let (chain, code) = (node.rotate(&node.issue(), 1, MINUTE), node.authorize());
    node.advance(MINUTE);
    let writes = node.store.writes();
    node.gate.set(GateState::Broken);
    node.events.take();
    // Not even of a spent token anything is known for sure.
    for answer in [node.refresh(chain[1].refresh()), node.refresh(chain[0].refresh()), node.redeem(&code)] {
        assert!(matches!(answer, Err(TokenError::Gate(_))), "{answer:?}");
        assert_retryable(answer);
    }
    assert_eq!(node.events.kinds(), [EventKind::Unavailable; 3]);
    assert!(run(node.service.introspect(&node.client, &chain[1].access)).is_err());
    assert_eq!(node.store.writes(), writes);
    node.gate.set(GateState::Open);
    assert!(node.refresh(chain[1].refresh()).is_ok() && node.redeem(&code).is_ok());
}

#[test]
fn a_revocation_needs_no_gate() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.gate.set(GateState::Broken);
    node.revoke(tokens.refresh());
    node.gate.set(GateState::Open);
    assert!(!node.is_any_active(&[tokens]));
}

struct Directory(Result<Arc<regrant::Client>, bool>);

#[async_trait]
impl ClientAuthenticator for Directory {
    async fn authenticate(&self, _: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        match &self.0 {
            Ok(client) => Ok(AuthenticatedClient::assertion(Arc::clone(client))),
            Err(true) => Err(AuthenticateError::refused(CredentialRefusal::UnknownClient)),
            Err(false) => Err(AuthenticateError::unavailable("the directory is down")),
        }
    }
}

#[test]
fn an_authenticator_that_is_down_is_no_refusal() {
    // A failed authentication does not reach the store (pomerium/pomerium#1513).
    let store = WatchedStore::default();
    let credentials = ClientCredentials::Basic(ClientId::new("app").unwrap(), ClientSecret::new("secret"));
    let authenticate = |directory| {
        let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
        let service = TokenService::builder(store.clone(), Directory(directory), keys).build().unwrap();
        run(service.authenticate(&credentials))
    };
    assert_eq!(authenticate(Err(false)).unwrap_err().code(), ErrorCode::TemporarilyUnavailable);
    assert_eq!(authenticate(Err(true)).unwrap_err().code(), ErrorCode::InvalidClient);
    assert_eq!(authenticate(Ok(Arc::new(crate::lifecycle::node::client("app")))).unwrap().id.as_str(), "app");
    assert_eq!(store.calls(), 0);
}

#[test]
fn a_client_whose_overrides_contradict_the_policy_is_served_nothing_and_loses_nothing() {
    let node = Node::new(Policy::default());
    let (tokens, code) = (node.issue(), node.authorize());
    let overrides = regrant::policy::ClientPolicy::default().with_access_token_lifetime(Duration::ZERO);
    let wrong = node.acting_as(crate::lifecycle::node::client("app").with_policy(overrides));
    let request = RefreshRequest::new(tokens.refresh());
    let redemption = regrant::RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
    for answer in [wrong.refresh_with(&request), wrong.redeem_with(&redemption)] {
        assert!(matches!(&answer, Err(error @ TokenError::Policy(_)) if error.code() == ErrorCode::ServerError));
    }
    assert!(node.refresh_with(&request).is_ok() && node.redeem_with(&redemption).is_ok());
}
