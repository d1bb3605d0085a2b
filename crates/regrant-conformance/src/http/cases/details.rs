//! RFC 9396: authorization details at the token endpoint, the device authorization endpoint and introspection.

use regrant::wire::Endpoint::{DeviceAuthorization, Introspection, Token};
use regrant::wire::{Endpoints, Paths};
use serde_json::{Value, json};

use crate::http::answer::{Answer, invalid_authorization_details, malformed_authorization_details, ok};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, BANK, ISSUER, PASSWORD, SCOPE, USER, post};
use crate::http::message::HttpRequest;
use crate::http::server::signed_in_for;
use crate::http::store::WatchedStore;
use crate::http::variables::Form;

/// The client with a wrong secret.
const WRONG: Auth = Auth::Basic("bank", "wrong");
const NOW: i64 = 1_800_000_000;
const SOURCE: &str = "RFC 9396 section 6";
const ACCOUNTS: &str = r#"{"type":"account_information","actions":["list_accounts"]}"#;
const BOTH: &str =
    r#"[{"type":"account_information","actions":["list_accounts"]},{"type":"payment_initiation","amount":"1.50"}]"#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = malformed();
    cases.extend(granted());
    cases.extend(refused());
    cases
}

fn accounts() -> String {
    format!("[{ACCOUNTS}]")
}

fn password(auth: Auth, details: &str) -> HttpRequest {
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    post(Token, auth, &[&password[..], &[("authorization_details", details)]].concat())
}

fn refresh(more: Form<'_>) -> HttpRequest {
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")];
    post(Token, BANK, &[&refresh[..], more].concat())
}

/// Tokens with these details.
fn tokens_with(details: &Value) -> Answer {
    ok(json!({
        "access_token": "{new.access_token}", "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": "{new.refresh_token}", "scope": SCOPE, "authorization_details": details,
    }))
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Refused before the client authenticates, so that garbage costs no call of the authenticator.
fn malformed() -> Vec<Case> {
    let nested = format!(r#"[{{"type":"a","x":{}1{}}}]"#, "[".repeat(7), "]".repeat(7));
    let texts = [
        ("that_are_no_json", "account_information"),
        ("that_are_an_object", ACCOUNTS),
        ("without_an_object", "[]"),
        ("without_a_type", r#"[{"actions":["list_accounts"]}]"#),
        ("with_a_number_as_type", r#"[{"type":1}]"#),
        ("that_name_a_member_twice", r#"[{"type":"a","type":"b"}]"#),
        ("that_are_nested_too_deep", nested.as_str()),
        ("with_something_behind_them", r#"[{"type":"a"}]]"#),
    ];
    let of_token = texts.map(|(what, text)| {
        let request = password(WRONG, text);
        (format!("authorization_details_{what}_are_malformed"), request)
    });
    let of_device = (
        "authorization_details_of_a_device_without_an_object_are_malformed".to_owned(),
        post(DeviceAuthorization, WRONG, &[("authorization_details", "[]")]),
    );
    let all = of_token.into_iter().chain([of_device]);
    all.map(|(name, request)| {
        case(name, "RFC 9396 section 2", request, malformed_authorization_details())
            .with_endpoints(with_devices)
            .without_the_store()
    })
    .collect()
}

fn with_devices(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    endpoints.with_paths(Paths { device_verification: Some("/device".to_owned()), ..Paths::default() })
}

fn granted() -> Vec<Case> {
    let given = || signed_in_for("old", BANK, &[("authorization_details", BOTH)]);
    let narrowed = accounts();
    let introspect = |token: &str| post(Introspection, BANK, &[("token", token)]);
    let told = |details: &Value, token_type: Option<&str>, lifetime: i64| {
        let mut members = json!({
            "active": true, "scope": SCOPE, "client_id": BANK.id(), "exp": NOW + lifetime, "iat": NOW, "sub": USER,
            "iss": ISSUER, "authorization_details": details,
        });
        if let Some(token_type) = token_type {
            members["token_type"] = token_type.into();
        }
        ok(members)
    };
    vec![
        case(
            "granted_authorization_details_are_in_the_answer",
            "RFC 9396 section 7",
            password(BANK, BOTH),
            tokens_with(&value(BOTH)),
        ),
        case("a_refresh_has_all_granted_authorization_details", SOURCE, refresh(&[]), tokens_with(&value(BOTH)))
            .given([given()]),
        case(
            "a_refresh_for_one_of_two_authorization_details_is_answered",
            SOURCE,
            refresh(&[("authorization_details", &narrowed)]),
            tokens_with(&value(&narrowed)),
        )
        .given([given()])
        .active(&["{new.refresh_token}"]),
        case(
            "a_refresh_for_authorization_details_in_another_spelling_is_answered",
            SOURCE,
            refresh(&[(
                "authorization_details",
                r#" [ {"actions" : ["list_accounts"] , "type" : "account_information"} ] "#,
            )]),
            tokens_with(&value(&narrowed)),
        )
        .given([given()]),
        case(
            "introspection_tells_the_authorization_details_of_an_access_token",
            "RFC 9396 section 9.2",
            introspect("{old.access_token}"),
            told(&value(BOTH), Some("Bearer"), 3600),
        )
        .given([given()]),
        case(
            "introspection_tells_the_authorization_details_of_a_refresh_token",
            "RFC 9396 section 9.2",
            introspect("{old.refresh_token}"),
            told(&value(BOTH), None, 7 * 24 * 3600),
        )
        .given([given()]),
    ]
}

fn refused() -> Vec<Case> {
    let given = || signed_in_for("old", BANK, &[("authorization_details", BOTH)]);
    let more = format!(r#"[{ACCOUNTS},{{"type":"payment_initiation","amount":"1.51"}}]"#);
    let cases = [
        ("that_were_not_granted", more.as_str()),
        ("with_a_member_less", r#"[{"type":"account_information"}]"#),
        ("of_another_type", r#"[{"type":"loan"}]"#),
    ]
    .map(|(what, details)| {
        case(
            format!("a_refresh_for_authorization_details_{what}_is_refused_and_consumes_nothing"),
            SOURCE,
            refresh(&[("authorization_details", details)]),
            invalid_authorization_details(),
        )
        .given([given()])
        .active(&["{old.refresh_token}"])
    });
    let unregistered = case(
        "authorization_details_of_a_client_without_types_are_refused",
        "RFC 9396 section 5",
        password(APP, BOTH),
        invalid_authorization_details(),
    );
    let own = [("grant_type", "client_credentials"), ("authorization_details", BOTH)];
    let itself = case(
        "a_client_gives_itself_no_authorization_details",
        "RFC 9396 section 5",
        post(Token, BANK, &own),
        invalid_authorization_details(),
    );
    cases.into_iter().chain([unregistered, itself].map(Case::without_the_store)).collect()
}
