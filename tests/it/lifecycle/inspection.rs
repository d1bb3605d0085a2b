//! Explanations for operators: they agree with the next refresh, and leave no trace.

use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use regrant::authenticator::{ClientDirectory, ClientStore as _, CredentialRefusal, MemoryClients, RegisteredClient};
use regrant::event::EventKind;
use regrant::grant::{Confirmation, RevocationReason};
use regrant::host::Unavailable;
use regrant::inspection::{GrantPhase, Inspection, RefreshAnswer, RefreshRefusal, ReplayWindow};
use regrant::policy::{AccessTokenFormat, GracePeriod, Lifetime, Limit, OnReuse, OnRollback};
use regrant::token::TokenKind;
use regrant::{
    Approval, Client, ClientId, ClientRegistry, ClientSecret, GrantId, GrantType, Policy, RefreshRequest, Refusal,
    SecretHash, TokenError,
};

use crate::lifecycle::node::{
    Answer, DAY, HOUR, MINUTE, Node, SECOND, START, Tokens, approval, cases, client, public_client, registered_anew,
    run, scope, subject,
};

const KEY: Confirmation = Confirmation::DpopKey([0x0a; 32]);

/// A directory of one client.
struct Only(RegisteredClient);

impl Only {
    fn new(client: Client) -> Self {
        let is_public = !client.is_confidential();
        let secret = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
        Self(RegisteredClient::new(client, Some(secret).filter(|_| !is_public)).unwrap())
    }

    /// The directory of the client of a node.
    fn of(node: &Node) -> Self {
        Self::new(Client::clone(&node.client))
    }
}

#[async_trait]
impl ClientDirectory for Only {
    async fn find(&self, client_id: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        Ok(Some(self.0.clone()).filter(|only| only.client().id == *client_id))
    }
}

/// A directory that cannot be read.
struct Down;

#[async_trait]
impl ClientDirectory for Down {
    async fn find(&self, _: &ClientId) -> Result<Option<RegisteredClient>, Unavailable> {
        Err(Unavailable::new("connection refused"))
    }
}

/// Explains a token of the service. Nothing is written and nothing is reported.
fn inspect(node: &Node, token: &str) -> Inspection {
    try_inspect(node, token).expect("a token of this service")
}

fn try_inspect(node: &Node, token: &str) -> Option<Inspection> {
    let (before, _) = (node.store.snapshot(), node.events.take());
    let inspection = run(node.service.inspect(&Only::of(node), token)).unwrap();
    assert_eq!(node.store.snapshot(), before, "nothing is written");
    assert!(node.events.kinds().is_empty(), "nothing is reported");
    inspection
}

fn refused(refusal: Refusal) -> Result<RefreshAnswer, RefreshRefusal> {
    expected(refusal, false)
}

fn revoking(refusal: Refusal) -> Result<RefreshAnswer, RefreshRefusal> {
    expected(refusal, true)
}

/// The type is not exhaustive, so a test takes one that the library made, and compares what it is made of.
fn expected(refusal: Refusal, revokes: bool) -> Result<RefreshAnswer, RefreshRefusal> {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let mut made = inspect(&node, &tokens.access).refresh.unwrap_err();
    (made.refusal, made.revokes) = (refusal, revokes);
    Err(made)
}

#[test]
fn the_head_would_be_rotated() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 2, MINUTE);
    let inspection = inspect(&node, chain[2].refresh());
    assert_eq!((inspection.kind, inspection.generation, inspection.serial), (TokenKind::RefreshToken, Some(2), None));
    assert_eq!(inspection.refresh, Ok(RefreshAnswer::Rotated { generation: 3 }));
    assert!(inspection.is_active);
    let grant = inspection.grant.unwrap();
    let head = grant.head.unwrap();
    assert_eq!((head.generation, head.issued_at, head.used_at), (2, START + MINUTE * 2, None));
    assert_eq!(head.expires_at, chain[2].refresh_expires_at);
    assert!(!head.is_bound && grant.has_client);
    assert_eq!(grant.phase, GrantPhase::Active);
    assert_eq!(grant.record_bytes, node.bytes(chain[0].grant_id).len());
    assert_eq!(grant.summary, run(node.service.grant(chain[0].grant_id)).unwrap().unwrap());
}

