//! Changes of the system: crashes, rollbacks, clocks, keys, policies, registrations, accounts, outages.

use fixtures::GateState;

use crate::call::Reply;
use crate::dice::Dice;
use crate::life::{Life, SKEW, START};
use crate::node::{CLIENTS, Node, RINGS, Settings, policies};
use crate::world::{NODES, Skew};

impl Life {
    pub(crate) fn disturb(&mut self, dice: &mut Dice) {
        let changes = self.plan.changes;
        if dice.chance(60) {
            self.world.keep_snapshot();
        }
        match dice.below(11) {
            0 if changes.crashes => self.crash(dice.below(NODES)),
            1 if changes.rollbacks => self.roll_back(dice.below(4)),
            2 if changes.clocks => self.turn_clock(dice),
            3 | 10 if changes.keys => self.turn_ring(dice.below(NODES)),
            4 if changes.policies => self.change_policy(dice),
            5 if changes.registrations => self.change_registration(dice),
            6 if changes.gate => self.change_gate(dice.chance(50)),
            8 | 9 if changes.outages => self.change_outage(dice),
            7 => {
                let node = dice.below(NODES);
                self.say(|_| format!("the records that node {node} takes for expired are purged"));
                self.world.purge(node);
            }
            _ => {}
        }
    }

    fn crash(&mut self, node: usize) {
        self.say(|_| format!("node {node} crashes"));
        for (number, slot) in self.calls.iter_mut().enumerate() {
            if slot.as_ref().is_some_and(|running| running.call.node == node) {
                let Some(running) = slot.take() else { continue };
                // Nobody gets an answer. A write on its way may still arrive.
                self.replies[number] = Some((running.call, Reply::none(self.world.now())));
            }
        }
        self.nodes[node] = Node::new(&self.shared, node, &self.settings);
    }

    fn roll_back(&mut self, back: usize) {
        if let Some((to, changed)) = self.world.roll_back(back) {
            self.say(|_| format!("the store goes back to {} ms", to - START));
            self.judge.rolled_back((to, self.now()), &changed);
        }
    }

    fn turn_clock(&mut self, dice: &mut Dice) {
        let node = dice.below(NODES);
        let half = SKEW / 2;
        let skew = if self.plan.changes.wild_clocks && dice.chance(50) {
            let offset = *dice.pick(&[-3_600_000_i64, -70_000, 70_000, 3_600_000]).unwrap_or(&0);
            self.judge.bounds.margin = self.judge.bounds.margin.max(2 * offset.abs() + SKEW);
            Skew { offset, drift: 0 }
        } else {
            Skew { offset: dice.between(-half, half), drift: 0 }
        };
        self.say(|_| format!("the clock of node {node} is off by {} ms", skew.offset));
        self.world.state().skews[node] = skew;
    }

    /// Moves one node to the next stage of the rotation of the key ring, or lets the other nodes follow: all nodes know
    /// a key before one of them uses it (UPGRADING.md).
    fn turn_ring(&mut self, node: usize) {
        let next = self.settings.ring + 1;
        if next >= RINGS.len() {
            return;
        }
        let settings = Settings { ring: next, ..self.settings.clone() };
        self.ring_turns = !self.ring_turns;
        if self.ring_turns {
            self.say(|_| format!("node {node} has stage {next} of the key ring"));
            self.nodes[node] = Node::new(&self.shared, node, &settings);
        } else {
            self.say(|_| format!("all nodes have stage {next} of the key ring"));
            self.settings = settings;
            self.rebuild();
        }
    }

    fn change_policy(&mut self, dice: &mut Dice) {
        let policies = policies();
        let Some(policy) = dice.pick(&policies).cloned() else { return };
        self.say(|_| "the policy changes".to_owned());
        self.judge.bounds.add(policy.clone());
        self.settings.policy = policy;
        self.rebuild();
    }

    fn change_registration(&mut self, dice: &mut Dice) {
        self.judge.circumstances.is_registration_disturbed = true;
        if dice.chance(50) {
            self.settings.may_refresh = !self.settings.may_refresh;
            self.say(|life| format!("clients may refresh: {}", life.settings.may_refresh));
        } else {
            let client = dice.below(3);
            self.settings.registrations[client] += 1;
            self.judge.facts.registered[client] = self.now();
            self.judge.circumstances.registrations = self.settings.registrations;
            self.say(|_| format!("client {} is registered anew", CLIENTS[client].id));
        }
        self.rebuild();
    }

    fn change_gate(&mut self, is_open: bool) {
        self.judge.circumstances.is_gate_disturbed = true;
        self.judge.facts.closed = (!is_open).then(|| self.now());
        self.say(|_| format!("the second account is open: {is_open}"));
        if is_open { self.shared.gate.reopen("another-user") } else { self.shared.gate.close("another-user") }
    }

    /// One port fails, or all work again.
    fn change_outage(&mut self, dice: &mut Dice) {
        let outage = dice.below(5);
        self.say(|_| {
            let ports = ["the database is silent", "the gate is down", "the verifier is down", "the signer is down"];
            (*ports.get(outage).unwrap_or(&"all ports work")).to_owned()
        });
        self.all_ports_work();
        match outage {
            0 => {
                let until = self.now() + dice.between(500, 30_000);
                self.world.state().silent_until = until;
            }
            1 => self.shared.gate.set(GateState::Broken),
            2 => self.shared.verifier.set_down(true),
            3 => self.shared.issuer.set_down(true),
            _ => {}
        }
    }

    pub(crate) fn all_ports_work(&self) {
        self.shared.gate.set(GateState::Open);
        self.shared.verifier.set_down(false);
        self.shared.issuer.set_down(false);
    }

    fn rebuild(&mut self) {
        self.nodes = (0..NODES).map(|node| Node::new(&self.shared, node, &self.settings)).collect();
    }
}
