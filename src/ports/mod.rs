//! Traits through which the outside comes in, and the implementations that need no I/O.

pub mod authenticator;
pub mod host;
pub mod jwt;
pub mod proof;
pub mod store;
