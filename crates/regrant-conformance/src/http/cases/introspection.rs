//! RFC 7662: introspection.

use regrant::wire::Endpoint::{Introspection, Token};
use serde_json::{Value, json};

use crate::http::answer::{inactive, invalid_client, malformed_authorization, ok, unavailable};
use crate::http::case::{Case, case};
use crate::http::clients::{
    APP, AUDITOR, Auth, BILLING, ISSUER, ORDERS, ORDERS_API, OTHER, POSTER, SCOPE, SPA, USER, post,
};
use crate::http::message::HttpRequest;
use crate::http::server::{Given, approved, later, redeemed, refreshed, revoked, signed_in, signed_in_for};

const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = described();
    cases.extend(hints());
    cases.extend(not_active());
    cases.extend(callers());
    cases.extend(audiences());
    cases.extend(refused_callers());
    cases.extend(boundaries());
    cases.extend(outages());
    cases
}

fn introspect(auth: Auth, token: &str) -> HttpRequest {
    post(Introspection, auth, &[("token", token)])
}

fn access(client: &str) -> Value {
    json!({
        "active": true, "scope": SCOPE, "client_id": client, "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER,
    })
}

/// A refresh token has no token type, since it is never presented to a resource server.
fn refresh(client: &str) -> Value {
    json!({
        "active": true, "scope": SCOPE, "client_id": client, "exp": NOW + 7 * 24 * 3600, "iat": NOW, "sub": USER,
        "iss": ISSUER,
    })
}

fn with_audience(mut description: Value, audience: Value) -> Value {
    description["aud"] = audience;
    description
}

/// RFC 7662 section 2.2: a boolean, integers, no member that is null.
fn described() -> Vec<Case> {
    let own = [("a_client_of_the_header", APP, "app"), ("a_client_of_the_body", POSTER, "poster")];
    let own = own.into_iter().flat_map(|(who, auth, id)| {
        let given = || signed_in("old", auth);
        [
            case(
                format!("{who}_sees_its_access_token"),
                "RFC 7662 section 2.2",
                introspect(auth, "{old.access_token}"),
                ok(access(id)),
            )
            .given([given()]),
            case(
                format!("{who}_sees_its_refresh_token"),
                "RFC 7662 section 2.2",
                introspect(auth, "{old.refresh_token}"),
                ok(refresh(id)),
            )
            .given([given()]),
        ]
    });
    // RFC 9700 section 4.15: no subject that could be mistaken for a user.
    let issue = post(Token, APP, &[("grant_type", "client_credentials"), ("scope", "read")]);
    let itself = case(
        "a_client_acting_for_itself_has_no_subject",
        "RFC 7662 section 2.2, RFC 9700 section 4.15",
        introspect(APP, "{own.access_token}"),
        ok(json!({
            "active": true, "scope": "read", "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
            "iss": ISSUER,
        })),
    )
    .given([Given::Answered("own", issue)]);
    let two = with_audience(access("app"), json!([BILLING, ORDERS]));
    let several =
        case("several_audiences_are_a_list", "RFC 7519 section 4.1.3", introspect(APP, "{old.access_token}"), ok(two))
            .given([signed_in_for("old", APP, &[("resource", ORDERS), ("resource", BILLING)])]);
    own.chain([itself, several]).collect()
}

/// RFC 7662 section 2.1: a wrong hint widens the search.
fn hints() -> Vec<Case> {
    let hints = [
        ("access_token", "access_token"),
        ("refresh_token", "refresh_token"),
        ("something_else", "pushed_authorization_request"),
        ("nonsense", "\u{e9}"),
        ("nothing", ""),
    ];
    let tokens = [
        ("an_access_token", "{old.access_token}", access("app")),
        ("a_refresh_token", "{old.refresh_token}", refresh("app")),
    ];
    let mut cases = Vec::new();
    for (hint_name, hint) in hints {
        for (what, token, description) in &tokens {
            let request = post(Introspection, APP, &[("token", token), ("token_type_hint", hint)]);
            let name = format!("the_hint_{hint_name}_does_not_hide_{what}");
            cases.push(
                case(name, "RFC 7662 section 2.1", request, ok(description.clone())).given([signed_in("old", APP)]),
            );
        }
    }
    cases
}

