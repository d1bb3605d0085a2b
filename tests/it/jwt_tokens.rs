//! JWT access tokens (RFC 9068), `id_token`s (OpenID Connect Core), signed introspection (RFC 9701), and the documents
//! that go with them. The JWTs are a stub's; `regrant-jose` has tests of real ones.

use fixtures::{
    APP, AUDITOR, BILLING, Config, ISSUER, ORDERS, ORDERS_API, OTHER, REDIRECT, SCOPE, SPA, Server, StubIssuer,
    StubVerifier, USER, at_hash, claims, header, scope, seconds, subject,
};
use regrant::clock::Timestamp;
use regrant::device::{DeviceAuthorizationRequest, PollRequest};
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::wire::Endpoint;
use regrant::{Approval, GrantType, Key, KeyRing, MemoryStore, Policy, TokenService};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const JWT: &str = "application/token-introspection+jwt";

/// A server whose access tokens are JWTs, and who signs them.
fn config() -> (Config, StubIssuer) {
    let issuer = StubIssuer::default();
    let config = Config { jwt_issuer: Some(issuer.clone()), ..Config::default() };
    (config.policy(Policy::default().with_access_token_format(AccessTokenFormat::Jwt)), issuer)
}

fn start() -> (Server, StubIssuer) {
    let (config, issuer) = config();
    (config.start(), issuer)
}

fn is_jwt(token: &str) -> bool {
    token.split('.').count() == 3
}

// RFC 9068 section 2.2.
#[tokio::test]
async fn a_jwt_says_what_the_grant_says() {
    let (server, _) = start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS), ("scope", "read")]).await;
    assert_eq!(header(&tokens.access), json!({ "typ": "at+jwt", "kid": "k1" }));
    let claims = claims(&tokens.access);
    let expected = json!({
        "iss": ISSUER, "jti": claims["jti"], "client_id": "app", "sub": USER, "scope": "read", "iat": NOW,
        "exp": NOW + 3600, "aud": [ORDERS], "gty": "password", "dpop": false,
    });
    assert_eq!(claims, expected);
    let own = server.token(APP, &[("grant_type", "client_credentials")]).await;
    assert_eq!(fixtures::claims(own.text("access_token"))["sub"], "app", "without a subject it is the client");
}

// AM: client-side tokens, with a client override.
#[tokio::test]
async fn each_client_has_tokens_of_its_own_format() {
    let (config, _) = config();
    let opaque = ClientPolicy::default().with_access_token_format(AccessTokenFormat::Opaque);
    let server = config.with_client(OTHER, |client| client.with_policy(opaque.clone())).start();
    assert!(is_jwt(&server.sign_in(APP).await.access));
    assert!(server.sign_in(OTHER).await.access.starts_with("at_"));
    let tokens = server.sign_in(APP).await;
    assert!(tokens.refresh.starts_with("rt_"), "refresh tokens are always opaque");
    // A format that is changed is that of the next token; the ones before stay what they are.
    let changed = server.restarted(|config| config.with_client(APP, |client| client.with_policy(opaque.clone())));
    let next = changed.refresh(APP, &tokens.refresh).await.tokens();
    assert!(next.access.starts_with("at_"));
    assert!(changed.is_active(&tokens.access).await && changed.is_active(&next.access).await);
    // The retry repeats what was answered.
    assert_eq!(server.refresh(APP, &tokens.refresh).await.tokens(), next);
}

#[test]
fn a_format_that_nobody_makes_is_found_when_the_service_is_built() {
    let policy = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let service = || {
        TokenService::builder(
            MemoryStore::new(),
            Config::default().registry(),
            KeyRing::new(Key::new(*b"a test key of thirty-two bytes..").unwrap()),
        )
    };
    let error = service().policy(policy.clone()).build().map(drop).unwrap_err();
    assert_eq!(error.field(), "access_token_format");
    assert!(service().policy(policy).jwt_issuer(StubIssuer::default()).build().is_ok());
}

