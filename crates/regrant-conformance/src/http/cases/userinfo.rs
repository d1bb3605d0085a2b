//! OpenID Connect Core section 5.3, RFC 6750 and RFC 9449 section 7: a protected resource.

use regrant::TokenServiceBuilder;
use regrant::wire::Cors;
use regrant::wire::Endpoint::{Token, UserInfo};
use serde_json::json;

use crate::http::answer::{Answer, Body, ok, too_large, unavailable};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, ISSUER, PASSWORD, REDIRECT, SIGNED, SPA, USER, VERIFIER, basic, post};
use crate::http::message::{Framing, HttpRequest};
use crate::http::ports::{Jwts, Proofs, UserClaims, proof, proof_of_method};
use crate::http::server::{Given, approved_with_pkce, later, revoked, signed_in, signed_in_for};
use crate::http::store::WatchedStore;

const PATH: &str = "/oauth2/userinfo";
const BARE: &str = "Bearer realm=\"oauth2\"";
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = answered();
    cases.extend(signed());
    cases.extend(without_a_token());
    cases.extend(malformed());
    cases.extend(methods());
    cases.extend(not_accepted());
    cases.extend(outages());
    cases.extend(pages());
    cases.extend(proofs());
    cases
}

fn get(token: &str) -> HttpRequest {
    HttpRequest::new("GET", UserInfo).header("authorization", format!("Bearer {token}"))
}

fn posted(body: &str) -> HttpRequest {
    HttpRequest::new("POST", UserInfo).header("content-type", FORM).body(body)
}

fn user() -> Answer {
    ok(json!({ "sub": USER }))
}

/// A refusal with a challenge (RFC 6750 section 3).
fn denied(status: u16, error: &str, description: &str, challenge: &'static str) -> Answer {
    let body = format!("{{\"error\":\"{error}\",\"error_description\":\"{description}\"}}");
    let headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("www-authenticate", challenge),
    ];
    Answer { status, headers, body: Body::Exactly(body) }
}

pub(super) fn invalid_token() -> Answer {
    let challenge = "Bearer realm=\"oauth2\", error=\"invalid_token\", \
                     error_description=\"The access token is not valid for this request.\"";
    denied(401, "invalid_token", "The access token is not valid for this request.", challenge)
}

fn malformed_token() -> Answer {
    let challenge = "Bearer realm=\"oauth2\", error=\"invalid_request\", \
                     error_description=\"There must be one well-formed access token, in one place.\"";
    denied(400, "invalid_request", "There must be one well-formed access token, in one place.", challenge)
}

/// No attempt was made, so there is no error code (RFC 6750 section 3.1).
fn no_token() -> Answer {
    let headers = vec![("cache-control", "no-store"), ("pragma", "no-cache"), ("www-authenticate", BARE)];
    Answer { status: 401, headers, body: Body::Empty }
}

fn answered() -> Vec<Case> {
    let token = "{old.access_token}";
    let body = "access_token={old.access_token}";
    let in_header = |method: &str| get(token).method(method);
    let served = [
        ("a_get", in_header("GET"), user()),
        ("a_head", in_header("HEAD"), user().bodyless()),
        ("a_post_without_a_body", in_header("POST"), user()),
        ("a_post_with_an_empty_form", in_header("POST").header("content-type", FORM), user()),
        ("a_post_with_the_token_in_its_form", posted(body), user()),
        ("a_post_in_chunks", posted(body).framed(Framing::Chunked(7)), user()),
        (
            "a_form_in_utf_8",
            HttpRequest::new("POST", UserInfo)
                .header("content-type", "application/x-www-form-urlencoded; charset=UTF-8")
                .body(body),
            user(),
        ),
        (
            "a_scheme_in_lower_case",
            HttpRequest::new("GET", UserInfo).header("authorization", "bearer {old.access_token}"),
            user(),
        ),
        ("a_get_with_a_body", in_header("GET").body("access_token=garbage"), user()),
        ("a_get_with_a_query", in_header("GET").query("access_token=garbage"), user()),
        ("a_token_beside_client_credentials", posted(body).header("authorization", basic("app", "x")), user()),
    ];
    let served = served.map(|(what, request, answer)| {
        case(
            format!("{what}_is_told_the_user"),
            "OpenID Connect Core section 5.3.1, RFC 6750 section 2",
            request,
            answer,
        )
        .given([signed_in("old", APP)])
    });
    let claims = case(
        "the_claims_of_the_host_come_with_the_user",
        "OpenID Connect Core section 5.4",
        get(token),
        ok(json!({ "sub": USER, "email": "demo@as.example" })),
    )
    .given([signed_in("old", APP)])
    .with_service(|service| service.claims(UserClaims));
    served.into_iter().chain([claims]).collect()
}

