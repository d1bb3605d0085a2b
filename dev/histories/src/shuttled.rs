//! Every order of the locks of `MemoryStore`, with shuttle.
//!
//! shuttle and not loom: the store has locks and one counter, no weak memory order to explore, and shuttle runs the
//! whole service on top of it, in more orders than can be exhausted.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, SingleUse, StoredGrant, Swap, TokenStore, Use,
    UseId,
};
use regrant::token::Realm;
use regrant::{ClientId, GrantId, Subject};
use shuttle::scheduler::{DfsScheduler, PctScheduler, RandomScheduler};
use shuttle::{Config, MaxSteps, Runner, thread};

use crate::checker::check;
use crate::history::History;
use crate::node::{Reply, Request, ServiceNode};
use crate::recorder::Recorder;
use crate::specification::Windows;

use copy::memory::MemoryStore;

/// The copy of the store that the build script makes.
mod copy {
    pub(crate) use regrant::store::*;

    pub(crate) mod vocabulary {
        pub(crate) use regrant::clock::Timestamp;
        pub(crate) use regrant::token::Realm;
        pub(crate) use regrant::{ClientId, GrantId, Subject};
    }

    #[expect(unreachable_pub, dead_code, reason = "a copy of a public module, without its documentation")]
    pub(crate) mod memory {
        include!(concat!(env!("OUT_DIR"), "/memory.rs"));
    }
}

/// The number of schedules to try.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers choose it")]
pub struct Schedules {
    /// Most schedules of a depth-first search.
    pub exhaustive: usize,
    /// Random schedules, and schedules with few preemptions at random places.
    pub random: usize,
    /// The seed of both.
    pub seed: u64,
}

/// A scenario, and its schedules.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a report")]
pub struct Explored {
    /// The scenario.
    pub name: &'static str,
    /// Schedules of the depth-first search.
    pub exhaustive: usize,
    /// True if there are no others.
    pub is_complete: bool,
    /// Random schedules.
    pub random: usize,
}

/// Runs every scenario under many schedules.
///
/// # Panics
/// If a property does not hold in one of them. shuttle prints the schedule, which `shuttle::replay` repeats.
#[must_use]
pub fn explore(schedules: Schedules) -> Vec<Explored> {
    SCENARIOS.iter().map(|(name, scenario)| explore_one(name, *scenario, schedules)).collect()
}

const SCENARIOS: [(&str, fn()); 8] = [
    ("of two swaps one wins", of_two_swaps_one_wins),
    ("of two creations one wins", of_two_creations_one_wins),
    ("a purge removes no live record", a_purge_removes_no_live_record),
    ("a creation after a purge is listed", a_creation_after_a_purge_is_listed),
    ("a listing misses no grant", a_listing_misses_no_grant),
    ("of two uses one is the first", of_two_uses_one_is_the_first),
    ("refresh, refresh, revoke", || service(Windows::Open)),
    ("refresh, refresh, revoke; windows closed", || service(Windows::Closed)),
];

fn explore_one(name: &'static str, scenario: fn(), schedules: Schedules) -> Explored {
    let Schedules { exhaustive: limit, random, seed } = schedules;
    let mut config = Config::new();
    // The futures of the service are large without optimisation.
    config.stack_size = 1 << 20;
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.silence_warnings = true;
    let exhaustive = Runner::new(DfsScheduler::new(Some(limit), false), config.clone()).run(scenario);
    let few = Runner::new(PctScheduler::new_from_seed(seed, 3, random), config.clone()).run(scenario);
    let random = few + Runner::new(RandomScheduler::new_from_seed(seed, random), config).run(scenario);
    Explored { name, exhaustive, is_complete: exhaustive < limit, random }
}

