use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;

use super::VerifiedToken;
use crate::error::JwsError;

/// Tells whether an access token is good, whoever shows it.
///
/// # Contract
/// * It says what the issuer says of the token. Scope and possession of the key are judged by the
///   [`ResourceServer`](super::ResourceServer), for each request anew.
/// * A token that it cannot judge now is [unavailable](VerifyError::Unavailable), neither good nor invalid: clients throw
///   invalid tokens away.
/// * It is given whatever clients send.
#[async_trait]
pub trait VerifyAccessToken: Send + Sync {
    /// What the token is good for at `now`.
    ///
    /// # Errors
    /// When it is not good, or when that cannot be told.
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError>;
}

#[async_trait]
impl<V: VerifyAccessToken + ?Sized> VerifyAccessToken for Arc<V> {
    async fn verify(&self, token: &AccessToken, now: Timestamp) -> Result<VerifiedToken, VerifyError> {
        (**self).verify(token, now).await
    }
}

/// Why a token was not found good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is not good: `invalid_token`.
    #[error("the access token is not valid")]
    Invalid(#[from] InvalidToken),
    /// It cannot be told now: 503.
    #[error("the access token cannot be verified now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// What is wrong with an access token: for logs. Clients are told `invalid_token`, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// It is longer than any token.
    #[error("the token is too long")]
    TooLong,
    /// It is not a signed JWT that is understood, or a claim is missing or mistyped.
    #[error("the token is malformed")]
    Malformed(#[from] JwsError),
    /// It is another kind of token: an `id_token`, an assertion, a refresh token.
    #[error("the token is no access token")]
    NotAccessToken,
    /// `alg` is none that is accepted.
    #[error("the algorithm of the token is not accepted")]
    Algorithm,
    /// The issuer has no key of this `kid` and `alg`.
    #[error("the token names a key that the issuer does not have")]
    Key,
    /// The signature is not that of the issuer's key.
    #[error("the token is not signed by a key of the issuer")]
    Signature,
    /// It is of another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// It is for another resource server.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The authorization server says that it is not active: expired, revoked, never issued, or not for this resource server.
    #[error("the token is not active")]
    Inactive,
    /// It is not bound to the key that the request would have to show possession of.
    #[error("the token is not bound to a key")]
    Unbound,
    /// It is bound to a DPoP key, and came without proof as a bearer token.
    #[error("the token is bound to a key of which the request shows no proof")]
    WithoutProof,
    /// It is bound to a client certificate that the connection does not have.
    #[error("the token is bound to another certificate")]
    Certificate,
}

impl InvalidToken {
    /// A short name, for log fields and metric labels.
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
