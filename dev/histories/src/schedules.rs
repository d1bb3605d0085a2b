//! Every order of the calls of a store that two or three calls of the service make, with a fault at any of them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use regrant::clock::Timestamp;
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, PurgeExpired, StoreError, StoredGrant, Swap, TokenStore,
};
use regrant::token::Realm;
use regrant::{GrantId, MemoryStore, Subject};
use testbed::Random;

use crate::checker::{Verdict, check};
use crate::history::History;
use crate::node::{Reply, Request, ServiceNode};
use crate::recorder::Recorder;
use crate::specification::Windows;

/// The time of all nodes.
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The lifetime of an unused refresh token, and so of the grant.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Calls at the same time, on a grant that has these tokens.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a table of scenarios")]
pub struct Scenario {
    /// The calls, in words.
    pub name: &'static str,
    /// Rotations before.
    pub rotations: usize,
    /// The calls.
    pub calls: &'static [Step],
}

/// A call of a scenario. Tokens are named by their age: 0 is the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "scenarios list them")]
pub enum Step {
    /// Redeems the code, which is not redeemed before.
    Redeem,
    /// Refreshes with a token of this age.
    Refresh(usize),
    /// Revokes the grant.
    Revoke,
    /// Revokes the last access token.
    RevokeAccess,
    /// Introspects the last access token.
    Introspect,
    /// Revokes all grants of the subject, by the index.
    RevokeSubject,
    /// Purges on a node whose clock has reached the end of the grant.
    Purge,
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 13] = [
    scenario("refresh, refresh", 0, &[Step::Refresh(0), Step::Refresh(0)]),
    scenario("refresh, refresh, refresh", 0, &[Step::Refresh(0), Step::Refresh(0), Step::Refresh(0)]),
    scenario("refresh, refresh, revoke", 0, &[Step::Refresh(0), Step::Refresh(0), Step::Revoke]),
    scenario("refresh, former refresh, revoke", 1, &[Step::Refresh(0), Step::Refresh(1), Step::Revoke]),
    scenario("refresh, former refresh, introspect", 2, &[Step::Refresh(0), Step::Refresh(2), Step::Introspect]),
    scenario("refresh, revoke, introspect", 0, &[Step::Refresh(0), Step::Revoke, Step::Introspect]),
    scenario("refresh, revoke the access token", 0, &[Step::Refresh(0), Step::RevokeAccess]),
    scenario("refresh, revoke all of the subject", 0, &[Step::Refresh(0), Step::RevokeSubject]),
    scenario("refresh, refresh, purge", 0, &[Step::Refresh(0), Step::Refresh(0), Step::Purge]),
    scenario("refresh, revoke, purge", 0, &[Step::Refresh(0), Step::Revoke, Step::Purge]),
    scenario("revoke, revoke, introspect", 0, &[Step::Revoke, Step::Revoke, Step::Introspect]),
    scenario("redeem, redeem", 0, &[Step::Redeem, Step::Redeem]),
    scenario("redeem, redeem, redeem", 0, &[Step::Redeem, Step::Redeem, Step::Redeem]),
];

const fn scenario(name: &'static str, rotations: usize, calls: &'static [Step]) -> Scenario {
    Scenario { name, rotations, calls }
}

/// The schedules of a scenario.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a report")]
pub struct Explored {
    /// Schedules.
    pub schedules: usize,
    /// True if there are no others.
    pub is_complete: bool,
    /// Calls that decided twice.
    pub decided_twice: usize,
}

/// Runs a scenario under each schedule, and with at most `faults` faults in each, up to `limit` schedules. With
/// `random`, the schedules are random ones.
///
/// # Panics
/// If a property does not hold in one of them. The message has the history.
#[must_use]
pub fn explore(
    scenario: &Scenario,
    windows: Windows,
    faults: usize,
    limit: usize,
    random: Option<&mut Random>,
) -> Explored {
    let mut explored = Explored::default();
    let path = Arc::new(Mutex::new(Path { choices: Vec::new(), position: 0, random: random.map(Random::fork) }));
    loop {
        explored.decided_twice += run(scenario, windows, faults, &path);
        explored.schedules += 1;
        if !locked(&path).advance() {
            return Explored { is_complete: true, ..explored };
        }
        if explored.schedules >= limit {
            return explored;
        }
    }
}

/// The choices of a schedule: the next one in depth-first order, or random ones.
#[derive(Debug)]
struct Path {
    /// Each choice, and the number of its alternatives.
    choices: Vec<(usize, usize)>,
    position: usize,
    random: Option<Random>,
}

impl Path {
    fn choose(&mut self, alternatives: usize) -> usize {
        if let Some(random) = &mut self.random {
            return usize::try_from(random.below(alternatives as u64)).unwrap_or(0);
        }
        if self.position == self.choices.len() {
            self.choices.push((0, alternatives));
        }
        let (choice, recorded) = self.choices[self.position];
        assert_eq!(recorded, alternatives, "a schedule must be repeatable");
        self.position += 1;
        choice
    }

