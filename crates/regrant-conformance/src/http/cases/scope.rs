//! RFC 6749 sections 3.3 and 6: a refresh may narrow the access token and never widen it.

use regrant::Policy;
use regrant::policy::OnUnknownScope;
use regrant::wire::Endpoint::{Introspection, Token};
use serde_json::json;

use crate::http::answer::{
    Answer, access_token_for, invalid_scope, invalid_target, malformed_resource, malformed_scope, ok, tokens,
    tokens_for,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, BILLING, ISSUER, ORDERS, REDIRECT, SCOPE, SPA, USER, post};
use crate::http::message::HttpRequest;
use crate::http::server::{Given, approved, signed_in, signed_in_for};
use crate::http::variables::Form;

const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = refreshes();
    cases.extend(issues());
    cases.extend(resources());
    cases.extend(afterwards());
    cases
}

fn refresh(auth: Auth, more: Form<'_>) -> HttpRequest {
    let parameters = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    post(Token, auth, &[&parameters, more].concat())
}

/// Requested scopes by name, each with the granted scope or the refusal.
fn asked() -> Vec<(&'static str, &'static str, Result<&'static str, Answer>)> {
    vec![
        ("an_empty_scope", "", Ok(SCOPE)),
        ("the_whole_scope", SCOPE, Ok(SCOPE)),
        ("the_scope_in_another_order", "write read openid", Ok(SCOPE)),
        ("a_scope_with_a_repetition", "read read", Ok("read")),
        ("two_of_three_scopes", "read write", Ok("read write")),
        ("one_scope", "write", Ok("write")),
        ("a_wider_scope", "read write admin", Err(invalid_scope())),
        ("a_foreign_scope", "admin", Err(invalid_scope())),
        ("a_scope_in_another_case", "READ", Err(invalid_scope())),
        ("a_part_of_a_scope", "rea", Err(invalid_scope())),
        ("a_scope_with_two_spaces", "read  write", Err(malformed_scope())),
        ("a_scope_with_a_space_before_it", " read", Err(malformed_scope())),
        ("a_scope_with_a_quote", "read \"write\"", Err(malformed_scope())),
        ("a_scope_with_a_tab", "read\twrite", Err(malformed_scope())),
        ("a_scope_that_is_not_ascii", "caf\u{e9}", Err(malformed_scope())),
    ]
}

fn refreshes() -> Vec<Case> {
    let omitted = case("a_refresh_without_a_scope_has_the_whole", "RFC 6749 section 6", refresh(APP, &[]), tokens())
        .given([signed_in("old", APP)]);
    let cases = asked().into_iter().map(|(what, scope, outcome)| {
        let given = || signed_in("old", APP);
        let request = refresh(APP, &[("scope", scope)]);
        match outcome {
            Ok(granted) => {
                case(format!("a_refresh_for_{what}_is_answered"), "RFC 6749 section 6", request, tokens_for(granted))
                    .given([given()])
                    .active(&["{new.access_token}", "{new.refresh_token}"])
            }
            Err(answer) => case(
                format!("a_refresh_for_{what}_is_refused_and_consumes_nothing"),
                "RFC 6749 section 6, RFC 6749 appendix B",
                request,
                answer,
            )
            .given([given()])
            .active(&["{old.refresh_token}"]),
        }
    });
    [omitted].into_iter().chain(cases).collect()
}

