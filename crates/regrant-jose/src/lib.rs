#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod algorithm;
mod assertion;
mod base64url;
pub mod bearer;
pub mod certificate;
pub mod client_assertion;
pub mod dpop;
#[cfg(feature = "http")]
pub mod http;
mod jwk;
pub mod jws;
pub mod key;
mod registered_keys;
pub mod request_object;
pub mod resource_server;
mod tokens;

pub use algorithm::Algorithm;
pub use dpop::verifier::DpopVerifier;
pub use jwk::{Jwk, JwkSet};
pub use key::private_key::PrivateKey;
pub use key::set::KeySet;
pub use key::signer::Signer;
pub use key::source::KeySource;
pub use registered_keys::RegisteredKeys;
pub use resource_server::jwt_verifier::JwtVerifier;
pub use resource_server::server::ResourceServer;
pub use tokens::JwtTokens;
