//! The lifecycle of tokens, through [`regrant::TokenService`] on a store in memory, a manual clock and reproducible
//! randomness. One file per promise.

mod node;

mod am_parity;
mod code_redemption;
mod concurrency;
mod faults;
mod golden;
mod grace_replay;
mod grant_codec;
mod inspection;
mod lifetimes;
mod model;
mod my_sessions;
mod rfc9700_rotation;
mod rollback;
mod scope;
mod theft;
mod token_spelling;
mod walking;
mod writes;