    /// Moves on to the next schedule. Returns false after the last one.
    fn advance(&mut self) -> bool {
        self.position = 0;
        while let Some((choice, alternatives)) = self.choices.pop() {
            if choice + 1 < alternatives {
                self.choices.push((choice + 1, alternatives));
                return true;
            }
        }
        self.random.is_some()
    }
}

/// A store that gives way before each call, and fails where the schedule says so.
#[derive(Clone, Debug)]
struct Stage {
    memory: MemoryStore,
    path: Arc<Mutex<Path>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_running: bool,
    faults_left: usize,
    /// Writes that were reported as failed, and that may still arrive.
    late: Vec<(GrantKey, Expect, GrantRecord)>,
}

impl Stage {
    /// Gives way, and returns the fault of this call: one of `kinds`, from 1 on, or 0 for none.
    async fn enter(&self, kinds: usize) -> usize {
        if !locked(&self.state).is_running {
            return 0;
        }
        give_way().await;
        if locked(&self.state).faults_left == 0 {
            return 0;
        }
        let fault = locked(&self.path).choose(kinds + 1);
        locked(&self.state).faults_left -= usize::from(fault > 0);
        fault
    }

    fn deliver(&self, number: usize) {
        let (key, expect, record) = locked(&self.state).late.remove(number);
        // The order of the writes decides, as it would in a server.
        let _ = now(self.memory.compare_and_swap(&key, expect, record));
    }
}

#[async_trait]
impl TokenStore for Stage {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        match self.enter(1).await {
            0 => self.memory.load(key).await,
            _ => Err(failure()),
        }
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        match self.enter(3).await {
            0 => return self.memory.compare_and_swap(key, expect, record).await,
            1 => {}
            2 => drop(self.memory.compare_and_swap(key, expect, record).await),
            _ => locked(&self.state).late.push((key.clone(), expect, record)),
        }
        Err(failure())
    }
}

#[async_trait]
impl GrantIndex for Stage {
    async fn page(
        &self,
        realm: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        match self.enter(1).await {
            0 => self.memory.page(realm, owner, after, limit).await,
            _ => Err(failure()),
        }
    }
}

#[async_trait]
impl PurgeExpired for Stage {
    async fn purge_expired(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        match self.enter(1).await {
            0 => self.memory.purge_expired(now, limit).await,
            _ => Err(failure()),
        }
    }
}

/// A run of a scenario: the stage, the service, and the tokens before.
struct Run {
    stage: Stage,
    node: ServiceNode<Stage>,
    /// A node whose clock has reached the end of the grant.
    later: ServiceNode<Stage>,
    recorder: Recorder,
    code: String,
    refresh: Vec<String>,
    access: Vec<String>,
}

/// Runs one schedule, and returns the number of calls that decided twice.
fn run(scenario: &Scenario, windows: Windows, faults: usize, path: &Arc<Mutex<Path>>) -> usize {
    let run = Run::new(scenario, windows, path);
    *locked(&run.stage.state) = State { is_running: true, faults_left: faults, late: Vec::new() };
    let mut calls: Vec<_> = scenario.calls.iter().map(|step| Box::pin(run.call(*step))).collect();
    let mut replies = Vec::new();
    while !calls.is_empty() {
        let late = locked(&run.stage.state).late.len();
        let chosen = locked(path).choose(calls.len() + late);
        if let Some(number) = chosen.checked_sub(calls.len()) {
            run.stage.deliver(number);
        } else if let Poll::Ready(reply) = poll(&mut calls[chosen]) {
            drop(calls.remove(chosen));
            replies.push(reply);
        }
    }
    drop(calls);
    while !locked(&run.stage.state).late.is_empty() {
        if locked(path).choose(2) == 0 {
            run.stage.deliver(0);
        } else {
            drop(locked(&run.stage.state).late.remove(0));
        }
    }
    locked(&run.stage.state).is_running = false;
    run.judge(scenario, windows, faults, &replies)
}

impl Run {
    fn new(scenario: &Scenario, windows: Windows, path: &Arc<Mutex<Path>>) -> Self {
        let stage = Stage { memory: MemoryStore::new(), path: Arc::clone(path), state: Arc::default() };
        let has_purge = scenario.calls.contains(&Step::Purge);
        // A purge meets a grant that is about to end: the other calls come a moment before.
        let before = if has_purge { LIFETIME.saturating_sub(Duration::from_millis(1)) } else { Duration::ZERO };
        let first = ServiceNode::new(stage.clone(), NOW, windows);
        let node = ServiceNode::new(stage.clone(), NOW + before, windows);
        let later = ServiceNode::new(stage.clone(), NOW + LIFETIME, windows);
        let recorder = Recorder::default();
        let Reply::Code(code) = now(recorder.call(&first, &Request::Authorize, None)) else { panic!("no code") };
        let mut run = Self { stage, node, later, recorder, code, refresh: Vec::new(), access: Vec::new() };
        if !scenario.calls.contains(&Step::Redeem) {
            run.learn(now(run.recorder.call(&first, &Request::Redeem(run.code.clone()), None)));
            for _ in 0..scenario.rotations {
                let head = run.aged(0);
                run.learn(now(run.recorder.call(&first, &Request::Refresh(head), None)));
            }
        }
        run
    }

