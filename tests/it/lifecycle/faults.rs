//! Nobody is logged out by a fault: every call of the store fails once, before or after its work, and the client retries.

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

use crate::lifecycle::probe::{Fault, Probe};
use crate::lifecycle::world::{
    Answer, CALLBACK, MINUTE, Tokens, VERIFIER, World, a_minute_of_grace, assert_retryable, refusal, run, scope,
    subject,
};

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

/// Lets each call of `operation` go wrong in turn, in a world of its own; then, with the store well again, `check`s.
fn each_fault<S>(
    prepare: impl Fn(&World) -> S,
    operation: impl Fn(&World, &S) -> Answer,
    check: impl Fn(&World, &S, Answer, &str),
) {
    for policy in policies() {
        for fault in FAULTS {
            for k in 0..CALLS {
                let world = World::new(policy.clone());
                let state = prepare(&world);
                world.store.fail(k, fault);
                let answer = operation(&world, &state);
                world.store.calm();
                check(&world, &state, answer, &format!("call {k} failed {fault:?}, {policy:?}"));
            }
        }
    }
}

/// Asserts that `answer` is a success or tells the client to try again, and lets it do so.
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
pub(crate) fn assert_alive(world: &World, tokens: &Tokens, what: &str) {
    assert!(world.is_active(&tokens.access), "{what}");
    assert!(world.is_active(tokens.refresh()), "{what}");
    world.advance(MINUTE * 2);
    assert!(world.refresh(tokens.refresh()).is_ok(), "{what}");
}

#[test]
fn no_fault_spoils_an_issue() {
    each_fault(
        |_| (),
        |world, ()| world.try_issue(regrant::GrantType::Password, crate::lifecycle::world::approval()),
        |world, (), answer, what| assert_alive(world, &or_retry(answer, what, || Ok(world.issue())), what),
    );
}

#[test]
fn no_fault_spoils_an_authorization_or_its_redemption() {
    each_fault(
        |_| (),
        |world, ()| world.redeem(&world.try_authorize()?),
        |world, (), answer, what| {
            let tokens = or_retry(answer, what, || world.redeem(&world.authorize()));
            assert_alive(world, &tokens, what);
        },
    );
}

#[test]
fn no_single_fault_costs_a_code() {
    // C94, I9, I13.
    each_fault(
        World::authorize,
        |world, code| world.redeem(code),
        |world, code, answer, what| {
            let tokens = or_retry(answer, what, || world.redeem(code));
            assert_alive(world, &tokens, what);
        },
    );
}

#[test]
fn no_fault_costs_a_session_at_refresh() {
    // A5, C93, C97, I3, I4.
    each_fault(
        World::issue,
        |world, first| world.refresh(first.refresh()),
        |world, first, answer, what| {
            let tokens = or_retry(answer, what, || world.refresh(first.refresh()));
            assert!(!world.is_active(first.refresh()), "{what}");
            assert_eq!(world.store.writes(), 2, "one issue, one rotation: {what}");
            assert_alive(world, &tokens, what);
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
                    let world = World::new(policy.clone());
                    let first = world.issue();
                    let lost = world.refresh(first.refresh()).unwrap();
                    world.store.fail(k, fault);
                    let answer = world.refresh_scoped(first.refresh(), wanted);
                    world.store.calm();
                    let what = format!("{wanted}, call {k} failed {fault:?}");
                    let tokens = or_retry(answer, &what, || world.refresh_scoped(first.refresh(), wanted));
                    assert_eq!(tokens.refresh, lost.refresh, "{what}");
                    assert_eq!(tokens.scope, scope(wanted), "{what}");
                    assert_eq!(world.refresh_scoped(first.refresh(), wanted).unwrap().access, tokens.access, "{what}");
                    assert_alive(&world, &tokens, &what);
                }
            }
        }
    }
}

#[test]
fn an_acknowledged_revocation_holds_and_one_that_failed_can_be_repeated() {
    // A36 (fosite CVE-2020-15223), C113: never a success while the token lives.
    type Revocation = fn(&World, &Tokens) -> Result<(), TokenError>;
    let revocations: [Revocation; 4] = [
        |world, tokens| run(world.service.revoke(&world.client, tokens.refresh())),
        |world, tokens| run(world.service.revoke_grant(tokens.grant_id)).map(drop),
        |world, _| run(world.service.revoke_subject(&subject("demo"))).map(drop),
        |world, _| run(world.service.revoke_client(&world.client.id)).map(drop),
    ];
    for (number, revocation) in revocations.iter().enumerate() {
        for fault in FAULTS {
            for k in 0..CALLS {
                let world = World::new(Policy::default());
                let chain = world.rotate(&world.issue(), 1, MINUTE);
                world.store.fail(k, fault);
                let answer = revocation(&world, &chain[1]);
                world.store.calm();
                if let Err(error) = answer {
                    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable);
                    revocation(&world, &chain[1]).unwrap();
                }
                assert!(!world.is_any_active(&chain), "{number}: call {k} failed {fault:?}");
                assert_eq!(refusal(world.refresh(chain[1].refresh())), Refusal::GrantRevoked);
            }
        }
    }
}

