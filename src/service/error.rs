use std::error::Error;

use crate::outcome::{ErrorCode, EventKind, Failure, Port, Refusal, chain};
use crate::policy::PolicyError;
use crate::ports::authenticator::AuthenticateError;
use crate::ports::jwt::SignError;
use crate::ports::store::StoreError;

/// Why the service did not answer a request.
///
/// ```
/// use regrant::store::StoreError;
/// use regrant::{Refusal, TokenError};
/// use regrant::event::ErrorCode;
///
/// // A client ends its session on `invalid_grant`, so an outage never says it.
/// let outage = TokenError::Store(StoreError::unavailable("connection refused"));
/// assert_eq!((outage.code(), outage.code().status()), (ErrorCode::TemporarilyUnavailable, 503));
/// // What trying again cannot mend is no outage.
/// let rejected = TokenError::Store(StoreError::rejected("permission denied for table regrant_grants"));
/// assert_eq!((rejected.code(), rejected.code().status()), (ErrorCode::ServerError, 500));
/// let refused = TokenError::Refused(Refusal::GrantRevoked);
/// assert_eq!((refused.code(), refused.code().status()), (ErrorCode::InvalidGrant, 400));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The request was refused, for good.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Other writers kept getting in between, or another node's clock runs ahead; try again.
    #[error("contended: try again")]
    Contended,
    /// The store failed. What was to be stored may be stored or not: the same request again finds out, and is answered
    /// as the first one would have been.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The authenticator failed. The store was not asked.
    #[error("the client authenticator failed")]
    Authenticator(#[source] AuthenticateError),
    /// The subject gate failed. No token was issued, and none was used up.
    #[error("the subject gate failed")]
    Gate(#[source] Box<dyn Error + Send + Sync>),
    /// A DPoP proof could not be verified. No token was issued, and none was used up. The proof may be: a client makes
    /// a new one for each attempt.
    #[error("the proof verifier failed")]
    Proof(#[source] Box<dyn Error + Send + Sync>),
    /// A JWT could not be signed. No token was issued, and none was used up.
    #[error("the JWT issuer failed")]
    Sign(#[source] SignError),
    /// A flow of the host's own could not be decided. No token was issued.
    #[error("the grant approver failed")]
    Approver(#[source] Box<dyn Error + Send + Sync>),
    /// The overrides of a client that was looked up at run time contradict the provider's policy. No
    /// token was issued, and none was used up.
    #[error("the policy of the client is invalid")]
    Policy(#[source] PolicyError),
}

impl TokenError {
    /// The protocol's word for it. `invalid_grant` is said only when it is terminal: clients end the session on it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            _ if self.is_transient() => ErrorCode::TemporarilyUnavailable,
            _ => ErrorCode::ServerError,
        }
    }

    /// True when the same request may succeed later without anybody's doing. A [`StoreError`] among the causes tells,
    /// whichever port it came through; the failure of a port that says no more is taken for an outage.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.code() == ErrorCode::TemporarilyUnavailable,
            Self::Policy(_) => false,
            _ => chain(self).find_map(|cause| cause.downcast_ref()).is_none_or(StoreError::is_transient),
        }
    }

    /// The port that failed, if one did.
    #[must_use]
    pub const fn port(&self) -> Option<Port> {
        match self {
            Self::Refused(_) | Self::Contended => None,
            Self::Store(_) => Some(Port::Store),
            Self::Authenticator(_) | Self::Policy(_) => Some(Port::Authenticator),
            Self::Gate(_) => Some(Port::SubjectGate),
            Self::Proof(_) => Some(Port::ProofVerifier),
            Self::Sign(_) => Some(Port::JwtIssuer),
            Self::Approver(_) => Some(Port::GrantApprover),
        }
    }

    /// The kind of the event, and the failure in it.
    pub(super) fn told(&self) -> (EventKind, Option<Failure<'_>>) {
        let is_transient = self.is_transient();
        let failure = self.port().zip(self.source()).map(|(port, error)| Failure { port, is_transient, error });
        let kind = match self {
            Self::Refused(refusal) => EventKind::Refused(*refusal),
            Self::Contended => EventKind::Contended,
            Self::Policy(_) => EventKind::PolicyInvalid,
            Self::Store(error) if error.is_corrupt() => EventKind::RecordCorrupt,
            _ if is_transient => EventKind::Unavailable,
            _ => EventKind::Rejected,
        };
        (kind, failure)
    }
}