/// RFC 6749 section 3.3: the default is the registered scope, and never more.
fn issues() -> Vec<Case> {
    let issue = |scope| post(Token, APP, &[("grant_type", "client_credentials"), ("scope", scope)]);
    let cases = asked().into_iter().map(|(what, scope, outcome)| {
        let request = issue(scope);
        match outcome {
            Ok(granted) => {
                let answer = access_token_for(granted);
                case(format!("an_issue_for_{what}_is_answered"), "RFC 6749 section 3.3", request, answer)
            }
            Err(answer) => {
                let name = format!("an_issue_for_{what}_is_refused");
                case(name, "RFC 6749 section 3.3", request, answer).without_the_store()
            }
        }
    });
    // RFC 6749 section 4.1.3 has no scope parameter.
    let codes = ["read", "admin"].map(|scope| {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", "{approval.code}"),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
        ];
        let name = format!("a_scope_of_{scope}_sent_with_a_code_is_ignored");
        case(name, "RFC 6749 section 4.1.3", post(Token, APP, &parameters), tokens()).given([approved("approval", APP)])
    });
    let openid = case(
        "an_openid_request_is_granted_its_known_scopes",
        "OpenID Connect Core section 3.1.2.1",
        issue("email openid profile read"),
        access_token_for("openid read"),
    );
    let source = "RFC 6749 section 3.3";
    let ignored = case(
        "where_unknown_scopes_are_ignored_the_answer_tells_the_rest",
        source,
        issue("admin read"),
        access_token_for("read"),
    );
    let nothing = case("where_they_are_ignored_an_empty_rest_is_refused", source, issue("admin"), invalid_scope());
    let ignoring = [ignored, nothing.without_the_store()].map(|case| {
        case.with_service(|service| service.policy(Policy::default().with_on_unknown_scope(OnUnknownScope::Ignore)))
    });
    let asked = "openid profile read";
    let repeated = case(
        "a_refresh_that_repeats_an_openid_scope_is_granted_its_known_scopes",
        "OpenID Connect Core section 3.1.2.1",
        refresh(APP, &[("scope", asked)]),
        tokens_for("openid read"),
    )
    .given([signed_in_for("old", APP, &[("scope", asked)])]);
    // RFC 6749 section 6: the scope of a refresh is a part of the granted one, whatever the policy.
    let wider = case(
        "a_refresh_for_an_openid_scope_that_was_not_granted_is_refused_and_consumes_nothing",
        "RFC 6749 section 6",
        refresh(APP, &[("scope", "openid profile write")]),
        invalid_scope(),
    )
    .given([signed_in_for("old", APP, &[("scope", asked)])])
    .active(&["{old.refresh_token}"]);
    cases.chain(codes).chain([openid, repeated, wider]).chain(ignoring).collect()
}

/// RFC 8707 section 2.2: a refresh may narrow the resources.
fn resources() -> Vec<Case> {
    let given = || signed_in_for("old", APP, &[("resource", ORDERS)]);
    let granted = [("the_granted_resource", ORDERS)].map(|(what, resource)| {
        case(
            format!("a_refresh_for_{what}_is_answered"),
            "RFC 8707 section 2.2",
            refresh(APP, &[("resource", resource)]),
            tokens(),
        )
    });
    let refused = [
        ("a_registered_resource_that_was_not_granted", BILLING, invalid_target()),
        ("an_unknown_resource", "https://api.example/salaries", invalid_target()),
        ("a_resource_with_a_slash_behind_it", "https://api.example/orders/", invalid_target()),
        ("a_resource_with_a_fragment", "https://api.example/orders#1", malformed_resource()),
        ("a_resource_that_is_no_url", "orders", malformed_resource()),
    ]
    .map(|(what, resource, answer)| {
        let request = refresh(APP, &[("resource", resource)]);
        case(format!("a_refresh_for_{what}_is_refused_and_consumes_nothing"), "RFC 8707 section 2.2", request, answer)
            .active(&["{old.refresh_token}"])
    });
    granted.into_iter().chain(refused).map(|case| case.given([given()])).collect()
}

/// The refresh token keeps the granted scope.
fn afterwards() -> Vec<Case> {
    let narrowed = |auth: Auth| {
        let narrow = refresh(auth, &[("scope", "read")]);
        [signed_in("old", auth), Given::Answered("narrow", narrow)]
    };
    let next =
        |auth| post(Token, auth, &[("grant_type", "refresh_token"), ("refresh_token", "{narrow.refresh_token}")]);
    let whole = [("a_confidential", APP), ("a_public", SPA)].map(|(who, auth)| {
        let name = format!("after_a_narrow_refresh_{who}_client_has_the_whole_scope_again");
        case(name, "RFC 6749 section 6", next(auth), tokens()).given(narrowed(auth))
    });
    let introspect = |token: &str| post(Introspection, APP, &[("token", token)]);
    let access = case(
        "a_narrowed_access_token_tells_its_own_scope",
        "RFC 6749 section 6",
        introspect("{narrow.access_token}"),
        ok(json!({
            "active": true, "scope": "read", "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
            "sub": USER, "iss": ISSUER,
        })),
    );
    let refresh = case(
        "the_refresh_token_beside_a_narrowed_one_tells_the_whole_scope",
        "RFC 6749 section 6",
        introspect("{narrow.refresh_token}"),
        ok(json!({
            "active": true, "scope": SCOPE, "client_id": "app", "exp": NOW + 7 * 24 * 3600, "iat": NOW, "sub": USER,
            "iss": ISSUER,
        })),
    );
    let introspections = [access, refresh].map(|case| case.given(narrowed(APP)));
    whole.into_iter().chain(introspections).collect()
}
