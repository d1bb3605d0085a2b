//! A linearizability checker: the search of Wing and Gong, with the memory of Lowe.
//!
//! A history is linearizable if its calls can be put into one order, each at a moment between its request and its
//! answer, in which every answer is that of the [specification](crate::specification). A call without an answer may be
//! at any moment after its request, or be left out. A grant is checked alone: no call concerns two.
//!
//! One answered call may have two effects, because the contract of a store allows it: a write fails, is stored all the
//! same, and is overtaken by another call before the service reads back. The service then decides again about the
//! record that won (ARCHITECTURE.md, the loop). So where no other order exists, an answered call may be preceded,
//! within its own interval, by one attempt of itself whose answer was lost. The verdict counts these calls.
//!
//! A failover is one more event in that order. It may be left out, or it sets the record back, once, to a state that
//! the record had at or after [`lags_from`](Failover::lags_from). So a suffix of the acknowledged writes is lost, never
//! one from the middle, and nothing from before. Every answer, before and after, must still fit.

use std::collections::HashSet;
use std::fmt;

use crate::history::{Call, Failover, History, NEVER, Operation};
use crate::specification::{Grant, Loss, Seen, Windows};

/// Steps after which a search gives up. The longest search of a recorded history took a small part of this.
const LIMIT: usize = 2_000_000;

/// Most elements of an order, in words of 64 bits.
const WORDS: usize = 6;

/// Most calls that decide twice in one order. Each needs a write that failed, was stored, and was overtaken.
const DECIDED_TWICE: usize = 2;

/// A set of elements.
type Bits = [u64; WORDS];

/// The result of a check.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "callers handle every verdict")]
pub enum Verdict {
    /// There is an order, and it needed these losses, and this many calls that decided twice.
    Linearizable(Vec<Loss>, usize),
    /// There is none.
    Refuted(Refutation),
    /// The search was too long.
    Undecided,
}

/// The longest beginning of an order that the search found, and the calls of which none can follow.
#[derive(Clone, Debug)]
pub struct Refutation {
    order: Vec<String>,
    stuck: Vec<Operation>,
}

impl Verdict {
    /// True if there is an order without a loss, in which each call decided once.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Linearizable(losses, 0) if losses.is_empty())
    }

    /// True if there is no order.
    #[must_use]
    pub const fn is_refuted(&self) -> bool {
        matches!(self, Self::Refuted(_))
    }
}

/// Checks a history. Losses are considered only if there is no order without them, and so are calls that decide twice.
///
/// # Panics
/// If the history has too many calls and failovers.
#[must_use]
pub fn check(history: &History, windows: Windows) -> Verdict {
    let attempts = [(false, false), (false, true), (true, false), (true, true)];
    let mut last = Verdict::Undecided;
    for (with_failovers, with_second_decisions) in attempts {
        if with_failovers && history.failovers.is_empty() {
            break;
        }
        last = Search::new(history, windows, with_failovers, with_second_decisions).run();
        if !last.is_refuted() {
            break;
        }
    }
    last
}

/// An element of the order.
#[derive(Clone, Copy)]
enum Event {
    Call(Operation),
    /// The replica follows no more.
    Lags,
    Failover,
}

#[derive(Clone, Copy)]
struct Element {
    event: Event,
    invoked: u64,
    returned: u64,
    /// False for a call without an answer, and for a failover.
    is_mandatory: bool,
    /// For the first of two decisions of an answered call: the call, which comes later.
    second: Option<usize>,
}

/// A state of the search: the elements in the order so far, and the record after them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Node {
    done: Bits,
    grant: Grant,
    /// The states that a failover may set the record back to.
    earlier: Vec<Grant>,
    has_lost: bool,
}

struct Search {
    elements: Vec<Element>,
    windows: Windows,
    visited: HashSet<Node>,
    order: Vec<usize>,
    losses: Vec<Loss>,
    best: Vec<usize>,
    with_second_decisions: bool,
    steps: usize,
}