// A `jti` is logged here and there, so it must be of no use.
#[tokio::test]
async fn the_jti_is_no_token() {
    let (server, _) = start();
    let tokens = server.sign_in(APP).await;
    let jti = claims(&tokens.access)["jti"].as_str().unwrap().to_owned();
    for text in [jti.clone(), format!("at_{jti}"), format!("rt_{jti}"), format!("ac_{jti}"), format!("dc_{jti}")] {
        assert!(!server.is_active(&text).await, "{text}");
        assert_eq!(server.refresh(APP, &text).await.outcome(), (400, "invalid_grant"));
        assert_eq!(server.redeem(APP, &text).await.outcome(), (400, "invalid_grant"));
        assert_eq!(server.revoke(APP, &text).await.status(), 200);
    }
    assert!(server.is_active(&tokens.access).await && server.is_active(&tokens.refresh).await);
}

// One record for JWTs and opaque tokens: a revoked JWT is inactive for every caller.
#[tokio::test]
async fn a_jwt_is_introspected_and_revoked_as_an_opaque_token_is() {
    let (server, _) = start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS)]).await;
    let expected = json!({
        "active": true, "scope": SCOPE, "client_id": "app", "token_type": "Bearer", "exp": NOW + 3600, "iat": NOW,
        "sub": USER, "iss": ISSUER, "aud": ORDERS,
    });
    for caller in [APP, AUDITOR, ORDERS_API] {
        assert_eq!(server.introspect(caller, &tokens.access).await.json, expected, "{caller:?}");
    }
    assert_eq!(server.introspect(OTHER, &tokens.access).await.json, json!({ "active": false }));
    server.revoke(OTHER, &tokens.access).await;
    assert!(server.is_active(&tokens.access).await, "another client's revocation");
    server.revoke(APP, &tokens.access).await;
    assert!(!server.is_active(&tokens.access).await && server.is_active(&tokens.refresh).await);

    let next = server.refresh(APP, &tokens.refresh).await.tokens();
    server.revoke(APP, &next.refresh).await;
    assert!(!server.is_active(&next.access).await, "with its grant");
    let last = server.sign_in(APP).await;
    server.config.clock.set(Timestamp::from_millis((NOW + 3600) * 1000));
    assert!(!server.is_active(&last.access).await, "expired");
}

// RFC 8725 section 3.2. authlib: CVE-2026-28802, CVE-2024-37568; ZITADEL: CVE-2026-27840.
#[tokio::test]
async fn what_the_issuer_did_not_sign_is_inactive_and_costs_no_io() {
    let (server, _) = start();
    let token = server.sign_in(APP).await.access;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (jwt_header, payload) = signed.split_once('.').unwrap();
    let other_header = "eyJhbGciOiJub25lIn0";
    let calls = server.store().calls();
    for forged in [
        format!("{signed}."),
        signed.to_owned(),
        format!("{other_header}.{payload}."),
        format!("{other_header}.{payload}.{signature}"),
        format!("{jwt_header}.{payload}x.{signature}"),
        format!("{token}x"),
        format!("{token}."),
        format!(" {token}"),
        token.to_lowercase(),
        token[..token.len() - 1].to_owned(),
    ] {
        assert_eq!(server.introspect(APP, &forged).await.json, json!({ "active": false }), "{forged}");
        assert_eq!(server.revoke(APP, &forged).await.status(), 200);
    }
    assert_eq!(server.store().calls(), calls);
    // An id_token is signed by the same issuer but is no access token.
    let reply =
        server.token(APP, &[("grant_type", "password"), ("username", USER), ("password", fixtures::PASSWORD)]).await;
    assert!(!server.is_active(reply.text("id_token")).await);
}

