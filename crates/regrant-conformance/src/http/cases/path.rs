//! Paths: those of an issuer that has a path itself (RFC 8414 section 3.1), and other spellings of a path.

use regrant::wire::Endpoint::{
    DeviceAuthorization, Introspection, Jwks, Metadata, OpenIdConfiguration, Token, UserInfo,
};
use regrant::wire::{Endpoints, Paths};
use regrant::{Issuer, TokenServiceBuilder};
use serde_json::json;

use super::{ENDPOINTS, keys, metadata, valid_answer, valid_request};
use crate::http::answer::{Answer, Body, invalid_dpop_proof, ok, served_by_nobody, tokens_of_type};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, AUDITOR, DEVICE, ISSUER, PASSWORD, SCOPE, SPA, USER, post};
use crate::http::message::HttpRequest;
use crate::http::ports::{Jwts, Proofs, proof, proof_of_method};
use crate::http::server::Given;
use crate::http::store::WatchedStore;

const TENANT: &str = "https://as.example/tenant";
const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(proofs());
    cases.extend(documents());
    cases.extend(elsewhere());
    cases.into_iter().map(|case| case.at_issuer(TENANT)).chain(spellings()).collect()
}

/// Puts the path of the issuer before the path of an endpoint.
fn below(request: HttpRequest) -> HttpRequest {
    let target = format!("/tenant{}", request.target);
    request.to(&target)
}

/// Puts the path of the issuer into the URLs of a document.
fn of_tenant(answer: Answer) -> Answer {
    match answer.body {
        Body::Json(json) => {
            let body = Body::Json(json.to_string().replace(ISSUER, TENANT).parse().unwrap());
            Answer { body, ..answer }
        }
        _ => answer,
    }
}

fn password() -> HttpRequest {
    below(post(Token, SPA, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]))
}

fn requests() -> Vec<Case> {
    let valid = ENDPOINTS.map(|(name, endpoint)| {
        let name = format!("a_request_below_an_issuer_is_answered_at_{name}");
        let request = below(valid_request(endpoint, APP));
        case(name, "RFC 8414 section 3.1", request, valid_answer(endpoint)).like_a_valid_one()
    });
    let description = json!({
        "active": true, "scope": SCOPE, "client_id": "spa", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": TENANT,
    });
    let told = case(
        "a_token_names_its_issuer_with_the_path",
        "RFC 7662 section 2.2",
        below(post(Introspection, AUDITOR, &[("token", "{old.access_token}")])),
        ok(description),
    )
    .given([Given::Answered("old", password())]);
    let codes = json!({
        "device_code": "{new.device_code}", "user_code": "{new.user_code}",
        "verification_uri": "https://as.example/tenant/device",
        "verification_uri_complete": "https://as.example/tenant/device?user_code={new.user_code}",
        "expires_in": 300, "interval": 5,
    });
    let device = case(
        "the_page_for_a_device_is_below_the_issuer",
        "RFC 8628 section 3.2",
        below(post(DeviceAuthorization, DEVICE, &[])),
        ok(codes),
    )
    .with_endpoints(with_page);
    valid.into_iter().chain([told, device]).collect()
}

fn with_page(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    let paths = Paths { device_verification: Some("/device".to_owned()), ..Paths::default() };
    endpoints.with_paths(paths.under(&Issuer::from_static(TENANT)))
}

fn with_proofs(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.proof_verifier(Proofs::default())
}

/// RFC 9449 section 4.2: `htu` is the URL of the request.
fn proofs() -> Vec<Case> {
    let source = "RFC 9449 section 4.2, RFC 9449 section 4.3";
    let proving = |path: &str| password().header("dpop", proof('a', path, 1));
    let accepted = case(
        "a_proof_names_the_path_of_the_issuer_once",
        source,
        proving("/tenant/oauth2/token"),
        tokens_of_type("DPoP"),
    );
    let refused = [
        ("a_proof_without_the_path_of_the_issuer_is_refused", "/oauth2/token"),
        ("a_proof_with_the_path_of_the_issuer_twice_is_refused", "/tenant/tenant/oauth2/token"),
    ]
    .map(|(name, path)| case(name, source, proving(path), invalid_dpop_proof()));
    let of_get = proof_of_method('a', "GET", "/tenant/oauth2/userinfo", 2);
    let user_info = HttpRequest::new("GET", UserInfo).header("authorization", "DPoP {old.access_token}");
    let user_info = case(
        "a_proof_at_userinfo_names_the_path_of_the_issuer_once",
        "RFC 9449 section 7.1, RFC 9449 section 4.3",
        below(user_info).header("dpop", format!("{of_get} {{old.access_token}}")),
        ok(json!({ "sub": USER })),
    )
    .given([Given::Answered("old", proving("/tenant/oauth2/token"))]);
    [accepted, user_info].into_iter().chain(refused).map(|case| case.with_service(with_proofs)).collect()
}

/// RFC 8414 section 3.1 puts its name between the host and the path of the issuer, OpenID Connect Discovery behind
/// both.
fn documents() -> Vec<Case> {
    let target = "/.well-known/oauth-authorization-server/tenant";
    let document = || of_tenant(metadata::document());
    let documents = [
        ("the_metadata", "RFC 8414 section 3.1", HttpRequest::new("GET", Metadata).to(target), document()),
        (
            "the_length_of_the_metadata",
            "RFC 9110 section 9.3.2",
            HttpRequest::new("HEAD", Metadata).to(target),
            document().bodyless(),
        ),
    ]
    .map(|(what, source, request, answer)| case(format!("{what}_is_told_of_an_issuer"), source, request, answer));
    let openid = case(
        "the_openid_configuration_is_told_of_an_issuer",
        "OpenID Connect Discovery section 4.1",
        HttpRequest::new("GET", OpenIdConfiguration).to("/tenant/.well-known/openid-configuration"),
        of_tenant(keys::openid_configuration()),
    );
    let keys =
        case("the_keys_are_below_the_issuer", "RFC 8414 section 2", below(HttpRequest::new("GET", Jwks)), keys::keys());
    let signing = [openid, keys].map(|case| case.with_service(|service| service.jwt_issuer(Jwts::of(TENANT))));
    documents.into_iter().chain(signing).map(Case::without_the_store).collect()
}

/// Paths at which an adapter serves that loses the path of the issuer, or adds it a second time.
fn elsewhere() -> [Case; 3] {
    let token = || valid_request(Token, APP);
    [
        ("a_path_without_that_of_the_issuer_is_no_endpoint", token()),
        ("a_path_with_that_of_the_issuer_twice_is_no_endpoint", below(below(token()))),
        ("a_path_of_another_issuer_is_no_endpoint", token().to("/other/oauth2/token")),
    ]
    .map(|(name, request)| case(name, "RFC 8414 section 3.1", request, served_by_nobody()).without_the_store())
}

/// A proxy that guards a path knows one spelling of it. A path that is decoded twice has others.
fn spellings() -> [Case; 3] {
    let token = |target: &str| valid_request(Token, APP).to(target);
    [
        ("a_path_that_is_encoded_twice_is_no_endpoint", token("/oauth2/%2574oken")),
        ("a_path_with_an_encoded_slash_is_no_endpoint", token("/oauth2%2Ftoken")),
        ("a_path_in_upper_case_is_no_endpoint", token("/OAUTH2/TOKEN")),
    ]
    .map(|(name, request)| case(name, "RFC 3986 section 6.2.2", request, served_by_nobody()).without_the_store())
}
