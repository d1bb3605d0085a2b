//! Authorization server metadata (RFC 8414) and OpenID Connect Discovery 1.0. The documents are made from the settings
//! that the endpoints act on, so the two cannot disagree.
//!
//! A client takes the endpoints and the accepted methods from here. It must compare `issuer` with the URL that it asked
//! (RFC 8414 section 3.3): otherwise an attacker's server could name the endpoints of another one (mix-up, RFC 9700
//! section 4.4). For that reason the host cannot replace a member of the library, except for its [`Defaults`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::paths::url;
use super::{Endpoints, Prompt, Response, ResponseMode};
use crate::client::ClientAuthenticationMethod;
use crate::policy::RefreshTokenExpiration;
use crate::ports::authenticator::Supported;
use crate::ports::store::TokenStore;
use crate::service::TokenError;
use crate::vocabulary::{GrantType, Scope};

/// The time for which caches may keep the documents, in seconds. After a change, clients may use the old document for
/// an hour.
const MAX_AGE: u32 = 3600;

/// Returns the authorization server metadata (RFC 8414 section 2).
///
/// # Errors
/// [`TokenError::Authenticator`] when the directory of clients cannot be read.
pub(super) async fn authorization_server<S: TokenStore>(endpoints: &Endpoints<S>) -> Result<Response, TokenError> {
    let supported = supported(endpoints).await?;
    Ok(document(&Metadata::of(endpoints, &supported), &Defaults::of(endpoints, &supported), &endpoints.host_metadata))
}

/// Returns the OpenID Connect document; `None` if the service issues no `id_token`s.
///
/// # Errors
/// As for [`authorization_server`].
pub(super) async fn openid_configuration<S: TokenStore>(
    endpoints: &Endpoints<S>,
) -> Result<Option<Response>, TokenError> {
    let Some(algorithms) = endpoints.service.jwt_algorithms() else { return Ok(None) };
    let supported = supported(endpoints).await?;
    let url = |path: &str| url(&endpoints.issuer, path);
    let openid = OpenId {
        metadata: Metadata::of(endpoints, &supported),
        userinfo_endpoint: url(&endpoints.paths.userinfo),
        end_session_endpoint: endpoints.end_sessions.as_ref().map(|_| url(&endpoints.paths.end_session)),
        subject_types_supported: ["public"],
        userinfo_signing_alg_values_supported: algorithms.clone(),
        id_token_signing_alg_values_supported: algorithms,
        claims_supported: claims(endpoints),
    };
    Ok(Some(document(&openid, &Defaults::of(endpoints, &supported), &endpoints.host_metadata)))
}

/// Returns the features of the clients that there are, and the scope of those that may register.
async fn supported<S: TokenStore>(endpoints: &Endpoints<S>) -> Result<Supported, TokenError> {
    let mut supported = endpoints.service.supported().await?;
    if let Some(registration) = &endpoints.registration {
        supported.scope = supported.scope.union(registration.scope());
    }
    Ok(supported)
}

/// The members that the host may replace with [`with_metadata`](super::Endpoints::with_metadata): they describe its own
/// authorization endpoint, or what it wants to tell of its scopes (RFC 8414 section 2). Those of an authorization
/// endpoint are true for one that calls [`Endpoints::ask`].
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "members of a document")]
struct Defaults<'a> {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    scopes_supported: BTreeSet<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    response_modes_supported: &'static [&'static str],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    authorization_response_iss_parameter_supported: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    prompt_values_supported: &'static [&'static str],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    /// False: the server fetches no requests from the URLs of clients. Absent would mean true (OpenID Connect Discovery
    /// section 3).
    request_uri_parameter_supported: bool,
}

impl<'a> Defaults<'a> {
    fn of<S>(endpoints: &'a Endpoints<S>, supported: &'a Supported) -> Self {
        let mut scopes: BTreeSet<&str> = supported.scope.iter().collect();
        // OpenID Connect Discovery section 3: a server with id_tokens supports it, whether a client uses it or not.
        if !scopes.is_empty() && endpoints.service.jwt_algorithms().is_some() {
            scopes.insert(Scope::OPENID);
        }
        let has_authorization_endpoint =
            endpoints.paths.authorization.is_some() || endpoints.host_metadata.contains_key("authorization_endpoint");
        Self {
            scopes_supported: scopes,
            response_modes_supported: if has_authorization_endpoint { &ResponseMode::NAMES } else { &[] },
            authorization_response_iss_parameter_supported: has_authorization_endpoint,
            prompt_values_supported: if has_authorization_endpoint { &Prompt::NAMES } else { &[] },
            claims_parameter_supported: false,
            request_parameter_supported: endpoints.request_objects.is_some(),
            request_uri_parameter_supported: false,
        }
    }
}

/// The claims of an `id_token` (OpenID Connect Core sections 2 and 3.1.3.6). The claims of the host come in addition.
const ID_TOKEN_CLAIMS: [&str; 12] =
    ["iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"];

/// Returns the claims that a client may find in an `id_token` or at the userinfo endpoint, each once.
fn claims<S>(endpoints: &Endpoints<S>) -> BTreeSet<String> {
    let own = ID_TOKEN_CLAIMS.map(str::to_owned);
    own.into_iter().chain(endpoints.service.claims_supported()).collect()
}

/// The additional members of OpenID Connect Discovery 1.0 section 3 and RP-Initiated Logout 1.0 section 2.1.
#[derive(Serialize)]
struct OpenId<'a> {
    #[serde(flatten)]
    metadata: Metadata<'a>,
    userinfo_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    claims_supported: BTreeSet<String>,
}