// The holder of a signing key can set any claim except a `jti` that the key ring sealed. Introspection answers from the
// record of the `jti`, whatever the other claims are.
#[tokio::test]
async fn a_signing_key_makes_no_token_that_introspection_takes_for_more_than_its_record_says() {
    let (server, issuer) = start();
    let tokens = server.sign_in(APP).await;
    let honest = server.introspect(APP, &tokens.access).await.json;
    let mut said = claims(&tokens.access);
    said["scope"] = json!("admin");
    said["sub"] = json!("root");
    said["exp"] = json!(NOW + 360_000);
    assert_eq!(server.introspect(APP, &issuer.forged(&said)).await.json, honest);
    for jti in [json!("jti"), json!(tokens.refresh), json!(&tokens.refresh[3..]), json!(null)] {
        said["jti"] = jti;
        assert_eq!(server.introspect(APP, &issuer.forged(&said)).await.json, json!({ "active": false }), "{said}");
    }
}

// A retry gets the same tokens, also when the keys were changed in between.
#[tokio::test]
async fn a_retry_repeats_the_same_jwt_under_the_key_of_the_first_answer() {
    let (server, issuer) = start();
    let first = server.sign_in(APP).await;
    let lost = server.refresh(APP, &first.refresh).await.tokens();
    issuer.rotate("k2");
    server.advance(seconds(30));
    let writes = server.store().writes();
    let again = server.refresh(APP, &first.refresh).await;
    assert_eq!(again.json["expires_in"], 3570, "the truth");
    assert_eq!(again.tokens(), lost);
    assert_eq!(server.store().writes(), writes);
    let next = server.refresh(APP, &lost.refresh).await.tokens();
    assert_eq!(header(&next.access)["kid"], "k2");
    assert!(server.is_active(&lost.access).await);
}

// A leaked key: nothing that it signed is accepted or made again.
#[tokio::test]
async fn a_retry_after_its_key_was_withdrawn_gets_a_new_jwt_beside_the_same_refresh_token() {
    let (server, issuer) = start();
    let first = server.sign_in(APP).await;
    let lost = server.refresh(APP, &first.refresh).await.tokens();
    issuer.rotate("k2");
    issuer.withdraw("k1");
    assert!(!server.is_active(&lost.access).await && server.is_active(&lost.refresh).await);
    let again = server.refresh(APP, &first.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh);
    assert_ne!(again.access, lost.access);
    assert_eq!(header(&again.access)["kid"], "k2");
    assert!(server.is_active(&again.access).await);
    assert_eq!(server.refresh(APP, &first.refresh).await.tokens(), again);
}

// A host that stops to make JWTs: what leaves must never be the bare reference.
#[tokio::test]
async fn a_retry_after_the_issuer_is_gone_gets_an_opaque_token() {
    let (server, _) = start();
    let first = server.sign_in(APP).await;
    let lost = server.refresh(APP, &first.refresh).await.tokens();
    let without = server.restarted(|config| Config { jwt_issuer: None, ..config }.policy(Policy::default()));
    let again = without.refresh(APP, &first.refresh).await.tokens();
    assert_eq!(again.refresh, lost.refresh);
    assert!(again.access.starts_with("at_") && without.is_active(&again.access).await);
}

// A key service that is down costs no client a code or a session.
#[tokio::test]
async fn a_signer_that_fails_consumes_nothing() {
    let (server, issuer) = start();
    let code = server.code(APP).await;
    issuer.set_down(true);
    let before = server.store().snapshot();
    assert_eq!(server.redeem(APP, &code).await.outcome(), (503, "temporarily_unavailable"));
    assert_eq!(server.token(APP, &[("grant_type", "client_credentials")]).await.status(), 503);
    assert!(server.store().snapshot() == before);
    issuer.set_down(false);
    let tokens = server.redeem(APP, &code).await.tokens();

    issuer.set_down(true);
    let before = server.store().snapshot();
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 503);
    assert!(server.store().snapshot() == before);
    issuer.set_down(false);
    let next = server.refresh(APP, &tokens.refresh).await.tokens();
    issuer.set_down(true);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.status(), 503, "the retry is signed anew");
    issuer.set_down(false);
    assert_eq!(server.refresh(APP, &tokens.refresh).await.tokens(), next);
    // Refusals need no signer.
    issuer.set_down(true);
    assert_eq!(server.refresh(OTHER, &next.refresh).await.outcome(), (400, "invalid_grant"));
    assert!(server.is_active(&next.access).await);
}