#[test]
fn one_grant_that_cannot_be_revoked_does_not_keep_the_others_alive() {
    for k in 0..40 {
        let world = World::new(Policy::default());
        let sessions: Vec<Tokens> = (0..5).map(|_| world.issue()).collect();
        world.store.fail(k, Fault::Before);
        let answer = run(world.service.revoke_subject(&subject("demo")));
        world.store.calm();
        let alive = sessions.iter().filter(|tokens| world.is_active(tokens.refresh())).count();
        // Only when the listing itself failed is nothing done.
        assert!(alive <= if answer.is_err() && k > 0 { 1 } else { 5 }, "call {k}");
        assert!(answer.is_err() || alive == 0, "call {k}");
        run(world.service.revoke_subject(&subject("demo"))).unwrap();
        assert!(!world.is_any_active(&sessions));
    }
}

#[test]
fn an_outage_is_never_told_as_an_inactive_token_or_an_empty_list() {
    let world = World::new(Policy::default());
    let tokens = world.issue();
    for token in [&*tokens.access, tokens.refresh()] {
        world.store.fail(0, Fault::Before);
        let answer = run(world.service.introspect(&world.client, token));
        assert_eq!(answer.unwrap_err().code(), ErrorCode::TemporarilyUnavailable);
    }
    let owner = GrantOwner::Subject(subject("demo"));
    world.store.fail(0, Fault::Before);
    assert!(run(world.service.grants(&owner, None, 10)).is_err());
    world.store.fail(0, Fault::Before);
    world.events.take();
    assert!(run(world.service.purge_expired(10)).is_err());
    let told = world.events.take();
    assert_eq!((told.len(), told[0].operation), (1, regrant::event::Operation::PurgeExpired));
    assert_eq!(told[0].failure.as_ref().map(|failure| failure.chain[1].as_str()), Some("injected"));
    assert!(world.is_active(&tokens.access));
}

#[test]
fn the_reaction_to_reuse_is_stored_before_the_refusal_leaves() {
    // I8, A12, C80.
    for fault in FAULTS {
        for k in 0..CALLS {
            let world = World::new(a_minute_of_grace());
            let chain = world.rotate(&world.issue(), 1, MINUTE);
            world.advance(MINUTE);
            world.store.fail(k, fault);
            let answer = world.refresh(chain[0].refresh());
            world.store.calm();
            if let Err(TokenError::Refused(refused)) = &answer {
                assert!(!world.is_any_active(&chain), "call {k} failed {fault:?}: {refused}");
            } else {
                assert_retryable(answer);
                refusal(world.refresh(chain[0].refresh()));
                assert!(!world.is_any_active(&chain), "call {k} failed {fault:?}");
            }
        }
    }
}

#[test]
fn an_outage_of_any_length_costs_no_session_with_grace() {
    for start in 0..4 {
        for length in 1..10 {
            for fault in FAULTS {
                let world = World::new(Policy::default());
                let first = world.issue();
                for k in start..start + length {
                    world.store.fail(k, fault);
                }
                let mut answer = world.refresh(first.refresh());
                for _ in 0..10 {
                    if answer.is_ok() {
                        break;
                    }
                    assert_retryable(answer);
                    answer = world.refresh(first.refresh());
                }
                world.store.calm();
                assert_alive(&world, &answer.unwrap(), &format!("{length} calls from {start} on failed {fault:?}"));
            }
        }
    }
}

#[test]
fn a_write_whose_acknowledgement_was_lost_is_confirmed_by_reading_back() {
    let world = World::new(Policy::default());
    let first = world.issue();
    world.events.take();
    world.store.fail(1, Fault::After);
    let tokens = world.refresh(first.refresh()).unwrap();
    assert_eq!(world.events.kinds(), [EventKind::WriteConfirmed, EventKind::Rotated { generation: 1 }]);
    assert!(world.is_active(tokens.refresh()));
}

