//! RFC 7591: a stranger describes a client and gets an id. JSON instead of a form, and no client authentication.

use regrant::authenticator::MemoryClients;
use regrant::client::RegistrationRules;
use regrant::wire::Endpoint::Registration;
use regrant::wire::{ClientRegistration, Cors, Endpoints};
use regrant::{Client, ClientId, ClientSecret, GrantType, SecretHash};
use serde_json::{Value, json};

use crate::http::answer::{
    Answer, created, incomplete, invalid_client_metadata, invalid_redirect_uri, invalid_request, method_not_allowed,
    not_served, too_large, too_many_attempts, unauthorized_registration,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, REDIRECT};
use crate::http::message::{Framing, HttpRequest};
use crate::http::server::{Given, later, signed_in};
use crate::http::store::WatchedStore;

const SOURCE: &str = "RFC 7591 section 3.1";
const TOKEN: &str = "an-initial-access-token";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = registrations();
    cases.extend(refused());
    cases.extend(framings());
    let open = cases.into_iter().map(|case| case.with_endpoints(open));
    let unserved = case("without_a_directory_nobody_registers", SOURCE, post(&public()), not_served());
    open.chain(closed()).chain(limited()).chain(pages()).chain([unserved]).map(Case::without_the_store).collect()
}

fn rules() -> RegistrationRules {
    let most = Client::new(ClientId::from_static("most"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_scope("openid read".parse().unwrap());
    RegistrationRules::within(most)
}

fn registration() -> ClientRegistration {
    ClientRegistration::new(MemoryClients::new(), rules())
}

fn open(endpoints: Endpoints<WatchedStore>) -> Endpoints<WatchedStore> {
    endpoints.with_registration(registration())
}

fn raw(body: impl AsRef<[u8]>) -> HttpRequest {
    HttpRequest::new("POST", Registration).header("content-type", "application/json").body(body)
}

fn post(document: &Value) -> HttpRequest {
    raw(document.to_string())
}

fn public() -> Value {
    json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" })
}

/// The answer to [`public`].
fn public_answer() -> Answer {
    created(json!({
        "client_id": "{new.client_id}", "client_id_issued_at": 1_800_000_000, "token_endpoint_auth_method": "none",
        "redirect_uris": [REDIRECT], "grant_types": ["authorization_code"], "response_types": ["code"],
        "scope": "openid read",
    }))
}

fn registrations() -> Vec<Case> {
    let confidential = json!({
        "redirect_uris": [REDIRECT], "client_name": "An app", "scope": "read admin",
        "grant_types": ["authorization_code", "refresh_token", "password"],
    });
    let answer = created(json!({
        "client_id": "{new.client_id}", "client_id_issued_at": 1_800_000_000, "client_secret": "{new.client_secret}",
        "client_secret_expires_at": 0, "client_name": "An app", "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [REDIRECT], "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"], "scope": "read",
    }));
    let native = json!({ "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none" });
    let mut native_answer = public_answer();
    if let crate::http::answer::Body::Json(json) = &mut native_answer.body {
        json["redirect_uris"] = native["redirect_uris"].clone();
    }
    let typed = |media: &str| post(&public()).without("content-type").header("content-type", media);
    vec![
        case("a_public_client_gets_an_id", "RFC 7591 section 3.2.1", post(&public()), public_answer()),
        case("a_confidential_client_gets_a_secret_and_less_than_it_asked_for", SOURCE, post(&confidential), answer),
        case("a_native_app_registers_a_loopback_address", "RFC 8252 section 7.3", post(&native), native_answer),
        case("a_charset_of_the_type_is_ignored", SOURCE, typed("application/json; charset=utf-8"), public_answer()),
        case("the_type_may_have_any_case", SOURCE, typed("Application/JSON"), public_answer()),
        case(
            "members_that_are_unknown_are_ignored",
            "RFC 7591 section 2",
            post(&json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "x": { "y": [1] } })),
            public_answer(),
        ),
        // No client authenticates here, and other users of the connection do not matter.
        case(
            "credentials_of_a_client_make_no_difference",
            SOURCE,
            post(&public()).header("authorization", "Basic YTpi"),
            public_answer(),
        )
        .given([signed_in("old", APP)])
        .active(&["{old.refresh_token}"]),
    ]
}

