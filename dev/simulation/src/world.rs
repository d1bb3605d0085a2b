//! The surroundings of the nodes: one time line, a clock for each node, and the store with its faults.
//!
//! Everything here is driven by the time of the simulation. A call of the store sleeps for its latency, so other calls
//! run in between. The faults of a call are drawn from the dice of that call, not from a common source: a shorter trace
//! with the same call therefore meets the same faults.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;
use fixtures::StubVerifier;
use regrant::clock::{Clock, Timestamp};
use regrant::event::{Event, EventKind, EventSink, Operation};
use regrant::grant::Confirmation;
use regrant::proof::{DpopProof, ProofError, ProofVerifier};
use regrant::store::{
    Expect, GrantIndex, GrantKey, GrantOwner, GrantRecord, StoreError, StoredGrant, Swap, TokenStore, Version,
};
use regrant::token::Realm;
use regrant::{AccessToken, GrantId};

use crate::dice::Dice;

pub(crate) const NODES: usize = 3;
/// The deadline of a call of the store, as in the stores of this workspace.
const DEADLINE: i64 = 2_000;

/// The faults that a life may meet, each as a percentage of the calls of the store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The largest latency of one way, in milliseconds.
    pub(crate) latency: i64,
    /// The store refuses the connection.
    pub(crate) refused: u64,
    /// The request is lost, and the caller waits for the deadline.
    pub(crate) lost: u64,
    /// The reply is lost after the work was done.
    pub(crate) unanswered: u64,
    /// The caller gets a time-out, and the write arrives later.
    pub(crate) late: u64,
    /// The client library sends a write twice and reports the second outcome.
    pub(crate) repeated: u64,
    /// A read from a replica that lags. No contract allows this.
    pub(crate) stale: u64,
}

impl Faults {
    /// Returns true if the store has no fault.
    pub(crate) const fn is_calm(&self) -> bool {
        self.refused + self.lost + self.unanswered + self.late + self.repeated + self.stale == 0
    }
}

/// The clock of a node, as a difference to the time of the simulation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skew {
    pub(crate) offset: i64,
    /// Parts per million.
    pub(crate) drift: i64,
}

/// A write that was applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    /// The time at which the node sent it: the time that the record names.
    pub(crate) sent: i64,
    pub(crate) at: i64,
    pub(crate) call: usize,
    pub(crate) grant: GrantId,
    pub(crate) bytes: usize,
}

/// The facts about one call that only its surroundings see.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) writes: usize,
    /// A write whose outcome the node may not know.
    pub(crate) has_unknown_write: bool,
    pub(crate) events: Vec<(Operation, EventKind)>,
    /// The number of events with an error of a port.
    pub(crate) failures: usize,
    /// The number of proofs that the verifier was asked about.
    pub(crate) proofs: usize,
    /// A call of the store was repeated that must not be.
    pub(crate) is_impatient: bool,
    troubles: Vec<Trouble>,
    dice: Dice,
}

/// The calls of the store that failed, for one grant.
#[derive(Clone, Debug)]
struct Trouble {
    id: GrantId,
    /// The call has read a record that it wrote itself.
    has_seen_own: bool,
    unconfirmed: Option<Expect>,
    has_failed_read: bool,
}

type Records = BTreeMap<GrantId, StoredGrant>;

struct Late {
    sent: i64,
    at: i64,
    call: usize,
    id: GrantId,
    expect: Expect,
    record: GrantRecord,
}

pub(crate) struct State {
    pub(crate) now: i64,
    pub(crate) call: usize,
    pub(crate) wake: Option<i64>,
    pub(crate) faults: Faults,
    /// The database answers nothing until then.
    pub(crate) silent_until: i64,
    pub(crate) skews: [Skew; NODES],
    pub(crate) notes: Vec<Note>,
    pub(crate) writes: Vec<Write>,
    pub(crate) records: Records,
    start: i64,
    past: VecDeque<(i64, Records)>,
    late: Vec<Late>,
    /// The call that wrote each record last.
    writers: BTreeMap<GrantId, usize>,
    versions: Dice,
}

#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