/// The members of RFC 8414 section 2, RFC 8628 section 4, RFC 8705 section 3.3, RFC 9101 section 10.5, RFC 9126 section
/// 5, RFC 9396 section 10, RFC 9449 section 5.1, RFC 9701 section 7, draft-ietf-oauth-refresh-token-expiration section
/// 8 and draft-ietf-oauth-client-id-metadata-document. A feature that is off has no member.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "members of the document, independent of each other")]
struct Metadata<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    client_id_metadata_document_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    response_types_supported: &'a [&'a str],
    grant_types_supported: BTreeSet<&'a str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    introspection_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dpop_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
    code_challenge_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_pushed_authorization_requests: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    request_object_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    require_signed_request_object: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    authorization_details_types_supported: &'a [String],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    refresh_token_expiration_types_supported: &'static [&'static str],
}

impl<'a> Metadata<'a> {
    /// Reads the settings. A method that the policy of the provider refuses is not announced.
    fn of<S>(endpoints: &'a Endpoints<S>, supported: &'a Supported) -> Self {
        let Endpoints { service, issuer, paths, .. } = endpoints;
        let must_be_asymmetric = service.policy().require_asymmetric_authentication;
        let methods = supported.methods.iter().copied();
        let methods = methods.filter(|method| !must_be_asymmetric || method.is_asymmetric());
        let methods: Vec<&str> = methods.map(ClientAuthenticationMethod::as_str).collect();
        let algorithms = supported.assertion_algorithms.clone();
        let url = |path: &str| url(issuer, path);
        Self {
            issuer: issuer.as_str(),
            authorization_endpoint: paths.authorization.as_deref().map(url),
            token_endpoint: url(&paths.token),
            revocation_endpoint: url(&paths.revocation),
            introspection_endpoint: url(&paths.introspection),
            device_authorization_endpoint: paths.device_verification.as_ref().map(|_| url(&paths.device_authorization)),
            registration_endpoint: endpoints.registration.as_ref().map(|_| url(&paths.registration)),
            client_id_metadata_document_supported: supported.metadata_documents,
            jwks_uri: service.jwt_algorithms().map(|_| url(&paths.jwks)),
            response_types_supported: if paths.authorization.is_some() { &["code"] } else { &[] },
            grant_types_supported: grant_types(endpoints).map(GrantType::as_str).collect(),
            // A public client may not introspect.
            introspection_endpoint_auth_methods_supported: methods
                .iter()
                .copied()
                .filter(|method| *method != ClientAuthenticationMethod::None.as_str())
                .collect(),
            token_endpoint_auth_methods_supported: methods.clone(),
            revocation_endpoint_auth_methods_supported: methods,
            introspection_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            token_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            revocation_endpoint_auth_signing_alg_values_supported: algorithms,
            introspection_signing_alg_values_supported: service.jwt_algorithms().unwrap_or_default(),
            dpop_signing_alg_values_supported: service.proof_algorithms(),
            tls_client_certificate_bound_access_tokens: supported.binds_to_certificates
                || service.policy().sender_constraint.is_met_by_certificate(),
            code_challenge_methods_supported: ["S256"],
            pushed_authorization_request_endpoint: paths
                .authorization
                .as_ref()
                .map(|_| url(&paths.pushed_authorization_request)),
            require_pushed_authorization_requests: service.policy().require_pushed_authorization_requests,
            request_object_signing_alg_values_supported: endpoints
                .request_objects
                .as_ref()
                .map(|verifier| verifier.algorithms())
                .unwrap_or_default(),
            require_signed_request_object: service.policy().require_signed_request_object,
            authorization_details_types_supported: &supported.authorization_details_types,
            refresh_token_expiration_types_supported: match service.policy().refresh_token_expiration {
                RefreshTokenExpiration::None => &[],
                RefreshTokenExpiration::Draft => &["authorization", "token_timeout"],
            },
        }
    }
}

/// Returns the grant types that the token endpoint serves.
///
/// `implicit` is left out: it has no token endpoint.
fn grant_types<S>(endpoints: &Endpoints<S>) -> impl Iterator<Item = &GrantType> {
    use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, Implicit, RefreshToken, TokenExchange};
    let own = [&AuthorizationCode, &RefreshToken, &ClientCredentials].into_iter();
    let device = endpoints.paths.device_verification.as_ref().map(|_| &DeviceCode);
    let exchange = endpoints.exchanges_tokens.then_some(&TokenExchange);
    let approved = endpoints.approvers.keys().filter(|grant_type| **grant_type != Implicit);
    own.chain(device).chain(exchange).chain(approved)
}

/// Joins the members. Those of the host replace the defaults, and the library's own ones replace those of the host.
fn document(own: &impl Serialize, defaults: &Defaults<'_>, host: &Map<String, Value>) -> Response {
    let (own, defaults) = (members(own), members(defaults));
    let document: BTreeMap<&String, &Value> = defaults.iter().chain(host).chain(&own).collect();
    Response::public_json(&document, MAX_AGE)
}

fn members(members: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(members) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
