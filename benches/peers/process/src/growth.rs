//! Growth with the number of rotations.

use std::time::Duration;

use crate::cpu::now;
use crate::{Caller, Create, Order, Subject, Work};

/// Rotations of each grant at which something is measured.
pub const MILESTONES: [usize; 5] = [1, 10, 100, 1000, 10_000];

/// Grants that are rotated.
pub const GRANTS: usize = 1000;

/// A subject whose grants are rotated.
pub struct Growing {
    pub subject: Box<dyn Subject>,
    order: Order,
    rotations: usize,
}

impl Growing {
    #[must_use]
    pub fn new(create: Create) -> Self {
        Self { subject: create(GRANTS, Caller::Public), order: Order::over(GRANTS), rotations: 0 }
    }

    /// Rotates each grant until it has this number of rotations, half an hour apart. Sweeps every day, and at the end.
    pub fn rotate_to(&mut self, rotations: usize) {
        while self.rotations < rotations {
            self.lap(Work::Refresh);
            if self.rotations.is_multiple_of(48) || self.rotations == rotations {
                self.subject.sweep();
            }
        }
    }

    /// Does the work once for each grant. Returns the CPU time of the calls.
    pub fn lap(&mut self, work: Work) -> Duration {
        let places = self.order.next(GRANTS);
        self.subject.prepare(work, &places, 1);
        let begin = now();
        for slot in 0..places.len() {
            self.subject.call(work, slot);
        }
        let taken = now() - begin;
        self.subject.finish(work, &places);
        self.rotations += usize::from(work == Work::Refresh);
        taken
    }
}
