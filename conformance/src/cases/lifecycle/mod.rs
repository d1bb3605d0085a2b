//! What becomes of tokens on the store: the promises of the service, kept over real I/O.

mod faults;
mod promises;
mod races;

pub use faults::*;
pub use promises::*;
pub use races::*;

mod faulty;
mod node;
