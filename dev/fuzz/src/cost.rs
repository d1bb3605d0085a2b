//! The cost of the product: memory in every run, CPU time on request.

use std::cell::Cell;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The memory that every call may use at its peak, in bytes: tables, keys, a grant and its answer.
const MEMORY: u64 = 64 * 1024;
/// The memory that each byte of input may need in addition. The most expensive inputs are a name of many empty parts
/// (about 110 bytes for each byte) and a JSON array of empty arrays.
const MEMORY_PER_BYTE: u64 = 128;

/// The most expensive call of the product since the last [`take_cost`] of the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// CPU time of the thread.
    pub time: Duration,
    /// Peak of the allocated memory in bytes.
    pub memory: u64,
}

thread_local! {
    static COST: Cell<Cost> = const { Cell::new(Cost { time: Duration::ZERO, memory: 0 }) };
}

/// Runs a call of the product on `length` bytes of input. Everything that a target does besides, such as signing, stays
/// outside.
///
/// # Panics
/// When the call needs more memory than its input justifies.
pub fn product<T>(length: usize, call: impl FnOnce() -> T) -> T {
    let mut result = None;
    let start = cpu_time();
    let memory = allocation_counter::measure(|| result = Some(call())).bytes_max;
    let time = cpu_time().saturating_sub(start);
    let bound = MEMORY + MEMORY_PER_BYTE * length as u64;
    assert!(memory <= bound, "{memory} bytes of memory for an input of {length} bytes; the bound is {bound}");
    COST.with(|cost| {
        let Cost { time: slowest, memory: largest } = cost.get();
        cost.set(Cost { time: slowest.max(time), memory: largest.max(memory) });
    });
    result.expect("the call returned")
}

/// Returns the cost of the most expensive call, and starts anew.
pub fn take_cost() -> Cost {
    COST.take()
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or_default())
}