fn signed() -> Vec<Case> {
    // {"aud":"signed","sub":"demo"}
    let jwt = Answer {
        status: 200,
        headers: vec![("content-type", "application/jwt"), ("cache-control", "no-store"), ("pragma", "no-cache")],
        body: Body::Exactly("e30.eyJhdWQiOiJzaWduZWQiLCJzdWIiOiJkZW1vIn0.right".to_owned()),
    };
    let source = "OpenID Connect Core section 5.3.2";
    let with_keys = |case: Case| case.with_service(|service| service.jwt_issuer(Jwts::of(ISSUER)));
    let of = |name, request, answer, auth| case(name, source, request, answer).given([signed_in("old", auth)]);
    vec![
        with_keys(of("a_client_registered_for_a_jwt_gets_one", get("{old.access_token}"), jwt, SIGNED)),
        with_keys(of(
            "another_client_gets_json_even_if_it_accepts_a_jwt",
            get("{old.access_token}").header("accept", "application/jwt"),
            user(),
            APP,
        )),
        of(
            "without_keys_a_registered_client_gets_no_unsigned_answer",
            get("{old.access_token}"),
            unavailable(),
            SIGNED,
        ),
    ]
}

fn without_a_token() -> Vec<Case> {
    let request = |value: &str| HttpRequest::new("GET", UserInfo).header("authorization", value);
    let requests = [
        ("a_get_without_a_token", HttpRequest::new("GET", UserInfo)),
        ("a_post_without_a_token", HttpRequest::new("POST", UserInfo)),
        ("a_form_without_a_token", posted("token=x")),
        ("an_empty_token_in_a_form", posted("access_token=")),
        ("a_token_in_the_query", HttpRequest::new("GET", UserInfo).query("access_token={old.access_token}")),
        (
            "a_token_in_the_body_of_a_get",
            HttpRequest::new("GET", UserInfo).header("content-type", FORM).body("access_token={old.access_token}"),
        ),
        ("client_credentials", request(&basic("app", "x"))),
        ("an_unknown_scheme", request("Token {old.access_token}")),
        ("a_scheme_of_a_server_with_proofs", request("DPoP {old.access_token}")),
    ];
    let cases = requests.map(|(what, request)| {
        let name = format!("{what}_is_challenged_without_an_error");
        case(name, "RFC 6750 section 3.1, RFC 6750 section 5.3", request, no_token()).given([signed_in("old", APP)])
    });
    cases.map(Case::without_the_store).into()
}

