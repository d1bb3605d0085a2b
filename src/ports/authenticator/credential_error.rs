//! Why credentials are not accepted: for the host alone. The client is told `invalid_client`, whatever it is.

use std::error::Error;

/// Why credentials were not found to be those of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The credentials are not those of the client: `invalid_client`.
    #[error("the credentials are not accepted: {0}")]
    Refused(#[from] CredentialRefusal),
    /// Nothing can be told now: 503. The client's keys are out of reach, or the store of used assertions fails.
    #[error("the credentials cannot be verified now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl CredentialError {
    /// An outage, with its cause.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
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

/// The reason for which a client is not authenticated. It repeats nothing of what the client sent.
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
    /// The secret is none of the client's.
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
    /// A reason of the host's own authenticator, in `snake_case`: a word from a fixed list, since it becomes a metric
    /// label.
    #[error("{0}")]
    Other(&'static str),
}

/// The part of a client assertion that is wrong (RFC 7523 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionFault {
    /// No signed JWT, or a claim is missing or mistyped.
    #[error("assertion malformed")]
    Malformed,
    /// `typ` names a token for something else.
    #[error("assertion of another type")]
    Type,
    /// `alg` is none that is accepted from the client.
    #[error("assertion of an algorithm that is not accepted")]
    Algorithm,
    /// The client has no key of this `kid` and `alg`, or several where the assertion names none.
    #[error("assertion of a key that the client does not have")]
    Key,
    /// The signature is not that of the key.
    #[error("assertion with a wrong signature")]
    Signature,
    /// `iss` or `sub` is not the client.
    #[error("assertion of another client")]
    Issuer,
    /// `aud` is not this server.
    #[error("assertion for another audience")]
    Audience,
    /// `exp` is over.
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

/// The part of a client certificate that is wrong (RFC 8705 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No certificate in DER.
    #[error("certificate malformed")]
    Malformed,
    /// The validity is over, or has not begun (RFC 5280 section 4.1.2.5).
    #[error("certificate outside of its validity")]
    Validity,
    /// The subject is not the registered one.
    #[error("certificate of another subject")]
    Subject,
    /// The certificate is none of those that are registered.
    #[error("certificate not registered")]
    Unregistered,
}

impl CredentialRefusal {
    /// A short name, for log fields and metric labels.
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
    /// A short name, for log fields and metric labels.
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
    /// A short name, for log fields and metric labels.
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