// Interfaces of operators show them, and scripts compare them.
#[test]
fn the_names_of_answers_phases_and_windows_are_stable() {
    let answers = [
        RefreshAnswer::Rotated { generation: 1 },
        RefreshAnswer::AccessTokenOnly,
        RefreshAnswer::Replayed { steps: 1 },
        RefreshAnswer::Healed { recorded: 1, presented: 2 },
    ];
    assert_eq!(answers.map(RefreshAnswer::as_str), ["rotated", "access_token_only", "replayed", "healed"]);
    let phases = [
        GrantPhase::AwaitingApproval,
        GrantPhase::AwaitingAuthorization,
        GrantPhase::AwaitingRedemption,
        GrantPhase::Active,
        GrantPhase::Revoked { at: START, reason: RevocationReason::CodeReuse },
    ];
    let names = ["awaiting_approval", "awaiting_authorization", "awaiting_redemption", "active", "revoked"];
    assert_eq!(phases.map(GrantPhase::as_str), names);
    let windows = [ReplayWindow::GracePeriod, ReplayWindow::CatchUp];
    assert_eq!(windows.map(ReplayWindow::as_str), ["grace_period", "catch_up_window"]);
}

#[test]
fn without_rotation_an_access_token_only_would_be_issued() {
    let node = Node::new(Policy::default().with_issue_refresh_tokens_on_refresh(false));
    let tokens = node.issue();
    node.advance(MINUTE);
    node.refresh(tokens.refresh()).unwrap();
    let inspection = inspect(&node, tokens.refresh());
    assert_eq!(inspection.refresh, Ok(RefreshAnswer::AccessTokenOnly));
    assert_eq!(inspection.grant.unwrap().head.unwrap().used_at, Some(START + MINUTE));
}

#[test]
fn former_tokens_have_the_window_that_a_refresh_measures() {
    let node = Node::new(Policy::default().with_grace_period(MINUTE.into()).with_max_replays(Limit::AtMost(5)));
    let chain = node.rotate(&node.issue(), 2, SECOND);
    node.refresh(chain[1].refresh()).unwrap();
    let inspection = inspect(&node, chain[0].refresh());
    assert_eq!(inspection.refresh, Ok(RefreshAnswer::Replayed { steps: 2 }));
    assert!(!inspection.is_active, "introspection knows the head alone");
    let former = inspection.grant.unwrap().former;
    let seen: Vec<_> = former.iter().map(|entry| (entry.generation, entry.retired_at, entry.replays)).collect();
    assert_eq!(seen, [(0, START + SECOND, 0), (1, START + SECOND * 2, 1)]);
    assert_eq!(former[0].window, ReplayWindow::CatchUp);
    assert_eq!(former[0].answered_until, Some(START + SECOND * 11));
    assert_eq!(former[1].window, ReplayWindow::GracePeriod);
    assert_eq!(former[1].answered_until, Some(START + SECOND * 62));
}

#[test]
fn a_window_without_end_has_none() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 1, SECOND);
    assert_eq!(inspect(&node, chain[0].refresh()).grant.unwrap().former[0].answered_until, None, "it authenticates");
    let node = Node::new(Policy::default()).acting_as(public_client("app"));
    let chain = node.rotate(&node.issue(), 1, SECOND);
    let end = inspect(&node, chain[0].refresh()).grant.unwrap().former[0].answered_until;
    assert_eq!(end, Some(START + SECOND + MINUTE), "it does not");
}

#[test]
fn a_spent_token_would_revoke_and_does_not() {
    for (on_reuse, expected) in [
        (OnReuse::Revoke, revoking(Refusal::RefreshTokenReused)),
        (OnReuse::Refuse, refused(Refusal::RefreshTokenReused)),
    ] {
        let node = Node::new(Policy::default().with_on_reuse(on_reuse));
        let chain = node.rotate(&node.issue(), 2, HOUR);
        assert_eq!(inspect(&node, chain[0].refresh()).refresh, expected);
        assert!(node.is_active(chain[2].refresh()), "it was only explained");
    }
}

