//! The error of the service.
//!
//! A failure of a port keeps its source for the events and the host. The client gets an [`ErrorCode`] alone, so an
//! error text of a database never leaves the server.

use std::error::Error as _;
use std::time::Duration;

use crate::outcome::{ErrorCode, EventKind, Failure, Port, Refusal, chain};
use crate::policy::PolicyError;
use crate::ports::Unavailable;
use crate::ports::authenticator::{AuthenticateError, RateExceeded};
use crate::ports::host::ClaimsError;
use crate::ports::store::StoreError;

/// A request that the service did not answer, with the cause.
///
/// | variant | status | the client |
/// |---|---|---|
/// | `Refused` | 400 or 401 | changes the request, or starts a new session on `invalid_grant` |
/// | `RateLimited` | 429 | sends the same request again, later |
/// | `Contended` | 503 | sends the same request again |
/// | a port failed, and the failure is an outage | 503 | sends the same request again |
/// | a port failed, and the failure will repeat | 500 | waits for the operator |
///
/// The variants name the port for the host. The client learns no more than [`code`](Self::code).
///
/// ```
/// use regrant::store::StoreError;
/// use regrant::{Refusal, TokenError};
/// use regrant::event::ErrorCode;
///
/// // A client ends its session on `invalid_grant`, so an outage never has that code.
/// let outage = TokenError::Store(StoreError::unavailable("connection refused"));
/// assert_eq!((outage.code(), outage.code().status()), (ErrorCode::TemporarilyUnavailable, 503));
/// // A failure that will repeat is no outage.
/// let rejected = TokenError::Store(StoreError::rejected("permission denied for table regrant_grants"));
/// assert_eq!((rejected.code(), rejected.code().status()), (ErrorCode::ServerError, 500));
/// let refused = TokenError::Refused(Refusal::GrantRevoked);
/// assert_eq!((refused.code(), refused.code().status()), (ErrorCode::InvalidGrant, 400));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The request was refused, for good: the same request is refused again. The client acts on the
    /// [`code`](Self::code).
    ///
    /// The polls of a device are the exception. `authorization_pending` and `slow_down` mean that it polls on.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// The [`RateLimit`](crate::host::RateLimit) of the host admits no further attempt, and the credential was not
    /// checked. Or strangers registered as many [clients](crate::wire::ClientRegistration::with_most_per_minute), or
    /// named as many [documents](crate::authenticator::MetadataDocuments::with_most_fetches_per_minute), as a minute
    /// allows.
    #[error("too many attempts")]
    RateLimited {
        /// The time after which another attempt may be admitted.
        retry_after: Duration,
    },
    /// The rate limit failed. The credential was not checked.
    #[error("the rate limit failed")]
    RateLimit(#[source] Unavailable),
    /// Other writers won every race, or the clock or the keys of another node differ. Try again.
    #[error("contended: try again")]
    Contended,
    /// The store failed. The write may be stored or not: the same request again finds out, and gets the answer that the
    /// first one would have got.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// The authenticator failed. The store was not asked.
    #[error("the client authenticator failed")]
    Authenticator(#[source] AuthenticateError),
    /// The subject gate failed. No token was issued, and none was used up.
    ///
    /// The client sends the same request again.
    #[error("the subject gate failed")]
    Gate(#[source] Unavailable),
    /// A DPoP proof could not be verified. No token was issued, and none was used up. The proof itself may be used up:
    /// a client makes a new one for each attempt (RFC 9449 section 11.1).
    #[error("the proof verifier failed")]
    Proof(#[source] Unavailable),
    /// A JWT could not be signed. No token was issued, and none was used up.
    ///
    /// The client sends the same request again: the grant was not stored, so a code is still unused.
    #[error("the JWT issuer failed")]
    Sign(#[source] Unavailable),
    /// A flow of the host could not be decided. No token was issued.
    ///
    /// An assertion may be used up, if the approver marked it before it failed.
    #[error("the grant approver failed")]
    Approver(#[source] Unavailable),
    /// The host's claims are missing or wrong. No token was issued, and none was used up.
    #[error("the claims source failed")]
    Claims(#[source] ClaimsError),
    /// The host could not end a session in the browser. No grant was revoked.
    #[error("the end of the session failed")]
    EndSession(#[source] Unavailable),
    /// A request object could not be verified. Nothing was issued.
    #[error("the verifier of request objects failed")]
    RequestObject(#[source] Unavailable),
    /// The overrides of a client that was looked up at run time contradict the policy of the provider. No token was
    /// issued, and none was used up.
    ///
    /// A retry does not help: repair the overrides of the client.
    #[error("the policy of the client is invalid")]
    Policy(#[source] PolicyError),
}

impl TokenError {
    /// Returns the error of an authenticator that failed: its outage, or a limit of the work that strangers cause.
    pub(super) fn authenticator(cause: impl Into<AuthenticateError>) -> Self {
        let error = cause.into();
        let exceeded = chain(&error).find_map(|cause| cause.downcast_ref()).copied();
        match exceeded {
            Some(RateExceeded { retry_after }) => Self::RateLimited { retry_after },
            None => Self::Authenticator(error),
        }
    }

    /// Returns the error of a refused request. Two refusals are no statement about the token, so the client must try
    /// again: a clock that is behind the record, and a key that differs from the one of the record.
    pub(super) const fn refused(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ClockBehind | Refusal::SuccessorMismatch => Self::Contended,
            refusal => Self::Refused(refusal),
        }
    }

    /// Returns the error code of the protocol (RFC 6749 section 5.2). `invalid_grant` is final: clients end the session
    /// on it.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::RateLimited { .. } => ErrorCode::TooManyRequests,
            _ if self.is_transient() => ErrorCode::TemporarilyUnavailable,
            _ => ErrorCode::ServerError,
        }
    }

    /// Returns true when the same request may succeed later without any change. A [`StoreError`] among the causes
    /// decides, whichever port it came through. The failure of a port without one counts as an outage.
    ///
    /// ```
    /// use regrant::host::Unavailable;
    /// use regrant::store::StoreError;
    /// use regrant::{Refusal, TokenError};
    ///
    /// assert!(TokenError::Gate(Unavailable::new("connection refused")).is_transient());
    /// assert!(!TokenError::Gate(Unavailable::new(StoreError::rejected("no such table"))).is_transient());
    /// assert!(!TokenError::Refused(Refusal::CodeExpired).is_transient());
    /// ```
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.code() == ErrorCode::TemporarilyUnavailable,
            Self::Policy(_) | Self::Claims(ClaimsError::Reserved { .. }) => false,
            _ => chain(self).find_map(|cause| cause.downcast_ref()).is_none_or(StoreError::is_transient),
        }
    }

    /// Returns the port that failed, if one did: the label for an alert of the host.
    #[must_use]
    pub const fn port(&self) -> Option<Port> {
        match self {
            Self::Refused(_) | Self::RateLimited { .. } | Self::Contended => None,
            Self::RateLimit(_) => Some(Port::RateLimit),
            Self::Store(_) => Some(Port::Store),
            Self::Authenticator(_) | Self::Policy(_) => Some(Port::Authenticator),
            Self::Gate(_) => Some(Port::SubjectGate),
            Self::Proof(_) => Some(Port::ProofVerifier),
            Self::Sign(_) => Some(Port::JwtIssuer),
            Self::Approver(_) => Some(Port::GrantApprover),
            Self::Claims(_) => Some(Port::ClaimsSource),
            Self::EndSession(_) => Some(Port::EndSession),
            Self::RequestObject(_) => Some(Port::RequestObjectVerifier),
        }
    }

    /// Returns the kind of the event for this error, and the failure behind it.
    pub(super) fn event(&self) -> (EventKind, Option<Failure<'_>>) {
        let is_transient = self.is_transient();
        let failure = self.port().zip(self.source()).map(|(port, error)| Failure { port, is_transient, error });
        let kind = match self {
            Self::Refused(refusal) => EventKind::Refused(*refusal),
            Self::RateLimited { .. } => EventKind::RateLimited,
            Self::Contended => EventKind::Contended,
            Self::Policy(_) => EventKind::PolicyInvalid,
            Self::Store(error) if error.is_corrupt() => EventKind::RecordCorrupt,
            _ if is_transient => EventKind::Unavailable,
            _ => EventKind::Rejected,
        };
        (kind, failure)
    }
}
