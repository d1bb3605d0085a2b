//! RFC 8705: clients that authenticate with a certificate, and tokens bound to one. The certificate is that of the
//! connection, or a proxy forwards it in a header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regrant::Policy;
use regrant::policy::SenderConstraint;
use regrant::wire::CertificateHeader;
use regrant::wire::Endpoint::{self, Introspection, Token, UserInfo};
use serde_json::json;

use super::userinfo::invalid_token;
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

/// Certificates in a header of a proxy.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = of_either_way(Way::Header);
    cases.extend(ENDPOINTS.into_iter().flat_map(|(name, endpoint)| headers(name, endpoint)));
    let cases = cases.into_iter().map(behind_a_proxy);
    cases.chain(without_a_proxy()).collect()
}

/// Certificates of the connection.
pub(super) fn of_the_connection() -> Vec<Case> {
    let request = || valid_request(Token, CERTIFIED_CLIENT);
    // The proxy has a certificate too, and all its connections have it.
    let of_the_proxy =
        case("a_certificate_of_a_proxy_is_no_clients", "RFC 9440 section 4", request(), invalid_client());
    let beside_a_header = case(
        "a_certificate_header_does_not_replace_the_certificate",
        "RFC 9440 section 4",
        in_header(request(), CERTIFICATE),
        invalid_client(),
    );
    let refused = [behind_a_proxy(of_the_proxy).showing(CERTIFICATE), beside_a_header.showing(OTHER_CERTIFICATE)];
    of_either_way(Way::Connection).into_iter().chain(refused.map(Case::without_the_store)).collect()
}

fn behind_a_proxy(case: Case) -> Case {
    case.with_endpoints(|endpoints| endpoints.with_certificate_header(CertificateHeader::rfc_9440()))
}

/// The way of a certificate to the server.
#[derive(Clone, Copy)]
enum Way {
    Header,
    Connection,
}

impl Way {
    fn show(self, case: Case, certificate: &'static [u8]) -> Case {
        match self {
            Self::Header => Case { request: in_header(case.request, certificate), ..case },
            Self::Connection => case.showing(certificate),
        }
    }

    /// Tokens of a password request that showed the certificate.
    fn bound(self, auth: Auth) -> Given {
        match self {
            Self::Header => Given::Answered("old", in_header(password(auth), CERTIFICATE)),
            Self::Connection => Given::AnsweredTo("old", password(auth), CERTIFICATE),
        }
    }
}

/// `Client-Cert` (RFC 9440 section 2).
fn in_header(request: HttpRequest, certificate: &[u8]) -> HttpRequest {
    request.header("client-cert", format!(":{}:", STANDARD.encode(certificate)))
}

fn of_either_way(way: Way) -> Vec<Case> {
    let authentication = ENDPOINTS.into_iter().flat_map(|(name, endpoint)| authentication(way, name, endpoint));
    authentication.chain(bound_tokens(way)).collect()
}

fn authentication(way: Way, name: &str, endpoint: Endpoint) -> Vec<Case> {
    let request = || valid_request(endpoint, CERTIFIED_CLIENT);
    let accepted = [
        ("a_certificate", request(), CERTIFICATE),
        ("the_certificate_of_a_client_with_a_secret", valid_request(endpoint, APP), OTHER_CERTIFICATE),
    ]
    .map(|(what, request, certificate)| {
        let name = format!("{what}_is_accepted_at_{name}");
        way.show(case(name, "RFC 8705 section 2", request, valid_answer(endpoint)), certificate).like_a_valid_one()
    });
    let unknown = valid_request(endpoint, Auth::Public("nobody"));
    let refused = [
        ("another_certificate", request(), Some(OTHER_CERTIFICATE)),
        ("no_certificate", request(), None),
        ("a_certificate_of_an_unknown_client", unknown, Some(CERTIFICATE)),
    ]
    .map(|(what, request, certificate)| {
        let name = format!("{what}_is_refused_at_{name}");
        let case = case(name, "RFC 8705 section 2, RFC 9440", request, invalid_client_at(endpoint));
        let case = case.without_the_store();
        certificate.into_iter().fold(case, |case, certificate| way.show(case, certificate))
    });
    accepted.into_iter().chain(refused).collect()
}

