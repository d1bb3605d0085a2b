//! RFC 8414: the document is the same for every caller, may be cached, and is served to GET and HEAD alone.

use regrant::wire::Endpoint::Metadata;
use serde_json::json;

use crate::http::answer::{Answer, Body};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, SECRET, basic};
use crate::http::message::HttpRequest;

pub(super) fn cases() -> Vec<Case> {
    let get = || HttpRequest::new("GET", Metadata);
    let read: [(&str, HttpRequest); 5] = [
        ("a_get", get()),
        ("a_get_with_credentials", get().header("authorization", basic(APP.id(), SECRET))),
        ("a_get_with_a_query", get().query("client_id=app")),
        ("a_get_with_a_body", get().body("client_id=app")),
        ("a_get_that_accepts_html_alone", get().header("accept", "text/html")),
    ];
    let read =
        read.map(|(what, request)| case(format!("{what}_is_answered"), "RFC 8414 section 3", request, document()));
    let head = case(
        "a_head_is_answered_without_a_body",
        "RFC 9110 section 9.3.2",
        HttpRequest::new("HEAD", Metadata),
        document().bodyless(),
    );
    let refused = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"].map(|method| {
        let word = if method == "get" { "lower_case_get".to_owned() } else { method.to_lowercase() };
        let request = HttpRequest::new(method, Metadata);
        case(format!("{word}_is_refused_with_allow"), "RFC 9110 section 15.5.6", request, method_not_allowed())
    });
    read.into_iter().chain([head]).chain(refused).map(Case::without_the_store).collect()
}

pub(super) fn document() -> Answer {
    // The methods of the registered clients. Introspection needs authentication.
    let methods = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"]);
    let with_credentials = json!(["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth"]);
    let algorithms = json!(["ES256"]);
    let json = json!({
        "issuer": "https://as.example",
        "token_endpoint": "https://as.example/oauth2/token",
        "revocation_endpoint": "https://as.example/oauth2/revoke",
        "introspection_endpoint": "https://as.example/oauth2/introspect",
        "response_types_supported": [],
        "grant_types_supported": ["authorization_code", "client_credentials", "password", "refresh_token"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": with_credentials,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        // The scopes of the registered clients.
        "scopes_supported": ["offline_access", "openid", "read", "write"],
        "authorization_details_types_supported": ["account_information", "payment_initiation"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    let headers = vec![("content-type", "application/json"), ("cache-control", "public, max-age=3600")];
    Answer { status: 200, headers, body: Body::Json(json) }
}

pub(super) fn method_not_allowed() -> Answer {
    let body = "{\"error\":\"invalid_request\",\"error_description\":\"The method must be GET, HEAD.\"}";
    let headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("allow", "GET, HEAD"),
    ];
    Answer { status: 405, headers, body: Body::Exactly(body.to_owned()) }
}
