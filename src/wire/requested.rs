//! The parameters and headers of a token request, as typed values.
//!
//! Each function checks the grammar and nothing else. The rights of the client and the reach of the grant are checks of
//! the service, behind the authentication of the client.

use super::{MalformedRequest, Request, paths};
use crate::client::Client;
use crate::engine::ExchangeRequest;
use crate::vocabulary::{AuthorizationDetails, DpopProof, Issuer, Parameters, Resource, Resources, Scope};

/// The only token type that can be exchanged (RFC 8693 section 3).
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Returns the requested scope, if there is one (RFC 6749 section 3.3).
pub(super) fn scope(parameters: &Parameters<'_>) -> Result<Option<Scope>, MalformedRequest> {
    parameters.get("scope").map(Scope::new).transpose().map_err(|_| MalformedRequest::Scope)
}

/// Returns the requested resources (RFC 8707 section 2). The parameter may repeat.
pub(super) fn resources(parameters: &Parameters<'_>) -> Result<Resources, MalformedRequest> {
    let resources: Result<Resources, _> = parameters.all("resource").map(Resource::new).collect();
    resources.map_err(|_| MalformedRequest::Resource)
}

/// Returns the requested authorization details, if there are some (RFC 9396 section 3).
pub(super) fn authorization_details(
    parameters: &Parameters<'_>,
) -> Result<Option<AuthorizationDetails>, MalformedRequest> {
    let details = parameters.get("authorization_details").map(AuthorizationDetails::new);
    details.transpose().map_err(|_| MalformedRequest::AuthorizationDetails)
}

/// Returns the resources that an authorization request of `client` names: the parameters `resource` (RFC 8707 section
/// 2), and `audience` if the client [accepts](Client::accepts_audience) it as a synonym. For the authorization endpoint
/// of a host; the endpoints of the library read them too.
///
/// # Errors
/// [`MalformedRequest::Resource`] when one of them is not an absolute URI without a fragment.
///
/// ```
/// use regrant::wire::{MalformedRequest, Request, form, requested_resources};
/// use regrant::{Client, ClientId};
///
/// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
/// let body = b"client_id=app&resource=https://a.example&audience=https://b.example";
/// let parameters = form(&Request::new("POST", "/authorize", &headers, body), 1024)?;
/// let app = Client::new(ClientId::from_static("app"));
/// assert_eq!(requested_resources(&parameters, &app)?.iter().len(), 1);
/// assert_eq!(requested_resources(&parameters, &app.with_accepts_audience(true))?.iter().len(), 2);
/// # Ok::<(), MalformedRequest>(())
/// ```
pub fn requested_resources(parameters: &Parameters<'_>, client: &Client) -> Result<Resources, MalformedRequest> {
    with_audience(resources(parameters)?, parameters, client)
}

/// Adds the values of `audience` to the requested resources, if the client accepts the parameter. Called when the
/// client is known; a malformed `resource` was reported before.
pub(super) fn with_audience(
    resources: Resources,
    parameters: &Parameters<'_>,
    client: &Client,
) -> Result<Resources, MalformedRequest> {
    if !client.accepts_audience {
        return Ok(resources);
    }
    Ok(resources.iter().cloned().chain(audiences(parameters)?).collect())
}

fn audiences(parameters: &Parameters<'_>) -> Result<Vec<Resource>, MalformedRequest> {
    let audiences: Result<_, _> = parameters.all("audience").map(Resource::new).collect();
    audiences.map_err(|_| MalformedRequest::Resource)
}

/// Returns the DPoP proof, if the request has one. Two proofs are an error (RFC 9449 section 4.3).
///
/// The URL comes from the configured issuer, never from the `Host` header: the client controls that header. Otherwise a
/// proof made for an attacker's server would be valid here, if the attacker repeats it with his own host name.
pub(super) fn proof(request: &Request<'_>, issuer: &Issuer) -> Result<Option<DpopProof>, MalformedRequest> {
    let mut headers = request.header("dpop");
    let Some(header) = headers.next() else { return Ok(None) };
    let jwt = std::str::from_utf8(header).ok().filter(|_| headers.next().is_none()).ok_or(MalformedRequest::Proof)?;
    let url = paths::url(issuer, request.path);
    Ok(Some(DpopProof { jwt: jwt.to_owned(), method: request.method.to_owned(), url }))
}

/// Returns a token exchange request (RFC 8693 section 2.1) for access tokens. An `audience` must be the URI of a
/// resource, since this server has no other names of services.
///
/// # Errors
/// [`MalformedRequest::TokenType`] for every type but access tokens, and for an `actor_token_type` without its token:
/// section 2.1 forbids that.
pub(super) fn exchange(
    parameters: &Parameters<'_>,
    scope: Option<Scope>,
    resources: &Resources,
) -> Result<ExchangeRequest, MalformedRequest> {
    let is_access_token = |token_type: &str| token_type == ACCESS_TOKEN;
    let subject_token = parameters.required("subject_token")?;
    if !is_access_token(parameters.required("subject_token_type")?) {
        return Err(MalformedRequest::TokenType);
    }
    if !parameters.get("requested_token_type").is_none_or(is_access_token) {
        return Err(MalformedRequest::TokenType);
    }
    let actor_token = match (parameters.get("actor_token"), parameters.get("actor_token_type")) {
        (None, None) => None,
        (Some(token), Some(token_type)) if is_access_token(token_type) => Some(token.into()),
        (Some(_), None) => return Err(MalformedRequest::Missing("actor_token_type")),
        _ => return Err(MalformedRequest::TokenType),
    };
    let audiences = audiences(parameters)?;
    let mut request = ExchangeRequest::new(subject_token);
    request.actor_token = actor_token;
    request.scope = scope;
    request.resources = resources.iter().cloned().chain(audiences).collect();
    Ok(request)
}