fn headers(name: &str, endpoint: Endpoint) -> Vec<Case> {
    let request = || valid_request(endpoint, CERTIFIED_CLIENT);
    let with = |value: &[u8]| request().header("client-cert", value);
    let refused: [(&str, HttpRequest, Answer); 6] = [
        ("an_empty_certificate_header", with(b""), invalid_client_at(endpoint)),
        ("a_certificate_header_of_garbage", with(b"garbage!"), malformed_certificate()),
        ("a_certificate_header_that_is_no_text", with(b":MA==:\xff"), malformed_certificate()),
        ("a_certificate_that_is_no_sequence", with(b":AAAA:"), malformed_certificate()),
        ("two_certificates", in_header(in_header(request(), CERTIFICATE), CERTIFICATE), malformed_certificate()),
        (
            "a_certificate_behind_another",
            in_header(in_header(request(), OTHER_CERTIFICATE), CERTIFICATE),
            malformed_certificate(),
        ),
    ];
    let refused = refused.map(|(what, request, answer)| {
        case(format!("{what}_is_refused_at_{name}"), "RFC 8705 section 2, RFC 9440", request, answer)
            .without_the_store()
    });
    refused.into()
}

fn password(auth: Auth) -> HttpRequest {
    post(Token, auth, &[("grant_type", "password"), ("username", USER), ("password", PASSWORD)])
}

/// RFC 8705 section 3: a bound token is valid only together with the certificate.
fn bound_tokens(way: Way) -> Vec<Case> {
    let refresh = || post(Token, SPA, &[("grant_type", "refresh_token"), ("refresh_token", "{old.refresh_token}")]);
    let user_info = || HttpRequest::new("GET", UserInfo).header("authorization", "Bearer {old.access_token}");
    let description = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER, "cnf": { "x5t#S256": "SN89ob_yW6s_LomT8WEdlIqB7vcSptd0-HcPr1XFzks" },
    });
    let user = || ok(json!({ "sub": USER }));
    let first = case("a_certificate_binds_tokens", "RFC 8705 section 3.2", password(SPA), tokens());
    let none =
        case("a_request_without_a_certificate_gets_no_tokens", "RFC 8705 section 3", password(SPA), unfit_request());
    let told = case(
        "a_token_bound_to_a_certificate_tells_it",
        "RFC 8705 section 3.2",
        post(Introspection, APP, &[("token", "{old.access_token}")]),
        ok(description),
    );
    let refreshes = [
        ("a_refresh_with_the_certificate_is_answered", Some(CERTIFICATE), tokens()),
        ("a_refresh_with_another_certificate_is_refused", Some(OTHER_CERTIFICATE), invalid_grant()),
        ("a_refresh_without_the_certificate_is_refused", None, unfit_request()),
    ]
    .map(|(name, certificate, answer)| (name, "RFC 8705 section 4", refresh(), certificate, answer));
    let at_userinfo = [
        ("a_bound_token_with_the_certificate_is_told_the_user", Some(CERTIFICATE), user()),
        ("a_bound_token_with_another_certificate_is_invalid", Some(OTHER_CERTIFICATE), invalid_token()),
        ("a_bound_token_without_the_certificate_is_invalid", None, invalid_token()),
    ]
    .map(|(name, certificate, answer)| (name, "RFC 8705 section 3", user_info(), certificate, answer));
    let bound = refreshes.into_iter().chain(at_userinfo).map(|(name, source, request, certificate, answer)| {
        let is_refresh = answer.status == 200 && request.endpoint == Token;
        let case = case(name, source, request, answer).given([way.bound(SPA)]);
        let case = if is_refresh { case } else { case.active(&["{old.refresh_token}"]) };
        certificate.into_iter().fold(case, |case, certificate| way.show(case, certificate))
    });
    let cases = bound.chain([way.show(first, CERTIFICATE), none, told.given([way.bound(APP)])]);
    let policy = |case: Case| {
        case.with_service(|service| {
            service.policy(Policy::default().with_sender_constraint(SenderConstraint::Certificate))
        })
    };
    cases.map(policy).collect()
}

/// Any client can send the header, so it counts only where the host configures it.
fn without_a_proxy() -> [Case; 1] {
    let request = in_header(valid_request(Token, CERTIFIED_CLIENT), CERTIFICATE);
    [case("a_certificate_header_that_nobody_asked_for_is_nothing", "RFC 9440 section 4", request, invalid_client())
        .without_the_store()]
}
