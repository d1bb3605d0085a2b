//! Reasons of failed client authentication, for events and logs. A client gets `invalid_client` for each of them.

use std::error::Error;

use crate::ports::Unavailable;

/// The reason why credentials were not verified as those of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The credentials are not those of the client: `invalid_client`.
    #[error("the credentials are not accepted: {0}")]
    Refused(#[from] CredentialRefusal),
    /// The credentials cannot be verified now: 503. The keys of the client are out of reach, or the store of used
    /// assertions fails.
    #[error("the credentials cannot be verified now")]
    Unavailable(#[from] Unavailable),
}

impl CredentialError {
    /// An outage, with its cause.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(Unavailable::new(cause))
    }
}

impl From<AssertionFault> for CredentialError {
    fn from(fault: AssertionFault) -> Self {
        Self::Refused(CredentialRefusal::Assertion(fault))
    }
}

impl From<CertificateFault> for CredentialError {
    fn from(fault: CertificateFault) -> Self {
        Self::Refused(CredentialRefusal::Certificate(fault))
    }
}

/// The reason for which a client is not authenticated. The texts contain nothing that the client sent.
///
/// ```
/// use regrant::authenticator::{AssertionFault, CredentialRefusal};
///
/// assert_eq!(CredentialRefusal::WrongSecret.as_str(), "wrong_secret");
/// assert_eq!(CredentialRefusal::Assertion(AssertionFault::Audience).as_str(), "assertion_audience");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialRefusal {
    /// No client has this id.
    #[error("unknown client")]
    UnknownClient,
    /// The client has no such secret.
    #[error("wrong secret")]
    WrongSecret,
    /// The client is registered for another authentication method.
    #[error("authentication method not registered for the client")]
    MethodNotRegistered,
    /// The client assertion (RFC 7523 section 3).
    #[error("{0}")]
    Assertion(AssertionFault),
    /// The client certificate (RFC 8705 section 2).
    #[error("{0}")]
    Certificate(CertificateFault),
    /// A reason of the host's own authenticator, in `snake_case`. The text becomes a metric label, so it comes from a
    /// fixed list.
    #[error("{0}")]
    Other(&'static str),
}

/// The faulty part of a client assertion (RFC 7523 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionFault {
    /// Not a signed JWT, or a claim is missing or has the wrong type.
    #[error("assertion malformed")]
    Malformed,
    /// `typ` names a token for something else.
    #[error("assertion of another type")]
    Type,
    /// `alg` is not accepted from the client.
    #[error("assertion of an algorithm that is not accepted")]
    Algorithm,
    /// The client has no key of this `kid` and `alg`, or several where the assertion names none.
    #[error("assertion of a key that the client does not have")]
    Key,
    /// The signature does not verify with the key.
    #[error("assertion with a wrong signature")]
    Signature,
    /// `iss` or `sub` is not the client.
    #[error("assertion of another client")]
    Issuer,
    /// `aud` does not name this server.
    #[error("assertion for another audience")]
    Audience,
    /// `exp` has passed.
    #[error("assertion expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("assertion not valid yet")]
    NotYetValid,
    /// `exp` lies further in the future than is accepted.
    #[error("assertion lives too long")]
    Lifetime,
    /// `jti` was used before.
    #[error("assertion used before")]
    Used,
}

/// The faulty part of a client certificate (RFC 8705 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// Not a certificate in DER.
    #[error("certificate malformed")]
    Malformed,
    /// The current time is outside of the validity period (RFC 5280 section 4.1.2.5).
    #[error("certificate outside of its validity")]
    Validity,
    /// The subject is not the registered one.
    #[error("certificate of another subject")]
    Subject,
    /// The certificate is not registered.
    #[error("certificate not registered")]
    Unregistered,
}

impl CredentialRefusal {
    /// Returns a short name, for log fields and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::WrongSecret => "wrong_secret",
            Self::MethodNotRegistered => "method_not_registered",
            Self::Assertion(fault) => fault.as_str(),
            Self::Certificate(fault) => fault.as_str(),
            Self::Other(reason) => reason,
        }
    }
}

impl AssertionFault {
    /// Returns a short name, for log fields and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "assertion_malformed",
            Self::Type => "assertion_type",
            Self::Algorithm => "assertion_algorithm",
            Self::Key => "assertion_key",
            Self::Signature => "assertion_signature",
            Self::Issuer => "assertion_issuer",
            Self::Audience => "assertion_audience",
            Self::Expired => "assertion_expired",
            Self::NotYetValid => "assertion_not_yet_valid",
            Self::Lifetime => "assertion_lifetime",
            Self::Used => "assertion_used",
        }
    }
}

impl CertificateFault {
    /// Returns a short name, for log fields and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "certificate_malformed",
            Self::Validity => "certificate_validity",
            Self::Subject => "certificate_subject",
            Self::Unregistered => "certificate_unregistered",
        }
    }
}
