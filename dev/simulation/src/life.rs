//! One life: a system, its owners and thieves, and the steps that they take.
//!
//! The steps are drawn from the seed before the life begins, each with a seed of its own. A step reads the present
//! state and its own seed, so a life with fewer steps is a life too: that is how a failing one is made short.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fixtures::{Gate, Seeded, StubIssuer, StubVerifier};
use regrant::Policy;

use crate::bounds::Bounds;
use crate::call::{Answering, Call, Party, Reply, What};
use crate::dice::Dice;
use crate::facts::Facts;
use crate::judge::{Circumstances, Judge, Tally, Violation};
use crate::ledger::Ledger;
use crate::node::{APP, CLIENTS, MOBILE, Node, SPA, Settings, Shared, policies};
use crate::owner::Owner;
use crate::thief::Thief;
use crate::world::{Faults, NODES, World};

pub(crate) const START: i64 = 1_800_000_000_000;
/// The difference of clocks that the promises allow.
pub(crate) const SKEW: i64 = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Owner(usize),
    Thief(usize),
    Fault,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) actor: Actor,
    pub(crate) seed: u64,
}

/// The circumstances of a life, drawn from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) faults: Faults,
    pub(crate) policy: Policy,
    pub(crate) clients: Vec<usize>,
    /// The stage of the key ring at the beginning.
    pub(crate) ring: usize,
    pub(crate) thieves: usize,
    /// Owners push their authorization requests.
    pub(crate) pushes: bool,
    pub(crate) changes: Changes,
    pub(crate) steps: Vec<Step>,
}

/// The kinds of changes to the system that a life may see.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "kinds that do not exclude each other")]
pub(crate) struct Changes {
    pub(crate) crashes: bool,
    pub(crate) rollbacks: bool,
    pub(crate) clocks: bool,
    /// Clocks jump further than the promises allow.
    pub(crate) wild_clocks: bool,
    pub(crate) keys: bool,
    pub(crate) policies: bool,
    pub(crate) registrations: bool,
    pub(crate) gate: bool,
    /// Silence of the database, outages of the other ports.
    pub(crate) outages: bool,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let is_calm = dice.chance(30);
        let mut rate = |percent: u64| if is_calm || dice.chance(50) { 0 } else { dice.next() % percent };
        let mut faults = Faults {
            latency: 5,
            refused: rate(10),
            lost: rate(8),
            unanswered: rate(12),
            late: rate(8),
            repeated: rate(12),
            stale: 0,
        };
        let mut on = |percent| dice.chance(percent);
        let changes = Changes {
            crashes: on(30),
            rollbacks: on(20),
            clocks: on(40),
            wild_clocks: on(8),
            keys: on(20),
            policies: on(15),
            registrations: on(10),
            gate: on(15),
            outages: on(30),
        };
        faults.stale = if on(5) { 15 } else { 0 };
        let has_thief = on(60);
        faults.latency = *dice.pick(&[0, 2, 20, 200]).unwrap_or(&2);
        let policies = policies();
        let policy = if dice.chance(50) { 0 } else { dice.below(policies.len()) };
        let clients = (0..2).map(|_| *dice.pick(&[APP, SPA, SPA, MOBILE]).unwrap_or(&SPA)).collect();
        let thieves = if has_thief { 1 + usize::from(dice.chance(20)) } else { 0 };
        let count = 12 + dice.below(40);
        let steps = (0..count).map(|_| Step { actor: actor(&mut dice, thieves), seed: dice.next() }).collect();
        // All nodes may know the next key already.
        let ring = usize::from(changes.keys && seed % 2 == 1);
        let (pushes, policy) = (dice.chance(30), policies[policy].clone());
        Self { seed, faults, policy, clients, ring, thieves, pushes, changes, steps }
    }
}

fn actor(dice: &mut Dice, thieves: usize) -> Actor {
    match dice.below(100) {
        0..=9 => Actor::Fault,
        10..=44 if thieves > 0 => Actor::Thief(dice.below(thieves)),
        _ => Actor::Owner(dice.below(2)),
    }
}

