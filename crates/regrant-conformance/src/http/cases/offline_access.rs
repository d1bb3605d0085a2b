//! OpenID Connect Core section 11: a client that gets refresh tokens only with the scope `offline_access`.

use regrant::wire::Endpoint::Token;
use serde_json::json;

use crate::http::answer::{Answer, access_token_for, ok, tokens_for};
use crate::http::case::{Case, case};
use crate::http::clients::{ABSENTEE, OFFLINE_SCOPE, PASSWORD, REDIRECT, SCOPE, USER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{approved, refreshed, signed_in_for};
use crate::http::variables::Form;

const SOURCE: &str = "OpenID Connect Core section 11";

pub(super) fn cases() -> Vec<Case> {
    let offline = || signed_in_for("old", ABSENTEE, &[("scope", OFFLINE_SCOPE)]);
    vec![
        case(
            "a_password_with_the_scope_gives_a_refresh_token",
            SOURCE,
            password(OFFLINE_SCOPE),
            tokens_for(OFFLINE_SCOPE),
        )
        .active(&["{new.refresh_token}"]),
        case(
            "a_password_without_the_scope_gives_an_access_token_alone",
            SOURCE,
            password(SCOPE),
            access_token_for(SCOPE),
        ),
        case("a_code_without_the_scope_gives_an_access_token_alone", SOURCE, redeem(), access_token_for(SCOPE))
            .given([approved("approval", ABSENTEE)])
            .active(&["{new.access_token}"]),
        case("a_refresh_with_the_scope_gives_new_tokens", SOURCE, refresh(&[]), tokens_for(OFFLINE_SCOPE))
            .given([offline()])
            .active(&["{new.refresh_token}"]),
        case(
            "a_refresh_for_less_than_the_scope_keeps_the_refresh_token",
            "RFC 6749 section 6",
            narrow(),
            tokens_for("read"),
        )
        .given([offline()])
        .active(&["{new.refresh_token}"]),
        case("a_repetition_for_less_gives_the_refresh_token_again", "RFC 9700 section 4.14.2", narrow(), again())
            .given([offline(), refreshed("next", ABSENTEE, "{old.refresh_token}")])
            .active(&["{next.refresh_token}"]),
    ]
}

fn password(scope: &str) -> HttpRequest {
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD), ("scope", scope)];
    post(Token, ABSENTEE, &password)
}

fn redeem() -> HttpRequest {
    let code = [("grant_type", "authorization_code"), ("code", "{approval.code}"), ("redirect_uri", REDIRECT)];
    post(Token, ABSENTEE, &code)
}

fn refresh(more: Form<'_>) -> HttpRequest {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    post(Token, ABSENTEE, &[&refresh[..], more].concat())
}

fn narrow() -> HttpRequest {
    refresh(&[("scope", "read")])
}

fn again() -> Answer {
    ok(json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "{next.refresh_token}", "scope": "read",
    }))
}