/// RFC 7662 section 2.2: exactly these bytes, without a reason.
fn not_active() -> Vec<Case> {
    let given = || {
        [
            signed_in("expired", APP),
            later(7 * 24 * 3600),
            signed_in("rotated", APP),
            refreshed("next", APP, "{rotated.refresh_token}"),
            signed_in("revoked", APP),
            revoked(APP, "{revoked.refresh_token}"),
            signed_in("alone", APP),
            revoked(APP, "{alone.access_token}"),
            approved("approval", APP),
            approved("spent", APP),
            redeemed("redeemed", APP, "{spent.code}"),
            Given::Changed("cut", "{next.access_token}", |token| token[..token.len() - 1].to_owned()),
            Given::Changed("swapped", "{next.refresh_token}", |token| token.replacen("rt_", "at_", 1)),
        ]
    };
    let tokens = [
        ("an_expired_access_token", "{expired.access_token}"),
        ("an_expired_refresh_token", "{expired.refresh_token}"),
        ("a_spent_refresh_token_in_its_grace", "{rotated.refresh_token}"),
        ("a_revoked_refresh_token", "{revoked.refresh_token}"),
        ("an_access_token_of_a_revoked_grant", "{revoked.access_token}"),
        ("a_revoked_access_token", "{alone.access_token}"),
        ("a_code", "{approval.code}"),
        ("a_redeemed_code", "{spent.code}"),
        ("garbage", "garbage"),
        ("a_token_that_is_not_ascii", "\u{e9}"),
        ("a_token_cut_by_one", "{cut}"),
        ("a_token_with_a_letter_behind_it", "{next.access_token}A"),
        ("a_token_with_padding", "{next.access_token}="),
        ("a_token_with_a_space_behind_it", "{next.access_token} "),
        ("a_token_with_the_prefix_of_another_kind", "{swapped}"),
        ("a_web_token_without_algorithm", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vIn0."),
        ("a_web_token_without_signature", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJkZW1vIn0"),
    ];
    tokens
        .into_iter()
        .map(|(what, token)| {
            let name = format!("{what}_is_inactive");
            case(name, "RFC 7662 section 2.2, RFC 8725 section 3.2, CVE-2026-27840", introspect(APP, token), inactive())
                .given(given())
        })
        .collect()
}

/// RFC 7662 section 4: a caller sees only tokens that concern it (Keycloak: CVE-2026-37979).
fn callers() -> Vec<Case> {
    let callers = [
        ("another_client", OTHER),
        ("a_client_of_the_body", POSTER),
        ("a_resource_server_of_another_audience", ORDERS_API),
    ];
    let tokens = [("access", "{old.access_token}"), ("refresh", "{old.refresh_token}")];
    let strangers = callers.into_iter().flat_map(|(who, auth)| {
        tokens.map(|(kind, token)| {
            let name = format!("{who}_learns_nothing_of_a_foreign_{kind}_token");
            case(name, "RFC 7662 section 4, CVE-2026-37979", introspect(auth, token), inactive())
                .given([signed_in_for("old", APP, &[("resource", BILLING)])])
        })
    });
    let description = [with_audience(access("app"), json!(BILLING)), with_audience(refresh("app"), json!(BILLING))];
    let auditor = tokens.into_iter().zip(description).map(|((kind, token), description)| {
        let name = format!("an_auditor_sees_every_{kind}_token");
        case(name, "RFC 7662 section 4, CVE-2026-37979", introspect(AUDITOR, token), ok(description))
            .given([signed_in_for("old", APP, &[("resource", BILLING)])])
    });
    strangers.chain(auditor).collect()
}

/// A resource server sees the access tokens made for it, and no refresh token.
fn audiences() -> Vec<Case> {
    let narrow = |resource| {
        let refresh =
            [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}"), ("resource", resource)];
        Given::Answered("narrow", post(Token, APP, &refresh))
    };
    let both = || signed_in_for("old", APP, &[("resource", ORDERS), ("resource", BILLING)]);
    let see = |token| introspect(ORDERS_API, token);
    vec![
        case(
            "a_resource_server_sees_a_token_made_for_it",
            "RFC 7662 section 4, CVE-2026-37979",
            see("{old.access_token}"),
            ok(with_audience(access("app"), json!(ORDERS))),
        )
        .given([signed_in_for("old", APP, &[("resource", ORDERS)])]),
        case(
            "a_resource_server_sees_a_token_made_for_it_and_another",
            "RFC 7662 section 4, CVE-2026-37979",
            see("{old.access_token}"),
            ok(with_audience(access("app"), json!([BILLING, ORDERS]))),
        )
        .given([both()]),
        case(
            "a_resource_server_sees_no_refresh_token",
            "RFC 7662 section 4, CVE-2026-37979",
            see("{old.refresh_token}"),
            inactive(),
        )
        .given([signed_in_for("old", APP, &[("resource", ORDERS)])]),
        case(
            "a_resource_server_sees_no_token_without_an_audience",
            "RFC 7662 section 4, CVE-2026-37979",
            see("{old.access_token}"),
            inactive(),
        )
        .given([signed_in("old", APP)]),
        case(
            "a_token_narrowed_to_another_audience_is_not_seen",
            "RFC 7662 section 4, CVE-2026-37979",
            see("{narrow.access_token}"),
            inactive(),
        )
        .given([both(), narrow(BILLING)]),
        case(
            "a_token_narrowed_to_its_audience_is_seen",
            "RFC 7662 section 4, CVE-2026-37979, RFC 7662 section 2.2",
            see("{narrow.access_token}"),
            ok(with_audience(access("app"), json!(ORDERS))),
        )
        .given([both(), narrow(ORDERS)]),
    ]
}

/// RFC 7662 section 2.3: a caller without valid credentials learns nothing.
fn refused_callers() -> Vec<Case> {
    let callers = [
        ("nobody", Auth::Missing, invalid_client().challenging()),
        ("a_public_client", SPA, invalid_client().challenging()),
        ("a_confidential_client_without_its_secret", Auth::Public("app"), invalid_client().challenging()),
        ("a_wrong_secret", Auth::Basic("app", "wrong"), invalid_client().challenging()),
        ("a_wrong_secret_in_the_body", Auth::Post("poster", "wrong"), invalid_client().challenging()),
    ];
    let tokens = [("an_active", "{old.access_token}"), ("an_unknown", "garbage")];
    let refused = callers.into_iter().flat_map(|(who, auth, answer)| {
        tokens.map(|(what, token)| {
            let name = format!("{who}_gets_no_word_about_{what}_token");
            case(name, "RFC 7662 section 2.1", introspect(auth, token), answer.clone())
                .given([signed_in("old", APP)])
                .without_the_store()
        })
    });
    let itself = introspect(Auth::Missing, "{old.access_token}").header("authorization", "Bearer {old.access_token}");
    let itself = case(
        "a_token_does_not_authorize_its_own_introspection",
        "RFC 7662 section 2.1",
        itself,
        malformed_authorization(),
    )
    .given([signed_in("old", APP)])
    .without_the_store();
    refused.chain([itself]).collect()
}

/// A token is active exactly as long as it would be accepted.
fn boundaries() -> Vec<Case> {
    let lives = [
        ("an_access_token", "{old.access_token}", 3600, access("app")),
        ("a_refresh_token", "{old.refresh_token}", 7 * 24 * 3600, refresh("app")),
    ];
    lives
        .into_iter()
        .flat_map(|(what, token, life, description)| {
            [
                case(
                    format!("{what}_is_active_in_its_last_second"),
                    "RFC 7662 section 4",
                    introspect(APP, token),
                    ok(description),
                )
                .given([signed_in("old", APP), later(life - 1)]),
                case(
                    format!("{what}_is_inactive_at_its_end"),
                    "RFC 7662 section 4",
                    introspect(APP, token),
                    inactive(),
                )
                .given([signed_in("old", APP), later(life)]),
            ]
        })
        .collect()
}

/// An outage is not answered as "inactive", which would log users out at every resource server.
fn outages() -> Vec<Case> {
    let tokens = [("an_access_token", "{old.access_token}"), ("a_refresh_token", "{old.refresh_token}")];
    let cases = tokens.into_iter().flat_map(|(what, token)| {
        let cases = [
            ("of_a_closed_account_is_inactive", Given::AccountClosed, inactive(), "RFC 7662 section 4"),
            (
                "of_an_account_that_nobody_knows_is_told_as_such",
                Given::DirectoryDown,
                unavailable(),
                "RFC 7662 section 4",
            ),
            ("in_a_store_that_is_down_is_told_as_such", Given::StoreDown, unavailable(), "RFC 9110 section 15.6.4"),
        ];
        cases.map(|(why, given, answer, source)| {
            case(format!("{what}_{why}"), source, introspect(APP, token), answer)
                .given([signed_in("old", APP), given])
                .changing_nothing()
        })
    });
    let garbage =
        case("garbage_needs_no_store_to_be_inactive", "RFC 7662 section 2.2", introspect(APP, "garbage"), inactive())
            .given([Given::StoreDown])
            .without_the_store();
    cases.chain([garbage]).collect()
}
