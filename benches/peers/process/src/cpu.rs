//! CPU time of this thread, and the calls that it is measured over.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Order, Subject, Work};

/// Calls between two readings of the clock. A reading takes about 300 ns.
const BATCH: usize = 256;

/// Calls of one turn.
const CALLS: usize = 20 * BATCH;

/// A turn ends early after this time, so that work which scans all grants can be measured too.
const ENOUGH: Duration = Duration::from_millis(300);

/// Measures one turn of a subject and returns the CPU time of a call in nanoseconds.
///
/// The grants are visited in `order`, each at most once a batch. With one grant, all calls of a batch are for it.
pub fn turn(subject: &mut dyn Subject, work: Work, order: &mut Order) -> f64 {
    let (mut spent, mut calls) = (Duration::ZERO, 0);
    let (mut batch, most) = if work.scans() { (1, 2 * BATCH) } else { (BATCH, CALLS) };
    while calls < most && spent < ENOUGH {
        let places = order.next(batch);
        let rounds = if order.len() == 1 { BATCH } else { 1 };
        subject.prepare(work, &places, rounds);
        let begin = now();
        for _ in 0..rounds {
            for slot in 0..places.len() {
                subject.call(work, slot);
            }
        }
        let taken = now() - begin;
        subject.finish(work, &places);
        // The first call of work that may scan decides how many of them a batch has.
        if batch == 1 && taken < ENOUGH / 256 {
            batch = BATCH;
            continue;
        }
        spent += taken;
        calls += rounds * places.len();
    }
    // An introspection leaves nothing, and a sweep moves the clock: the access tokens would expire after some turns.
    if work.base() != Work::Introspect {
        subject.sweep();
    }
    spent.as_secs_f64() * 1e9 / calls as f64
}

/// Returns the CPU time of this thread.
pub fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time after the start of the thread")
}

/// Returns the memory that the process holds, in bytes.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
    1024 * line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes")
}
