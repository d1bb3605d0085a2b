//! Counts the allocations of a call, and the live heap of a grant, and prints the table.
//!
//! ```text
//! heap calls              allocations and bytes of one call of each work
//! heap grants N,N         live heap of a grant, with so many grants
//! heap rotations [MAX]    live heap of a grant after 1 to MAX rotations
//! ```

use std::env;

use allocation_counter::measure;
use process::growth::{GRANTS, Growing, MILESTONES};
use process::{Caller, Order, SUBJECTS, Work, row};

/// Calls that are counted. More than one, since maps grow now and then.
const CALLS: usize = GRANTS / 4;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["calls"] => calls(),
        ["grants", counts] => counts.split(',').for_each(|count| grants(count.parse().expect("a number"))),
        ["rotations"] => rotations(10_000),
        ["rotations", max] => rotations(max.parse().expect("a number")),
        _ => panic!("the head of src/main.rs names the arguments"),
    }
}

fn calls() {
    for (_, create) in SUBJECTS {
        for caller in [Caller::Public, Caller::Confidential] {
            let mut subject = create(GRANTS, caller);
            let mut order = Order::over(GRANTS);
            for work in Work::ALL.into_iter().filter(|work| work.caller() == caller && !work.scans()) {
                let Some(name) = subject.name(work) else { continue };
                let row = |what: &str, count: u64, unit| {
                    row("heap", &format!("{what}/{}", work.name()), name, 0, count as f64 / CALLS as f64, unit);
                };
                // The first batch makes the buffers of the client's side.
                for is_counted in [false, true] {
                    let places = order.next(CALLS);
                    subject.prepare(work, &places, 1);
                    let counted = measure(|| (0..CALLS).for_each(|slot| subject.call(work, slot)));
                    subject.finish(work, &places);
                    if is_counted {
                        row("allocations", counted.count_total, "1");
                        row("allocated", counted.bytes_total, "B");
                    }
                }
            }
        }
    }
}

fn grants(grants: usize) {
    for (name, create) in SUBJECTS.into_iter().filter(|(name, _)| *name != "floor") {
        let mut subject = None;
        let live = measure(|| subject = Some(create(grants, Caller::Public))).bytes_current;
        let client = subject.expect("created").client_bytes();
        row("growth", &format!("live/{grants}"), name, 0, (live as f64 - client as f64) / grants as f64, "B");
    }
}

fn rotations(max: usize) {
    for (name, create) in SUBJECTS.into_iter().filter(|(name, _)| *name != "floor") {
        let mut growing = None;
        let mut live = measure(|| growing = Some(Growing::new(create))).bytes_current;
        let mut growing = growing.expect("created");
        for milestone in MILESTONES.into_iter().filter(|milestone| *milestone <= max) {
            live += measure(|| growing.rotate_to(milestone)).bytes_current;
            let held = live as f64 - growing.subject.client_bytes() as f64;
            row("growth", &format!("live-after-rotations/{milestone}"), name, 0, held / GRANTS as f64, "B");
        }
    }
}