pub(crate) type Line = String;

/// The distance of a step from the end of a window: often a few milliseconds, since an end is exclusive.
fn edge(dice: &mut Dice) -> i64 {
    if dice.chance(30) { dice.between(-4, 4) } else { dice.between(-1_500, 1_500) }
}

/// A request on its way.
pub(crate) struct Running {
    pub(crate) call: Call,
    answering: Answering,
    back: i64,
}

pub(crate) struct Life {
    pub(crate) world: World,
    pub(crate) judge: Judge,
    pub(crate) owners: Vec<Owner>,
    pub(crate) thieves: Vec<Thief>,
    pub(crate) settings: Settings,
    pub(crate) shared: Shared,
    pub(crate) nodes: Vec<Arc<Node>>,
    pub(crate) plan: Plan,
    pub(crate) calls: Vec<Option<Running>>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    deliveries: BinaryHeap<Reverse<(i64, usize)>>,
    pub(crate) replies: Vec<Option<(Call, Reply)>>,
    proofs: u64,
    /// One node is a stage ahead of the others.
    pub(crate) ring_turns: bool,
    trace: Option<Vec<Line>>,
}

/// The end of a life.
pub(crate) struct Outcome {
    pub(crate) violation: Option<Violation>,
    pub(crate) tally: Tally,
    pub(crate) trace: Vec<Line>,
    /// A digest of everything that happened: equal for equal seeds.
    pub(crate) fingerprint: u64,
}

impl Life {
    pub(crate) fn run(plan: &Plan, steps: &[Step], traced: bool) -> Outcome {
        let mut life = Self::new(plan, traced);
        let result = steps.iter().try_for_each(|step| life.step(*step)).and_then(|()| life.finish());
        let fingerprint = life.fingerprint();
        Outcome { violation: result.err(), tally: life.judge.tally, trace: life.trace.unwrap_or_default(), fingerprint }
    }

    fn new(plan: &Plan, traced: bool) -> Self {
        let world = World::new(plan.seed, START, plan.faults);
        let shared = Shared {
            world: world.clone(),
            gate: Gate::default(),
            verifier: StubVerifier::default(),
            issuer: StubIssuer::default(),
            entropy: Arc::new(Seeded::new(plan.seed)),
        };
        let settings = Settings {
            policy: plan.policy.clone(),
            ring: plan.ring,
            registrations: [0; CLIENTS.len()],
            may_refresh: true,
        };
        let nodes = (0..NODES).map(|node| Node::new(&shared, node, &settings)).collect();
        let has_clocks = plan.changes.clocks || plan.changes.wild_clocks;
        let margin = if has_clocks { SKEW + 1_000 } else { 0 };
        let judge = Judge {
            ledger: Ledger::new(),
            bounds: Bounds::new(plan.policy.clone(), margin),
            circumstances: Circumstances {
                reads_are_stale: plan.faults.stale > 0,
                is_only_silent: plan.faults.is_calm(),
                latency: 8 * plan.faults.latency,
                ..Circumstances::default()
            },
            facts: Facts::new(plan.changes.wild_clocks, plan.faults.stale > 0),
            tally: Tally::default(),
        };
        let owners = plan.clients.iter().map(|client| Owner::new(*client)).collect();
        let thieves = (0..plan.thieves).map(|number| Thief::new(plan.seed ^ (number as u64 + 1))).collect();
        Self {
            world,
            judge,
            owners,
            thieves,
            settings,
            shared,
            nodes,
            plan: plan.clone(),
            calls: Vec::new(),
            queue: BinaryHeap::new(),
            deliveries: BinaryHeap::new(),
            replies: Vec::new(),
            proofs: 0,
            ring_turns: false,
            trace: traced.then(Vec::new),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        self.world.now()
    }

    pub(crate) fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.trace.is_some() {
            let line = format!("{:>12} ms  {}", self.now() - START, line(self));
            if let Some(trace) = &mut self.trace {
                trace.push(line);
            }
        }
    }

