//! The rules that hold for each assertion and request object and, in part, for DPoP proofs.

mod algorithms;
mod rules;
mod signature;

pub(crate) use algorithms::Algorithms;
pub(crate) use rules::{Audience, Rules, jti, remembered_until};
pub(crate) use signature::{parse, verify};
