//! Signing keys, OpenID Connect discovery, and introspection as a JWT: served only where the service makes JWTs.

use regrant::wire::Endpoint::{Introspection, Jwks, OpenIdConfiguration, Token};
use serde_json::json;

use super::{metadata, valid_request};
use crate::http::answer::{Answer, Body, inactive, invalid_client, not_served, ok};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, ISSUER, PASSWORD, SCOPE, USER, post};
use crate::http::message::HttpRequest;
use crate::http::ports::Jwts;
use crate::http::server::signed_in;

const JWT: &str = "application/token-introspection+jwt";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = documents();
    cases.extend(introspections());
    cases.push(id_token());
    let signing = cases.into_iter().map(|case| case.with_service(|service| service.jwt_issuer(Jwts::of(ISSUER))));
    signing.chain(without_an_issuer()).collect()
}

/// The answer with the signing keys.
pub(super) fn keys() -> Answer {
    let headers = vec![("content-type", "application/json"), ("cache-control", "public, max-age=300")];
    Answer { status: 200, headers, body: Body::Json(json!({ "keys": [{ "kty": "OKP", "kid": "1" }] })) }
}

/// The document of OpenID Connect Discovery.
pub(super) fn openid_configuration() -> Answer {
    let mut openid = metadata::document();
    if let Body::Json(json) = &mut openid.body {
        json["jwks_uri"] = json!("https://as.example/oauth2/jwks");
        json["subject_types_supported"] = json!(["public"]);
        json["id_token_signing_alg_values_supported"] = json!(["EdDSA"]);
        json["userinfo_endpoint"] = json!("https://as.example/oauth2/userinfo");
        json["userinfo_signing_alg_values_supported"] = json!(["EdDSA"]);
        json["claims_supported"] =
            json!(["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"]);
        json["introspection_signing_alg_values_supported"] = json!(["EdDSA"]);
    }
    openid
}

fn documents() -> Vec<Case> {
    let endpoints = [("keys", Jwks, keys()), ("openid_configuration", OpenIdConfiguration, openid_configuration())];
    let cases = endpoints.into_iter().flat_map(|(name, endpoint, answer)| {
        let request = |method: &str| HttpRequest::new(method, endpoint);
        let refused = ["POST", "PUT", "OPTIONS"].map(|method| {
            let name = format!("{}_is_refused_at_{name}", method.to_lowercase());
            case(name, "RFC 9110 section 15.5.6", request(method), metadata::method_not_allowed())
        });
        let get = case(format!("a_get_is_answered_at_{name}"), "RFC 7517 section 5", request("GET"), answer.clone());
        let head =
            case(format!("a_head_is_answered_at_{name}"), "RFC 9110 section 9.3.2", request("HEAD"), answer.bodyless());
        [get, head].into_iter().chain(refused)
    });
    cases.map(Case::without_the_store).collect()
}

/// RFC 9701 section 4: a caller that accepts a JWT gets one, also for an inactive token.
fn introspections() -> Vec<Case> {
    let jwt = |payload: &str| Answer {
        status: 200,
        headers: vec![("content-type", JWT), ("cache-control", "no-store"), ("pragma", "no-cache")],
        body: Body::Exactly(format!("e30.{payload}.right")),
    };
    // {"active":true,"aud":"app"} and the same with false
    let (active, not_active) = ("eyJhY3RpdmUiOnRydWUsImF1ZCI6ImFwcCJ9", "eyJhY3RpdmUiOmZhbHNlLCJhdWQiOiJhcHAifQ");
    let about = |token: &str, accept: &str| post(Introspection, APP, &[("token", token)]).header("accept", accept);
    let asking = [
        ("alone", JWT),
        ("in_upper_case", "APPLICATION/Token-Introspection+JWT"),
        ("among_others", "application/json;q=0.5, application/token-introspection+jwt"),
        ("with_a_weight", "application/token-introspection+jwt;q=0.9"),
    ]
    .map(|(how, accept)| {
        case(
            format!("who_accepts_a_jwt_{how}_gets_one"),
            "RFC 9701 section 4",
            about("{old.access_token}", accept),
            jwt(active),
        )
    });
    let others = [
        case("what_is_not_active_is_told_in_a_jwt_too", "RFC 9701 section 4", about("garbage", JWT), jwt(not_active)),
        case("who_accepts_anything_gets_json", "RFC 9701 section 4", about("garbage", "*/*"), inactive()),
        case("who_accepts_json_gets_json", "RFC 9701 section 4", about("garbage", "application/json"), inactive()),
        case(
            "who_accepts_no_jwt_gets_json",
            "RFC 9110 section 12.4.2",
            about("garbage", &format!("{JWT};q=0")),
            inactive(),
        ),
        case(
            "who_accepts_another_jwt_gets_json",
            "RFC 9701 section 4",
            about("garbage", "application/jwt"),
            inactive(),
        ),
        case(
            "a_refusal_is_json_whatever_is_accepted",
            "RFC 9701 section 5",
            valid_request(Introspection, Auth::Basic("app", "wrong")).header("accept", JWT),
            invalid_client().challenging(),
        ),
    ];
    asking.into_iter().chain(others).map(|case| case.given([signed_in("old", APP)])).collect()
}

/// OpenID Connect Core section 3.1.3.3.
fn id_token() -> Case {
    let request = post(Token, APP, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]);
    let answer = ok(json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "{new.refresh_token}", "id_token": "e30.eyJzdWIiOiJkZW1vIn0.right", "scope": SCOPE,
    }));
    case("who_asks_for_openid_gets_an_id_token", "OpenID Connect Core section 3.1.3.3", request, answer)
}

fn without_an_issuer() -> [Case; 3] {
    let asking = valid_request(Introspection, APP).header("accept", JWT);
    [
        case(
            "without_keys_there_is_no_key_document",
            "RFC 8414 section 2",
            HttpRequest::new("GET", Jwks),
            not_served(),
        ),
        case(
            "without_keys_there_is_no_openid_configuration",
            "OpenID Connect Discovery section 4",
            HttpRequest::new("GET", OpenIdConfiguration),
            not_served(),
        ),
        case("without_keys_an_introspection_is_json", "RFC 9701 section 4", asking, inactive()),
    ]
    .map(Case::without_the_store)
}
