//! Races: many requests at once, on real threads. The loser of a race is not a thief.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use regrant::event::{EventKind, ReplayCause};
use regrant::policy::{Limit, OnReuse};
use regrant::{Policy, RedeemRequest, RefreshRequest, Refusal, TokenError};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::lifecycle::probe::Fault;
use crate::lifecycle::world::{Answer, CALLBACK, Tokens, VERIFIER, World, refusal, subject};

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

async fn refresh(world: World, request: RefreshRequest) -> Answer {
    world.service.refresh(&world.client, &request).await.map(Tokens::from)
}

async fn all_refresh(world: &World, token: &str) -> Vec<Answer> {
    at_once(TASKS, |_| refresh(world.clone(), RefreshRequest::new(token))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_refreshes_at_once_all_get_the_same_successor() {
    // I16, A11, A16, C88: innocent concurrency never ends a session, and never forks it.
    for seed in 0..20 {
        let world = World::seeded(Policy::default(), seed);
        let first = world.issue();
        world.events.take();
        let answers = all_refresh(&world, first.refresh()).await;
        let tokens: Vec<Tokens> = answers.into_iter().map(Result::unwrap).collect();
        assert!(tokens.iter().all(|other| *other == tokens[0]));
        assert_eq!(world.store.writes(), 2, "one issue, one rotation");
        assert!(world.is_active(tokens[0].refresh()));
        let kinds = world.events.kinds();
        let rotations = kinds.iter().filter(|kind| matches!(kind, EventKind::Rotated { .. })).count();
        let replays = kinds.iter().filter(|kind| matches!(kind, EventKind::Replayed { .. })).count();
        assert_eq!((rotations, replays), (1, TASKS - 1));
        assert!(world.refresh(tokens[0].refresh()).is_ok());
    }
}

/// A world, its first tokens, and what a rival got who stored between our load and our write.
fn raced(
    policy: Policy,
    rival: impl Fn(&World, &Tokens) -> Answer + Send + 'static,
    ours: impl Fn(&World, &Tokens) -> Answer,
) -> (World, Answer, Answer) {
    let world = World::new(policy);
    let first = world.issue();
    let theirs = Arc::new(Mutex::new(None));
    let (there, token, slot) = (world.clone(), first.clone(), Arc::clone(&theirs));
    world.store.before_next_write(move || *slot.lock().unwrap() = Some(rival(&there, &token)));
    let answer = ours(&world, &first);
    let theirs = theirs.lock().unwrap().take().unwrap();
    (world, theirs, answer)
}

#[test]
fn who_loses_a_race_gets_the_winners_successor_and_the_report_says_why() {
    let refresh = |world: &World, first: &Tokens| world.refresh(first.refresh());
    let (world, theirs, ours) = raced(Policy::default(), refresh, refresh);
    assert_eq!(ours.unwrap(), theirs.unwrap());
    let kinds = world.events.kinds();
    assert_eq!(
        kinds[1..],
        [EventKind::Rotated { generation: 1 }, EventKind::Replayed { cause: ReplayCause::Concurrent, steps: 1 }]
    );
}

#[test]
fn a_write_that_failed_while_a_rival_won_is_decided_anew() {
    let world = World::new(Policy::default());
    let first = world.issue();
    let theirs = Arc::new(Mutex::new(None));
    let (there, token, slot) = (world.clone(), first.clone(), Arc::clone(&theirs));
    world.store.before_next_write(move || *slot.lock().unwrap() = Some(there.refresh(token.refresh())));
    // Our load, the rival's load and write, our write.
    world.store.fail(3, Fault::Before);
    let ours = world.refresh(first.refresh()).unwrap();
    assert_eq!(ours, theirs.lock().unwrap().take().unwrap().unwrap());
}

#[test]
fn without_grace_who_loses_a_race_is_refused_and_reuse_is_reuse() {
    let refresh = |world: &World, first: &Tokens| world.refresh(first.refresh());
    for (on_reuse, lives) in [(OnReuse::Refuse, true), (OnReuse::Revoke, false)] {
        let policy = Policy::default().with_grace_period(Duration::ZERO.into()).with_on_reuse(on_reuse);
        let (world, theirs, ours) = raced(policy, refresh, refresh);
        assert_eq!(refusal(ours), Refusal::RefreshTokenReused);
        assert_eq!(world.is_active(theirs.unwrap().refresh()), lives);
    }
}

#[test]
fn a_revocation_between_load_and_write_of_a_refresh_is_not_overwritten() {
    // A4, A11 (goiabada #132), I10: no child is born into a dead family.
    let revoke = |world: &World, first: &Tokens| {
        world.revoke(first.refresh());
        Ok(first.clone())
    };
    let (world, first, ours) = raced(Policy::default(), revoke, |world, first| world.refresh(first.refresh()));
    assert_eq!(refusal(ours), Refusal::GrantRevoked);
    assert!(!world.is_any_active(&[first.unwrap()]));
}

#[test]
fn a_refresh_between_load_and_write_of_a_revocation_does_not_escape_it() {
    let (world, theirs, _) = raced(
        Policy::default(),
        |world, first| world.refresh(first.refresh()),
        |world, first| {
            world.revoke(first.refresh());
            Ok(first.clone())
        },
    );
    assert!(!world.is_any_active(&[theirs.unwrap()]));
}

#[test]
fn an_access_token_revoked_between_load_and_write_of_a_refresh_stays_revoked() {
    let revoke = |world: &World, first: &Tokens| {
        world.revoke(&first.access);
        Ok(first.clone())
    };
    let (world, first, ours) = raced(Policy::default(), revoke, |world, first| world.refresh(first.refresh()));
    assert!(world.is_active(&ours.unwrap().access));
    assert!(!world.is_active(&first.unwrap().access));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_refreshes_for_different_scopes_all_get_the_same_refresh_token() {
    let world = World::new(Policy::default().with_max_live_access_tokens(1000));
    let first = world.issue();
    let wanted = ["read", "write", "read write", ""];
    let answers = at_once(32, |number| {
        let scope: regrant::Scope = wanted[number % wanted.len()].parse().unwrap();
        refresh(world.clone(), RefreshRequest::new(first.refresh()).with_scope(scope))
    })
    .await;
    let tokens: Vec<Tokens> = answers.into_iter().map(Result::unwrap).collect();
    let refresh_tokens: BTreeSet<&str> = tokens.iter().map(Tokens::refresh).collect();
    let access_tokens: BTreeSet<&str> = tokens.iter().map(|tokens| &*tokens.access).collect();
    assert_eq!((refresh_tokens.len(), access_tokens.len()), (1, wanted.len()));
    assert!(tokens.iter().all(|tokens| world.introspect(&tokens.access).unwrap().scope == tokens.scope));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_grace_exactly_one_of_many_wins_and_its_session_lives_unless_reuse_revokes() {
    // C85, C86, A1, A13.
    for (on_reuse, lives) in [(OnReuse::Refuse, true), (OnReuse::Revoke, false)] {
        for seed in 0..10 {
            let world =
                World::seeded(Policy::default().with_grace_period(Duration::ZERO.into()).with_on_reuse(on_reuse), seed);
            let first = world.issue();
            let answers = all_refresh(&world, first.refresh()).await;
            let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1);
            assert!(lost.iter().all(is_refused), "a loser is told so for good: {lost:?}");
            let winner = won.into_iter().next().unwrap().unwrap();
            assert_eq!(world.is_active(&winner.access), lives);
            assert_eq!(world.refresh(winner.refresh()).is_ok(), lives);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn replays_at_once_are_counted_one_by_one() {
    // A1: the count is part of the same swap.
    let policy = Policy::default().with_max_replays(Limit::AtMost(5)).with_on_reuse(OnReuse::Refuse);
    let world = World::new(policy);
    let first = world.issue();
    let answers = all_refresh(&world, first.refresh()).await;
    let (answered, refused): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(answered.len(), 6, "the first use and five replays");
    for answer in refused {
        assert_eq!(refusal(answer), Refusal::ReplayLimitReached);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_redeemed_many_times_at_once_yields_tokens_once_and_then_none_that_live() {
    // I13, A13, A18. A second use with everything right is one, at whatever moment.
    for seed in 0..20 {
        let world = World::seeded(Policy::default(), seed);
        let code = world.authorize();
        let answers = at_once(32, |_| {
            let world = world.clone();
            let request = RedeemRequest::new(code.clone()).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER);
            async move { world.service.redeem(&world.client, &request).await.map(Tokens::from) }
        })
        .await;
        let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(is_refused), "{lost:?}");
        assert!(!world.is_any_active(&[won.into_iter().next().unwrap().unwrap()]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_among_refreshes_leaves_nothing_active() {
    // A4 (Keycloak #51312), C98, I10.
    for seed in 0..100 {
        let world = World::seeded(Policy::default(), seed);
        let first = world.issue();
        let answers = at_once(8, |number| {
            let (world, token) = (world.clone(), first.refresh().to_owned());
            async move {
                if number == 3 {
                    world.service.revoke(&world.client, &token).await.unwrap();
                    return None;
                }
                // Each goes on with what it gets, as a client does.
                let mut all = Vec::new();
                let mut token = token;
                while let Ok(tokens) = refresh(world.clone(), RefreshRequest::new(token.clone())).await {
                    token = tokens.refresh().to_owned();
                    all.push(tokens);
                    tokio::task::yield_now().await;
                }
                Some(all)
            }
        })
        .await;
        let tokens: Vec<Tokens> = answers.into_iter().flatten().flatten().collect();
        assert!(!world.is_any_active(&tokens), "seed {seed}");
        assert!(!world.is_any_active(&[first]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn revoking_a_subject_among_refreshes_leaves_nothing_active() {
    let world = World::new(Policy::default());
    let sessions: Vec<Tokens> = (0..250).map(|_| world.issue()).collect();
    let answers = at_once(9, |number| {
        let (world, sessions) = (world.clone(), sessions.clone());
        async move {
            if number == 0 {
                assert_eq!(world.service.revoke_subject(&subject("demo")).await.unwrap(), 250);
                return Vec::new();
            }
            let mut all = Vec::new();
            for session in sessions {
                all.extend(refresh(world.clone(), RefreshRequest::new(session.refresh())).await.ok());
                tokio::task::yield_now().await;
            }
            all
        }
    })
    .await;
    let tokens: Vec<Tokens> = answers.into_iter().flatten().collect();
    assert!(!world.is_any_active(&tokens) && !world.is_any_active(&sessions));
}

#[test]
fn two_equal_decisions_about_one_record_are_two() {
    // Whoever lost the race met a record with the very content that it had written, and took it for its own.
    let policy = Policy::default().with_max_replays(Limit::AtMost(1)).with_on_reuse(OnReuse::Refuse);
    let world = World::new(policy);
    let first = world.issue();
    world.refresh(first.refresh()).unwrap();
    let (there, token) = (world.clone(), first.clone());
    world.store.before_next_write(move || {
        there.refresh(token.refresh()).unwrap();
    });
    assert_eq!(refusal(world.refresh(first.refresh())), Refusal::ReplayLimitReached);
}
