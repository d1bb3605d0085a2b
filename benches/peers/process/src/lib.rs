//! The same work for regrant and its peers, over equal grants, on one thread.
//!
//! A measured call begins with the token as text (or with the bytes of the form) and ends with the answer read and
//! dropped. The client's side is the same for all: it copies the new tokens out of the answer.

mod clock;
pub mod cpu;
pub mod growth;
mod order;
mod session;
pub mod subject;
mod work;

pub use order::Order;
pub use subject::{Create, SUBJECTS, Subject};
pub use work::{Caller, Work};

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The scope of every grant.
pub const SCOPE: &str = "openid profile email offline_access";

/// The client of every grant.
pub const CLIENT: &str = "app";

/// The secret of that client where it authenticates.
pub const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpWhD3kq0vX7Z";

/// The name of the resource owner of the grant with this number. Each grant has another one.
#[must_use]
pub fn owner(number: usize) -> String {
    format!("user-{number}@example.com")
}

/// Runs a future of a memory store, which never waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a memory store never waits"),
    }
}

/// Prints one line of the table that `report` reads: part, work, subject, turn, value, unit.
pub fn row(part: &str, work: &str, subject: &str, turn: usize, value: f64, unit: &str) {
    println!("{part}\t{work}\t{subject}\t{turn}\t{value:.3}\t{unit}");
}
