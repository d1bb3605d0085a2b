use std::error::Error;
use std::fmt;

use regrant::event::ErrorCode;
use regrant::proof::{ProofError, ProofFault};
use regrant::wire::Response;
use serde_json::json;

use super::{InvalidToken, VerifyError};

/// A request that is not served: what the client is told, and what was really wrong.
#[derive(Debug)]
pub struct Denial {
    reason: DenialReason,
    response: Response,
}

impl Denial {
    /// `challenges` are told unless trying again is all that helps.
    pub(super) fn new(reason: DenialReason, challenges: &[String], nonce: Option<&str>) -> Self {
        let status = reason.status();
        let response = match reason.error() {
            Some(ErrorWords { error, description }) => {
                Response::json(status, &json!({ "error": error, "error_description": description }))
            }
            None => Response { status, headers: vec![("cache-control", "no-store".to_owned())], body: Vec::new() },
        };
        let response = match reason {
            DenialReason::Unavailable(_) => response.with_header("retry-after", "1"),
            _ => challenges.iter().fold(response, |response, line| response.with_header("www-authenticate", line)),
        };
        let response = nonce.into_iter().fold(response, |response, nonce| response.with_header("dpop-nonce", nonce));
        Self { reason, response }
    }

    /// What was wrong: for logs, not for the client.
    #[must_use]
    pub const fn reason(&self) -> &DenialReason {
        &self.reason
    }

    /// What the client is told: status, `WWW-Authenticate`, `DPoP-Nonce`, and a body of JSON, or none.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// The same, to be sent.
    #[must_use]
    pub fn into_response(self) -> Response {
        self.response
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for Denial {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DenialReason {
    /// There is no token in it, or one of a scheme that is not served: 401, and no error word, since nothing was tried.
    #[error("the request has no access token")]
    NoToken,
    /// More than one Authorization header, or one that is not well-formed: `invalid_request`, 400.
    #[error("the Authorization header is malformed")]
    MalformedRequest,
    /// The token is not good, or not in the hands of whom it is bound to: `invalid_token`, 401.
    #[error("the access token is not accepted")]
    InvalidToken(#[source] InvalidToken),
    /// The DPoP proof is missing, or not one for this request, this token and its key, or used before: `invalid_dpop_proof`, 401.
    #[error("the DPoP proof is not accepted")]
    InvalidProof(#[source] ProofFault),
    /// The DPoP proof is good but for its nonce: `use_dpop_nonce`, 401. The nonce to use is in `DPoP-Nonce`.
    #[error("the DPoP proof needs another nonce")]
    ProofNonce,
    /// The token is good, but for less: `insufficient_scope`, 403, with the scope that is needed.
    #[error("the access token does not have the scope that is needed")]
    InsufficientScope,
    /// It cannot be told now: 503, and nothing is said of the token, which clients would throw away.
    #[error("the access token cannot be verified now")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// What a client is told of an error.
#[derive(Clone, Copy)]
pub(super) struct ErrorWords {
    pub(super) error: &'static str,
    pub(super) description: &'static str,
}

impl DenialReason {
    /// A short name, for log fields and metric labels: one for each fault of a token or a proof.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::MalformedRequest => "malformed_request",
            Self::InvalidToken(invalid) => invalid.as_str(),
            Self::InvalidProof(fault) => fault.as_str(),
            Self::ProofNonce => "proof_nonce",
            Self::InsufficientScope => "insufficient_scope",
            Self::Unavailable(_) => "unavailable",
        }
    }

    const fn status(&self) -> u16 {
        match self {
            Self::MalformedRequest => 400,
            Self::NoToken | Self::InvalidToken(_) | Self::InvalidProof(_) | Self::ProofNonce => 401,
            Self::InsufficientScope => 403,
            Self::Unavailable(_) => 503,
        }
    }

    /// The same words for every cause.
    pub(super) const fn error(&self) -> Option<ErrorWords> {
        let (error, description) = match self {
            Self::NoToken => return None,
            Self::MalformedRequest => {
                ("invalid_request", "There must be one access token, in one Authorization header.")
            }
            Self::InvalidToken(_) => ("invalid_token", "The access token is not valid for this request."),
            Self::InsufficientScope => {
                ("insufficient_scope", "The access token does not have the scope that is needed.")
            }
            Self::InvalidProof(_) => of(ErrorCode::InvalidDpopProof),
            Self::ProofNonce => of(ErrorCode::UseDpopNonce),
            Self::Unavailable(_) => of(ErrorCode::TemporarilyUnavailable),
        };
        Some(ErrorWords { error, description })
    }
}

const fn of(code: ErrorCode) -> (&'static str, &'static str) {
    (code.as_str(), code.description())
}

impl From<ProofFault> for DenialReason {
    fn from(fault: ProofFault) -> Self {
        Self::InvalidProof(fault)
    }
}

impl From<ProofError> for DenialReason {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Invalid(fault) => Self::InvalidProof(fault),
            ProofError::NonceRequired => Self::ProofNonce,
            ProofError::Unavailable(cause) => Self::Unavailable(cause),
            // Nothing else is known: a kind of failure that is new here is none of the proof's.
            other => Self::Unavailable(other.into()),
        }
    }
}

impl From<InvalidToken> for DenialReason {
    fn from(invalid: InvalidToken) -> Self {
        Self::InvalidToken(invalid)
    }
}

impl From<VerifyError> for DenialReason {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Invalid(invalid) => Self::InvalidToken(invalid),
            VerifyError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}
