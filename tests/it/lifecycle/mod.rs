//! The life of tokens, driven through [`regrant::TokenService`] on a store in memory, a clock that is set by hand and
//! randomness that repeats. One file per promise.

mod ports;
mod probe;
mod world;

mod am_parity;
mod code_redemption;
mod concurrency;
mod faults;
mod golden;
mod grace_replay;
mod grant_codec;
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
