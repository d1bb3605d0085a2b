//! RFC 8705: clients that authenticate with a certificate, and tokens bound to one. Here a proxy forwards the
//! certificate; the adapters' own tests cover certificates of the connection.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regrant::Policy;
use regrant::policy::SenderConstraint;
use regrant::wire::CertificateHeader;
use regrant::wire::Endpoint::{self, Introspection, Token};
use serde_json::json;

use super::{ENDPOINTS, valid_answer, valid_request};
use crate::http::answer::{
    Answer, invalid_client, invalid_client_at, invalid_grant, malformed_certificate, ok, tokens, unfit_request,
};
use crate::http::case::{Case, case};
use crate::http::clients::{APP, Auth, CERTIFIED, ISSUER, PASSWORD, SCOPE, SPA, USER, post};
use crate::http::message::HttpRequest;
use crate::http::ports::{CERTIFICATE, OTHER_CERTIFICATE};
use crate::http::server::Given;

const CERTIFIED_CLIENT: Auth = Auth::Public(CERTIFIED);
const NOW: i64 = 1_800_000_000;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        ENDPOINTS.into_iter().flat_map(|(name, endpoint)| authentication(name, endpoint)).collect();
    cases.extend(bound_tokens());
    let behind_a_proxy = cases
        .into_iter()
        .map(|case| case.with_endpoints(|endpoints| endpoints.with_certificate_header(CertificateHeader::rfc_9440())));
    behind_a_proxy.chain(without_a_proxy()).collect()
}

/// `Client-Cert` (RFC 9440 section 2).
fn showing(request: HttpRequest, certificate: &[u8]) -> HttpRequest {
    request.header("client-cert", format!(":{}:", STANDARD.encode(certificate)))
}

fn authentication(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let request = || valid_request(endpoint, CERTIFIED_CLIENT);
    let with = |value: &[u8]| request().header("client-cert", value);
    let accepted = [
        ("a_certificate", showing(request(), CERTIFICATE)),
        ("the_certificate_of_a_client_with_a_secret", showing(valid_request(endpoint, APP), OTHER_CERTIFICATE)),
    ]
    .map(|(what, request)| {
        case(format!("{what}_is_accepted_at_{name}"), "RFC 8705 section 2", request, valid_answer(endpoint))
            .like_a_valid_one()
    });
    let invalid_client = || invalid_client_at(endpoint);
    let refused: [(&str, HttpRequest, Answer); 9] = [
        ("another_certificate", showing(request(), OTHER_CERTIFICATE), invalid_client()),
        ("no_certificate", request(), invalid_client()),
        ("an_empty_certificate_header", with(b""), invalid_client()),
        ("a_certificate_header_of_garbage", with(b"garbage!"), malformed_certificate()),
        ("a_certificate_header_that_is_no_text", with(b":MA==:\xff"), malformed_certificate()),
        ("a_certificate_that_is_no_sequence", with(b":AAAA:"), malformed_certificate()),
        ("two_certificates", showing(showing(request(), CERTIFICATE), CERTIFICATE), malformed_certificate()),
        (
            "a_certificate_behind_another",
            showing(showing(request(), OTHER_CERTIFICATE), CERTIFICATE),
            malformed_certificate(),
        ),
        (
            "a_certificate_of_an_unknown_client",
            showing(valid_request(endpoint, Auth::Public("nobody")), CERTIFICATE),
            invalid_client(),
        ),
    ];
    let refused = refused.map(|(what, request, answer)| {
        case(format!("{what}_is_refused_at_{name}"), "RFC 8705 section 2, RFC 9440", request, answer)
            .without_the_store()
    });
    accepted.into_iter().chain(refused).collect()
}

/// RFC 8705 section 3: a bound token is valid only together with the certificate.
fn bound_tokens() -> Vec<Case> {
    let password = |auth| post(Token, auth, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)]);
    let refresh = || post(Token, SPA, &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")]);
    let bound = |auth| Given::Answered("old", showing(password(auth), CERTIFICATE));
    let description = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER, "cnf": { "x5t#S256": "SN89ob_yW6s_LomT8WEdlIqB7vcSptd0-HcPr1XFzks" },
    });
    let cases = [
        case("a_certificate_binds_tokens", "RFC 8705 section 3.2", showing(password(SPA), CERTIFICATE), tokens()),
        case("a_request_without_a_certificate_gets_no_tokens", "RFC 8705 section 3", password(SPA), unfit_request()),
        case(
            "a_token_bound_to_a_certificate_tells_it",
            "RFC 8705 section 3.2",
            post(Introspection, APP, &[("token", "{old.access_token}")]),
            ok(description),
        )
        .given([bound(APP)]),
        case(
            "a_refresh_with_the_certificate_is_answered",
            "RFC 8705 section 4",
            showing(refresh(), CERTIFICATE),
            tokens(),
        )
        .given([bound(SPA)]),
        case(
            "a_refresh_with_another_certificate_is_refused",
            "RFC 8705 section 4",
            showing(refresh(), OTHER_CERTIFICATE),
            invalid_grant(),
        )
        .given([bound(SPA)])
        .active(&["{old.refresh_token}"]),
        case("a_refresh_without_the_certificate_is_refused", "RFC 8705 section 4", refresh(), unfit_request())
            .given([bound(SPA)])
            .active(&["{old.refresh_token}"]),
    ];
    let policy = |case: Case| {
        case.with_service(|service| {
            service.policy(Policy::default().with_sender_constraint(SenderConstraint::Certificate))
        })
    };
    cases.map(policy).into()
}

/// Any client can send the header, so it counts only where the host configures it.
fn without_a_proxy() -> [Case; 1] {
    let request = showing(valid_request(Token, CERTIFIED_CLIENT), CERTIFICATE);
    [case("a_certificate_header_that_nobody_asked_for_is_nothing", "RFC 9440 section 4", request, invalid_client())
        .without_the_store()]
}
