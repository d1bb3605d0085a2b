//! Verification of access tokens at a resource server, and the responses to requests that are refused.
//!
//! [`ResourceServer`](crate::ResourceServer) authenticates requests (RFC 6750, RFC 9449 section 7, RFC 8705 section 3).
//! A [`Requirement`] states the demands of a route: scope, and how and when the user signed in (RFC 9470).
//! It verifies tokens with a [`VerifyAccessToken`]: [`JwtVerifier`](crate::JwtVerifier) verifies locally,
//! [`IntrospectionVerifier`] asks the authorization server.

mod challenge;
mod credentials;
mod denial;
mod introspection;
pub(crate) mod jwt_verifier;
mod metadata;
mod requirement;
pub(crate) mod server;
mod verified_token;
mod verify;

pub use denial::{Denial, DenialReason};
pub use introspection::{Introspect, IntrospectionError, IntrospectionResponse, IntrospectionVerifier};
pub use metadata::{NoDocumentUrl, ResourceMetadata};
pub use requirement::Requirement;
pub use server::AuthenticatedRequest;
pub use verified_token::VerifiedToken;
pub use verify::{InvalidToken, VerifyAccessToken, VerifyError};
