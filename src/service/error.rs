use std::error::Error;

use crate::authenticator::AuthenticateError;
use crate::error_code::ErrorCode;
use crate::jwt::SignError;
use crate::policy::PolicyError;
use crate::refusal::Refusal;
use crate::store::StoreError;

/// Why the service did not answer a request.
///
/// ```
/// use regrant::store::StoreError;
/// use regrant::{ErrorCode, Refusal, TokenError};
///
/// // A client ends its session on `invalid_grant`, so an outage never says it.
/// let outage = TokenError::Store(StoreError::unavailable("connection refused"));
/// assert_eq!((outage.code(), outage.code().status()), (ErrorCode::TemporarilyUnavailable, 503));
/// let refused = TokenError::Refused(Refusal::GrantRevoked);
/// assert_eq!((refused.code(), refused.code().status()), (ErrorCode::InvalidGrant, 400));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The request was refused, for good.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Other writers kept getting in between, or another node's clock runs ahead. Nothing was consumed; try again.
    #[error("contended: try again")]
    Contended,
    /// The store failed. Nothing was consumed, or a retry will find it so; try again.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The authenticator failed. Nothing was consumed; try again.
    #[error("the client authenticator failed")]
    Authenticator(#[source] AuthenticateError),
    /// The subject gate failed. Nothing was consumed; try again.
    #[error("the subject gate failed")]
    Gate(#[source] Box<dyn Error + Send + Sync>),
    /// A DPoP proof could not be verified now. Nothing was consumed; try again.
    #[error("the proof verifier failed")]
    Proof(#[source] Box<dyn Error + Send + Sync>),
    /// A JWT could not be signed now. Nothing was consumed; try again.
    #[error("the JWT issuer failed")]
    Sign(#[source] SignError),
    /// The overrides of a client that was looked up at run time contradict the provider's policy.
    #[error("the policy of the client is invalid")]
    Policy(#[source] PolicyError),
}

impl TokenError {
    /// The protocol's word for it. `invalid_grant` is said only when it is terminal: clients end the session on it.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Contended
            | Self::Store(_)
            | Self::Authenticator(_)
            | Self::Gate(_)
            | Self::Proof(_)
            | Self::Sign(_) => ErrorCode::TemporarilyUnavailable,
            Self::Policy(_) => ErrorCode::ServerError,
        }
    }
}
