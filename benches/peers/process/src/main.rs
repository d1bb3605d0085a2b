//! Measures the subjects in turns A B C A B C, by the CPU time of this thread, and prints the table.
//!
//! ```text
//! process [--turns 21] [--first-turn 0] [--grants 1,1000,1000000] [--works refresh,introspect] [--subjects regrant]
//! process --rotations [--turns 5]         time of a call after 1 to 10 000 rotations of each grant
//! process --resident SUBJECT GRANTS       memory of a process with so many grants
//! ```

use std::env;
use std::process::exit;

use process::cpu::{resident, turn};
use process::growth::{GRANTS, Growing, MILESTONES};
use process::{Caller, Create, Order, SUBJECTS, Subject, Work, row};

struct Options {
    turns: usize,
    first_turn: usize,
    grants: Vec<usize>,
    works: Option<Vec<String>>,
    subjects: Option<Vec<String>>,
}

fn main() {
    let mut options =
        Options { turns: 21, first_turn: 0, grants: vec![1, 1000, 1_000_000], works: None, subjects: None };
    let mut by_rotations = false;
    let mut arguments = env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| usage(&name));
        match name.as_str() {
            "--turns" => options.turns = number(&value()),
            "--first-turn" => options.first_turn = number(&value()),
            "--grants" => options.grants = list(&value()).iter().map(|grants| number(grants)).collect(),
            "--works" => options.works = Some(list(&value())),
            "--subjects" => options.subjects = Some(list(&value())),
            "--rotations" => by_rotations = true,
            "--resident" => return print_resident(&value(), number(&value())),
            _ => usage(&name),
        }
    }
    if by_rotations {
        options.grow();
    } else {
        options.compare();
    }
}

impl Options {
    fn compare(&self) {
        for &grants in &self.grants {
            let order = Order::over(grants);
            let works: Vec<Work> = self.works(grants).collect();
            for together in works.chunk_by(|one, next| one.base() == next.base()) {
                let caller = together[0].caller();
                eprintln!("process: {} with {grants} grants", together[0].name());
                // Only subjects that do some of the work, which one grant shows.
                let able = self.creators().filter(|create| {
                    let subject = create(1, caller);
                    together.iter().any(|work| subject.name(*work).is_some())
                });
                let mut subjects: Vec<Box<dyn Subject>> = able.map(|create| create(grants, caller)).collect();
                self.measure(together, &mut subjects, &order);
            }
        }
    }

    /// Measures works in turns: all of them, of all subjects.
    fn measure(&self, works: &[Work], subjects: &mut [Box<dyn Subject>], order: &Order) {
        let mut orders: Vec<Order> = subjects.iter().map(|_| order.clone()).collect();
        for number in 0..self.turns {
            for (subject, order) in subjects.iter_mut().zip(&mut orders) {
                for &work in works {
                    let Some(name) = subject.name(work) else { continue };
                    let nanos = turn(subject.as_mut(), work, order);
                    let work = format!("{}/{}", work.name(), order.len());
                    row("process", &work, name, self.first_turn + number, nanos, "ns");
                }
            }
        }
    }

    fn works(&self, grants: usize) -> impl Iterator<Item = Work> {
        Work::ALL
            .into_iter()
            .filter(move |work| grants >= 1000 || !work.needs_many())
            .filter(|work| self.works.as_ref().is_none_or(|works| works.iter().any(|name| name == work.name())))
    }

    fn creators(&self) -> impl Iterator<Item = Create> {
        SUBJECTS
            .into_iter()
            .filter(|(name, _)| self.subjects.as_ref().is_none_or(|subjects| subjects.iter().any(|own| own == name)))
            .map(|(_, create)| create)
    }

    /// Measures laps at each number of rotations. A lap is a rotation too.
    fn grow(&self) {
        let mut growing: Vec<Growing> = self.creators().map(Growing::new).collect();
        for milestone in MILESTONES {
            growing.iter_mut().for_each(|growing| growing.rotate_to(milestone));
            for work in [Work::Refresh, Work::Introspect] {
                for number in 0..self.turns {
                    for growing in &mut growing {
                        let Some(name) = growing.subject.name(work) else { continue };
                        let nanos = growing.lap(work).as_secs_f64() * 1e9 / GRANTS as f64;
                        let work = format!("{}-after-rotations/{milestone}", work.name());
                        row("growth", &work, name, number, nanos, "ns");
                    }
                }
            }
        }
    }
}

/// Prints the memory of a grant, that of the client's side subtracted.
fn print_resident(name: &str, grants: usize) {
    let (_, create) = SUBJECTS.into_iter().find(|(own, _)| *own == name).unwrap_or_else(|| usage(name));
    let before = resident();
    let subject = create(grants, Caller::Public);
    let held = (resident() - before) as f64 - subject.client_bytes() as f64;
    row("growth", &format!("resident/{grants}"), name, 0, held / grants as f64, "B");
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| usage(text))
}

fn usage(cause: &str) -> ! {
    eprintln!("process: cannot use {cause}; the head of src/main.rs names the options");
    exit(2)
}