// OpenID Connect Core sections 2 and 3.1.3.3.
#[tokio::test]
async fn an_id_token_comes_with_a_redemption_that_grants_openid() {
    let (server, _) = start();
    let auth_time = Timestamp::from_millis((NOW - 60) * 1000);
    let approval = Approval::of(subject(USER))
        .with_scope(scope(SCOPE))
        .with_authentication(auth_time, None, Vec::new())
        .with_session_id(Some("s1".to_owned()))
        .with_nonce(Some("n-0S6".to_owned()));
    let with_approval = |mut request: regrant::AuthorizeRequest| {
        request.approval = approval;
        request
    };
    let code = server.code_for(APP, with_approval).await;
    let first = server.redeem(APP, &code).await;
    let id_token = claims(first.text("id_token"));
    let expected = json!({
        "iss": ISSUER, "sub": USER, "aud": "app", "iat": NOW, "exp": NOW + 3600, "scope": SCOPE, "nonce": "n-0S6",
        "auth_time": NOW - 60, "sid": "s1", "at_hash": at_hash(first.text("access_token")),
    });
    assert_eq!(id_token, expected);

    // Section 12.2: same sub, new iat, auth_time of the authentication, and no nonce.
    server.advance(seconds(100));
    let refresh_token = first.tokens().refresh;
    let second = server.refresh(APP, &refresh_token).await;
    let id_token = claims(second.text("id_token"));
    assert_eq!(id_token.get("nonce"), None);
    let kept = json!([id_token["sub"], id_token["auth_time"], id_token["iat"], id_token["at_hash"]]);
    assert_eq!(kept, json!([USER, NOW - 60, NOW + 100, at_hash(second.text("access_token"))]));
}

// As in AM: by the scope of the new access token, not of the grant.
#[tokio::test]
async fn an_id_token_goes_by_the_scope_of_the_new_access_token() {
    let (server, _) = start();
    let mut refresh_token = server.sign_in(APP).await.refresh;
    for (wanted, expected) in [("read", false), ("openid", true), ("read write", false), ("openid read", true)] {
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.as_str()), ("scope", wanted)];
        let reply = server.token(APP, &refresh).await;
        assert_eq!(reply.json.get("id_token").is_some(), expected, "{wanted}");
        refresh_token = reply.tokens().refresh;
    }
    let reply = server.sign_in_for(APP, &[("scope", "read")]).await;
    assert!(!server.refresh(APP, &reply.refresh).await.members().contains(&"id_token"), "never asked for");
    // There is no user to identify.
    let own = server.token(APP, &[("grant_type", "client_credentials"), ("scope", "openid")]).await;
    assert!(!own.members().contains(&"id_token"));
}