#[test]
fn a_refresh_that_is_stored_late_still_has_one_successor() {
    // I4: the write arrives after the read-back, before the retry or after it.
    for before_retry in [true, false] {
        let world = World::new(Policy::default());
        let first = world.issue();
        world.store.fail(1, Fault::Late);
        assert_retryable(world.refresh(first.refresh()));
        assert!(world.is_active(first.refresh()));
        if before_retry {
            world.store.deliver();
            assert!(!world.is_active(first.refresh()));
        }
        let tokens = world.refresh(first.refresh()).unwrap();
        world.store.deliver();
        assert_eq!(world.refresh(first.refresh()).unwrap(), tokens);
        assert_alive(&world, &tokens, "late");
    }
}

#[test]
fn a_revocation_that_is_stored_late_was_not_acknowledged() {
    let world = World::new(Policy::default());
    let tokens = world.issue();
    world.store.fail(1, Fault::Late);
    assert!(run(world.service.revoke(&world.client, tokens.refresh())).is_err());
    world.store.deliver();
    assert!(!world.is_any_active(&[tokens]));
}

#[test]
fn a_redemption_that_is_stored_late_leaves_nothing_alive_that_nobody_holds() {
    // The one fault that costs a second sign-in (see TokenService::redeem): it must at least be safe.
    let world = World::new(Policy::default());
    let code = world.authorize();
    world.store.fail(1, Fault::Late);
    assert_retryable(world.redeem(&code));
    world.store.deliver();
    assert_eq!(refusal(world.redeem(&code)), Refusal::CodeReused);
    let listed = run(world.service.grants(&GrantOwner::Subject(subject("demo")), None, 10)).unwrap();
    assert!(listed.grants.is_empty());
}

#[test]
fn conflicts_for_ever_are_contention_and_consume_nothing() {
    let world = World::new(Policy::default());
    let (first, code) = (world.issue(), world.authorize());
    let before = world.bytes(first.grant_id);
    world.events.take();
    world.store.conflict_always();
    let calls = world.store.calls();
    for answer in [
        world.refresh(first.refresh()),
        world.redeem(&code),
        world.try_issue(regrant::GrantType::Password, crate::lifecycle::world::approval()),
    ] {
        assert!(matches!(answer, Err(TokenError::Contended)), "{answer:?}");
        assert_retryable(answer);
    }
    assert_eq!(world.events.kinds(), [EventKind::Contended; 3]);
    assert!(matches!(run(world.service.revoke(&world.client, first.refresh())), Err(TokenError::Contended)));
    assert!(world.store.calls() - calls < 1000, "bounded");
    world.store.calm();
    assert_eq!(world.bytes(first.grant_id), before);
    assert!(world.refresh(first.refresh()).is_ok() && world.redeem(&code).is_ok());
}

#[test]
fn a_damaged_record_is_reported_and_left_as_it_is() {
    let world = World::new(Policy::default());
    let chain = world.rotate(&world.issue(), 1, MINUTE);
    let (id, whole) = (chain[0].grant_id, world.store.record(chain[0].grant_id).unwrap());
    world.advance(MINUTE);
    let mut damaged = whole.clone();
    damaged.payload[40] ^= 1;
    world.store.overwrite(id, damaged.clone());
    world.events.take();
    let service = &world.service;
    let answers: [(&str, Result<(), TokenError>); 5] = [
        ("refresh", world.refresh(chain[1].refresh()).map(drop)),
        // Above all no reuse is seen in it: that would log the user out.
        ("reuse", world.refresh(chain[0].refresh()).map(drop)),
        ("revoke", run(service.revoke(&world.client, chain[1].refresh()))),
        ("revoke_grant", run(service.revoke_grant(id)).map(drop)),
        ("introspect", run(service.introspect(&world.client, &chain[1].access)).map(drop)),
    ];
    for (what, answer) in answers {
        let error = answer.expect_err(what);
        // Trying again mends no record.
        assert_eq!(error.code(), ErrorCode::ServerError, "{what}");
        assert!(matches!(&error, TokenError::Store(error) if error.is_corrupt() && !error.is_transient()), "{what}");
    }
    let events = world.events.take();
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|event| event.kind == EventKind::RecordCorrupt && event.grant_id == Some(id)));
    assert_eq!(world.store.record(id), Some(damaged));
    world.store.overwrite(id, whole);
    assert!(world.refresh(chain[1].refresh()).is_ok());
}