    fn step(&mut self, step: Step) -> Result<(), Violation> {
        let mut dice = Dice::new(step.seed);
        let pause = self.pause(&mut dice);
        self.pass(pause)?;
        match step.actor {
            Actor::Owner(number) => self.owner_acts(number, &mut dice),
            Actor::Thief(number) => self.thief_acts(number, &mut dice),
            Actor::Fault => {
                self.disturb(&mut dice);
                Ok(())
            }
        }
    }

    /// Draws the time until the next step: often a moment, sometimes close to the end of a window.
    fn pause(&self, dice: &mut Dice) -> i64 {
        let bounds = &self.judge.bounds;
        let near = |dice: &mut Dice, span: i64| (span.min(40 * 86_400_000) + edge(dice)).max(0);
        match dice.below(100) {
            0..=29 => dice.between(0, 6),
            30..=54 => dice.between(0, 4_000),
            55..=64 => near(dice, bounds.walk().1),
            65..=74 => near(dice, bounds.retry(false).1),
            75..=79 => near(dice, bounds.retry(false).1 + bounds.margin + 1_500),
            80..=86 => near(dice, bounds.access_lifetime().1),
            87..=94 => dice.between(0, 3 * 3_600_000),
            95..=97 => dice.between(0, 5 * 86_400_000),
            98 => near(dice, bounds.refresh_lifetime().0),
            _ => near(dice, bounds.refresh_lifetime().1 + bounds.margin + 1_500),
        }
    }

    /// Lets a time pass: replies arrive, late writes too.
    pub(crate) fn pass(&mut self, span: i64) -> Result<(), Violation> {
        let until = self.now() + span;
        loop {
            let poll = self.queue.peek().map(|Reverse(next)| next.0);
            let delivery = self.deliveries.peek().map(|Reverse(next)| next.0);
            match (poll, delivery) {
                (Some(at), other) if at <= until && other.is_none_or(|other| at <= other) => {
                    let Some(Reverse((_, call))) = self.queue.pop() else { break };
                    self.advance(at)?;
                    self.poll(call)?;
                }
                (_, Some(at)) if at <= until => {
                    let Some(Reverse((_, call))) = self.deliveries.pop() else { break };
                    self.advance(at)?;
                    self.deliver(call);
                }
                _ => break,
            }
        }
        self.advance(until)
    }

    fn advance(&mut self, to: i64) -> Result<(), Violation> {
        self.world.advance(to);
        self.drain_writes()
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, call: Call, dice: &mut Dice) -> Result<(), Violation> {
        let (out, back) = match dice.below(10) {
            0 => (dice.between(0, 3_000), 0),
            1 => (0, dice.between(0, 3_000)),
            _ => (dice.between(0, 3), dice.between(0, 3)),
        };
        let number = self.world.register(dice.next());
        self.say(|life| life.describe(number, &call));
        let node = Arc::clone(&self.nodes[call.node]);
        let answering = call.clone().start(node, self.world.clone(), out);
        self.calls.push(Some(Running { call, answering, back }));
        self.replies.push(None);
        self.poll(number)
    }

    fn describe(&self, number: usize, call: &Call) -> String {
        let client = CLIENTS[call.credentials.client].id;
        let secret = if CLIENTS[call.credentials.client].is_confidential && !call.credentials.has_secret {
            " with a wrong secret"
        } else {
            ""
        };
        let proof = call.key().map(|key| format!(" with key {key}")).unwrap_or_default();
        let lost = if call.is_lost { " (the response will be lost)" } else { "" };
        let token = self.judge.ledger.name(&call.token);
        format!("#{number} {}: {:?} {token} as {client}{secret}{proof} at node {}{lost}", call.by, call.what, call.node)
    }

    fn poll(&mut self, number: usize) -> Result<(), Violation> {
        let Some(mut running) = self.calls.get_mut(number).and_then(Option::take) else { return Ok(()) };
        {
            let mut state = self.world.state();
            state.call = number;
            state.wake = None;
        }
        let polled = running.answering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.drain_writes_of(number, &running.call)?;
        match polled {
            Poll::Pending => {
                let wake = self.world.state().wake;
                self.queue.push(Reverse((wake.unwrap_or_else(|| self.now()), number)));
                self.calls[number] = Some(running);
                Ok(())
            }
            Poll::Ready(reply) => self.replied(number, running, reply),
        }
    }

