//! The end of a life: the faults end, everybody comes back, and each grant has one head.

use std::task::{Context, Poll, Waker};

use fixtures::StubVerifier;
use regrant::event::EventKind;

use crate::call::{Call, Credentials, Party, Reply, What};
use crate::dice::Dice;
use crate::judge::Violation;
use crate::ledger::{Bound, Chain, Generation};
use crate::life::Life;
use crate::node::{Node, Shared};
use crate::world::{Faults, Note};

impl Life {
    /// The end: no more faults, and everybody comes back. A thief who shares a chain with its owner must be detected.
    pub(crate) fn finish(&mut self) -> Result<(), Violation> {
        self.world.state().faults = Faults::default();
        self.all_ports_work();
        self.say(|_| "the faults end, and everybody comes back".to_owned());
        self.pass(60_000)?;
        self.each_grant_has_one_head()?;
        let mut dice = Dice::new(self.plan.seed ^ 0x00ff_00ff);
        let bounds = &self.judge.bounds;
        let window =
            bounds.retry(false).1.min(3_600_000).max(bounds.walk().1) + 2 * bounds.margin.min(10_000_000) + 1_000;
        for _ in 0..2 {
            for owner in 0..self.owners.len() {
                self.owner_comes_back(owner, &mut dice)?;
                self.owner_comes_back(owner, &mut dice)?;
            }
            self.pass(window)?;
            for thief in 0..self.thieves.len() {
                self.thief_comes_back(thief, &mut dice)?;
            }
            self.pass(window)?;
        }
        self.every_shared_chain_is_detected()
    }

    /// Presents every known refresh token, each on a copy of its own. At most one may rotate its grant.
    fn each_grant_has_one_head(&self) -> Result<(), Violation> {
        for (chain, grant) in self.judge.ledger.chains.iter().enumerate() {
            let heads = grant.generations.iter().filter(|generation| self.would_rotate(grant, generation)).count();
            if heads > 1 {
                let text = format!("{heads} refresh tokens of chain {chain} are the head");
                return Err(Violation { check: "one-head", text });
            }
        }
        Ok(())
    }

    fn would_rotate(&self, grant: &Chain, generation: &Generation) -> bool {
        let key = match generation.bound {
            Bound::To(key) => key,
            Bound::Unknown => None,
        };
        let call = Call {
            by: Party::Owner(grant.owner),
            node: 0,
            what: What::Refresh,
            credentials: Credentials { client: grant.client, has_secret: true },
            token: generation.token.clone(),
            proof: key.map(|key| (key, 0)),
            has_verifier: false,
            is_narrow: false,
            is_lost: false,
            owner: grant.owner,
        };
        let (_, note) = self.try_out(&call);
        let has = |wanted: &dyn Fn(&EventKind) -> bool| note.events.iter().any(|(_, kind)| wanted(kind));
        has(&|kind| matches!(kind, EventKind::Rotated { .. })) && !has(&|kind| matches!(kind, EventKind::Healed { .. }))
    }

    /// Carries a request out on a copy of the system, with a fresh proof.
    pub(crate) fn try_out(&self, call: &Call) -> (Reply, Note) {
        let world = self.world.scratch();
        let shared = Shared { world: world.clone(), verifier: StubVerifier::default(), ..self.shared.clone() };
        let node = Node::new(&shared, call.node, &self.settings);
        let number = world.register(1);
        world.state().call = number;
        let mut answering = call.clone().start(node, world.clone(), 0);
        let polled = answering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let noted = world.state().notes[number].clone();
        // Nothing waits in a copy: its store has no latency.
        let Poll::Ready(reply) = polled else { return (Reply::none(world.now()), noted) };
        (reply, noted)
    }
}