fn malformed() -> Vec<Case> {
    let token = "{old.access_token}";
    let body = "access_token={old.access_token}";
    let request = |value: &[u8]| HttpRequest::new("GET", UserInfo).header("authorization", value);
    let places = [
        ("a_token_in_header_and_form", posted(body).header("authorization", format!("Bearer {token}"))),
        ("two_headers", get(token).header("authorization", format!("Bearer {token}"))),
        ("a_header_of_each_scheme", get(token).header("authorization", basic("app", "x"))),
        ("a_scheme_alone", request(b"Bearer")),
        ("two_tokens_in_a_header", request(b"Bearer a b")),
        ("a_token_with_a_comma", request(b"Bearer a,b")),
        ("a_token_that_is_no_text", request(b"Bearer a\xff")),
    ];
    let places = places
        .map(|(what, request)| case(format!("{what}_is_malformed"), "RFC 6750 section 2", request, malformed_token()));
    let text = |description: &str, challenge| denied(400, "invalid_request", description, challenge);
    let forms = [
        (
            "a_token_twice_in_a_form",
            posted("access_token={old.access_token}&access_token={old.access_token}"),
            text(
                "A parameter is repeated.",
                "Bearer realm=\"oauth2\", error=\"invalid_request\", error_description=\"A parameter is repeated.\"",
            ),
        ),
        (
            "a_form_with_a_broken_escape",
            posted("access_token=%zz"),
            text(
                "The body is not form-encoded UTF-8.",
                "Bearer realm=\"oauth2\", error=\"invalid_request\", \
                 error_description=\"The body is not form-encoded UTF-8.\"",
            ),
        ),
        (
            "a_body_of_another_type",
            HttpRequest::new("POST", UserInfo).header("content-type", "application/json").body("[]"),
            text(
                "The content type must be application/x-www-form-urlencoded.",
                "Bearer realm=\"oauth2\", error=\"invalid_request\", \
                 error_description=\"The content type must be application/x-www-form-urlencoded.\"",
            ),
        ),
        (
            "a_form_that_is_cut_off",
            posted("access_token={old.access_token}").framed(Framing::Announced(1000)),
            text(
                "The body is incomplete.",
                "Bearer realm=\"oauth2\", error=\"invalid_request\", error_description=\"The body is incomplete.\"",
            ),
        ),
        ("a_form_above_the_limit", posted(&"a".repeat(64 * 1024 + 1)), too_large()),
    ];
    let forms = forms.map(|(what, request, answer)| {
        case(format!("{what}_is_refused"), "RFC 6750 section 2.2, RFC 6749 section 3.2", request, answer)
    });
    let cases = places.into_iter().chain(forms).map(|case| case.given([signed_in("old", APP)]));
    cases.map(Case::without_the_store).collect()
}

fn methods() -> Vec<Case> {
    let cases = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get"].map(|method| {
        let word = if method == "get" { "lower_case_get".to_owned() } else { method.to_lowercase() };
        let request = get("at_AAEC").method(method);
        case(format!("{word}_is_refused_with_allow"), "RFC 9110 section 15.5.6", request, not_allowed())
    });
    cases.map(Case::without_the_store).into()
}

fn not_allowed() -> Answer {
    let body = "{\"error\":\"invalid_request\",\"error_description\":\"The method must be GET, HEAD, POST.\"}";
    let headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("allow", "GET, HEAD, POST"),
    ];
    Answer { status: 405, headers, body: Body::Exactly(body.to_owned()) }
}

/// One answer for every cause. Each of them leaves the grant as it is.
fn not_accepted() -> Vec<Case> {
    let tokens = [
        ("garbage", "garbage", vec![]),
        ("a_refresh_token", "{old.refresh_token}", vec![]),
        ("a_token_of_a_revoked_grant", "{old.access_token}", vec![revoked(APP, "{old.refresh_token}")]),
        ("a_revoked_token", "{old.access_token}", vec![revoked(APP, "{old.access_token}")]),
        ("an_expired_token", "{old.access_token}", vec![later(3600)]),
        ("a_token_of_a_closed_account", "{old.access_token}", vec![Given::AccountClosed]),
    ];
    let cases = tokens.map(|(what, token, given)| {
        case(format!("{what}_is_invalid"), "RFC 6750 section 3.1", get(token), invalid_token())
            .given([signed_in("old", APP)])
            .given(given)
    });
    let in_form =
        case("garbage_in_a_form_is_invalid", "RFC 6750 section 3.1", posted("access_token=garbage"), invalid_token());
    let own = post(Token, APP, &[("grant_type", "client_credentials"), ("scope", "openid")]);
    let own =
        case("a_token_without_a_user_is_invalid", "RFC 6750 section 3.1", get("{own.access_token}"), invalid_token())
            .given([Given::Answered("own", own)]);
    let challenge = "Bearer realm=\"oauth2\", error=\"insufficient_scope\", \
                     error_description=\"The access token does not have the scope that is needed.\", scope=\"openid\"";
    let description = "The access token does not have the scope that is needed.";
    let narrow = case(
        "a_token_without_openid_lacks_scope",
        "OpenID Connect Core section 5.3.1, RFC 6750 section 3.1",
        get("{old.access_token}"),
        denied(403, "insufficient_scope", description, challenge),
    )
    .given([signed_in_for("old", APP, &[("scope", "read")])]);
    cases.into_iter().chain([in_form, own, narrow]).collect()
}

