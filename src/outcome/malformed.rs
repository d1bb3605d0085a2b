//! Faults in the form of a request.

use crate::outcome::ErrorCode;
use crate::vocabulary::MissingParameter;

/// What is wrong with the form of a request. Unlike a [`Refusal`](crate::Refusal) it is told to the client, which sent it
/// and learns nothing else from it; what it sent is never repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedRequest {
    /// Another method than the endpoint has.
    #[error("The method must be {0}.")]
    Method(&'static str),
    /// Not `application/x-www-form-urlencoded` in UTF-8.
    #[error("The content type must be application/x-www-form-urlencoded.")]
    ContentType,
    /// A body above the limit.
    #[error("The body is too large.")]
    TooLarge,
    /// A body that ended before it was whole. For adapters.
    #[error("The body is incomplete.")]
    Incomplete,
    /// More parameters than any request of the protocol has.
    #[error("There are too many parameters.")]
    TooManyParameters,
    /// Not form-encoded UTF-8, or a NUL in it.
    #[error("The body is not form-encoded UTF-8.")]
    Encoding,
    /// A parameter that may be there once is there twice.
    #[error("A parameter is repeated.")]
    Repeated,
    /// A required parameter is missing or empty.
    #[error("The parameter {0} is missing.")]
    Missing(&'static str),
    /// No word about who the client is.
    #[error("Client authentication is missing.")]
    NoClient,
    /// More than one way of authentication, or two different client ids.
    #[error("Client authentication must be done in exactly one way.")]
    SeveralAuthentications,
    /// An Authorization header that is not well-formed Basic.
    #[error("The Authorization header must be well-formed Basic authentication.")]
    Authorization,
    /// A client assertion of another type than JWT, or one that does not say whose it is: told like one that does not verify.
    #[error("Client authentication failed.")]
    ClientAssertion,
    /// A header that should hold the client certificate and does not: the proxy is not what the host takes it for.
    #[error("The client certificate is malformed.")]
    Certificate,
    /// More than one DPoP proof, or one that is no text.
    #[error("There must be one well-formed DPoP proof.")]
    Proof,
    /// A token type that is not exchanged.
    #[error("Only access tokens are exchanged.")]
    TokenType,
    /// An endpoint that this server does not have.
    #[error("The server does not have this endpoint.")]
    NotServed,
    /// A client id that no client can have.
    #[error("The client_id is malformed.")]
    ClientId,
    /// A grant type that the endpoint does not serve.
    #[error("The grant type is not supported.")]
    GrantType,
    /// A scope that is not of the grammar of RFC 6749 section 3.3.
    #[error("The scope is malformed.")]
    Scope,
    /// A resource that is not an absolute URI without fragment.
    #[error("A resource must be an absolute URI without a fragment.")]
    Resource,
}

impl MalformedRequest {
    /// The protocol's word for it.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Method(_)
            | Self::ContentType
            | Self::TooLarge
            | Self::Incomplete
            | Self::TooManyParameters
            | Self::Encoding
            | Self::Repeated
            | Self::Missing(_)
            | Self::NoClient
            | Self::SeveralAuthentications
            | Self::Authorization
            | Self::Certificate
            | Self::TokenType
            | Self::NotServed
            | Self::ClientId => ErrorCode::InvalidRequest,
            Self::ClientAssertion => ErrorCode::InvalidClient,
            Self::Proof => ErrorCode::InvalidDpopProof,
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope => ErrorCode::InvalidScope,
            Self::Resource => ErrorCode::InvalidTarget,
        }
    }

    /// A short name, for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method(_) => "method",
            Self::ContentType => "content_type",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::TooManyParameters => "too_many_parameters",
            Self::Encoding => "encoding",
            Self::Repeated => "repeated",
            Self::Missing(_) => "missing",
            Self::NoClient => "no_client",
            Self::SeveralAuthentications => "several_authentications",
            Self::Authorization => "authorization",
            Self::ClientAssertion => "client_assertion",
            Self::Certificate => "certificate",
            Self::Proof => "proof",
            Self::TokenType => "token_type",
            Self::NotServed => "not_served",
            Self::ClientId => "client_id",
            Self::GrantType => "grant_type",
            Self::Scope => "scope",
            Self::Resource => "resource",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NotServed => 404,
            Self::Method(_) => 405,
            Self::TooLarge => 413,
            _ => self.code().status(),
        }
    }
}

impl From<MissingParameter> for MalformedRequest {
    fn from(missing: MissingParameter) -> Self {
        Self::Missing(missing.0)
    }
}
