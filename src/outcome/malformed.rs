//! Malformed requests: faults that are found before a client is authenticated or a grant is loaded.

use crate::client::MetadataFault;
use crate::outcome::ErrorCode;
use crate::vocabulary::MissingParameter;

/// The fault of a malformed request.
///
/// Unlike a [`Refusal`](crate::Refusal) the client sees the fault, since it reveals nothing but the client's own
/// mistake. The texts never contain input of the client.
///
/// ```
/// use regrant::wire::MalformedRequest;
///
/// let missing = MalformedRequest::Missing("grant_type");
/// assert_eq!(missing.to_string(), "The parameter grant_type is missing.");
/// assert_eq!((missing.code().as_str(), missing.status()), ("invalid_request", 400));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedRequest {
    /// The method is not allowed. Contains the allowed methods.
    #[error("The method must be {0}.")]
    Method(&'static str),
    /// The content type is not `application/x-www-form-urlencoded` in UTF-8.
    #[error("The content type must be application/x-www-form-urlencoded.")]
    ContentType,
    /// The body exceeds the limit.
    #[error("The body is too large.")]
    TooLarge,
    /// The connection ended before the whole body was received. For adapters: a truncated form could drop the parameter
    /// that narrows the request.
    #[error("The body is incomplete.")]
    Incomplete,
    /// The body has more parameters than any request of the protocol.
    #[error("There are too many parameters.")]
    TooManyParameters,
    /// The body is not form-encoded UTF-8, or contains a NUL.
    #[error("The body is not form-encoded UTF-8.")]
    Encoding,
    /// A parameter occurs twice that may occur once (RFC 6749 section 3.2). Two parsers may disagree about which one
    /// counts.
    #[error("A parameter is repeated.")]
    Repeated,
    /// A required parameter is missing or empty. RFC 6749 section 3.2 treats both alike. Contains its name.
    #[error("The parameter {0} is missing.")]
    Missing(&'static str),
    /// The request identifies no client.
    #[error("Client authentication is missing.")]
    NoClient,
    /// The request has more than one way of authentication, or two different client ids (RFC 6749 section 2.3).
    #[error("Client authentication must be done in exactly one way.")]
    SeveralAuthentications,
    /// The Authorization header is not well-formed Basic.
    #[error("The Authorization header must be well-formed Basic authentication.")]
    Authorization,
    /// The request to a protected resource has no access token, or one of a scheme that is not supported. The response
    /// is a challenge without an error code (RFC 6750 section 3.1).
    #[error("The access token is missing.")]
    NoAccessToken,
    /// The request has more than one access token (RFC 6750 section 2), or a malformed one.
    #[error("There must be one well-formed access token, in one place.")]
    AccessToken,
    /// The client assertion is not a JWT, or names no client. The client gets the same response as for a wrong
    /// signature.
    #[error("Client authentication failed.")]
    ClientAssertion,
    /// The header with the client certificate is malformed. The proxy is not configured as the host expects.
    #[error("The client certificate is malformed.")]
    Certificate,
    /// The request has more than one DPoP proof (RFC 9449 section 4.3), or a proof that is not text.
    #[error("There must be one well-formed DPoP proof.")]
    Proof,
    /// The token type cannot be exchanged.
    #[error("Only access tokens are exchanged.")]
    TokenType,
    /// The server does not have this endpoint.
    #[error("The server does not have this endpoint.")]
    UnknownEndpoint,
    /// The `client_id` violates the grammar.
    #[error("The client_id is malformed.")]
    ClientId,
    /// The endpoint does not serve the grant type.
    #[error("The grant type is not supported.")]
    GrantType,
    /// The scope violates the grammar of RFC 6749 section 3.3.
    #[error("The scope is malformed.")]
    Scope,
    /// A resource is not an absolute URI without fragment.
    #[error("A resource must be an absolute URI without a fragment.")]
    Resource,
    /// The `redirect_uri` is not an absolute URI without fragment. There is nowhere to redirect to.
    #[error("The redirect_uri must be an absolute URI without a fragment.")]
    RedirectUri,
    /// The `response_type` is another one than `code`.
    #[error("The response_type must be code.")]
    ResponseType,
    /// The `response_mode` is unknown, or `form_post` for a redirect URI that is no web page.
    #[error("The response_mode must be query, fragment, or form_post for a web page.")]
    ResponseMode,
    /// The `code_challenge` is malformed, or has another method than `S256` (RFC 7636 section 4.3).
    #[error("The code_challenge must be one of the code_challenge_method S256.")]
    CodeChallenge,
    /// The `nonce` is too long to be stored in a grant.
    #[error("The nonce must have at most 255 bytes.")]
    Nonce,
    /// The `prompt` has `none` beside another value (OpenID Connect Core section 3.1.2.1).
    #[error("The prompt none excludes other values.")]
    Prompt,
    /// The `max_age` is not a number of seconds.
    #[error("The max_age must be a number of seconds.")]
    MaxAge,
    /// The `dpop_jkt` is not a SHA-256 thumbprint in base64url (RFC 9449 section 10).
    #[error("The dpop_jkt must be a SHA-256 thumbprint.")]
    DpopJkt,
    /// The request has both `request` and `request_uri` (RFC 9101 section 5).
    #[error("The parameters request and request_uri exclude each other.")]
    SeveralRequests,
    /// The request object names another client, or a request object inside (RFC 9101 section 4).
    #[error("The request object must have the client_id of the request, and no other request in it.")]
    RequestObject,
    /// The request to the pushed authorization request endpoint has a `request_uri` (RFC 9126 section 2.1).
    #[error("The parameter request_uri cannot be pushed.")]
    RequestUri,
    /// The request has a request object, and the server has no verifier.
    #[error("The server reads no request objects.")]
    RequestNotSupported,
    /// The `request_uri` is not one that the server gave out (RFC 9126 section 2.2).
    #[error("The request_uri must be one of the pushed authorization request endpoint.")]
    RequestUriNotSupported,
    /// The request has the parameter `registration` (OpenID Connect Core section 7.2.1).
    #[error("The server does not read the parameter registration.")]
    RegistrationNotSupported,
    /// The authorization details violate the grammar of RFC 9396 section 2.
    #[error("The authorization_details must be a JSON array of objects with a type.")]
    AuthorizationDetails,
    /// The content type of a registration is not `application/json` (RFC 7591 section 3.1).
    #[error("The content type must be application/json.")]
    JsonContentType,
    /// A registration is not a JSON object in UTF-8, or names a member twice.
    #[error("The body must be a JSON object that names each member once.")]
    Json,
    /// A redirection URI of a registration is missing or not accepted (RFC 7591 section 3.2.2).
    #[error("Redirection URIs must be https, loopback or of a private-use scheme, without a fragment, and at most 16.")]
    RedirectUris,
    /// Another member of a registration is not accepted (RFC 7591 section 3.2.2). Contains its name.
    #[error("The member {0} is not accepted.")]
    ClientMetadata(&'static str),
}

impl MalformedRequest {
    /// Returns the error code of the response.
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
            | Self::AccessToken
            | Self::Certificate
            | Self::TokenType
            | Self::UnknownEndpoint
            | Self::ClientId
            | Self::RedirectUri
            | Self::ResponseMode
            | Self::CodeChallenge
            | Self::Nonce
            | Self::Prompt
            | Self::MaxAge
            | Self::DpopJkt
            | Self::RequestUri
            | Self::SeveralRequests
            | Self::JsonContentType => ErrorCode::InvalidRequest,
            Self::ClientAssertion => ErrorCode::InvalidClient,
            Self::NoAccessToken => ErrorCode::InvalidToken,
            Self::Proof => ErrorCode::InvalidDpopProof,
            Self::GrantType => ErrorCode::UnsupportedGrantType,
            Self::Scope => ErrorCode::InvalidScope,
            Self::Resource => ErrorCode::InvalidTarget,
            Self::ResponseType => ErrorCode::UnsupportedResponseType,
            Self::RequestObject => ErrorCode::InvalidRequestObject,
            Self::RequestNotSupported => ErrorCode::RequestNotSupported,
            Self::RequestUriNotSupported => ErrorCode::RequestUriNotSupported,
            Self::RegistrationNotSupported => ErrorCode::RegistrationNotSupported,
            Self::AuthorizationDetails => ErrorCode::InvalidAuthorizationDetails,
            Self::RedirectUris => ErrorCode::InvalidRedirectUri,
            Self::Json | Self::ClientMetadata(_) => ErrorCode::InvalidClientMetadata,
        }
    }

    /// Returns a short name, for logs and metric labels.
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
            Self::NoAccessToken => "no_access_token",
            Self::AccessToken => "access_token",
            Self::ClientAssertion => "client_assertion",
            Self::Certificate => "certificate",
            Self::Proof => "proof",
            Self::TokenType => "token_type",
            Self::UnknownEndpoint => "unknown_endpoint",
            Self::ClientId => "client_id",
            Self::GrantType => "grant_type",
            Self::Scope => "scope",
            Self::Resource => "resource",
            Self::RedirectUri => "redirect_uri",
            Self::ResponseType => "response_type",
            Self::ResponseMode => "response_mode",
            Self::CodeChallenge => "code_challenge",
            Self::Nonce => "nonce",
            Self::Prompt => "prompt",
            Self::MaxAge => "max_age",
            Self::DpopJkt => "dpop_jkt",
            Self::SeveralRequests => "several_requests",
            Self::RequestObject => "request_object",
            Self::RequestUri => "request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::AuthorizationDetails => "authorization_details",
            Self::JsonContentType => "json_content_type",
            Self::Json => "json",
            Self::RedirectUris => "redirect_uris",
            Self::ClientMetadata(_) => "client_metadata",
        }
    }

    /// Returns the HTTP status: 404, 405 or 413 where HTTP has a status for the fault, otherwise that of the code.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::UnknownEndpoint => 404,
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

impl From<MetadataFault> for MalformedRequest {
    fn from(fault: MetadataFault) -> Self {
        match fault {
            MetadataFault::RedirectUris => Self::RedirectUris,
            MetadataFault::Member(name) => Self::ClientMetadata(name),
        }
    }
}
