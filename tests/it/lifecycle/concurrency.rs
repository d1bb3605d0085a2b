//! Races: many requests at once, on real threads. The loser of a race is not a thief.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regrant::event::{EventKind, ReplayCause};
use regrant::policy::{Limit, OnReuse};
use regrant::{Policy, RedeemRequest, RefreshRequest, Refusal, TokenError};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::lifecycle::node::{Answer, CALLBACK, Node, Tokens, VERIFIER, refusal, subject};
use fixtures::Fault;

const TASKS: usize = 64;

fn is_refused(answer: &Answer) -> bool {
    matches!(answer, Err(TokenError::Refused(_)))
}

/// Lets `work` begin on `tasks` tasks at the same moment.
async fn at_once<T, F>(tasks: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(tasks));
    let mut set = JoinSet::new();
    for number in 0..tasks {
        let (barrier, future) = (Arc::clone(&barrier), work(number));
        set.spawn(async move {
            barrier.wait().await;
            future.await
        });
    }
    set.join_all().await
}

async fn refresh(node: Node, request: RefreshRequest) -> Answer {
    node.service.refresh(&node.client, &request).await.map(Tokens::from)
}

async fn all_refresh(node: &Node, token: &str) -> Vec<Answer> {
    at_once(TASKS, |_| refresh(node.clone(), RefreshRequest::new(token))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_refreshes_at_once_all_get_the_same_successor() {
    // Concurrent refreshes of an honest client neither end nor fork its session (leodip/goiabada#128).
    for seed in 0..20 {
        let node = Node::seeded(Policy::default(), seed);
        let first = node.issue();
        node.events.take();
        let answers = all_refresh(&node, first.refresh()).await;
        let tokens: Vec<Tokens> = answers.into_iter().map(Result::unwrap).collect();
        assert!(tokens.iter().all(|other| *other == tokens[0]));
        assert_eq!(node.store.writes(), 2, "one issue, one rotation");
        assert!(node.is_active(tokens[0].refresh()));
        let kinds = node.events.kinds();
        let rotations = kinds.iter().filter(|kind| matches!(kind, EventKind::Rotated { .. })).count();
        let replays = kinds.iter().filter(|kind| matches!(kind, EventKind::Replayed { .. })).count();
        assert_eq!((rotations, replays), (1, TASKS - 1));
        assert!(node.refresh(tokens[0].refresh()).is_ok());
    }
}

/// A node, its first tokens, and what a rival got who stored between our load and our write.
fn raced(
    policy: Policy,
    rival: impl Fn(&Node, &Tokens) -> Answer + Send + 'static,
    ours: impl Fn(&Node, &Tokens) -> Answer,
) -> (Node, Answer, Answer) {
    let node = Node::new(policy);
    let first = node.issue();
    let theirs = Arc::new(Mutex::new(None));
    let (there, token, slot) = (node.clone(), first.clone(), Arc::clone(&theirs));
    node.store.before_next_write(move || *slot.lock().unwrap() = Some(rival(&there, &token)));
    let answer = ours(&node, &first);
    let theirs = theirs.lock().unwrap().take().unwrap();
    (node, theirs, answer)
}

#[test]
fn who_loses_a_race_gets_the_winners_successor_and_the_report_says_why() {
    let refresh = |node: &Node, first: &Tokens| node.refresh(first.refresh());
    let (node, theirs, ours) = raced(Policy::default(), refresh, refresh);
    assert_eq!(ours.unwrap(), theirs.unwrap());
    let kinds = node.events.kinds();
    assert_eq!(
        kinds[1..],
        [EventKind::Rotated { generation: 1 }, EventKind::Replayed { cause: ReplayCause::Concurrent, steps: 1 }]
    );
}

#[test]
fn a_write_that_failed_while_a_rival_won_is_decided_anew() {
    let node = Node::new(Policy::default());
    let first = node.issue();
    let theirs = Arc::new(Mutex::new(None));
    let (there, token, slot) = (node.clone(), first.clone(), Arc::clone(&theirs));
    node.store.before_next_write(move || *slot.lock().unwrap() = Some(there.refresh(token.refresh())));
    // Our load, the rival's load and write, our write.
    node.store.fail(3, Fault::Before);
    let ours = node.refresh(first.refresh()).unwrap();
    assert_eq!(ours, theirs.lock().unwrap().take().unwrap().unwrap());
}

#[test]
fn without_grace_who_loses_a_race_is_refused_and_reuse_is_reuse() {
    let refresh = |node: &Node, first: &Tokens| node.refresh(first.refresh());
    for (on_reuse, lives) in [(OnReuse::Refuse, true), (OnReuse::Revoke, false)] {
        let policy = Policy::default().with_grace_period(Duration::ZERO.into()).with_on_reuse(on_reuse);
        let (node, theirs, ours) = raced(policy, refresh, refresh);
        assert_eq!(refusal(ours), Refusal::RefreshTokenReused);
        assert_eq!(node.is_active(theirs.unwrap().refresh()), lives);
    }
}

#[test]
fn a_revocation_between_load_and_write_of_a_refresh_is_not_overwritten() {
    // A revoked grant gets no new token (keycloak/keycloak#51312, leodip/goiabada#132).
    let revoke = |node: &Node, first: &Tokens| {
        node.revoke(first.refresh());
        Ok(first.clone())
    };
    let (node, first, ours) = raced(Policy::default(), revoke, |node, first| node.refresh(first.refresh()));
    assert_eq!(refusal(ours), Refusal::GrantRevoked);
    assert!(!node.is_any_active(&[first.unwrap()]));
}

#[test]
fn a_refresh_between_load_and_write_of_a_revocation_does_not_escape_it() {
    let (node, theirs, _) = raced(
        Policy::default(),
        |node, first| node.refresh(first.refresh()),
        |node, first| {
            node.revoke(first.refresh());
            Ok(first.clone())
        },
    );
    assert!(!node.is_any_active(&[theirs.unwrap()]));
}

#[test]
fn an_access_token_revoked_between_load_and_write_of_a_refresh_stays_revoked() {
    let revoke = |node: &Node, first: &Tokens| {
        node.revoke(&first.access);
        Ok(first.clone())
    };
    let (node, first, ours) = raced(Policy::default(), revoke, |node, first| node.refresh(first.refresh()));
    assert!(node.is_active(&ours.unwrap().access));
    assert!(!node.is_active(&first.unwrap().access));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_refreshes_for_different_scopes_all_get_the_same_refresh_token() {
    let node = Node::new(Policy::default().with_max_live_access_tokens(1000));
    let first = node.issue();
    let wanted = ["read", "write", "read write", ""];
    let answers = at_once(32, |number| {
        let scope: regrant::Scope = wanted[number % wanted.len()].parse().unwrap();
        refresh(node.clone(), RefreshRequest::new(first.refresh()).with_scope(scope))
    })
    .await;
    let tokens: Vec<Tokens> = answers.into_iter().map(Result::unwrap).collect();
    let refresh_tokens: BTreeSet<&str> = tokens.iter().map(Tokens::refresh).collect();
    let access_tokens: BTreeSet<&str> = tokens.iter().map(|tokens| &*tokens.access).collect();
    assert_eq!((refresh_tokens.len(), access_tokens.len()), (1, wanted.len()));
    assert!(tokens.iter().all(|tokens| node.introspect(&tokens.access).unwrap().scope == tokens.scope));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_grace_exactly_one_of_many_wins_and_its_session_lives_unless_reuse_revokes() {
    // Keycloak: CVE-2026-1035.
    for (on_reuse, lives) in [(OnReuse::Refuse, true), (OnReuse::Revoke, false)] {
        for seed in 0..10 {
            let node =
                Node::seeded(Policy::default().with_grace_period(Duration::ZERO.into()).with_on_reuse(on_reuse), seed);
            let first = node.issue();
            let answers = all_refresh(&node, first.refresh()).await;
            let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1);
            assert!(lost.iter().all(is_refused), "a loser is told so for good: {lost:?}");
            let winner = won.into_iter().next().unwrap().unwrap();
            assert_eq!(node.is_active(&winner.access), lives);
            assert_eq!(node.refresh(winner.refresh()).is_ok(), lives);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replays_at_once_are_counted_one_by_one() {
    // The count is part of the same swap (Keycloak: CVE-2026-1035).
    let policy = Policy::default().with_max_replays(Limit::AtMost(5)).with_on_reuse(OnReuse::Refuse);
    let node = Node::new(policy);
    let first = node.issue();
    let answers = all_refresh(&node, first.refresh()).await;
    let (answered, refused): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(answered.len(), 6, "the first use and five replays");
    for answer in refused {
        assert_eq!(refusal(answer), Refusal::ReplayLimitReached);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_redeemed_many_times_at_once_yields_tokens_once_and_then_none_that_live() {
    // NocoDB: CVE-2026-47386. A second valid use counts at any moment.
    for seed in 0..20 {
        let node = Node::seeded(Policy::default(), seed);
        let code = node.authorize();
        let answers = at_once(32, |_| {
            let node = node.clone();
            let request = RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
            async move { node.service.redeem(&node.client, &request).await.map(Tokens::from) }
        })
        .await;
        let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(is_refused), "{lost:?}");
        assert!(!node.is_any_active(&[won.into_iter().next().unwrap().unwrap()]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_among_refreshes_leaves_nothing_active() {
    // keycloak/keycloak#51312.
    for seed in 0..100 {
        let node = Node::seeded(Policy::default(), seed);
        let first = node.issue();
        let answers = at_once(8, |number| {
            let (node, token) = (node.clone(), first.refresh().to_owned());
            async move {
                if number == 3 {
                    node.service.revoke(&node.client, &token).await.unwrap();
                    return None;
                }
                // Each goes on with what it gets, as a client does.
                let mut all = Vec::new();
                let mut token = token;
                while let Ok(tokens) = refresh(node.clone(), RefreshRequest::new(token.clone())).await {
                    token = tokens.refresh().to_owned();
                    all.push(tokens);
                    tokio::task::yield_now().await;
                }
                Some(all)
            }
        })
        .await;
        let tokens: Vec<Tokens> = answers.into_iter().flatten().flatten().collect();
        assert!(!node.is_any_active(&tokens), "seed {seed}");
        assert!(!node.is_any_active(&[first]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revoking_a_subject_among_refreshes_leaves_nothing_active() {
    let node = Node::new(Policy::default());
    let sessions: Vec<Tokens> = (0..250).map(|_| node.issue()).collect();
    let answers = at_once(9, |number| {
        let (node, sessions) = (node.clone(), sessions.clone());
        async move {
            if number == 0 {
                assert_eq!(node.service.revoke_subject(&subject("demo")).await.unwrap(), 250);
                return Vec::new();
            }
            let mut all = Vec::new();
            for session in sessions {
                all.extend(refresh(node.clone(), RefreshRequest::new(session.refresh())).await.ok());
                tokio::task::yield_now().await;
            }
            all
        }
    })
    .await;
    let tokens: Vec<Tokens> = answers.into_iter().flatten().collect();
    assert!(!node.is_any_active(&tokens) && !node.is_any_active(&sessions));
}

#[test]
fn two_equal_decisions_about_one_record_are_two() {
    // The loser of the race met a record with the very content that it had written, and mistook it for its own.
    let policy = Policy::default().with_max_replays(Limit::AtMost(1)).with_on_reuse(OnReuse::Refuse);
    let node = Node::new(policy);
    let first = node.issue();
    node.refresh(first.refresh()).unwrap();
    let (there, token) = (node.clone(), first.clone());
    node.store.before_next_write(move || {
        there.refresh(token.refresh()).unwrap();
    });
    assert_eq!(refusal(node.refresh(first.refresh())), Refusal::ReplayLimitReached);
}
