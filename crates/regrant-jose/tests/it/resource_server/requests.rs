//! Authentication of requests by their headers, and the responses.

mod reasons;

use std::sync::Arc;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::grant::Confirmation;
use regrant::policy::AccessTokenFormat;
use regrant::proof::ClientCertificate;
use regrant::wire::{CertificateHeader, Request, Response};
use regrant::{AccessToken, Scope, SystemEntropy};
use regrant_jose::dpop::{DpopKey, DpopNonces};
use regrant_jose::resource_server::{AuthenticatedRequest, Denial, DenialReason, IntrospectionVerifier, InvalidToken};
use regrant_jose::{Algorithm, DpopVerifier, JwtVerifier, KeySource, ResourceServer};

use crate::resource_server::issuer::{IssuingServer, Network, RESOURCE};
use crate::support::{ISSUER, NOW, WatchedUse, at, key};

const BEARER: &str = r#"Bearer realm="orders""#;
const DPOP: &str = r#"DPoP realm="orders", algs="EdDSA ES256""#;

/// A service, a resource server that verifies its JWTs, and a client with a DPoP key.
struct Fixture {
    issuer: IssuingServer,
    network: Network,
    used: WatchedUse,
    key: DpopKey,
    server: ResourceServer,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(|server, _| server).await
    }

    async fn with_dpop() -> Self {
        Self::with(|server, used| server.with_dpop(dpop(used))).await
    }

    async fn with_nonces() -> Self {
        Self::with(|server, used| server.with_dpop(dpop(used).with_nonces(DpopNonces::new(&[7; 32])))).await
    }

    async fn with(configure: impl FnOnce(ResourceServer, &WatchedUse) -> ResourceServer) -> Self {
        let issuer = IssuingServer::new(AccessTokenFormat::Jwt).await;
        let (network, used) = (issuer.network(), WatchedUse::default());
        let verifier = JwtVerifier::new(ISSUER, RESOURCE, KeySource::resolved_by(Arc::new(network.clone())));
        let server = ResourceServer::new(format!("{RESOURCE}/v1/"), verifier, Arc::new(issuer.clock.clone()));
        let server = configure(server.with_realm("orders"), &used);
        Self { issuer, network, used, key: DpopKey::new(key(Algorithm::EdDsa)).unwrap(), server }
    }

    async fn bound(&self) -> AccessToken {
        self.issuer.tokens(Some(Confirmation::DpopKey(self.key.thumbprint()))).await.access_token
    }

    async fn proof(&self, token: &AccessToken) -> String {
        self.proof_with(token, None).await
    }

    async fn proof_with(&self, token: &AccessToken, nonce: Option<&str>) -> String {
        let proof = self.key.proof("GET", "https://api.example/v1/orders").with_access_token(Some(token));
        proof.with_nonce(nonce).sign(at(NOW), &SystemEntropy).await.unwrap()
    }

    async fn get(&self, headers: &[(&str, &str)]) -> Result<AuthenticatedRequest, Denial> {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        self.server.authenticate(&Request::new("GET", "/orders", &headers, b"")).await
    }

    /// The reason why a request with the token and these proofs is refused. A refused request must not use up a proof.
    async fn denied(&self, token: &AccessToken, proofs: &[&str]) -> Denial {
        let before = self.used.calls();
        let authorization = format!("DPoP {}", token.expose());
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        let denial = self.get(&headers).await.expect_err("denied");
        assert_eq!(self.used.calls(), before, "{denial}");
        denial
    }

    async fn dpop(&self, token: &AccessToken, proof: &str) -> Result<AuthenticatedRequest, Denial> {
        self.get(&[("Authorization", &format!("DPoP {}", token.expose())), ("DPoP", proof)]).await
    }
}

/// Removes the algorithms of a feature, so that the challenge is the same in each build.
fn dpop(used: &WatchedUse) -> DpopVerifier {
    DpopVerifier::new(Arc::new(used.clone())).with_algorithms([Algorithm::EdDsa, Algorithm::Es256])
}

fn headers<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
    response.headers.iter().filter(|(own, _)| *own == name).map(|(_, value)| &**value).collect()
}

