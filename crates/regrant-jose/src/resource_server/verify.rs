use std::sync::Arc;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;
use regrant::host::Unavailable;

use super::VerifiedToken;
use crate::jws::JwsError;

/// Verifies access tokens, regardless of who presents them.
///
/// # Contract
/// * The result is the statement of the issuer. The [`ResourceServer`](crate::ResourceServer) checks scope and
///   possession of the key for each request.
/// * A token that cannot be verified for now is [unavailable](VerifyError::Unavailable), neither valid nor invalid:
///   clients discard invalid tokens.
/// * The input is untrusted: any text that clients send.
#[async_trait]
pub trait VerifyAccessToken: Send + Sync {
    /// Verifies the token at `now`.
    ///
    /// # Errors
    /// When the token is invalid, or cannot be verified for now.
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError>;
}

#[async_trait]
impl<V: VerifyAccessToken + ?Sized> VerifyAccessToken for Arc<V> {
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError> {
        (**self).verify(token, now).await
    }
}

/// The reason why a token was not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is invalid: `invalid_token`.
    #[error("the access token is not valid")]
    Invalid(#[from] InvalidToken),
    /// The token cannot be verified for now: 503.
    #[error("the access token cannot be verified now")]
    Unavailable(#[source] Unavailable),
}

/// The fault of an access token, for logs. Clients always get `invalid_token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// The token is longer than any valid one.
    #[error("the token is too long")]
    TooLong,
    /// The token is not a supported signed JWT, or a claim is missing or mistyped.
    #[error("the token is malformed")]
    Malformed(#[from] JwsError),
    /// The token is of another kind: an `id_token`, an assertion, a refresh token.
    #[error("the token is not an access token")]
    NotAccessToken,
    /// The `alg` is not accepted.
    #[error("the algorithm of the token is not accepted")]
    Algorithm,
    /// The issuer has no key with this `kid` and `alg`.
    #[error("the issuer has no key with the key id of the token")]
    Key,
    /// The signature is invalid.
    #[error("the token is not signed by a key of the issuer")]
    Signature,
    /// The issuer is another one.
    #[error("the token is from another issuer")]
    Issuer,
    /// The token is for another resource server.
    #[error("the token is for another audience")]
    Audience,
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The authorization server reports the token as not active: expired, revoked, never issued, or not for this
    /// resource server.
    #[error("the token is not active")]
    Inactive,
    /// The token is not bound, but the request or the server needs a bound token.
    #[error("the token is not bound to a key")]
    Unbound,
    /// The token is bound to a DPoP key, but was sent as a bearer token without proof.
    #[error("the token is bound to a DPoP key, but the request has no proof")]
    WithoutProof,
    /// The token is bound to a client certificate that the connection does not have.
    #[error("the token is bound to another certificate")]
    Certificate,
}

impl InvalidToken {
    /// A short name for log fields and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "token_too_long",
            Self::Malformed(_) => "token_malformed",
            Self::NotAccessToken => "token_no_access_token",
            Self::Algorithm => "token_algorithm",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Inactive => "token_inactive",
            Self::Unbound => "token_unbound",
            Self::WithoutProof => "token_without_proof",
            Self::Certificate => "token_certificate",
        }
    }
}