fn refused() -> Vec<Case> {
    let uris = |uris: Value| post(&json!({ "redirect_uris": uris }));
    let with = |name: &str, value: Value| {
        let mut document = public();
        document[name] = value;
        post(&document)
    };
    let member = |name| invalid_client_metadata(&format!("The member {name} is not accepted."));
    let object = || invalid_client_metadata("The body must be a JSON object that names each member once.");
    let media = || invalid_request("The content type must be application/json.");
    let typed = |media: &str| post(&public()).without("content-type").header("content-type", media);
    let twice = format!("{{\"redirect_uris\":[\"{REDIRECT}\"],\"redirect_uris\":[\"https://evil.example/cb\"]}}");
    let requests = [
        ("without_a_redirection_uri", raw("{ }"), invalid_redirect_uri()),
        ("of_a_redirection_uri_without_tls", uris(json!(["http://app.example/cb"])), invalid_redirect_uri()),
        ("of_a_script_as_redirection_uri", uris(json!(["javascript:alert(1)"])), invalid_redirect_uri()),
        ("of_a_redirection_uri_with_a_fragment", uris(json!(["https://a.example/#b"])), invalid_redirect_uri()),
        (
            "of_a_redirection_uri_that_hides_its_host",
            uris(json!(["http://127.0.0.1:1@evil.example/"])),
            invalid_redirect_uri(),
        ),
        ("of_a_redirection_uri_that_is_no_text", uris(json!([{ "a": 1 }])), invalid_redirect_uri()),
        (
            "of_an_unknown_method",
            with("token_endpoint_auth_method", json!("magic")),
            member("token_endpoint_auth_method"),
        ),
        ("of_a_closed_grant_type", with("grant_types", json!(["password"])), member("grant_types")),
        ("of_a_foreign_scope", with("scope", json!("admin")), member("scope")),
        ("of_a_malformed_scope", with("scope", json!("a  b")), member("scope")),
        ("of_the_implicit_flow", with("response_types", json!(["token"])), member("response_types")),
        ("of_a_private_key", with("jwks", json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })), member("jwks")),
        ("of_a_name_with_a_line_break", with("client_name", json!("a\nb")), member("client_name")),
        ("that_names_a_member_twice", raw(twice), object()),
        ("that_is_a_list", raw("[]"), object()),
        ("that_is_empty", raw(""), object()),
        ("that_is_no_json", raw("redirect_uris=https%3A%2F%2Fapp.example%2Fcb"), object()),
        ("that_is_not_utf_8", raw(b"{ \"client_name\": \"\xff\" }"), object()),
        (
            "with_a_byte_order_mark",
            raw([b"\xef\xbb\xbf".as_slice(), public().to_string().as_bytes()].concat()),
            object(),
        ),
        ("of_another_type", typed("application/x-www-form-urlencoded"), media()),
        ("of_a_longer_type", typed("application/json-seq"), media()),
        ("without_a_type", post(&public()).without("content-type"), media()),
        ("with_the_type_twice", post(&public()).header("content-type", "application/json"), media()),
    ];
    let refused = requests.map(|(what, request, answer)| {
        case(format!("a_registration_{what}_is_refused"), "RFC 7591 section 3.2.2", request, answer)
    });
    let methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"].map(|method| {
        let word = if method == "post" { "lower_case_post".to_owned() } else { method.to_lowercase() };
        let answer = if method == "HEAD" { method_not_allowed().bodyless() } else { method_not_allowed() };
        case(format!("{word}_is_refused_with_allow"), "RFC 9110 section 15.5.6", post(&public()).method(method), answer)
    });
    refused.into_iter().chain(methods).collect()
}

