#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod algorithm;
mod assertion;
mod base64url;
mod bearer;
mod certificate;
mod claims;
mod dpop;
mod error;
mod json;
mod jwk;
mod jws;
mod key_set;
mod private_key;
mod resource_server;
mod signer;
mod tokens;

pub use algorithm::Algorithm;
pub use assertion::{AssertionVerifier, ClientAssertions, KeySource, KeysUnavailable, ResolveKeys};
pub use bearer::{JwtBearerFlow, ResolveSubject, TrustedIssuer};
pub use certificate::{
    CertificateSubject, DistinguishedName, InvalidDistinguishedName, SelfSignedTlsClientAuth, TlsClientAuth,
};
pub use claims::Claims;
pub use dpop::{DpopKey, DpopNonces, DpopVerifier, ReplayCache, ReplayCacheFull, UnsignedProof};
pub use error::{JwsError, KeyError};
pub use jwk::{Jwk, JwkSet};
pub use jws::Jws;
pub use key_set::{KeySet, KeySetError};
pub use private_key::PrivateKey;
pub use resource_server::{
    Authenticated, Denial, DenialReason, Introspect, IntrospectionError, IntrospectionResponse, IntrospectionVerifier,
    InvalidToken, JwtVerifier, ResourceServer, VerifiedToken, VerifyAccessToken, VerifyError,
};
pub use signer::Signer;
pub use tokens::{ClaimsSource, JwtTokens};