fn of_two_swaps_one_wins() {
    let store = MemoryStore::new();
    create(&store, 1, "demo", None);
    let version = load(&store, 1).expect("a record").version;
    let swap = |payload: u8| {
        let store = store.clone();
        thread::spawn(move || swap(&store, 1, Expect::Version(version), record(payload, "demo", None)))
    };
    let (one, other) = (swap(1), swap(2));
    let seen = load(&store, 1).expect("a record").record.payload[0];
    let stored = [one, other].map(|thread| thread.join().expect("no panic"));
    let winner = load(&store, 1).expect("a record").record.payload[0];
    assert_eq!(stored.iter().filter(|swap| **swap == Swap::Stored).count(), 1);
    assert_eq!(stored[usize::from(winner) - 1], Swap::Stored);
    assert!(seen == 0 || seen == winner, "the loser was seen");
}

/// The loser belongs to another subject, who must never see the grant.
fn of_two_creations_one_wins() {
    let store = MemoryStore::new();
    let create = |payload: u8, subject: &'static str| {
        let store = store.clone();
        thread::spawn(move || swap(&store, 1, Expect::Absent, record(payload, subject, None)))
    };
    let (one, other) = (create(1, "one"), create(2, "other"));
    for subject in ["one", "other"] {
        assert!(page(&store, subject).iter().all(|(_, stored)| is_of(stored, subject)));
    }
    let stored = [one, other].map(|thread| thread.join().expect("no panic"));
    assert_eq!(stored.iter().filter(|swap| **swap == Swap::Stored).count(), 1);
    let winner = load(&store, 1).expect("a record");
    for subject in ["one", "other"] {
        assert_eq!(page(&store, subject).len(), usize::from(is_of(&winner, subject)));
    }
}

/// A refresh moves the end while a purge runs.
fn a_purge_removes_no_live_record() {
    let store = MemoryStore::new();
    create(&store, 1, "demo", Some(10));
    create(&store, 3, "demo", Some(10));
    let version = load(&store, 1).expect("a record").version;
    let refresh = {
        let store = store.clone();
        thread::spawn(move || swap(&store, 1, Expect::Version(version), record(1, "demo", Some(1000))))
    };
    let purge = {
        let store = store.clone();
        thread::spawn(move || now(store.purge_expired(Timestamp::from_millis(10), 10)).expect("memory"))
    };
    let (refreshed, purged) = (refresh.join().expect("no panic"), purge.join().expect("no panic"));
    let is_kept = load(&store, 1).is_some();
    assert_eq!(is_kept, refreshed == Swap::Stored);
    assert_eq!(purged, 2 - usize::from(is_kept));
    assert_eq!(page(&store, "demo").len(), store.len());
    // The end that the purge has passed is not forgotten.
    let later = now(store.purge_expired(Timestamp::from_millis(1000), 10)).expect("memory");
    assert_eq!((later, store.len()), (usize::from(is_kept), 0));
}

fn a_creation_after_a_purge_is_listed() {
    let store = MemoryStore::new();
    create(&store, 1, "demo", Some(10));
    let purge = {
        let store = store.clone();
        thread::spawn(move || now(store.purge_expired(Timestamp::from_millis(10), 10)).expect("memory"))
    };
    let stored = swap(&store, 1, Expect::Absent, record(2, "demo", None));
    assert_eq!(purge.join().expect("no panic"), 1);
    assert_eq!(page(&store, "demo").len(), usize::from(stored == Swap::Stored));
    assert_eq!(page(&store, "demo").len(), store.len());
}

/// Grants are created and purged around one that stays.
fn a_listing_misses_no_grant() {
    let store = MemoryStore::new();
    create(&store, 1, "demo", Some(10));
    create(&store, 2, "demo", None);
    let purge = {
        let store = store.clone();
        thread::spawn(move || now(store.purge_expired(Timestamp::from_millis(10), 10)).expect("memory"))
    };
    let created = {
        let store = store.clone();
        thread::spawn(move || create(&store, 3, "demo", None))
    };
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let owner = GrantOwner::Subject(subject("demo"));
        let page = now(store.page(&Realm::default(), &owner, after, 1)).expect("memory");
        let Some((id, _)) = page.first() else { break };
        after = Some(*id);
        listed.push(*id);
    }
    assert_eq!(listed.iter().filter(|id| **id == key(2).id).count(), 1);
    assert!(listed.is_sorted());
    assert_eq!(purge.join().expect("no panic"), 1);
    created.join().expect("no panic");
    assert_eq!(page(&store, "demo").len(), 2);
}