#[tokio::test]
async fn an_exchange_identifies_nobody_and_a_device_gets_no_nonce() {
    let (config, _) = config();
    let flows = [GrantType::TokenExchange, GrantType::Password, GrantType::DeviceCode, GrantType::RefreshToken];
    let config = config.with_client(APP, |client| client.with_grant_types(flows.clone()));
    let server = Config { endpoints: |endpoints| endpoints.with_token_exchange(), ..config }.start();
    let tokens = server.sign_in(APP).await;
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", tokens.access.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    let reply = server.token(APP, &exchange).await;
    assert_eq!((reply.text("scope"), reply.json.get("id_token")), (SCOPE, None));
    assert!(is_jwt(reply.text("access_token")), "a JWT is exchanged for a JWT");
    let jti = claims(&tokens.access)["jti"].as_str().unwrap().to_owned();
    let exchange = [exchange[0], ("subject_token", jti.as_str()), exchange[2]];
    assert_eq!(server.token(APP, &exchange).await.outcome(), (400, "invalid_request"));

    let client =
        regrant::AuthenticatedClient::assertion(server.config.registry().client(&"app".parse().unwrap()).unwrap());
    let device = server.service().authorize_device(&client, &DeviceAuthorizationRequest::new()).await.unwrap();
    let approval = Approval::of(subject(USER)).with_scope(scope("openid")).with_nonce(Some("n".to_owned()));
    server.service().approve_device(&device.user_code, approval).await.unwrap();
    let tokens = server.service().poll(&client, &PollRequest::new(device.device_code)).await.unwrap();
    assert_eq!(claims(tokens.id_token.unwrap().expose()).get("nonce"), None);
}

#[tokio::test]
async fn without_an_issuer_openid_is_a_scope_like_any_other() {
    let server = Server::start();
    let reply = server.redeem(APP, &server.code(APP).await).await;
    assert_eq!((reply.text("scope"), reply.json.get("id_token")), (SCOPE, None));
    for endpoint in [Endpoint::Jwks, Endpoint::OpenIdConfiguration] {
        assert_eq!(server.document(endpoint).await.outcome(), (404, "invalid_request"), "{endpoint:?}");
    }
    let metadata = server.document(Endpoint::Metadata).await.json;
    assert_eq!(metadata.get("jwks_uri"), None);
    assert_eq!(metadata.get("introspection_signing_alg_values_supported"), None);
    let headers = [("accept", JWT.as_bytes())];
    let reply = server.post_with(Endpoint::Introspection, APP, &[("token", "x")], &headers, None).await;
    assert_eq!(reply.json, json!({ "active": false }), "JSON is what it can do");
}

// RFC 9701 sections 4 and 5.
#[tokio::test]
async fn introspection_is_signed_for_the_caller_that_asks_for_it() {
    let (server, issuer) = start();
    let tokens = server.sign_in_for(APP, &[("resource", ORDERS)]).await;
    let plain = server.introspect(ORDERS_API, &tokens.access).await.json;
    for (accept, is_signed) in [
        (JWT, true),
        ("Application/Token-Introspection+JWT", true),
        ("application/json;q=0.5, application/token-introspection+jwt;q=1", true),
        ("application/token-introspection+jwt;q=0.1", true),
        ("application/token-introspection+jwt; q=0, application/json", false),
        ("application/json", false),
        ("*/*", false),
        ("", false),
    ] {
        let headers = [("Accept", accept.as_bytes())];
        let token = [("token", tokens.access.as_str())];
        let reply = server.post_with(Endpoint::Introspection, ORDERS_API, &token, &headers, None).await;
        let content_type = reply.header("content-type");
        if !is_signed {
            assert_eq!((content_type, &reply.json), (Some("application/json"), &plain), "{accept}");
            continue;
        }
        assert_eq!((reply.status(), content_type), (200, Some(JWT)), "{accept}");
        let jwt = String::from_utf8(reply.response.body).unwrap();
        assert_eq!(header(&jwt)["typ"], "token-introspection+jwt");
        let expected = json!({ "iss": ISSUER, "aud": "orders-api", "iat": NOW, "token_introspection": plain });
        assert_eq!(claims(&jwt), expected);
    }
    let headers = [("accept", JWT.as_bytes())];
    let garbage = server.post_with(Endpoint::Introspection, APP, &[("token", "garbage")], &headers, None).await;
    let jwt = String::from_utf8(garbage.response.body).unwrap();
    assert_eq!(claims(&jwt)["token_introspection"], json!({ "active": false }));
    // Section 5: the answer is no access token, whatever it holds.
    assert!(!server.is_active(&jwt).await);
    // Errors are JSON (section 5 speaks of answers alone).
    let nobody = server.post_with(Endpoint::Introspection, SPA, &[("token", "x")], &headers, None).await;
    assert_eq!(nobody.outcome(), (401, "invalid_client"));
    issuer.set_down(true);
    let reply = server.post_with(Endpoint::Introspection, APP, &[("token", "x")], &headers, None).await;
    assert_eq!(reply.outcome(), (503, "temporarily_unavailable"));
}