#[test]
fn a_fork_a_token_ahead_and_a_refused_rollback_are_told_apart() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let lost = node.rolled_back(first.grant_id, || node.refresh(first.refresh()).unwrap());
    assert_eq!(inspect(&node, lost.refresh()).refresh, Ok(RefreshAnswer::Healed { recorded: 0, presented: 1 }));
    let strict = node.under(Policy::default().with_on_rollback(OnRollback::Refuse));
    assert_eq!(inspect(&strict, lost.refresh()).refresh, refused(Refusal::RefreshTokenAhead));
    node.refresh(first.refresh()).unwrap();
    assert_eq!(inspect(&node, lost.refresh()).refresh, revoking(Refusal::RefreshTokenForked));
}

#[test]
fn a_revoked_an_ended_and_an_expired_grant_say_so() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.advance(MINUTE);
    run(node.service.revoke_grant(tokens.grant_id)).unwrap();
    let inspection = inspect(&node, tokens.refresh());
    assert_eq!(inspection.refresh, refused(Refusal::GrantRevoked));
    let grant = inspection.grant.unwrap();
    assert_eq!(grant.phase, GrantPhase::Revoked { at: START + MINUTE, reason: RevocationReason::HostRequest });
    assert!(grant.access_tokens.is_empty());

    let tokens = node.issue();
    node.advance(DAY * 7);
    assert_eq!(inspect(&node, tokens.refresh()).refresh, refused(Refusal::RefreshTokenExpired));

    let node = Node::new(Policy::default().with_grant_lifetime(DAY.into()));
    let tokens = node.issue();
    node.advance(DAY);
    assert_eq!(inspect(&node, tokens.refresh()).refresh, refused(Refusal::GrantExpired));
    node.advance(SECOND);
    run(node.service.purge_expired(10)).unwrap();
    let gone = inspect(&node, tokens.refresh());
    assert_eq!(gone.refresh, refused(Refusal::GrantUnknown));
    assert!(gone.grant.is_none() && !gone.is_active);
}

#[test]
fn a_bound_token_is_explained_for_the_holder_of_its_key() {
    let node = Node::new(Policy::default()).acting_as(public_client("app"));
    let tokens = node.try_issue(GrantType::Password, approval().with_confirmation(KEY)).unwrap();
    let inspection = inspect(&node, tokens.refresh());
    assert_eq!(inspection.refresh, Ok(RefreshAnswer::Rotated { generation: 1 }));
    let grant = inspection.grant.unwrap();
    assert!(grant.head.unwrap().is_bound);
    // The proven key gives the window without end.
    node.refresh_with(&RefreshRequest::new(tokens.refresh()).with_presented_keys(Some(KEY))).unwrap();
    let former = inspect(&node, tokens.refresh());
    assert_eq!(former.refresh, Ok(RefreshAnswer::Replayed { steps: 1 }));
    let grant = former.grant.unwrap();
    assert_eq!(grant.former[0].answered_until, None);
    assert!(grant.access_tokens.last().unwrap().is_bound);
}

#[test]
fn a_token_that_is_older_than_the_key_is_explained_for_the_holder_of_the_key() {
    let node = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = node.issue();
    node.refresh_with(&RefreshRequest::new(first.refresh()).with_presented_keys(Some(KEY))).unwrap();
    assert_eq!(inspect(&node, first.refresh()).refresh, Ok(RefreshAnswer::Replayed { steps: 1 }));
}

// The record knows the other key in full. The client of the token does not have it, and the two are a fork.
#[test]
fn a_token_of_a_lost_binding_is_not_explained_for_the_holder_of_the_key_that_came_later() {
    let node = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = node.issue();
    let with = |key, token: &str| node.refresh_with(&RefreshRequest::new(token).with_presented_keys(key));
    let lost = node.rolled_back(first.grant_id, || with(Some(KEY), first.refresh()).unwrap());
    let next = with(None, first.refresh()).unwrap();
    with(Some(Confirmation::DpopKey([0x0b; 32])), next.refresh()).unwrap();
    assert_eq!(inspect(&node, lost.refresh()).refresh, revoking(Refusal::RefreshTokenReused));
    let answer = with(Some(KEY), lost.refresh());
    assert!(matches!(answer, Err(TokenError::Refused(Refusal::RefreshTokenReused))));
}

