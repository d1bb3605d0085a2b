//! Authorization server metadata (RFC 8414) and OpenID Connect Discovery 1.0, from the same values that the endpoints act on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Paths, Response, body};
use crate::client::ClientAuthenticationMethod;
use crate::policy::SenderConstraint;
use crate::service::TokenService;
use crate::vocabulary::GrantType;

/// How long the documents may be cached, in seconds.
const MAX_AGE: u32 = 3600;

/// Both documents; that of OpenID Connect when the service issues `id_token`s.
pub(super) struct Documents {
    pub(super) authorization_server: Response,
    pub(super) openid: Option<Response>,
}

impl Default for Documents {
    fn default() -> Self {
        Self { authorization_server: body::cached(&Value::Null, MAX_AGE), openid: None }
    }
}

impl Documents {
    /// The documents, with `host`'s members behind the library's own.
    pub(super) fn of<S>(
        service: &TokenService<S>,
        issuer: &str,
        paths: &Paths,
        grant_types: &[GrantType],
        host: &Map<String, Value>,
    ) -> Self {
        let metadata = Metadata::of(service, issuer, paths, grant_types);
        let openid = service.jwt_algorithms().map(|algorithms| OpenId {
            metadata: &metadata,
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: algorithms,
        });
        Self { authorization_server: document(&metadata, host), openid: openid.map(|openid| document(&openid, host)) }
    }
}

#[derive(Serialize)]
struct OpenId<'a> {
    #[serde(flatten)]
    metadata: &'a Metadata<'a>,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: Vec<&'static str>,
}

#[derive(Serialize)]
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
}

impl<'a> Metadata<'a> {
    fn of<S>(service: &TokenService<S>, issuer: &'a str, paths: &Paths, grant_types: &'a [GrantType]) -> Self {
        let has_to_be_asymmetric = service.policy().require_asymmetric_authentication;
        let methods = service.authenticator().methods().into_iter();
        let methods = methods.filter(|method| !has_to_be_asymmetric || method.is_asymmetric());
        let methods: Vec<&str> = methods.map(ClientAuthenticationMethod::as_str).collect();
        let algorithms = service.authenticator().assertion_algorithms();
        let url = |path: &str| url(issuer, path);
        Self {
            issuer,
            authorization_endpoint: paths.authorization.as_deref().map(url),
            token_endpoint: url(&paths.token),
            revocation_endpoint: url(&paths.revocation),
            introspection_endpoint: url(&paths.introspection),
            device_authorization_endpoint: paths.device_verification.as_ref().map(|_| url(&paths.device_authorization)),
            jwks_uri: service.jwt_algorithms().map(|_| url(&paths.jwks)),
            response_types_supported: if paths.authorization.is_some() { &["code"] } else { &[] },
            grant_types_supported: grant_types.iter().map(GrantType::as_str).collect(),
            // Only who authenticates may introspect.
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
            tls_client_certificate_bound_access_tokens: matches!(
                service.policy().sender_constraint,
                SenderConstraint::Certificate | SenderConstraint::Either
            ),
            code_challenge_methods_supported: ["S256"],
        }
    }
}

/// The URL of a path behind the issuer.
pub(super) fn url(issuer: &str, path: &str) -> String {
    format!("{}{path}", issuer.trim_end_matches('/'))
}

/// What the library says of itself comes last, so that no host can contradict it.
fn document(own: &impl Serialize, host: &Map<String, Value>) -> Response {
    let own = serde_json::to_value(own).ok();
    let own = own.as_ref().and_then(Value::as_object).into_iter().flatten();
    let document: BTreeMap<&String, &Value> = host.iter().chain(own).collect();
    body::cached(&document, MAX_AGE)
}