impl World {
    pub(crate) fn new(seed: u64, start: i64, faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: start,
            call: 0,
            wake: None,
            faults,
            silent_until: start,
            skews: [Skew::default(); NODES],
            notes: Vec::new(),
            writes: Vec::new(),
            records: Records::new(),
            start,
            past: VecDeque::new(),
            late: Vec::new(),
            writers: BTreeMap::new(),
            versions: Dice::new(seed),
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy without faults, for a thief who tries what would happen.
    pub(crate) fn scratch(&self) -> Self {
        let state = self.state();
        let scratch = Self::new(1, state.start, Faults::default());
        {
            let mut copy = scratch.state();
            copy.now = state.now;
            copy.skews = state.skews;
            copy.records.clone_from(&state.records);
        }
        scratch
    }

    pub(crate) fn now(&self) -> i64 {
        self.state().now
    }

    /// Registers a call, and returns its number.
    pub(crate) fn register(&self, seed: u64) -> usize {
        let mut state = self.state();
        state.notes.push(Note {
            writes: 0,
            has_unknown_write: false,
            events: Vec::new(),
            failures: 0,
            proofs: 0,
            is_impatient: false,
            troubles: Vec::new(),
            dice: Dice::new(seed),
        });
        state.notes.len() - 1
    }

    /// The request under way calls the service once more. What a call must not do after a failure, another one may.
    pub(crate) fn begin_another_call(&self) {
        let mut state = self.state();
        let call = state.call;
        state.writers.retain(|_, writer| *writer != call);
        if let Some(note) = state.notes.get_mut(call) {
            note.troubles.clear();
        }
    }

    pub(crate) async fn sleep(&self, span: i64) {
        let until = self.now() + span;
        poll_fn(|_| {
            let mut state = self.state();
            if state.now >= until {
                Poll::Ready(())
            } else {
                state.wake = Some(until);
                Poll::Pending
            }
        })
        .await;
    }

    /// Moves the time. Late writes that are due arrive on the way.
    pub(crate) fn advance(&self, to: i64) {
        let mut state = self.state();
        while let Some(index) = state.next_late(to) {
            let Late { sent, at, call, id, expect, record } = state.late.remove(index);
            state.now = state.now.max(at);
            // Its caller has given up long ago.
            let _: Swap = state.apply((call, sent), id, expect, record);
        }
        state.now = state.now.max(to);
    }

    /// Keeps the present records, for a later failover or restore.
    pub(crate) fn keep_snapshot(&self) {
        let mut state = self.state();
        let snapshot = (state.now, state.records.clone());
        state.past.push_back(snapshot);
        if state.past.len() > 12 {
            state.past.pop_front();
        }
    }

    /// Replaces the records by a snapshot, chosen by `back` from the newest one. Returns its time, and the grants that
    /// changed.
    pub(crate) fn roll_back(&self, back: usize) -> Option<(i64, Vec<GrantId>)> {
        let mut state = self.state();
        let index = state.past.len().checked_sub(1 + back)?;
        let (at, records) = state.past.get(index)?.clone();
        state.past.truncate(index + 1);
        let payload = |records: &Records, id: &GrantId| records.get(id).map(|stored| stored.record.payload.clone());
        let ids: Vec<GrantId> = state.records.keys().chain(records.keys()).copied().collect();
        let mut changed: Vec<GrantId> =
            ids.into_iter().filter(|id| payload(&state.records, id) != payload(&records, id)).collect();
        changed.dedup();
        state.records = records;
        state.writers.clear();
        // No version of before fits a record of after: that is the contract of a version.
        let ids: Vec<GrantId> = state.records.keys().copied().collect();
        for id in ids {
            let version = Version(state.versions.next());
            if let Some(stored) = state.records.get_mut(&id) {
                stored.version = version;
            }
        }
        Some((at, changed))
    }

    /// Deletes the records that are past their end by the clock of a node.
    pub(crate) fn purge(&self, node: usize) {
        let now = self.clock(node);
        self.state().records.retain(|_, stored| stored.record.expires_at.is_none_or(|end| end > now));
    }

    pub(crate) fn clock(&self, node: usize) -> Timestamp {
        let state = self.state();
        let Skew { offset, drift } = state.skews[node];
        Timestamp::from_millis(state.now + offset + (state.now - state.start) / 1000 * drift / 1000)
    }

    fn plan(&self, is_write: bool) -> Plan {
        let mut state = self.state();
        let (faults, is_silent) = (state.faults, state.now < state.silent_until);
        let call = state.call;
        let Some(note) = state.notes.get_mut(call) else { return Plan::default() };
        let dice = &mut note.dice;
        let (before, after) = (dice.between(0, faults.latency), dice.between(0, faults.latency));
        let mut drawn = dice.next() % 100;
        let mut is = |percent: u64| {
            let hit = drawn < percent;
            drawn = drawn.saturating_sub(percent);
            hit
        };
        let fate = if is_silent {
            Fate::Lost
        } else if is(faults.refused) {
            Fate::Refused
        } else if is(faults.lost) {
            Fate::Lost
        } else if is(faults.unanswered) {
            Fate::Unanswered
        } else if is_write && is(faults.late) {
            Fate::Late(dice.between(1, 20_000))
        } else if is_write && is(faults.repeated) {
            // The second copy arrives at once, or much later: when the record may have been purged.
            if dice.chance(50) { Fate::Repeated } else { Fate::Echoed(dice.between(1, 600_000)) }
        } else if !is_write && is(faults.stale) {
            Fate::Stale(dice.below(6))
        } else {
            Fate::Normal
        };
        if is_write && matches!(fate, Fate::Unanswered | Fate::Late(_) | Fate::Repeated | Fate::Echoed(_)) {
            note.has_unknown_write = true;
        }
        Plan { call, before, after, fate }
    }
}

impl World {
    /// Watches for a caller that goes on after a failure: a failed write allows one read, a failed read nothing. A
    /// write that was read back is stored, and is not decided again.
    fn watch(&self, plan: Plan, id: GrantId, write: Option<Expect>) {
        let mut state = self.state();
        let Some(note) = state.notes.get_mut(plan.call) else { return };
        let index = note.troubles.iter().position(|trouble| trouble.id == id).unwrap_or_else(|| {
            note.troubles.push(Trouble { id, has_seen_own: false, unconfirmed: None, has_failed_read: false });
            note.troubles.len() - 1
        });
        let trouble = &mut note.troubles[index];
        note.is_impatient |=
            trouble.has_failed_read || (write.is_some() && (trouble.has_seen_own || trouble.unconfirmed == write));
        if matches!(plan.fate, Fate::Refused | Fate::Lost | Fate::Unanswered | Fate::Late(_)) {
            match write {
                Some(expect) => trouble.unconfirmed = Some(expect),
                None => trouble.has_failed_read = true,
            }
        }
    }
}

impl World {
    /// Notes that a call has read a record that it wrote itself.
    fn saw(&self, call: usize, id: GrantId) {
        let mut state = self.state();
        let is_own = state.writers.get(&id) == Some(&call);
        let Some(note) = state.notes.get_mut(call) else { return };
        if let Some(trouble) = note.troubles.iter_mut().find(|trouble| trouble.id == id) {
            trouble.has_seen_own |= is_own;
        }
    }
}

impl State {
    fn next_late(&self, to: i64) -> Option<usize> {
        let due = self.late.iter().enumerate().filter(|(_, late)| late.at <= to);
        due.min_by_key(|(_, late)| late.at).map(|(index, _)| index)
    }