#[test]
fn a_token_whose_binding_the_store_lost_is_explained_too() {
    let node = Node::new(Policy::default()).acting_as(public_client("app"));
    let first = node.issue();
    let bind = || node.refresh_with(&RefreshRequest::new(first.refresh()).with_presented_keys(Some(KEY))).unwrap();
    let bound = node.rolled_back(first.grant_id, bind);
    let healed = Ok(RefreshAnswer::Healed { recorded: 0, presented: 1 });
    assert_eq!(inspect(&node, bound.refresh()).refresh, healed);
}

#[test]
fn an_access_token_is_found_in_its_record_and_refreshes_nothing() {
    let jwts = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let node = Node::new(Policy::default());
    for node in [node.with_jwts().under(jwts), node] {
        let is_jwt = node.policy.access_token_format == AccessTokenFormat::Jwt;
        let tokens = node.issue();
        let narrow = node.refresh_scoped(tokens.refresh(), "read").unwrap();
        let inspection = inspect(&node, &narrow.access);
        assert_eq!((inspection.kind, inspection.generation), (TokenKind::AccessToken, None));
        assert_eq!(inspection.refresh, refused(Refusal::TokenUnrecognized));
        assert!(inspection.is_active);
        let alive = inspection.grant.unwrap().access_tokens;
        let found = alive.iter().find(|token| Some(token.serial) == inspection.serial).unwrap();
        assert_eq!((&found.scope, found.issued_at, found.is_jwt), (&scope("read"), START, is_jwt));
        assert_eq!(found.expires_at, START + narrow.expires_in);
        assert_eq!(alive.len(), 2);
        node.revoke(&narrow.access);
        let revoked = inspect(&node, &narrow.access);
        assert!(!revoked.is_active);
        assert_eq!(revoked.grant.unwrap().access_tokens.len(), 1);
    }
}

#[test]
fn an_access_token_is_shown_until_its_expiry() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let alive = |token: &str| inspect(&node, token).grant.unwrap().access_tokens.len();
    node.advance(tokens.expires_in - Duration::from_millis(1));
    assert_eq!(alive(tokens.refresh()), 1);
    node.advance(Duration::from_millis(1));
    assert_eq!(alive(tokens.refresh()), 0);
}

#[test]
fn a_code_waits_for_its_redemption() {
    let node = Node::new(Policy::default());
    let inspection = inspect(&node, &node.authorize());
    assert_eq!((inspection.kind, inspection.is_active), (TokenKind::AuthorizationCode, false));
    assert_eq!(inspection.refresh, refused(Refusal::TokenUnrecognized));
    let grant = inspection.grant.unwrap();
    assert_eq!((grant.phase, grant.head), (GrantPhase::AwaitingRedemption, None));
}

#[test]
fn garbage_and_tokens_of_another_realm_or_ring_are_no_tokens_and_cost_no_call_of_the_store() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    let calls = node.store.calls();
    let changed = tokens.refresh().replace(|_: char| true, "A");
    let longer = format!("{} ", tokens.refresh());
    for text in ["", "garbage", changed.as_str(), &tokens.refresh()[1..], longer.as_str()] {
        assert!(try_inspect(&node, text).is_none(), "{text}");
    }
    for other in [node.in_realm("other"), node.with_keys(&[2])] {
        assert!(try_inspect(&other, tokens.refresh()).is_none());
        assert!(try_inspect(&other, &tokens.access).is_none());
    }
    assert_eq!(node.store.calls(), calls);
}