/// An outage says nothing of the token, so it has no challenge.
fn outages() -> Vec<Case> {
    [("the_store", Given::StoreDown), ("the_directory", Given::DirectoryDown)]
        .map(|(what, outage)| {
            let name = format!("an_outage_of_{what}_is_no_refusal");
            case(name, "RFC 6750 section 3.1", get("{old.access_token}"), unavailable())
                .given([signed_in("old", APP), outage])
                .active(&["{old.access_token}"])
        })
        .into()
}

/// A page may read the user, and the challenge that tells it to refresh.
fn pages() -> Vec<Case> {
    let page = "https://spa.example";
    let exposed = |answer: Answer| {
        answer
            .with("vary", "origin")
            .with("access-control-allow-origin", "https://spa.example")
            .with("access-control-expose-headers", "dpop-nonce, retry-after, www-authenticate")
    };
    let preflight = HttpRequest::new("OPTIONS", UserInfo)
        .header("origin", page)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let permission = Answer { status: 204, headers: Vec::new(), body: Body::Empty }
        .with("access-control-allow-methods", "GET, HEAD, POST")
        .with("access-control-allow-headers", "authorization, content-type, dpop")
        .with("access-control-max-age", "7200");
    let source = "Fetch standard (CORS protocol)";
    let cases = [
        case("a_known_page_may_ask", source, preflight, exposed(permission)),
        case(
            "a_known_page_may_read_the_user",
            source,
            get("{old.access_token}").header("origin", page),
            exposed(user()),
        ),
        case(
            "a_known_page_may_read_the_challenge",
            source,
            get("garbage").header("origin", page),
            exposed(invalid_token()),
        ),
    ];
    let cases = cases.map(|case| case.given([signed_in("old", APP)]));
    cases
        .map(|case| {
            case.with_endpoints(|endpoints| endpoints.with_cors(Cors::origins(["https://spa.example"]).unwrap()))
        })
        .into()
}

fn with_proofs(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.proof_verifier(Proofs::default())
}

fn with_nonces(service: TokenServiceBuilder<WatchedStore>) -> TokenServiceBuilder<WatchedStore> {
    service.proof_verifier(Proofs::with_nonce("n1"))
}