    fn replied(&mut self, number: usize, running: Running, reply: Reply) -> Result<(), Violation> {
        let Running { call, back, .. } = running;
        let note = self.world.state().notes[number].clone();
        let verdict = self.judge.replied(&call, &reply, &note);
        self.say(|life| {
            let refresh = reply.text("refresh_token").map(|token| life.judge.ledger.name(token));
            let error = reply.text("error").unwrap_or("");
            let kinds: Vec<String> = note
                .events
                .iter()
                .map(|(_, kind)| format!("{} {}", kind.as_str(), kind.cause().unwrap_or("")))
                .collect();
            format!("#{number} -> {} {error}{} [{}]", reply.status, refresh.unwrap_or_default(), kinds.join(", "))
        });
        verdict?;
        if !call.is_lost {
            self.deliveries.push(Reverse((self.now() + back, number)));
        }
        self.replies[number] = Some((call, reply));
        Ok(())
    }

    fn drain_writes(&mut self) -> Result<(), Violation> {
        let writes = std::mem::take(&mut self.world.state().writes);
        for write in writes {
            let call = match (self.calls.get(write.call), self.replies.get(write.call)) {
                (Some(Some(running)), _) => running.call.clone(),
                (_, Some(Some((call, _)))) => call.clone(),
                _ => continue,
            };
            self.judge.wrote(write, &call)?;
        }
        Ok(())
    }

    fn drain_writes_of(&mut self, number: usize, call: &Call) -> Result<(), Violation> {
        let writes = std::mem::take(&mut self.world.state().writes);
        writes.into_iter().filter(|write| write.call == number).try_for_each(|write| self.judge.wrote(write, call))
    }

    fn deliver(&mut self, number: usize) {
        let Some((call, reply)) = self.replies[number].clone() else { return };
        match call.by {
            Party::Owner(owner) => self.owners[owner].receive(&call, &reply, &self.judge.ledger),
            Party::Thief(thief) => {
                for token in ["refresh_token", "access_token", "code"].iter().filter_map(|name| reply.text(name)) {
                    self.hold(thief, token.to_owned());
                }
            }
        }
    }

    /// Returns the requests of owners so far, for a thief in the network.
    pub(crate) fn sent_by_owners(&self) -> Vec<Call> {
        let answered = self.replies.iter().flatten().map(|(call, _)| call);
        let running = self.calls.iter().flatten().map(|running| &running.call);
        answered.chain(running).filter(|call| matches!(call.by, Party::Owner(_))).cloned().collect()
    }

    pub(crate) const fn new_proof(&mut self, key: char) -> (char, u64) {
        self.proofs += 1;
        (key, self.proofs)
    }

    fn fingerprint(&self) -> u64 {
        let state = self.world.state();
        let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
        let mut mix = |bytes: &[u8]| {
            for byte in bytes {
                sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        };
        for note in &state.notes {
            for (operation, kind) in &note.events {
                mix(operation.as_str().as_bytes());
                mix(kind.as_str().as_bytes());
                mix(kind.cause().unwrap_or("").as_bytes());
            }
            mix(&note.writes.to_be_bytes());
        }
        for (id, stored) in &state.records {
            mix(id.as_bytes());
            mix(&stored.record.payload);
        }
        mix(&state.now.to_be_bytes());
        sum
    }
}

impl Reply {
    /// The end of a call without an answer.
    pub(crate) fn none(at: i64) -> Self {
        Self { status: 0, body: serde_json::Value::Null, from: at, to: at }
    }
}

impl What {
    pub(crate) const ALL: [Self; 6] =
        [Self::Refresh, Self::Redeem, Self::Introspect, Self::Revoke, Self::Exchange, Self::Approve];
}
