//! Traits that connect the service to its surroundings, and the implementations that need no I/O.

pub mod authenticator;
pub mod host;
pub mod jwt;
pub mod proof;
pub mod store;
mod unavailable;

pub(crate) use unavailable::Unavailable;
