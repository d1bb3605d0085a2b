//! What becomes of tokens on the store: the promises of the service, kept over real I/O.

mod faults;
mod promises;
mod races;
mod repeats;

pub use faults::*;
pub use promises::*;
pub use races::*;
pub use repeats::*;

mod faulty;
pub(super) mod node;