#[test]
fn a_client_that_is_gone_or_new_under_its_id_explains_the_refusal() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 1, SECOND);
    let clients = MemoryClients::new();
    let gone = run(node.service.inspect(&clients, chain[1].refresh())).unwrap().unwrap();
    let unknown = Refusal::ClientAuthenticationFailed(CredentialRefusal::UnknownClient);
    assert_eq!(gone.refresh, refused(unknown));
    let grant = gone.grant.unwrap();
    assert!(!grant.has_client);
    assert_eq!(grant.former[0].answered_until, Some(grant.former[0].retired_at), "nothing is answered");

    let anew = Only::new(registered_anew("app"));
    let inspection = run(node.service.inspect(&anew, chain[1].refresh())).unwrap().unwrap();
    assert_eq!(inspection.refresh, refused(Refusal::OtherRegistration));

    let without = Only::new(client("app").with_grant_types([GrantType::AuthorizationCode]));
    let inspection = run(node.service.inspect(&without, chain[1].refresh())).unwrap().unwrap();
    assert_eq!(inspection.refresh, refused(Refusal::GrantTypeNotAllowed));

    let fewer = Only::new(client("app").with_scope(scope("delete")));
    let inspection = run(node.service.inspect(&fewer, chain[1].refresh())).unwrap().unwrap();
    assert_eq!(inspection.refresh, refused(Refusal::ScopeWithdrawn));
}

#[test]
fn every_kind_of_directory_serves() {
    let node = Node::new(Policy::default());
    let token = node.issue().refresh().to_owned();
    let secret = || SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
    let registry = ClientRegistry::new().register(client("app"), [secret()]).unwrap();
    let memory = MemoryClients::new();
    run(memory.put(&RegisteredClient::new(client("app"), [secret()]).unwrap())).unwrap();
    for clients in [&registry as &dyn ClientDirectory, &memory] {
        let inspection = run(node.service.inspect(clients, &token)).unwrap().unwrap();
        assert_eq!(inspection.refresh, Ok(RefreshAnswer::Rotated { generation: 1 }));
    }
}

#[test]
fn the_gate_of_the_host_is_asked_as_a_refresh_asks_it() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.gate.close("demo");
    let inspection = inspect(&node, tokens.refresh());
    assert_eq!((inspection.refresh, inspection.is_active), (refused(Refusal::SubjectNotServed), false));
    assert!(inspection.grant.is_some());
}

#[test]
fn a_port_that_is_down_is_an_error_with_an_event() {
    let node = Node::new(Policy::default());
    let tokens = node.issue();
    node.events.take();
    let error = run(node.service.inspect(&Down, tokens.refresh())).unwrap_err();
    assert!(matches!(error, TokenError::Authenticator(_)));
    assert_eq!(node.events.kinds(), [EventKind::Unavailable]);
    node.store.set_down(true);
    let error = run(node.service.inspect(&Only::of(&node), tokens.refresh())).unwrap_err();
    assert!(matches!(error, TokenError::Store(_)));
    assert_eq!(node.events.kinds(), [EventKind::Unavailable]);
    let error = run(node.service.inspect_grant(&Only::of(&node), tokens.grant_id)).unwrap_err();
    assert!(matches!(error, TokenError::Store(_)));
}

#[test]
fn a_grant_is_explained_by_its_id_alone_as_by_one_of_its_tokens() {
    let node = Node::new(Policy::default());
    let chain = node.rotate(&node.issue(), 3, SECOND);
    let by_token = inspect(&node, chain[3].refresh()).grant;
    let by_id = run(node.service.inspect_grant(&Only::of(&node), chain[0].grant_id)).unwrap();
    assert_eq!(format!("{by_id:?}"), format!("{by_token:?}"));
    assert!(run(node.service.inspect_grant(&Only::of(&node), GrantId::from_bytes([9; 16]))).unwrap().is_none());
    let elsewhere = node.in_realm("other");
    assert!(run(elsewhere.service.inspect_grant(&Only::of(&node), chain[0].grant_id)).unwrap().is_none());
}

#[test]
fn an_explanation_shows_no_token_and_no_digest() {
    let node = Node::new(Policy::default());
    let approval = Approval::of(subject("demo")).with_scope(scope("read"));
    let chain = node.rotate(&node.try_issue(GrantType::Password, approval).unwrap(), 2, SECOND);
    let shown = format!("{:?}", inspect(&node, chain[1].refresh()));
    for tokens in &chain {
        for token in [tokens.refresh(), &tokens.access] {
            assert!(!shown.contains(&token[4..24]), "{shown}");
        }
    }
    for word in ["digest", "secret", "salt", "mark", "root"] {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
}

/// One step of a random life.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A refresh with the token that was issued so many answers ago.
    Refresh(usize),
    /// The same, and the store loses the write afterwards.
    Lose(usize),
    Advance(u64),
    Revoke,
}