    fn learn(&mut self, reply: Reply) {
        let Reply::Tokens(refresh, access) = reply else { panic!("no tokens: {reply:?}") };
        self.refresh.push(refresh);
        self.access.push(access);
    }

    fn aged(&self, age: usize) -> String {
        self.refresh[self.refresh.len() - 1 - age].clone()
    }

    async fn call(&self, step: Step) -> (Step, Reply) {
        let last = || self.access.last().cloned().expect("an access token");
        let request = match step {
            Step::Redeem => Request::Redeem(self.code.clone()),
            Step::Refresh(age) => Request::Refresh(self.aged(age)),
            Step::Revoke => Request::Revoke(self.aged(0)),
            Step::RevokeAccess => Request::Revoke(last()),
            Step::Introspect => Request::Introspect(last()),
            Step::Purge => return (step, self.recorder.call(&self.later, &Request::Purge, None).await),
            Step::RevokeSubject => {
                let subject = Subject::new("demo").expect("a subject");
                let revoked = self.node.service().revoke_subject(&subject).await;
                return (step, revoked.map_or(Reply::Failed, |_| Reply::Done));
            }
        };
        (step, self.recorder.call(&self.node, &request, None).await)
    }

    /// Checks the properties of a finished run.
    fn judge(&self, scenario: &Scenario, windows: Windows, faults: usize, replies: &[(Step, Reply)]) -> usize {
        let answers = |wanted: Step| replies.iter().filter(move |(step, _)| *step == wanted).map(|(_, reply)| reply);
        let issued = replies.iter().filter_map(|(_, reply)| match reply {
            Reply::Tokens(refresh, access) => Some((refresh.clone(), access.clone())),
            _ => None,
        });
        let (mut refresh, mut access) = (self.refresh.clone(), self.access.clone());
        for (one, other) in issued {
            refresh.push(one);
            access.push(other);
        }
        for tokens in [&mut refresh, &mut access] {
            tokens.sort();
            tokens.dedup();
        }
        let active = |tokens: &[String]| {
            let is_active = |token: &&String| {
                let request = Request::Introspect((*token).clone());
                now(self.recorder.call(&self.node, &request, None)) == Reply::Active(true)
            };
            tokens.iter().filter(is_active).count()
        };
        let (heads, live) = (active(&refresh), active(&access));
        assert!(heads <= 1, "{scenario:?}: {heads} heads; {replies:?}");
        let is_revoked = [Step::Revoke, Step::RevokeSubject].iter().any(|step| answers(*step).any(is_done));
        assert!(!is_revoked || heads + live == 0, "{scenario:?}: active after a revocation; {replies:?}");
        if windows == Windows::Open {
            let mut tokens: Vec<&Reply> =
                answers(Step::Refresh(0)).filter(|it| matches!(it, Reply::Tokens(..))).collect();
            tokens.dedup();
            assert!(tokens.len() <= 1, "{scenario:?}: different answers; {replies:?}");
        }
        self.judge_store(scenario, replies);
        self.judge_history(scenario, windows, faults)
    }

    /// The index agrees with the records, and no acknowledged refresh was purged.
    fn judge_store(&self, scenario: &Scenario, replies: &[(Step, Reply)]) {
        let owner = GrantOwner::Subject(Subject::new("demo").expect("a subject"));
        let page = now(self.stage.memory.page(&Realm::default(), &owner, None, 10)).expect("memory");
        for (id, stored) in &page {
            let key = GrantKey { realm: Realm::default(), id: *id };
            assert_eq!(now(self.stage.memory.load(&key)).expect("memory").as_ref(), Some(stored), "{scenario:?}");
        }
        assert_eq!(page.len(), self.stage.memory.len(), "{scenario:?}: the index differs from the records");
        let has_rotated =
            replies.iter().any(|(step, reply)| matches!((step, reply), (Step::Refresh(_), Reply::Tokens(..))));
        assert!(!has_rotated || page.len() == 1, "{scenario:?}: a live record was purged; {replies:?}");
    }

    fn judge_history(&self, scenario: &Scenario, windows: Windows, faults: usize) -> usize {
        // The specification knows no purge, and no revocation by the host.
        if scenario.calls.iter().any(|step| matches!(step, Step::Purge | Step::RevokeSubject)) {
            return 0;
        }
        let mut twice = 0;
        for operations in self.recorder.operations().into_values() {
            let history = History { operations, failovers: Vec::new() };
            match check(&history, windows) {
                Verdict::Linearizable(_, decided_twice) if decided_twice == 0 || faults > 0 => twice += decided_twice,
                verdict => panic!("{scenario:?}\n{history}{verdict:?}"),
            }
        }
        twice
    }
}

fn is_done(reply: &Reply) -> bool {
    *reply == Reply::Done
}

fn failure() -> StoreError {
    StoreError::unavailable("a fault")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets the other calls go on.
async fn give_way() {
    let mut has_given_way = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut has_given_way, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match poll(&mut Box::pin(future)) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the store in memory waits"),
    }
}