impl Search {
    fn new(history: &History, windows: Windows, with_failovers: bool, with_second_decisions: bool) -> Self {
        let mut elements: Vec<Element> =
            history.operations.iter().filter(|operation| !is_unanswered_read(operation)).map(Element::of).collect();
        // The order of the answers is a good first guess.
        elements.sort_by_key(|element| (!element.is_mandatory, element.returned, element.invoked));
        if with_second_decisions {
            let numbered = elements.iter().enumerate();
            let first: Vec<Element> = numbered.filter_map(Element::first_decision).collect();
            elements.extend(first);
        }
        if with_failovers {
            elements.extend(history.failovers.iter().flat_map(Element::of_failover));
        }
        assert!(elements.len() <= WORDS * 64, "a history is too long");
        let (order, losses, best) = (Vec::new(), Vec::new(), Vec::new());
        let visited = HashSet::new();
        Self { elements, windows, visited, order, losses, best, with_second_decisions, steps: 0 }
    }

    fn run(mut self) -> Verdict {
        let first = Node { done: [0; WORDS], grant: Grant::default(), earlier: Vec::new(), has_lost: false };
        match self.extend(&first, 0) {
            Some(true) => {
                let twice = self.order.iter().filter(|&&index| self.elements[index].second.is_some()).count();
                Verdict::Linearizable(self.losses, twice)
            }
            Some(false) => Verdict::Refuted(self.refutation()),
            None => Verdict::Undecided,
        }
    }

    /// Extends the order from `node` to the end. `latest` is the latest request in the order. `None`: too many steps.
    fn extend(&mut self, node: &Node, latest: u64) -> Option<bool> {
        self.steps += 1;
        if self.steps > LIMIT {
            return None;
        }
        if self.order.len() > self.best.len() {
            self.best.clone_from(&self.order);
        }
        // Everything that was requested before the first answer to come may be next.
        let Some(first_answer) = self.open(node).map(|(_, element)| element.returned).min() else { return Some(true) };
        let candidates: Vec<usize> = (0..self.elements.len())
            .filter(|&index| !has(node.done, index) && self.elements[index].invoked <= first_answer)
            .filter(|&index| latest <= self.elements[index].returned)
            .filter(|&index| self.may_decide_first(node, index))
            .collect();
        for &index in &candidates {
            if let Some(next) = self.after_read(node, index, latest) {
                return self.visit(next, index, latest, None);
            }
        }
        for (position, &index) in candidates.iter().enumerate() {
            // Of equal calls without answers, the earliest request stands for all.
            if candidates[..position].iter().any(|&other| self.are_equal(other, index)) {
                continue;
            }
            for (next, loss) in self.successors(node, index) {
                if self.visit(next, index, latest, loss)? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }

    /// A first decision comes before the second one, and there are few of them. True for all other elements.
    fn may_decide_first(&self, node: &Node, index: usize) -> bool {
        let Some(second) = self.elements[index].second else { return true };
        let others = self.order.iter().filter(|&&other| self.elements[other].second.is_some());
        !has(node.done, second) && others.count() < DECIDED_TWICE
    }

    fn visit(&mut self, next: Node, index: usize, latest: u64, loss: Option<Loss>) -> Option<bool> {
        if self.visited.contains(&next) {
            return Some(false);
        }
        self.order.push(index);
        self.losses.extend(loss);
        let found = self.extend(&next, latest.max(self.elements[index].invoked))?;
        if !found {
            self.order.pop();
            if loss.is_some() {
                self.losses.pop();
            }
            self.visited.insert(next);
        }
        Some(found)
    }

    /// Returns the states after an element.
    fn successors(&self, node: &Node, index: usize) -> Vec<(Node, Option<Loss>)> {
        let done = with(node.done, index);
        let element = &self.elements[index];
        match &element.event {
            Event::Lags => vec![(Node { done, earlier: vec![node.grant.clone()], ..node.clone() }, None)],
            // The latest state first: the smallest loss.
            Event::Failover => {
                let back = node.earlier.iter().rev().filter_map(|earlier| {
                    let loss = node.grant.loss(earlier)?;
                    let next = Node { done, grant: earlier.clone(), earlier: Vec::new(), has_lost: true };
                    Some((next, Some(loss)))
                });
                back.collect()
            }
            Event::Call(operation) => self
                .apply(node, operation)
                .filter(|(next, _)| element.is_mandatory || *next != node.grant)
                .map(|(grant, seen)| (Node { done, ..after(node, grant, seen.as_ref()) }, None))
                .into_iter()
                .collect(),
        }
    }

    /// Returns the state after an answered call that fits and changes nothing. Such a call need not wait, unless that
    /// would rule out an event that must come before it.
    fn after_read(&self, node: &Node, index: usize, latest: u64) -> Option<Node> {
        let Element { event: Event::Call(operation), is_mandatory: true, invoked, .. } = &self.elements[index] else {
            return None;
        };
        let rules_out = |(other, element): (usize, &Element)| {
            matches!(element.event, Event::Failover)
                && !has(node.done, other)
                && (latest..*invoked).contains(&element.returned)
        };
        let may_decide_twice = self.with_second_decisions && !is_read(operation) && !node.grant.is_revoked();
        if may_decide_twice || self.elements.iter().enumerate().any(rules_out) {
            return None;
        }
        let (grant, seen) = self.apply(node, operation)?;
        (grant == node.grant && seen.is_none()).then(|| Node { done: with(node.done, index), ..node.clone() })
    }

    fn apply(&self, node: &Node, operation: &Operation) -> Option<(Grant, Option<Seen>)> {
        node.grant.apply(&operation.call, operation.answer.as_ref(), self.windows, node.has_lost)
    }

    fn are_equal(&self, one: usize, other: usize) -> bool {
        match (&self.elements[one], &self.elements[other]) {
            (
                Element { event: Event::Call(one), returned: NEVER, .. },
                Element { event: Event::Call(other), returned: NEVER, .. },
            ) => one.call == other.call,
            _ => false,
        }
    }

    /// Elements that must still come.
    fn open(&self, node: &Node) -> impl Iterator<Item = (usize, &Element)> {
        let done = node.done;
        let elements = self.elements.iter().enumerate();
        elements.filter(move |(index, element)| element.is_mandatory && !has(done, *index))
    }

    fn refutation(&self) -> Refutation {
        let name = |index: &usize| match &self.elements[*index].event {
            Event::Call(operation) => operation.to_string(),
            Event::Lags => "the replica lags".to_owned(),
            Event::Failover => "failover".to_owned(),
        };
        let remaining = self.elements.iter().enumerate().filter(|(index, _)| !self.best.contains(index));
        let stuck = remaining.filter_map(|(_, element)| match element.event {
            Event::Call(operation) => Some(operation),
            _ => None,
        });
        Refutation { order: self.best.iter().map(name).collect(), stuck: stuck.take(8).collect() }
    }
}

impl fmt::Display for Refutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the longest order that fits:")?;
        for line in &self.order {
            writeln!(f, "  {line}")?;
        }
        writeln!(f, "none of these can follow:")?;
        for operation in &self.stuck {
            writeln!(f, "  {operation}")?;
        }
        Ok(())
    }
}

