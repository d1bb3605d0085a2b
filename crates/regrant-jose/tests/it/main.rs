//! The tests of `regrant-jose`, in one binary: it links once.

#![expect(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by failing")]

mod client_assertions;
mod client_certificates;
mod client_key;
mod dpop;
mod expiry;
mod fapi2;
#[cfg(feature = "http")]
mod http;
mod jwt_bearer;
mod key_set;
mod keys;
mod oracle;
mod properties;
mod published_keys;
mod reasons;
mod refusals;
mod registered_keys;
mod replay_cache;
mod request_objects;
mod resource_server;
mod support;
mod token_endpoint;
mod tokens;
mod vectors;