fn framings() -> Vec<Case> {
    let valid = |framing| post(&public()).framed(framing);
    let long = |length: usize| {
        let mut document = public();
        let rest = length - document.to_string().len() - ",\"x\":\"\"".len();
        document["x"] = "a".repeat(rest).into();
        post(&document)
    };
    vec![
        case("a_body_in_chunks_of_one_byte_is_read", "RFC 9112 section 7", valid(Framing::Chunked(1)), public_answer()),
        case(
            "a_body_of_a_few_bytes_at_a_time_is_read",
            "RFC 9112 section 7",
            valid(Framing::Dribbled),
            public_answer(),
        ),
        case(
            "a_body_shorter_than_announced_is_refused",
            "RFC 9110 section 15.5.14",
            valid(Framing::Announced(1000)),
            incomplete(),
        ),
        case(
            "a_body_of_chunks_without_the_last_one_is_refused",
            "RFC 9112 section 8",
            valid(Framing::Broken(8)),
            incomplete(),
        ),
        case("a_body_of_16_kib_is_read", "RFC 9110 section 15.5.14", long(16 * 1024), public_answer()),
        case("a_body_above_16_kib_is_refused", "RFC 9110 section 15.5.14", long(16 * 1024 + 1), too_large()),
        case(
            "a_body_above_the_limit_of_all_endpoints_is_refused",
            "RFC 9110 section 15.5.14",
            long(64 * 1024 + 1),
            too_large(),
        ),
    ]
}

/// RFC 7591 section 1.2: an initial access token.
fn closed() -> Vec<Case> {
    let bearer = |token: &str| post(&public()).header("authorization", format!("Bearer {token}"));
    let cases = [
        ("without_an_initial_access_token_nobody_registers", post(&public()), unauthorized_registration(None)),
        ("with_another_token_nobody_registers", bearer("a-guess"), unauthorized_registration(Some("invalid_token"))),
        ("with_the_initial_access_token_a_client_registers", bearer(TOKEN), public_answer()),
    ];
    let cases = cases.map(|(name, request, answer)| {
        case(name, "RFC 7591 section 3, RFC 6750 section 3", request, answer).with_endpoints(|endpoints| {
            let hash = SecretHash::sha256(&ClientSecret::new(TOKEN));
            endpoints.with_registration(registration().with_initial_access_token(hash))
        })
    });
    cases.into()
}

fn limited() -> Vec<Case> {
    let given = || Given::Asked(post(&public()));
    let cases = [
        case(
            "a_registration_above_the_limit_may_be_tried_again",
            "RFC 6585 section 4",
            post(&public()),
            too_many_attempts("60"),
        )
        .given([given()]),
        case("a_registration_in_the_next_minute_is_accepted", "RFC 7591 section 5", post(&public()), later_answer())
            .given([given(), later(60)]),
    ];
    let limit = |case: Case| {
        case.with_endpoints(|endpoints| endpoints.with_registration(registration().with_most_per_minute(1)))
    };
    cases.map(limit).into()
}

/// The answer to [`public`] a minute later.
fn later_answer() -> Answer {
    let mut answer = public_answer();
    if let crate::http::answer::Body::Json(json) = &mut answer.body {
        json["client_id_issued_at"] = 1_800_000_060.into();
    }
    answer
}

/// MCP clients in a browser register from a page.
fn pages() -> Vec<Case> {
    const PAGE: &str = "https://spa.example";
    let request = post(&public()).header("origin", PAGE);
    let answer = public_answer()
        .with("vary", "origin")
        .with("access-control-allow-origin", PAGE)
        .with("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate");
    let page = case("a_known_page_may_register", "Fetch standard (CORS protocol)", request, answer);
    vec![page.with_endpoints(|endpoints| open(endpoints).with_cors(Cors::origins([PAGE]).unwrap()))]
}