impl Element {
    fn of(operation: &Operation) -> Self {
        let is_mandatory = operation.answer.is_some();
        let Operation { invoked, .. } = *operation;
        let returned = if is_mandatory { operation.returned } else { NEVER };
        Self { event: Event::Call(*operation), invoked, returned, is_mandatory, second: None }
    }

    /// The first decision of an answered call that decided twice.
    fn first_decision((number, element): (usize, &Self)) -> Option<Self> {
        let Event::Call(operation) = element.event else { return None };
        operation.answer.filter(|_| !is_read(&operation) && operation.call != Call::Authorize)?;
        let event = Event::Call(Operation { answer: None, ..operation });
        Some(Self { event, is_mandatory: false, second: Some(number), ..*element })
    }

    fn of_failover(failover: &Failover) -> [Self; 2] {
        let Failover { lags_from, begins, ends } = *failover;
        let event =
            |event, invoked, returned, is_mandatory| Self { event, invoked, returned, is_mandatory, second: None };
        [event(Event::Lags, lags_from, lags_from, true), event(Event::Failover, begins, ends, false)]
    }
}

/// A read without an answer says nothing.
fn is_unanswered_read(operation: &Operation) -> bool {
    operation.answer.is_none() && is_read(operation)
}

const fn is_read(operation: &Operation) -> bool {
    matches!(operation.call, Call::Introspect(_) | Call::IntrospectAccess(_))
}

fn after(node: &Node, grant: Grant, seen: Option<&Seen>) -> Node {
    let mut next = Node { grant, ..node.clone() };
    if !next.earlier.is_empty() && next.grant != node.grant {
        next.earlier.push(next.grant.clone());
    }
    if let Some(seen) = seen {
        next.grant.reveal(seen);
        next.earlier.iter_mut().for_each(|earlier| earlier.reveal(seen));
    }
    next
}

const fn has(done: Bits, index: usize) -> bool {
    done[index / 64] & (1 << (index % 64)) != 0
}

const fn with(mut done: Bits, index: usize) -> Bits {
    done[index / 64] |= 1 << (index % 64);
    done
}
