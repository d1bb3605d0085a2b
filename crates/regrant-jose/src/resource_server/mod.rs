//! The resource server's side: is this access token good for this request, and what is the client told if not.
//!
//! [`ResourceServer`] judges requests (RFC 6750, RFC 9449 section 7, RFC 8705 section 3). Whether a token is good at all it
//! asks a [`VerifyAccessToken`]: [`JwtVerifier`] sees for itself, [`IntrospectionVerifier`] asks the authorization server.

mod challenge;
mod credentials;
mod denial;
mod introspection;
mod jwt_verifier;
mod server;
mod verified_token;
mod verify;

pub use denial::{Denial, DenialReason};
pub use introspection::{Introspect, IntrospectionError, IntrospectionResponse, IntrospectionVerifier};
pub use jwt_verifier::JwtVerifier;
pub use server::{Authenticated, ResourceServer};
pub use verified_token::VerifiedToken;
pub use verify::{InvalidToken, VerifyAccessToken, VerifyError};
