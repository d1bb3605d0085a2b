//! Tokens on the store: the promises of the service, kept over real I/O.

mod faults;
mod faulty;
pub(super) mod node;
mod promises;
mod races;
mod repeats;

use crate::store::StoreHarness;
use crate::store::cases::Case;

pub(in crate::store) fn cases<H: StoreHarness>() -> Vec<Case<H>> {
    [races::cases(), promises::cases(), faults::cases(), repeats::cases()].into_iter().flatten().collect()
}
