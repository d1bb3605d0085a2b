//! draft-ietf-oauth-refresh-token-expiration: the remaining times of a refresh token and its authorization, where the
//! policy tells them. The other groups show that nothing else does.

use std::time::Duration;

use regrant::policy::RefreshTokenExpiration;
use regrant::wire::Endpoint::{Introspection, Metadata, Token};
use regrant::{Policy, TokenServiceBuilder};
use serde_json::{Value, json};

use super::metadata;
use crate::http::answer::{Answer, Body, access_token_for, ok};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, AUDITOR, Auth, ISSUER, KEEPER, PASSWORD, REDIRECT, SCOPE, SPA, USER, VERIFIER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{approved_with_pkce, later, refreshed, signed_in};
use crate::http::store::WatchedStore;

const SOURCE: &str = "draft-ietf-oauth-refresh-token-expiration section 6.1";
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 24 * 3600;

/// Refresh tokens of 7 days without use, grants of 10 days: the example of section 6.4.
fn telling(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    let policy = Policy::default()
        .with_refresh_token_expiration(RefreshTokenExpiration::Draft)
        .with_grant_lifetime(Duration::from_secs(10 * DAY).into());
    service.policy(policy)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = first_tokens();
    cases.extend(refreshes());
    cases.extend(introspections());
    cases.push(case("the_metadata_names_the_types", SOURCE, HttpRequest::new("GET", Metadata), document()));
    cases.into_iter().map(|case| case.with_service(telling)).collect()
}

/// The refresh token and access token of the answer `name`, with the times that are told.
fn told(name: &str, expires_in: u64, refresh_token_timeout: u64, authorization_expires_in: u64) -> Answer {
    ok(json!({
        "access_token": format!("{{{name}.access_token}}"), "token_type": "Bearer", "expires_in": expires_in,
        "refresh_token": format!("{{{name}.refresh_token}}"), "scope": SCOPE,
        "refresh_token_timeout": refresh_token_timeout, "authorization_expires_in": authorization_expires_in,
    }))
}

fn refresh(auth: Auth, token: &str) -> HttpRequest {
    post(Token, auth, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn first_tokens() -> Vec<Case> {
    let password = post(Token, APP, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]);
    let code = [("grant_type", "authorization_code"), ("code", "{approval.code}"), ("redirect_uri", REDIRECT)];
    let code = post(Token, SPA, &[&code[..], &[("code_verifier", VERIFIER)]].concat());
    vec![
        case("the_first_tokens_of_a_password_tell", SOURCE, password, told("new", 3600, 7 * DAY, 10 * DAY)),
        case("the_first_tokens_of_a_code_tell", SOURCE, code, told("new", 3600, 7 * DAY, 10 * DAY))
            .given([approved_with_pkce("approval", SPA)]),
        case(
            "client_credentials_have_nothing_to_tell",
            SOURCE,
            post(Token, APP, &[("grant_type", "client_credentials")]),
            access_token_for(SCOPE),
        ),
    ]
}

fn refreshes() -> Vec<Case> {
    let old = |auth| refresh(auth, "{old.refresh_token}");
    let kept = json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600, "scope": SCOPE,
        "refresh_token_timeout": 7 * DAY, "authorization_expires_in": 8 * DAY,
    });
    vec![
        case("a_refresh_tells_the_times_anew", SOURCE, old(APP), told("new", 3600, 7 * DAY, 8 * DAY))
            .given([signed_in("old", APP), later(2 * DAY)]),
        case(
            "the_end_of_the_authorization_cuts_the_other_time",
            SOURCE,
            refresh(APP, "{next.refresh_token}"),
            told("new", 3600, 3 * DAY, 3 * DAY),
        )
        .given([
            signed_in("old", APP),
            later(2 * DAY),
            refreshed("next", APP, "{old.refresh_token}"),
            later(5 * DAY),
        ]),
        case(
            "a_repetition_tells_what_is_left",
            "draft-ietf-oauth-refresh-token-expiration section 6.1, RFC 9700 section 4.14.2",
            old(SPA),
            told("next", 3541, 7 * DAY - 59, 10 * DAY - 59),
        )
        .given([signed_in("old", SPA), refreshed("next", SPA, "{old.refresh_token}"), later(59)])
        .changing_nothing(),
        case("without_rotation_the_times_are_those_of_the_token_that_stays", SOURCE, old(KEEPER), ok(kept))
            .given([signed_in("old", KEEPER), later(2 * DAY)]),
    ]
}

fn introspections() -> Vec<Case> {
    const SOURCE: &str = "draft-ietf-oauth-refresh-token-expiration section 7";
    let introspect = |auth| post(Introspection, auth, &[("token", "{old.refresh_token}")]);
    let facts = |more: Value| {
        let mut facts = json!({
            "active": true, "scope": SCOPE, "client_id": "app", "exp": NOW + 7 * DAY, "iat": NOW, "sub": USER,
            "iss": ISSUER,
        });
        facts.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        ok(facts)
    };
    let times = json!({ "refresh_token_timeout": 6 * DAY, "authorization_expires_in": 9 * DAY });
    [("the_client_of", APP, times), ("another_caller_than_the_client_of", AUDITOR, json!({}))]
        .map(|(who, auth, more)| {
            let told = if auth.id() == APP.id() { "is_told_its_times" } else { "is_told_no_times" };
            let name = format!("{who}_a_refresh_token_{told}");
            case(name, SOURCE, introspect(auth), facts(more)).given([signed_in("old", APP), later(DAY)])
        })
        .into()
}

fn document() -> Answer {
    let mut document = metadata::document();
    if let Body::Json(members) = &mut document.body {
        members["refresh_token_expiration_types_supported"] = json!(["authorization", "token_timeout"]);
    }
    document
}