#[test]
fn a_damaged_record_hides_no_other_from_the_listing() {
    let world = World::new(Policy::default());
    let sessions: Vec<Tokens> = (0..3).map(|_| world.issue()).collect();
    let mut damaged = world.store.record(sessions[1].grant_id).unwrap();
    damaged.payload.pop();
    world.store.overwrite(sessions[1].grant_id, damaged);
    world.events.take();
    let page = run(world.service.grants(&GrantOwner::Subject(subject("demo")), None, 10)).unwrap();
    assert_eq!(page.grants.len(), 2);
    let events = world.events.take();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].kind, events[0].grant_id), (EventKind::RecordCorrupt, Some(sessions[1].grant_id)));
    assert!(run(world.service.revoke_subject(&subject("demo"))).is_err(), "not all could be revoked");
    assert!(!world.is_active(&sessions[0].access) && !world.is_active(&sessions[2].access));
}

#[test]
fn every_flipped_bit_of_a_record_is_detected() {
    let world = World::new(Policy::default());
    let chain = world.rotate(&world.issue(), 2, MINUTE / 4);
    let (id, whole) = (chain[0].grant_id, world.store.record(chain[0].grant_id).unwrap());
    for bit in 0..whole.payload.len() * 8 {
        let mut damaged = whole.clone();
        damaged.payload[bit / 8] ^= 1 << (bit % 8);
        world.store.overwrite(id, damaged);
        let answer = world.refresh(chain[2].refresh());
        assert!(matches!(&answer, Err(TokenError::Store(error)) if error.is_corrupt()), "bit {bit}: {answer:?}");
    }
    world.store.overwrite(id, whole);
    assert!(world.refresh(chain[2].refresh()).is_ok());
}

#[test]
fn a_gate_that_is_down_consumes_nothing() {
    // C95.
    let world = World::new(Policy::default());
    let (chain, code) = (world.rotate(&world.issue(), 1, MINUTE), world.authorize());
    world.advance(MINUTE);
    let writes = world.store.writes();
    world.gate.set_down(true);
    world.events.take();
    // Not even of a spent token anything is known for sure.
    for answer in [world.refresh(chain[1].refresh()), world.refresh(chain[0].refresh()), world.redeem(&code)] {
        assert!(matches!(answer, Err(TokenError::Gate(_))), "{answer:?}");
        assert_retryable(answer);
    }
    assert_eq!(world.events.kinds(), [EventKind::Unavailable; 3]);
    assert!(run(world.service.introspect(&world.client, &chain[1].access)).is_err());
    assert_eq!(world.store.writes(), writes);
    world.gate.set_down(false);
    assert!(world.refresh(chain[1].refresh()).is_ok() && world.redeem(&code).is_ok());
}

#[test]
fn a_revocation_needs_no_gate() {
    let world = World::new(Policy::default());
    let tokens = world.issue();
    world.gate.set_down(true);
    world.revoke(tokens.refresh());
    world.gate.set_down(false);
    assert!(!world.is_any_active(&[tokens]));
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
    // A28: whatever becomes of the authentication, the store is not asked.
    let store = Probe::default();
    let credentials = ClientCredentials::Basic(ClientId::new("app").unwrap(), ClientSecret::new("secret"));
    let authenticate = |directory| {
        let keys = KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap());
        let service = TokenService::builder(store.clone(), Directory(directory), keys).build().unwrap();
        run(service.authenticate(&credentials))
    };
    assert_eq!(authenticate(Err(false)).unwrap_err().code(), ErrorCode::TemporarilyUnavailable);
    assert_eq!(authenticate(Err(true)).unwrap_err().code(), ErrorCode::InvalidClient);
    assert_eq!(authenticate(Ok(Arc::new(crate::lifecycle::world::client("app")))).unwrap().id.as_str(), "app");
    assert_eq!(store.calls(), 0);
}

#[test]
fn a_client_whose_overrides_contradict_the_policy_is_served_nothing_and_loses_nothing() {
    let world = World::new(Policy::default());
    let (tokens, code) = (world.issue(), world.authorize());
    let overrides = regrant::policy::ClientPolicy::default().with_access_token_lifetime(Duration::ZERO);
    let wrong = world.acting_as(crate::lifecycle::world::client("app").with_policy(overrides));
    let request = RefreshRequest::new(tokens.refresh());
    let redemption = regrant::RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
    for answer in [wrong.refresh_with(&request), wrong.redeem_with(&redemption)] {
        assert!(matches!(&answer, Err(error @ TokenError::Policy(_)) if error.code() == ErrorCode::ServerError));
    }
    assert!(world.refresh_with(&request).is_ok() && world.redeem_with(&redemption).is_ok());
}