    fn apply(&mut self, (call, sent): (usize, i64), id: GrantId, expect: Expect, record: GrantRecord) -> Swap {
        let current = self.records.get(&id).map(|stored| stored.version);
        let fits = match expect {
            Expect::Absent => current.is_none(),
            Expect::Version(version) => current == Some(version),
        };
        if !fits {
            return Swap::Conflict;
        }
        self.writes.push(Write { sent, at: self.now, call, grant: id, bytes: record.payload.len() });
        if let Some(note) = self.notes.get_mut(call) {
            note.writes += 1;
        }
        let version = Version(self.versions.next());
        self.records.insert(id, StoredGrant { version, record });
        self.writers.insert(id, call);
        Swap::Stored
    }
}

#[derive(Clone, Copy, Default)]
struct Plan {
    call: usize,
    before: i64,
    after: i64,
    fate: Fate,
}

#[derive(Clone, Copy, Default)]
enum Fate {
    #[default]
    Normal,
    Refused,
    Lost,
    Unanswered,
    Late(i64),
    Repeated,
    Echoed(i64),
    Stale(usize),
}

fn outage(text: &'static str) -> StoreError {
    StoreError::unavailable(text)
}

#[async_trait]
impl TokenStore for World {
    async fn load(&self, key: &GrantKey) -> Result<Option<StoredGrant>, StoreError> {
        let plan = self.plan(false);
        self.watch(plan, key.id, None);
        self.sleep(plan.before).await;
        match plan.fate {
            Fate::Refused => return Err(outage("connection refused")),
            Fate::Lost | Fate::Unanswered => {
                self.sleep(DEADLINE).await;
                return Err(outage("no reply within 2 s"));
            }
            _ => {}
        }
        let stored = {
            let state = self.state();
            match plan.fate {
                Fate::Stale(back) => {
                    let past = state.past.len().checked_sub(1 + back).and_then(|index| state.past.get(index));
                    past.map_or(&state.records, |(_, records)| records).get(&key.id).cloned()
                }
                _ => state.records.get(&key.id).cloned(),
            }
        };
        if !matches!(plan.fate, Fate::Stale(_)) {
            self.saw(plan.call, key.id);
        }
        self.sleep(plan.after).await;
        Ok(stored)
    }

