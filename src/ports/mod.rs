//! Traits that connect the service to its surroundings, and the implementations that need no I/O.
//!
//! | port | required | asked | ready implementations |
//! |---|---|---|---|
//! | [`TokenStore`](store::TokenStore) | yes | by every call about a grant | `MemoryStore`, three crates |
//! | [`ClientAuthenticator`](authenticator::ClientAuthenticator) | yes | once per request | two |
//! | [`ClientDirectory`](authenticator::ClientDirectory) | no | by its authenticator | `MemoryClients`, two crates |
//! | [`SubjectGate`](host::SubjectGate) | no | by every use of a grant with a subject | none: every subject is served |
//! | [`GrantApprover`](host::GrantApprover) | no | by flows of the host | none |
//! | [`ClaimsSource`](host::ClaimsSource) | no | before a JWT is signed, by introspection and userinfo | none |
//! | [`RateLimit`](host::RateLimit) | no | before a credential is checked | `AttemptLimit` |
//! | [`JwtIssuer`](jwt::JwtIssuer) | for JWTs | before the write of a response with a JWT | `regrant-jose` |
//! | [`ProofVerifier`](proof::ProofVerifier) | for DPoP | once per request | `regrant-jose` |
//!
//! Three rules hold for all ports. An outage is an error ([`Unavailable`]) and never a refusal, since clients discard
//! their tokens on a refusal. The time is an argument. A port may be an `Arc` of an implementation.

pub mod authenticator;
pub mod host;
pub mod jwt;
pub mod proof;
pub mod store;
mod unavailable;

pub(crate) use unavailable::Unavailable;