// RFC 7517 section 5, OpenID Connect Discovery 1.0 section 3.
#[tokio::test]
async fn the_documents_of_an_issuer_are_published() {
    let (server, issuer) = start();
    issuer.rotate("k2");
    let jwks = server.document(Endpoint::Jwks).await;
    let kids: Vec<&Value> = jwks.json["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert_eq!(kids, ["k1", "k2"], "as they are now");
    assert!(jwks.header("cache-control").is_some_and(|text| text == "public, max-age=300"));

    let metadata = server.document(Endpoint::Metadata).await.json;
    assert_eq!(metadata["jwks_uri"], "https://as.example/oauth2/jwks");
    assert_eq!(metadata["introspection_signing_alg_values_supported"], json!(["EdDSA"]));
    let mut expected = metadata.clone();
    expected["subject_types_supported"] = json!(["public"]);
    expected["id_token_signing_alg_values_supported"] = json!(["EdDSA"]);
    expected["userinfo_endpoint"] = json!("https://as.example/oauth2/userinfo");
    expected["userinfo_signing_alg_values_supported"] = json!(["EdDSA"]);
    expected["claims_supported"] =
        json!(["acr", "amr", "at_hash", "aud", "auth_time", "azp", "exp", "iat", "iss", "nonce", "sid", "sub"]);
    assert_eq!(server.document(Endpoint::OpenIdConfiguration).await.json, expected);
    for endpoint in [Endpoint::Jwks, Endpoint::OpenIdConfiguration] {
        let reply = server.raw(endpoint, "POST", &[], "").await;
        assert_eq!((reply.status(), reply.header("allow")), (405, Some("GET, HEAD")), "{endpoint:?}");
        assert_eq!(server.raw(endpoint, "HEAD", &[], "").await.status(), 200);
    }
}

// RFC 9449 section 6.1: the binding is in the token.
#[tokio::test]
async fn a_bound_jwt_says_so() {
    let (config, _) = config();
    let server = Config { proof_verifier: Some(StubVerifier::default()), ..config }.start();
    let reply = server.redeem_with(SPA, &StubVerifier::proof("A"), &server.code(SPA).await).await;
    assert_eq!(claims(reply.text("access_token"))["dpop"], true);
    let refresh_token = reply.tokens().refresh;
    let first = server.refresh_with(SPA, &StubVerifier::proof("A"), &refresh_token).await.tokens();
    assert_eq!(server.refresh_with(SPA, &StubVerifier::proof("A"), &refresh_token).await.tokens(), first);
}

#[tokio::test]
async fn nothing_is_signed_that_is_not_handed_out() {
    let (server, issuer) = start();
    let tokens = server.sign_in_for(APP, &[("scope", "read")]).await;
    let signed = issuer.signed();
    assert_eq!(server.refresh(OTHER, &tokens.refresh).await.status(), 400);
    assert_eq!(server.refresh(APP, "rt_garbage").await.status(), 400);
    let wide = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str()), ("scope", "admin")];
    assert_eq!(server.token(APP, &wide).await.status(), 400);
    let wrong =
        [("grant_type", "authorization_code"), ("code", "ac_x"), ("redirect_uri", REDIRECT), ("resource", BILLING)];
    assert_eq!(server.token(APP, &wrong).await.status(), 400);
    assert_eq!(issuer.signed(), signed);
}
