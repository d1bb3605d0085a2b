//! The rules that hold for each assertion and, in part, for DPoP proofs.

mod algorithms;
mod rules;

pub(crate) use algorithms::Algorithms;
pub(crate) use rules::{Audience, Rules, jti, remembered_until};