    async fn compare_and_swap(&self, key: &GrantKey, expect: Expect, record: GrantRecord) -> Result<Swap, StoreError> {
        let plan = self.plan(true);
        self.watch(plan, key.id, Some(expect));
        let sent = self.now();
        self.sleep(plan.before).await;
        match plan.fate {
            Fate::Refused => return Err(outage("connection refused")),
            Fate::Lost => {
                self.sleep(DEADLINE).await;
                return Err(outage("no reply within 2 s"));
            }
            Fate::Late(span) => {
                {
                    let mut state = self.state();
                    let at = state.now + span;
                    state.late.push(Late { sent, at, call: plan.call, id: key.id, expect, record });
                }
                self.sleep(DEADLINE).await;
                return Err(outage("no reply within 2 s"));
            }
            _ => {}
        }
        let mut swap = self.state().apply((plan.call, sent), key.id, expect, record.clone());
        if let Fate::Echoed(span) = plan.fate {
            let mut state = self.state();
            let at = state.now + span;
            state.late.push(Late { sent, at, call: plan.call, id: key.id, expect, record });
        } else if matches!(plan.fate, Fate::Repeated) {
            swap = self.state().apply((plan.call, sent), key.id, expect, record);
        }
        if matches!(plan.fate, Fate::Unanswered) {
            self.sleep(DEADLINE).await;
            return Err(outage("no reply within 2 s"));
        }
        self.sleep(plan.after).await;
        Ok(swap)
    }
}

#[async_trait]
impl GrantIndex for World {
    async fn page(
        &self,
        _: &Realm,
        owner: &GrantOwner,
        after: Option<GrantId>,
        limit: usize,
    ) -> Result<Vec<(GrantId, StoredGrant)>, StoreError> {
        let plan = self.plan(false);
        self.sleep(plan.before).await;
        match plan.fate {
            Fate::Refused => return Err(outage("connection refused")),
            Fate::Lost | Fate::Unanswered => {
                self.sleep(DEADLINE).await;
                return Err(outage("no reply within 2 s"));
            }
            _ => {}
        }
        let fits = |record: &GrantRecord| match owner {
            GrantOwner::Subject(subject) => record.subject.as_ref() == Some(subject),
            GrantOwner::Client(client) => record.client_id == *client,
            GrantOwner::SubjectAndClient(subject, client) => {
                record.subject.as_ref() == Some(subject) && record.client_id == *client
            }
        };
        let page = {
            let state = self.state();
            let records = state.records.iter().filter(|(id, _)| after.is_none_or(|after| **id > after));
            let fitting = records.filter(|(_, stored)| fits(&stored.record));
            fitting.take(limit).map(|(id, stored)| (*id, stored.clone())).collect()
        };
        self.sleep(plan.after).await;
        Ok(page)
    }
}

/// The verifier of the fixtures, which counts the proofs of each call.
pub(crate) struct Verifier {
    pub(crate) world: World,
    pub(crate) proofs: StubVerifier,
}

#[async_trait]
impl ProofVerifier for Verifier {
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError> {
        {
            let mut state = self.world.state();
            let call = state.call;
            if let Some(note) = state.notes.get_mut(call) {
                note.proofs += 1;
            }
        }
        self.proofs.verify(proof, now).await
    }

    async fn verify_at_resource(
        &self,
        proof: &DpopProof,
        access_token: &AccessToken,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        self.proofs.verify_at_resource(proof, access_token, jkt, now).await
    }

    fn nonce(&self, now: Timestamp) -> Option<String> {
        self.proofs.nonce(now)
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.proofs.algorithms()
    }
}

impl EventSink for World {
    fn record(&self, event: &Event<'_>) {
        let mut state = self.state();
        let call = state.call;
        if let Some(note) = state.notes.get_mut(call) {
            note.events.push((event.operation, event.kind));
            note.failures += usize::from(event.failure.is_some());
        }
    }
}

/// The clock of one node.
pub(crate) struct NodeClock {
    pub(crate) world: World,
    pub(crate) node: usize,
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        self.world.clock(self.node)
    }
}