fn step() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![5 => Just(0_usize), 4 => Just(1), 2 => 2..12_usize];
    prop_oneof![
        8 => back().prop_map(Step::Refresh),
        2 => back().prop_map(Step::Lose),
        5 => prop_oneof![1_u64..15_000, 50_000_u64..70_000, Just(600_000)].prop_map(Step::Advance),
        1 => Just(Step::Revoke),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    let graces = [GracePeriod::Auto, GracePeriod::UntilSuccessorUse, GracePeriod::Of(MINUTE)];
    let grace = prop::sample::select(graces.to_vec());
    let settings = (grace, any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), any::<bool>(), any::<bool>());
    settings.prop_map(|(grace, revokes, heals, rotates, ends, counts)| {
        Policy::default()
            .with_grace_period(grace)
            .with_on_reuse(if revokes { OnReuse::Revoke } else { OnReuse::Refuse })
            .with_on_rollback(if heals { OnRollback::Heal } else { OnRollback::Refuse })
            .with_issue_refresh_tokens_on_refresh(rotates)
            .with_grant_lifetime(if ends { Lifetime::Of(MINUTE * 20) } else { Lifetime::Never })
            .with_max_replays(if counts { Limit::AtMost(2) } else { Limit::Unlimited })
    })
}

/// Reads from the answer and the events of a refresh what an explanation would have said.
fn done(answer: &Answer, events: &[EventKind]) -> String {
    let revokes = events.iter().any(|event| matches!(event, EventKind::GrantRevoked(_)));
    match (answer, events) {
        (Ok(_), [EventKind::Healed { recorded, presented }, ..]) => {
            format!("{:?}", RefreshAnswer::Healed { recorded: *recorded, presented: *presented })
        }
        (Ok(_), [EventKind::Rotated { generation }]) => {
            format!("{:?}", RefreshAnswer::Rotated { generation: *generation })
        }
        (Ok(_), [EventKind::Replayed { steps, .. }]) => format!("{:?}", RefreshAnswer::Replayed { steps: *steps }),
        (Ok(_), [EventKind::Refreshed]) => format!("{:?}", RefreshAnswer::AccessTokenOnly),
        (Err(_), [.., EventKind::Refused(refusal)]) => format!("{refusal:?}, revokes: {revokes}"),
        other => panic!("no explanation for {other:?}"),
    }
}

/// The same of an explanation.
fn said(refresh: Result<RefreshAnswer, RefreshRefusal>) -> String {
    match refresh {
        Ok(answer) => format!("{answer:?}"),
        Err(RefreshRefusal { refusal, revokes, .. }) => format!("{refusal:?}, revokes: {revokes}"),
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn an_explanation_is_what_the_refresh_then_does(
        policy in policies(),
        is_public in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let node = Node::new(policy);
        let node = if is_public { node.acting_as(public_client("app")) } else { node };
        let mut issued: Vec<Tokens> = vec![node.issue()];
        let grant_id = issued[0].grant_id;
        for step in steps {
            match step {
                Step::Advance(millis) => node.advance(Duration::from_millis(millis)),
                Step::Revoke => {
                    run(node.service.revoke_grant(grant_id)).unwrap();
                    node.events.take();
                }
                Step::Refresh(back) | Step::Lose(back) => {
                    let token = issued[issued.len().saturating_sub(1 + back)].refresh().to_owned();
                    let explained = said(inspect(&node, &token).refresh);
                    let refresh = || (node.refresh(&token), node.events.kinds());
                    let (answer, events) = match step {
                        Step::Lose(_) => node.rolled_back(grant_id, refresh),
                        _ => refresh(),
                    };
                    prop_assert_eq!(explained, done(&answer, &events));
                    issued.extend(answer.ok().filter(|tokens| tokens.refresh.is_some()));
                }
            }
        }
    }
}
