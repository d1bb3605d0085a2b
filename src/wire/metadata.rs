//! Authorization server metadata (RFC 8414), from the same values that the endpoints act on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Paths, Response, body};
use crate::client::ClientAuthenticationMethod;
use crate::grant_type::GrantType;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    response_types_supported: &'a [&'a str],
    grant_types_supported: BTreeSet<&'a str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
}

/// The flows at the token endpoint that need no approver.
pub(super) const OWN: [GrantType; 3] =
    [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials];

/// The document, with `host`'s members behind the library's own.
pub(super) fn document<'a>(
    issuer: &str,
    paths: &Paths,
    approved: impl Iterator<Item = &'a GrantType>,
    host: &Map<String, Value>,
) -> Response {
    let url = |path: &str| format!("{}{path}", issuer.trim_end_matches('/'));
    let all_methods: Vec<_> = ClientAuthenticationMethod::ALL.map(ClientAuthenticationMethod::as_str).into();
    let with_a_secret = all_methods.iter().copied().filter(|method| *method != "none").collect();
    let own = Metadata {
        issuer,
        authorization_endpoint: paths.authorization.as_deref().map(url),
        token_endpoint: url(&paths.token),
        revocation_endpoint: url(&paths.revocation),
        introspection_endpoint: url(&paths.introspection),
        response_types_supported: if paths.authorization.is_some() { &["code"] } else { &[] },
        grant_types_supported: OWN.iter().chain(approved).map(GrantType::as_str).collect(),
        token_endpoint_auth_methods_supported: all_methods.clone(),
        revocation_endpoint_auth_methods_supported: all_methods,
        introspection_endpoint_auth_methods_supported: with_a_secret,
        code_challenge_methods_supported: ["S256"],
    };
    // What the library says of itself comes last, so that no host can contradict it.
    let own = serde_json::to_value(own).ok();
    let own = own.as_ref().and_then(Value::as_object).into_iter().flatten();
    let document: BTreeMap<&String, &Value> = host.iter().chain(own).collect();
    body::json(200, &document).with("cache-control", "public, max-age=3600")
}
