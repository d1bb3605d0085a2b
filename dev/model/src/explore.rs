//! The explorer: every state that a configuration can reach, in the order of the number of steps. The first failure has
//! the fewest steps.
//!
//! A visited state is remembered by 128 bits of its hash. For 10^7 states the probability that two of them collide, so
//! that one is not explored, is below 10^-24.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::config::Config;
use crate::properties::{Landmarks, Property, judge};
use crate::state::State;
use crate::step::Action;

/// The result of an exploration.
#[derive(Debug)]
pub struct Report {
    /// The number of states reached.
    pub states: usize,
    /// The number of steps taken between them.
    pub steps: usize,
    /// The largest number of steps that a state is away from the first one.
    pub depth: usize,
    pub seen: Landmarks,
    pub failure: Option<Failure>,
}

/// A broken property, and the shortest way to it.
#[derive(Debug)]
pub struct Failure {
    pub property: Property,
    pub trace: Vec<Action>,
}

/// Explores every state of `config`, or as many as it takes to find a failure.
#[must_use]
pub fn explore(config: &Config) -> Report {
    explore_up_to(usize::MAX, config)
}

/// Explores `config` until so many states were reached.
#[must_use]
pub fn explore_up_to(limit: usize, config: &Config) -> Report {
    let mut first = State::first(config);
    first.normalize();
    let mut visited: HashSet<u128, BuildHasherDefault<Taken>> = HashSet::default();
    visited.insert(fingerprint(&first));
    // The step that first led to each state, and the state that it left.
    let mut ways: Vec<(u32, Action)> = vec![(0, Action::Tick)];
    let mut frontier = vec![(0_u32, first)];
    let mut report = Report { states: 1, steps: 0, depth: 0, seen: Landmarks::default(), failure: None };
    while !frontier.is_empty() && report.states < limit {
        let mut next = Vec::new();
        for (from, state) in &frontier {
            for action in state.actions(config) {
                report.steps += 1;
                let mut after = state.after(&action, config);
                match judge(config, state, &action, &after) {
                    Ok(seen) => report.seen.extend(seen),
                    Err(property) => {
                        report.failure = Some(Failure { property, trace: way(&ways, *from, action) });
                        return report;
                    }
                }
                after.settle();
                after.normalize();
                if visited.insert(fingerprint(&after)) {
                    next.push((u32::try_from(ways.len()).unwrap_or(u32::MAX), after));
                    ways.push((*from, action));
                    report.states += 1;
                }
            }
        }
        report.depth += usize::from(!next.is_empty());
        frontier = next;
    }
    report
}

fn way(ways: &[(u32, Action)], mut from: u32, last: Action) -> Vec<Action> {
    let mut trace = vec![last];
    while from != 0 {
        let (before, action) = ways[from as usize];
        trace.push(action);
        from = before;
    }
    trace.reverse();
    trace
}

fn fingerprint(state: &State) -> u128 {
    let mut hasher = Lanes::default();
    state.hash(&mut hasher);
    hasher.fold(0);
    hasher.fold(0);
    u128::from(hasher.lanes[0]) << 64 | u128::from(hasher.lanes[1])
}

/// Two hashes of 64 bits in one pass: each word is multiplied into both lanes, and the halves of the product are
/// folded.
struct Lanes {
    lanes: [u64; 2],
    word: u64,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { lanes: [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344], word: 1 }
    }
}

impl Lanes {
    fn fold(&mut self, word: u64) {
        for (lane, factor) in self.lanes.iter_mut().zip([0xa409_3822_299f_31d1_u64, 0x082e_fa98_ec4e_6c89]) {
            let product = u128::from(*lane ^ self.word) * u128::from(factor);
            let [low, high] = [product, product >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)));
            *lane = low.unwrap_or(0) ^ high.unwrap_or(0) ^ lane.rotate_left(23);
        }
        self.word = word;
    }
}

impl Hasher for Lanes {
    fn finish(&self) -> u64 {
        self.lanes[0]
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // A word is full when the bit that marks its begin reaches the last byte.
            if self.word >> 56 != 0 {
                self.fold(1);
            }
            self.word = self.word << 8 | u64::from(*byte);
        }
    }

    /// The discriminant of an enum: all of them fit into a byte.
    fn write_isize(&mut self, number: isize) {
        self.write(&number.to_le_bytes()[..1]);
    }
}

/// Takes a fingerprint as its own hash.
#[derive(Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(8) {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }
}