fn of_two_uses_one_is_the_first() {
    let store = MemoryStore::new();
    let id = UseId::from_bytes([1; 32]);
    let present = |at: i64| {
        let store = store.clone();
        thread::spawn(move || now(store.use_once(&id, Timestamp::from_millis(at))).expect("memory"))
    };
    let uses = [present(100), present(100)];
    let purged = now(store.purge_expired(Timestamp::from_millis(99), 10)).expect("memory");
    let uses = uses.map(|thread| thread.join().expect("no panic"));
    assert_eq!((purged, uses.iter().filter(|used| **used == Use::First).count()), (0, 1));
}

/// The service on three threads. The history has an order, and afterwards no token is active.
fn service(windows: Windows) {
    let node = Arc::new(ServiceNode::new(MemoryStore::new(), Timestamp::from_millis(1_800_000_000_000), windows));
    let recorder = Arc::new(Recorder::default());
    let Reply::Code(code) = now(recorder.call(&*node, &Request::Authorize, None)) else { panic!("no code") };
    let redeemed = now(recorder.call(&*node, &Request::Redeem(code), None));
    let Reply::Tokens(refresh, access) = redeemed else { panic!("no tokens") };
    let call = |request: Request| {
        let (node, recorder) = (Arc::clone(&node), Arc::clone(&recorder));
        thread::spawn(move || now(recorder.call(&*node, &request, None)))
    };
    let calls = [
        call(Request::Refresh(refresh.clone())),
        call(Request::Refresh(refresh.clone())),
        call(Request::Revoke(refresh.clone())),
    ];
    let introspected = Request::Introspect(access.clone());
    now(recorder.call(&*node, &introspected, None));
    let replies = calls.map(|thread| thread.join().expect("no panic"));
    let tokens: Vec<&Reply> = replies[..2].iter().filter(|reply| matches!(reply, Reply::Tokens(..))).collect();
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");
    let issued = tokens.iter().flat_map(|reply| match reply {
        Reply::Tokens(refresh, access) => vec![refresh.clone(), access.clone()],
        _ => Vec::new(),
    });
    for token in issued.chain([refresh, access]) {
        let active = now(recorder.call(&*node, &Request::Introspect(token), None));
        assert_eq!(active, Reply::Active(false), "{replies:?}");
    }
    for operations in recorder.operations().into_values() {
        let history = History { operations, failovers: Vec::new() };
        assert!(check(&history, windows).is_clean(), "{history}");
    }
}

fn create(store: &MemoryStore, id: u8, subject: &str, end: Option<i64>) {
    assert_eq!(swap(store, id, Expect::Absent, record(0, subject, end)), Swap::Stored);
}

fn swap(store: &MemoryStore, id: u8, expect: Expect, record: GrantRecord) -> Swap {
    now(store.compare_and_swap(&key(id), expect, record)).expect("memory")
}

fn load(store: &MemoryStore, id: u8) -> Option<StoredGrant> {
    now(store.load(&key(id))).expect("memory")
}

fn page(store: &MemoryStore, of: &str) -> Vec<(GrantId, StoredGrant)> {
    let owner = GrantOwner::Subject(subject(of));
    now(store.page(&Realm::default(), &owner, None, 10)).expect("memory")
}

fn is_of(stored: &StoredGrant, of: &str) -> bool {
    stored.record.subject == Some(subject(of))
}

fn key(id: u8) -> GrantKey {
    GrantKey { realm: Realm::default(), id: GrantId::from_bytes([id; 16]) }
}

fn record(payload: u8, of: &str, end: Option<i64>) -> GrantRecord {
    GrantRecord {
        payload: [payload].into(),
        client_id: ClientId::new("app").expect("a client id"),
        subject: Some(subject(of)),
        expires_at: end.map(Timestamp::from_millis),
    }
}

fn subject(of: &str) -> Subject {
    Subject::new(of).expect("a subject")
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store in memory waits"),
    }
}
