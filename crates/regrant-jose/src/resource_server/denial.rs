use std::error::Error;
use std::fmt;

use regrant::event::ErrorCode;
use regrant::host::Unavailable;
use regrant::proof::{ProofError, ProofFault};
use regrant::wire::Response;
use serde_json::json;

use super::{InvalidToken, VerifyError};

/// A refused request: the response for the client, and the reason for the host.
#[derive(Debug)]
pub struct Denial {
    reason: DenialReason,
    response: Response,
}

impl Denial {
    /// The response contains `challenges`, unless trying again is all that helps.
    pub(super) fn new(reason: DenialReason, challenges: &[String], nonce: Option<&str>) -> Self {
        let status = reason.status();
        let response = match reason.error() {
            Some((error, description)) => {
                Response::json(status, &json!({ "error": error, "error_description": description }))
            }
            None => Response { status, headers: vec![("cache-control", "no-store".into())], body: Vec::new() },
        };
        let response = match reason {
            DenialReason::Unavailable(_) => response.with_header("retry-after", "1"),
            _ => challenges
                .iter()
                .fold(response, |response, line| response.with_header("www-authenticate", line.clone())),
        };
        let response =
            nonce.into_iter().fold(response, |response, nonce| response.with_header("dpop-nonce", nonce.to_owned()));
        Self { reason, response }
    }

    /// The reason, for logs. It is not for the client.
    #[must_use]
    pub const fn reason(&self) -> &DenialReason {
        &self.reason
    }

    /// The response: status, `WWW-Authenticate`, `DPoP-Nonce`, and a JSON body or none.
    #[must_use]
    pub const fn response(&self) -> &Response {
        &self.response
    }

    /// Returns the response, owned.
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

/// The reason why a request is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DenialReason {
    /// There is no token, or one of an unsupported scheme: 401 without an error code, since no attempt was made.
    #[error("the request has no access token")]
    NoToken,
    /// There is more than one Authorization header, or a malformed one: `invalid_request`, 400.
    #[error("the Authorization header is malformed")]
    MalformedRequest,
    /// The token is invalid, or bound to a key that the sender does not possess: `invalid_token`, 401.
    #[error("the access token is not accepted")]
    InvalidToken(#[source] InvalidToken),
    /// The DPoP proof is missing, used before, or not for this request, token and key: `invalid_dpop_proof`, 401.
    #[error("the DPoP proof is not accepted")]
    InvalidProof(#[source] ProofFault),
    /// The DPoP proof is valid except for its nonce: `use_dpop_nonce`, 401. The nonce to use is in `DPoP-Nonce`.
    #[error("the DPoP proof needs another nonce")]
    ProofNonce,
    /// The token is valid, but lacks scope: `insufficient_scope`, 403, with the required scope.
    #[error("the access token lacks the required scope")]
    InsufficientScope,
    /// The token is valid, but the user behind it must sign in again, or in a stronger way:
    /// `insufficient_user_authentication`, 401, with the required `acr_values` and `max_age` (RFC 9470 section 3).
    #[error("the authentication of the user is not sufficient")]
    InsufficientAuthentication,
    /// The token cannot be verified for now: 503. The response says nothing of the token, because clients discard
    /// invalid tokens.
    #[error("the access token cannot be verified now")]
    Unavailable(#[source] Unavailable),
}

impl DenialReason {
    /// A short name for log fields and metric labels: one for each fault of a token or a proof.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::MalformedRequest => "malformed_request",
            Self::InvalidToken(invalid) => invalid.as_str(),
            Self::InvalidProof(fault) => fault.as_str(),
            Self::ProofNonce => "proof_nonce",
            Self::InsufficientScope => "insufficient_scope",
            Self::InsufficientAuthentication => "insufficient_user_authentication",
            Self::Unavailable(_) => "unavailable",
        }
    }

    const fn status(&self) -> u16 {
        match self {
            Self::MalformedRequest => 400,
            Self::NoToken
            | Self::InvalidToken(_)
            | Self::InvalidProof(_)
            | Self::ProofNonce
            | Self::InsufficientAuthentication => 401,
            Self::InsufficientScope => 403,
            Self::Unavailable(_) => 503,
        }
    }

    /// The error code and description, the same for all causes of one kind.
    pub(super) const fn error(&self) -> Option<(&'static str, &'static str)> {
        let error = match self {
            Self::NoToken => return None,
            Self::MalformedRequest => {
                ("invalid_request", "There must be one access token, in one Authorization header.")
            }
            Self::InvalidToken(_) => ("invalid_token", "The access token is not valid for this request."),
            Self::InsufficientScope => {
                ("insufficient_scope", "The access token does not have the scope that is needed.")
            }
            Self::InsufficientAuthentication => {
                ("insufficient_user_authentication", "The user must sign in again, or in another way.")
            }
            Self::InvalidProof(_) => words(ErrorCode::InvalidDpopProof),
            Self::ProofNonce => words(ErrorCode::UseDpopNonce),
            Self::Unavailable(_) => words(ErrorCode::TemporarilyUnavailable),
        };
        Some(error)
    }
}

const fn words(code: ErrorCode) -> (&'static str, &'static str) {
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
            // An unknown kind of failure says nothing about the proof.
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
