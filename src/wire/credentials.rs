//! The client credentials of a request (RFC 6749 section 2.3). ARCHITECTURE.md, order of checks: form.
//!
//! | in the request | credentials |
//! |---|---|
//! | `Authorization: Basic` | `Basic` (RFC 6749 section 2.3.1) |
//! | `client_id`, `client_secret` | `Post` (RFC 6749 section 2.3.1) |
//! | `client_assertion`, `client_assertion_type` | `Assertion` (RFC 7521 section 4.2) |
//! | `client_id`, and a certificate of the connection | `Certificate` (RFC 8705 section 2) |
//! | `client_id` | `Public` (RFC 6749 section 3.2.1) |
//!
//! The first three exclude each other: section 2.3 forbids more than one method in a request. With two of them a proxy,
//! a log and this server could each take another client for the sender, or a wrong secret could pass beside a right
//! one.
//!
//! Nothing is verified here. The authenticator compares the credentials, and rejects a method that the client did not
//! register.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{MalformedRequest, Request, basic};
use crate::ports::authenticator::ClientCredentials;
use crate::vocabulary::{ClientAssertion, ClientCertificate, ClientId, ClientSecret, Parameters};

/// The only supported type of client assertions (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Returns the client credentials: from the Authorization header, a secret or an assertion in the body, or the
/// certificate. Two ways of authentication in one request are an error (RFC 6749 section 2.3).
///
/// A certificate is no second method. Clients of every method may use one to bind their tokens (RFC 8705 section 3).
///
/// # Errors
/// [`MalformedRequest`]. A request without any client is [`MalformedRequest::NoClient`].
pub(super) fn credentials(
    request: &Request<'_>,
    parameters: &Parameters<'_>,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientCredentials, MalformedRequest> {
    let mut headers = request.header("authorization");
    let header = headers.next();
    if headers.next().is_some() {
        return Err(MalformedRequest::SeveralAuthentications);
    }
    let client_id = parameters.get("client_id").map(parsed).transpose()?;
    let secret = parameters.get("client_secret").map(ClientSecret::from);
    let has_assertion = ["client_assertion", "client_assertion_type"].iter().any(|name| parameters.get(name).is_some());
    if has_assertion && (header.is_some() || secret.is_some()) {
        return Err(MalformedRequest::SeveralAuthentications);
    }
    match (header, secret, assertion(parameters)?) {
        (Some(header), None, None) => {
            let pair = basic::decode(header).ok_or(MalformedRequest::Authorization)?;
            let (id, secret) = basic::split(&pair).ok_or(MalformedRequest::Authorization)?;
            let id = parsed(&id)?;
            // The body may repeat the client id (RFC 6749 section 3.2.1), but not name another one.
            if client_id.is_some_and(|client_id| client_id != id) {
                return Err(MalformedRequest::SeveralAuthentications);
            }
            Ok(ClientCredentials::Basic(id, ClientSecret::new(&*secret)))
        }
        (None, Some(secret), None) => Ok(ClientCredentials::Post(client_id.ok_or(MalformedRequest::NoClient)?, secret)),
        (None, None, Some(assertion)) => {
            let client_id = client_id.or_else(|| subject(&assertion)).ok_or(MalformedRequest::ClientAssertion)?;
            Ok(ClientCredentials::Assertion(client_id, assertion))
        }
        (None, None, None) => match (client_id, certificate) {
            (Some(client_id), Some(certificate)) => Ok(ClientCredentials::Certificate(client_id, certificate.clone())),
            (Some(client_id), None) => Ok(ClientCredentials::Public(client_id)),
            (None, _) => Err(MalformedRequest::NoClient),
        },
        _ => Err(MalformedRequest::SeveralAuthentications),
    }
}

/// Returns the client assertion, if the request has one (RFC 7521 section 4.2).
///
/// # Errors
/// [`MalformedRequest::Missing`] for half of the pair, [`MalformedRequest::ClientAssertion`] for another type, such as
/// SAML: `invalid_client` with the text of a wrong signature.
fn assertion(parameters: &Parameters<'_>) -> Result<Option<ClientAssertion>, MalformedRequest> {
    match (parameters.get("client_assertion_type"), parameters.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => Ok(Some(assertion.into())),
        (Some(_), Some(_)) => Err(MalformedRequest::ClientAssertion),
        (Some(_), None) => Err(MalformedRequest::Missing("client_assertion")),
        (None, Some(_)) => Err(MalformedRequest::Missing("client_assertion_type")),
    }
}

/// Returns the `sub` of an assertion, since `client_id` may be omitted (RFC 7521 section 4.2). The value is unverified:
/// it only selects the keys to verify the assertion with. A false one selects the keys of another client, with which
/// the signature does not fit.
fn subject(assertion: &ClientAssertion) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Payload {
        sub: String,
    }
    let payload = assertion.expose().split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Payload { sub } = serde_json::from_slice(&payload).ok()?;
    ClientId::new(sub).ok()
}

/// Checks the grammar of a client id (RFC 6749 appendix A.1), so that no control character reaches a log or a store.
fn parsed(client_id: &str) -> Result<ClientId, MalformedRequest> {
    ClientId::new(client_id).map_err(|_| MalformedRequest::ClientId)
}