/// A public client that signed in with the key `a`.
fn bound(nonce: &str) -> Given {
    let password = [("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
    let proof = format!("{}{nonce}", proof('a', "/oauth2/token", 1));
    Given::Answered("old", post(Token, SPA, &password).header("dpop", proof))
}

/// A request with a token of the type DPoP and a proof.
fn proving(method: &str, proof: impl AsRef<[u8]>) -> HttpRequest {
    HttpRequest::new(method, UserInfo).header("authorization", "DPoP {old.access_token}").header("dpop", proof)
}

/// RFC 9449 section 7.1.
fn proofs() -> Vec<Case> {
    let of = |key, method: &str, number| format!("{} {{old.access_token}}", proof_of_method(key, method, PATH, number));
    let other = |answer: Answer| answer.with("www-authenticate", "DPoP realm=\"oauth2\", algs=\"ES256\"");
    let bad_proof = || {
        let challenge = "DPoP realm=\"oauth2\", error=\"invalid_dpop_proof\", \
                         error_description=\"The DPoP proof is missing or not valid for this request.\", algs=\"ES256\"";
        let description = "The DPoP proof is missing or not valid for this request.";
        denied(401, "invalid_dpop_proof", description, challenge).with("www-authenticate", BARE)
    };
    let two_proofs = || {
        let challenge = "DPoP realm=\"oauth2\", error=\"invalid_dpop_proof\", \
                         error_description=\"There must be one well-formed DPoP proof.\", algs=\"ES256\"";
        let description = "There must be one well-formed DPoP proof.";
        denied(401, "invalid_dpop_proof", description, challenge).with("www-authenticate", BARE)
    };
    let source = "RFC 9449 section 7.1, RFC 9449 section 4.3";
    let without = HttpRequest::new("GET", UserInfo).header("authorization", "DPoP {old.access_token}");
    let rows = [
        ("a_get_with_a_proof_is_told_the_user", proving("GET", of('a', "GET", 2)), user()),
        ("a_head_with_a_proof_is_told_the_user", proving("HEAD", of('a', "HEAD", 2)), user().bodyless()),
        ("a_post_with_a_proof_is_told_the_user", proving("POST", of('a', "POST", 2)), user()),
        ("a_bound_token_without_a_proof_is_refused", without, bad_proof()),
        ("a_proof_of_another_key_is_refused", proving("GET", of('b', "GET", 2)), bad_proof()),
        ("a_proof_of_another_method_is_refused", proving("GET", of('a', "POST", 2)), bad_proof()),
        (
            "a_proof_for_another_token_is_refused",
            proving("GET", format!("{} at_AAEC", proof_of_method('a', "GET", PATH, 2))),
            bad_proof(),
        ),
        ("a_proof_without_a_token_is_refused", proving("GET", proof_of_method('a', "GET", PATH, 2)), bad_proof()),
        ("a_proof_that_was_used_before_is_refused", proving("GET", of('a', "GET", 1)), bad_proof()),
        ("two_proofs_are_refused", proving("GET", of('a', "GET", 2)).header("dpop", of('a', "GET", 3)), two_proofs()),
        ("a_bound_token_as_a_bearer_token_is_refused", get("{old.access_token}"), downgraded(&other)),
        ("a_bound_token_in_a_form_is_refused", posted("access_token={old.access_token}"), downgraded(&other)),
        (
            "a_verifier_that_is_down_is_no_refusal",
            proving("GET", "unreachable GET https://as.example/oauth2/userinfo 2 {old.access_token}"),
            unavailable(),
        ),
    ];
    let rows = rows.map(|(name, request, answer)| {
        case(name, source, request, answer).given([bound("")]).with_service(with_proofs).active(&["{old.access_token}"])
    });
    let unbound =
        case("a_bearer_token_with_a_proof_of_any_key_is_refused", source, proving("GET", of('a', "GET", 2)), {
            let challenge = "DPoP realm=\"oauth2\", error=\"invalid_token\", \
                             error_description=\"The access token is not valid for this request.\", algs=\"ES256\"";
            denied(401, "invalid_token", "The access token is not valid for this request.", challenge)
                .with("www-authenticate", BARE)
        })
        .given([signed_in("old", APP)])
        .with_service(with_proofs);
    let redeemed = [
        ("grant_type", "authorization_code"),
        ("code", "{approval.code}"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let redeemed = post(Token, SPA, &redeemed).header("dpop", proof('a', "/oauth2/token", 1));
    let of_a_code = case("a_token_of_a_code_is_bound_alike", source, get("{old.access_token}"), downgraded(&other))
        .given([approved_with_pkce("approval", SPA), Given::Answered("old", redeemed)])
        .with_service(with_proofs);
    rows.into_iter().chain([unbound, of_a_code]).chain(nonces()).collect()
}

fn downgraded(other: &dyn Fn(Answer) -> Answer) -> Answer {
    other(invalid_token())
}

/// RFC 9449 section 9.
fn nonces() -> [Case; 2] {
    let of = |nonce: &str| format!("{}{nonce} {{old.access_token}}", proof_of_method('a', "GET", PATH, 2));
    let challenge = "DPoP realm=\"oauth2\", error=\"use_dpop_nonce\", \
                     error_description=\"The DPoP proof must have the nonce of the DPoP-Nonce header.\", algs=\"ES256\"";
    let description = "The DPoP proof must have the nonce of the DPoP-Nonce header.";
    let told = denied(401, "use_dpop_nonce", description, challenge).with("www-authenticate", BARE);
    let source = "RFC 9449 section 9";
    [
        case(
            "a_proof_without_a_nonce_is_told_the_nonce",
            source,
            proving("GET", of("")),
            told.with("dpop-nonce", "n1"),
        ),
        case("a_proof_with_the_nonce_is_accepted", source, proving("GET", of(" n1")), user().with("dpop-nonce", "n1"))
            .after(proving("GET", of(""))),
    ]
    .map(|case| case.given([bound(" n1")]).with_service(with_nonces))
}