fn answer_of(denial: &Denial) -> (u16, Vec<&str>, &str) {
    let response = denial.response();
    (response.status, headers(response, "www-authenticate"), std::str::from_utf8(&response.body).unwrap())
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_request_without_token_gets_challenges_without_an_error() {
    let (bearer, both) = (Fixture::new().await, Fixture::with_dpop().await);
    for headers in [&[][..], &[("authorization", "Basic YXBpOnMzY3JldA==")], &[("dpop", "a.b.c")]] {
        let denial = bearer.get(headers).await.unwrap_err();
        assert!(matches!(denial.reason(), DenialReason::NoToken));
        assert_eq!(answer_of(&denial), (401, vec![BEARER], ""));
        assert_eq!(answer_of(&both.get(headers).await.unwrap_err()), (401, vec![BEARER, DPOP], ""));
    }
    // An unsupported scheme is not an error of the token.
    let denial = bearer.get(&[("authorization", "DPoP token")]).await.unwrap_err();
    assert_eq!(answer_of(&denial), (401, vec![BEARER], ""));
    assert_eq!(bearer.network.calls() + both.network.calls(), 0);
}

#[tokio::test]
async fn each_error_has_its_own_code_in_the_challenge_of_the_used_scheme() {
    let fixture = Fixture::with_dpop().await;
    let (plain, bound) = (fixture.issuer.token().await, fixture.bound().await);

    let denial = fixture.get(&[("authorization", "Bearer garbage")]).await.unwrap_err();
    let description = "The access token is not valid for this request.";
    let error = format!(r#", error="invalid_token", error_description="{description}""#);
    let body = format!(r#"{{"error":"invalid_token","error_description":"{description}"}}"#);
    assert_eq!(answer_of(&denial), (401, vec![&*format!("{BEARER}{error}"), DPOP], &*body));
    assert_eq!(headers(denial.response(), "content-type"), ["application/json"]);
    assert_eq!(headers(denial.response(), "cache-control"), ["no-store"]);
    let denial = fixture.get(&[("authorization", "DPoP garbage")]).await.unwrap_err();
    let dpop = format!(r#"DPoP realm="orders"{error}, algs="EdDSA ES256""#);
    assert_eq!(answer_of(&denial), (401, vec![BEARER, &*dpop], &*body));

    let denial = fixture.get(&[("authorization", "Bearer a b")]).await.unwrap_err();
    let description = "There must be one access token, in one Authorization header.";
    let bearer = format!(r#"{BEARER}, error="invalid_request", error_description="{description}""#);
    let body = format!(r#"{{"error":"invalid_request","error_description":"{description}"}}"#);
    assert_eq!(answer_of(&denial), (400, vec![&*bearer, DPOP], &*body));

    let denial = fixture.denied(&bound, &[]).await;
    let description = "The DPoP proof is missing or not valid for this request.";
    let dpop = format!(
        r#"DPoP realm="orders", error="invalid_dpop_proof", error_description="{description}", algs="EdDSA ES256""#
    );
    let body = format!(r#"{{"error":"invalid_dpop_proof","error_description":"{description}"}}"#);
    assert_eq!(answer_of(&denial), (401, vec![BEARER, &*dpop], &*body));

    let description = "The access token does not have the scope that is needed.";
    let error = format!(r#"error="insufficient_scope", error_description="{description}", scope="admin read""#);
    let body = format!(r#"{{"error":"insufficient_scope","error_description":"{description}"}}"#);
    let plain = fixture.get(&[("authorization", &format!("Bearer {}", plain.expose()))]).await.unwrap().token;
    let denial = fixture.server.authorize(&plain, &scope("read admin")).unwrap_err();
    assert_eq!(answer_of(&denial), (403, vec![&*format!("{BEARER}, {error}"), DPOP], &*body));
    let bound = fixture.dpop(&bound, &fixture.proof(&bound).await).await.unwrap().token;
    let denial = fixture.server.authorize(&bound, &scope("read admin")).unwrap_err();
    let dpop = format!(r#"DPoP realm="orders", {error}, algs="EdDSA ES256""#);
    assert_eq!(answer_of(&denial), (403, vec![BEARER, &*dpop], &*body));
}

#[tokio::test]
async fn an_outage_is_a_503_that_says_nothing_of_the_token() {
    let fixture = Fixture::with_dpop().await;
    let token = fixture.bound().await;
    fixture.network.set_down(true);
    let unread = fixture.dpop(&token, &fixture.proof(&token).await).await.unwrap_err();
    fixture.network.set_down(false);
    fixture.issuer.advance(30_000);
    fixture.used.set_down(true);
    let unmarked = fixture.dpop(&token, &fixture.proof(&token).await).await.unwrap_err();
    for denial in [unread, unmarked] {
        assert!(matches!(denial.reason(), DenialReason::Unavailable(_)));
        assert!(std::error::Error::source(&denial).is_some());
        let (status, challenges, body) = answer_of(&denial);
        assert_eq!((status, challenges.len()), (503, 0));
        assert!(body.starts_with(r#"{"error":"temporarily_unavailable","#), "{body}");
        assert_eq!(headers(denial.response(), "retry-after"), ["1"]);
    }
    fixture.used.set_down(false);
    assert!(fixture.dpop(&token, &fixture.proof(&token).await).await.is_ok());
}

#[tokio::test]
async fn a_token_is_read_only_from_one_well_formed_authorization_header() {
    let fixture = Fixture::with_dpop().await;
    let token = fixture.issuer.token().await;
    let token = token.expose();
    for good in ["Bearer ", "bearer ", "BEARER ", "Bearer    "] {
        assert!(fixture.get(&[("authorization", &format!("{good}{token}"))]).await.is_ok(), "{good:?}");
    }
    for padded in ["Bearer YWI=", "Bearer YQ==", "DPoP -._~+/"] {
        let denial = fixture.get(&[("authorization", padded)]).await.unwrap_err();
        assert!(matches!(denial.reason(), DenialReason::InvalidToken(_)), "{padded} is well-formed");
    }
    for bad in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer =".to_owned(),
        format!("Bearer\t{token}"),
        format!("Bearer {token} "),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, DPoP {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer access_token={token}&x"),
        format!("Bearer {token}\u{e9}"),
        "dpop".to_owned(),
        "DPoP a:b".to_owned(),
    ] {
        let outcome = fixture.get(&[("authorization", &bad)]).await.unwrap_err();
        let is_scheme = !bad.starts_with("Bearer\t");
        assert_eq!(outcome.response().status, if is_scheme { 400 } else { 401 }, "{bad:?}");
        assert_eq!(matches!(outcome.reason(), DenialReason::MalformedRequest), is_scheme, "{bad:?}");
    }
    let bearer = format!("Bearer {token}");
    for other in [&*bearer, "Basic YXBpOnMzY3JldA==", "DPoP token", ""] {
        for headers in [
            [("authorization", &*bearer), ("Authorization", other)],
            [("authorization", other), ("authorization", &*bearer)],
        ] {
            let denial = fixture.get(&headers).await.unwrap_err();
            assert!(matches!(denial.reason(), DenialReason::MalformedRequest), "{other}");
        }
    }
    let latin_1 = [("authorization", b"Bearer \xe9".as_slice())];
    let denial = fixture.server.authenticate(&Request::new("GET", "/orders", &latin_1, b"")).await.unwrap_err();
    assert_eq!(denial.response().status, 400);

    let form = [("content-type", b"application/x-www-form-urlencoded".as_slice())];
    let body = format!("access_token={token}");
    let denial =
        fixture.server.authenticate(&Request::new("POST", "/orders", &form, body.as_bytes())).await.unwrap_err();
    assert!(matches!(denial.reason(), DenialReason::NoToken), "a token in a body is ignored");
    let path = format!("/orders?access_token={token}");
    let denial = fixture.server.authenticate(&Request::new("GET", &path, &[], b"")).await.unwrap_err();
    assert!(matches!(denial.reason(), DenialReason::NoToken), "nor one in a query");
}

#[tokio::test]
async fn a_dpop_bound_token_needs_a_new_proof_by_its_key_for_each_request() {
    let fixture = Fixture::with_dpop().await;
    let (token, other_token) = (fixture.bound().await, fixture.bound().await);
    let right = fixture.proof(&token).await;
    let stranger = DpopKey::new(key(Algorithm::EdDsa)).unwrap();
    let sign = async |key: &DpopKey, method, url, token: Option<&AccessToken>, now: Timestamp| {
        key.proof(method, url).with_access_token(token).sign(now, &SystemEntropy).await.unwrap()
    };
    let url = "https://api.example/v1/orders";
    for (what, proof) in [
        ("another method", sign(&fixture.key, "POST", url, Some(&token), at(NOW)).await),
        ("another path", sign(&fixture.key, "GET", "https://api.example/v1/order", Some(&token), at(NOW)).await),
        ("without the prefix", sign(&fixture.key, "GET", "https://api.example/orders", Some(&token), at(NOW)).await),
        ("another host", sign(&fixture.key, "GET", "https://evil.example/v1/orders", Some(&token), at(NOW)).await),
        ("another token", sign(&fixture.key, "GET", url, Some(&other_token), at(NOW)).await),
        ("no token", sign(&fixture.key, "GET", url, None, at(NOW)).await),
        ("another key", sign(&stranger, "GET", url, Some(&token), at(NOW)).await),
        ("too old", sign(&fixture.key, "GET", url, Some(&token), at(NOW - 60)).await),
        ("too new", sign(&fixture.key, "GET", url, Some(&token), at(NOW + 11)).await),
        ("the token itself", token.expose().to_owned()),
        ("nothing", String::new()),
    ] {
        let denial = fixture.denied(&token, &[&proof]).await;
        assert!(matches!(denial.reason(), DenialReason::InvalidProof(_)), "{what}");
    }
    assert!(matches!(fixture.denied(&token, &[]).await.reason(), DenialReason::InvalidProof(_)));
    assert!(matches!(fixture.denied(&token, &[&right, &right]).await.reason(), DenialReason::InvalidProof(_)));

    let authenticated = fixture.dpop(&token, &right).await.unwrap();
    assert_eq!(authenticated.token.subject().unwrap().as_str(), "demo");
    assert_eq!(authenticated.dpop_nonce, None);
    let replayed = fixture.dpop(&token, &right).await.unwrap_err();
    assert!(matches!(replayed.reason(), DenialReason::InvalidProof(_)));
}

#[tokio::test]
async fn bound_tokens_need_a_proof_and_bearer_tokens_refuse_one() {
    for fixture in [Fixture::new().await, Fixture::with_dpop().await] {
        let (plain, bound) = (fixture.issuer.token().await, fixture.bound().await);
        let proof = fixture.proof(&bound).await;
        let bearer = format!("Bearer {}", bound.expose());
        for headers in [&[("authorization", &*bearer)][..], &[("authorization", &*bearer), ("dpop", &*proof)]] {
            let denial = fixture.get(headers).await.unwrap_err();
            assert!(matches!(denial.reason(), DenialReason::InvalidToken(InvalidToken::WithoutProof)));
        }
        // A proof beside an unbound token is ignored.
        let headers = [("authorization", &*format!("Bearer {}", plain.expose())), ("dpop", "garbage")];
        assert!(fixture.get(&headers).await.is_ok());
    }
    let fixture = Fixture::with_dpop().await;
    let plain = fixture.issuer.token().await;
    let denial = fixture.denied(&plain, &[&fixture.proof(&plain).await]).await;
    assert!(matches!(denial.reason(), DenialReason::InvalidToken(InvalidToken::Unbound)));
}

#[tokio::test]
async fn a_proof_without_the_nonce_gets_it_and_the_next_one_is_accepted() {
    let fixture = Fixture::with_nonces().await;
    let token = fixture.bound().await;
    let proof = fixture.proof(&token).await;
    let denial = fixture.denied(&token, &[&proof]).await;
    assert!(matches!(denial.reason(), DenialReason::ProofNonce));
    let (status, challenges, body) = answer_of(&denial);
    assert_eq!(status, 401);
    assert!(challenges[1].starts_with(r#"DPoP realm="orders", error="use_dpop_nonce", "#), "{challenges:?}");
    assert!(body.starts_with(r#"{"error":"use_dpop_nonce","#), "{body}");
    let nonce = headers(denial.response(), "dpop-nonce")[0].to_owned();

    let first = fixture.proof_with(&token, Some(&nonce)).await;
    assert_eq!(fixture.dpop(&token, &first).await.unwrap().dpop_nonce, None, "the client has it already");
    fixture.issuer.clock.advance(Duration::from_secs(300));
    let late = fixture.proof_with(&token, Some(&nonce)).await;
    let due = fixture.dpop(&token, &late).await.unwrap().dpop_nonce.expect("another nonce is due");
    assert_ne!(due, nonce);
    fixture.issuer.clock.advance(Duration::from_secs(300));
    let stale = fixture.proof_with(&token, Some(&nonce)).await;
    assert!(matches!(fixture.denied(&token, &[&stale]).await.reason(), DenialReason::ProofNonce));
    let next = fixture.proof_with(&token, Some(&due)).await;
    assert!(fixture.dpop(&token, &next).await.is_ok());

    let denial = fixture.get(&[]).await.unwrap_err();
    assert_eq!(headers(denial.response(), "dpop-nonce").len(), 1, "a new client gets the nonce at once");
}

#[tokio::test]
async fn a_certificate_bound_token_needs_a_connection_with_that_certificate() {
    let fixture = Fixture::with_dpop().await;
    let (own, other) = (ClientCertificate::from_der(*b"own"), ClientCertificate::from_der(*b"other"));
    let token = fixture.issuer.tokens(Some(own.confirmation())).await.access_token;
    let plain = fixture.issuer.token().await;
    let present = async |scheme: &str, token: &AccessToken, certificate: Option<&ClientCertificate>| {
        let authorization = format!("{scheme} {}", token.expose());
        let proof = fixture.proof(token).await;
        let headers = [("authorization", authorization.as_bytes()), ("dpop", proof.as_bytes())];
        let request = Request::new("GET", "/orders", &headers, b"").with_client_certificate(certificate);
        match fixture.server.authenticate(&request).await.map_err(|denial| denial.response().status) {
            Ok(_) => 200,
            Err(status) => status,
        }
    };
    assert_eq!(present("Bearer", &token, Some(&own)).await, 200);
    assert_eq!(present("Bearer", &token, Some(&other)).await, 401);
    assert_eq!(present("Bearer", &token, None).await, 401);
    assert_eq!(present("DPoP", &token, Some(&own)).await, 401);
    assert_eq!(present("Bearer", &plain, Some(&other)).await, 200);
    let bound = fixture.bound().await;
    assert_eq!(present("Bearer", &bound, Some(&own)).await, 401, "bound to a key, and shown another");
    assert_eq!(present("DPoP", &bound, Some(&other)).await, 200);
}

#[tokio::test]
async fn behind_a_proxy_only_the_certificate_in_its_header_counts() {
    let fixture =
        Fixture::with(|server, _| server.with_certificate_header(CertificateHeader::named("ssl-client-cert"))).await;
    // Base64 of "0own": a header could contain it as a certificate.
    let (own, of_the_proxy) = (ClientCertificate::from_der(*b"0own"), ClientCertificate::from_der(*b"0proxy"));
    let token = fixture.issuer.tokens(Some(own.confirmation())).await.access_token;
    let authorization = format!("Bearer {}", token.expose());
    for (headers, is_good) in [
        (&["MG93bg=="][..], true),
        (&[], false),
        (&["MHByb3h5"], false),
        (&["not a certificate"], false),
        (&["MG93bg==", "MG93bg=="], false),
    ] {
        let certificates = headers.iter().map(|value| ("ssl-client-cert", value.as_bytes()));
        let lines: Vec<_> = certificates.chain([("authorization", authorization.as_bytes())]).collect();
        for connection in [None, Some(&of_the_proxy), Some(&own)] {
            let request = Request::new("GET", "/orders", &lines, b"").with_client_certificate(connection);
            assert_eq!(fixture.server.authenticate(&request).await.is_ok(), is_good, "{headers:?} {connection:?}");
        }
    }
}

#[tokio::test]
async fn a_server_may_accept_only_bound_tokens() {
    let fixture = Fixture::with(|server, used| server.with_dpop(dpop(used)).with_bound_tokens_only()).await;
    let (plain, bound) = (fixture.issuer.token().await, fixture.bound().await);
    let denial = fixture.get(&[("authorization", &format!("Bearer {}", plain.expose()))]).await.unwrap_err();
    assert!(matches!(denial.reason(), DenialReason::InvalidToken(InvalidToken::Unbound)));
    assert!(fixture.dpop(&bound, &fixture.proof(&bound).await).await.is_ok());
}

#[tokio::test]
async fn scope_is_checked_for_each_request_even_with_a_cached_token() {
    let issuer = IssuingServer::new(AccessTokenFormat::Opaque).await;
    let network = issuer.network();
    let verifier = IntrospectionVerifier::new(network.clone()).with_audience(RESOURCE);
    let server = ResourceServer::new(RESOURCE, verifier, Arc::new(issuer.clock.clone()));
    let authorization = format!("Bearer {}", issuer.token().await.expose());
    let headers = [("authorization", authorization.as_bytes())];
    for (needed, is_enough) in
        [("read", true), ("admin", false), ("read write", true), ("openid read write admin", false), ("", true)]
    {
        let token = server.authenticate(&Request::new("GET", "/", &headers, b"")).await.unwrap().token;
        assert_eq!(server.authorize(&token, &scope(needed)).is_ok(), is_enough, "{needed}");
    }
    assert_eq!(network.calls(), 1);
}

#[tokio::test]
async fn a_realm_cannot_break_out_of_its_quotes() {
    for (realm, shown) in [
        (r#"a "b" \c"#, r#"Bearer realm="a \"b\" \\c""#),
        ("a\r\nSet-Cookie: b", r#"Bearer realm="aSet-Cookie: b""#),
        ("caf\u{e9}\0", r#"Bearer realm="caf""#),
        ("", r#"Bearer realm="""#),
    ] {
        let fixture = Fixture::with(|server, _| server.with_realm(realm)).await;
        let denial = fixture.get(&[]).await.unwrap_err();
        assert_eq!(answer_of(&denial).1, [shown]);
    }
}

#[tokio::test]
async fn a_target_without_a_path_does_not_become_another_host() {
    let fixture = Fixture::with_dpop().await;
    let token = fixture.bound().await;
    let authorization = format!("DPoP {}", token.expose());
    for (path, url) in
        [("*", "https://api.example/v1*"), (".evil.example/orders", "https://api.example/v1.evil.example/orders")]
    {
        let proof = fixture.key.proof("OPTIONS", url).with_access_token(Some(&token));
        let proof = proof.sign(at(NOW), &SystemEntropy).await.unwrap();
        let headers = [("authorization", authorization.as_bytes()), ("dpop", proof.as_bytes())];
        let denial = fixture.server.authenticate(&Request::new("OPTIONS", path, &headers, b"")).await.unwrap_err();
        assert!(matches!(denial.reason(), DenialReason::InvalidProof(_)), "{path}");
    }
}

#[tokio::test]
async fn no_output_contains_a_token() {
    let fixture = Fixture::with_dpop().await;
    let token = fixture.bound().await;
    let denial = fixture.denied(&token, &["garbage"]).await;
    let authenticated = fixture.dpop(&token, &fixture.proof(&token).await).await.unwrap();
    let signature = &token.expose()[token.expose().len() - 40..];
    for shown in [
        format!("{denial:?} {denial} {:?}", denial.reason()),
        format!("{authenticated:?}"),
        format!("{:?}", fixture.server),
        String::from_utf8(denial.into_response().body).unwrap(),
    ] {
        assert!(!shown.contains(signature) && !shown.contains("demo"), "{shown}");
    }
}
