//! Assertions, certificates and proofs on the wire, with a complete service.

use std::sync::Arc;

use fixtures::{Form, REDIRECT, Reply, VERIFIER, challenge};
use rcgen::{CertificateParams, DnType, KeyPair};
use regrant::authenticator::ClientAssertion;
use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess};
use regrant::clock::ManualClock;
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint;
use regrant::{
    Approval, AuthorizeRequest, Client, ClientRegistry, GrantType, Issuer, RedirectUri, Subject, SystemEntropy,
};
use regrant_jose::certificate::{CertificateSubject, TlsClientAuth};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::dpop::{DpopKey, DpopNonces, ReplayCache};
use regrant_jose::{Algorithm, DpopVerifier, JwkSet};
use serde_json::{Value, json};

use crate::support::server::{Server, With};
use crate::support::{ISSUER, NOW, TOKEN_ENDPOINT, WatchedUse, at, client, client_id, clock, key};

const CLIENT_CREDENTIALS: (&str, &str) = ("grant_type", "client_credentials");
const ASSERTION_TYPE: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
const INVALID_CLIENT: (u16, &str) = (400, "invalid_client");
const GRANTED: (u16, &str) = (200, "");

/// A server with one client for each method, and one public client.
struct Fixture {
    clock: ManualClock,
    used: WatchedUse,
    key: ClientKey,
    server: Server,
}

impl Fixture {
    fn new(configure: impl FnOnce(DpopVerifier) -> DpopVerifier) -> Self {
        let (clock, used) = (clock(), WatchedUse::default());
        let key = ClientKey::new(client_id("jwt"), key(Algorithm::Es256)).unwrap();
        let assertions =
            ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()))
                .with_audiences([TOKEN_ENDPOINT]);
        let subject = CertificateSubject::Dn("CN=tls".parse().unwrap());
        let clients = ClientRegistry::new()
            .register_with_verifier(
                able("jwt", ClientAuthenticationMethod::PrivateKeyJwt).with_introspection(IntrospectionAccess::Any),
                Arc::new(assertions.private_key_jwt(JwkSet::from_iter([key.public_key()]))),
            )
            .unwrap()
            .register_with_verifier(
                able("tls", ClientAuthenticationMethod::TlsClientAuth),
                Arc::new(TlsClientAuth::new(subject, Arc::new(clock.clone()))),
            )
            .unwrap()
            .register(able("spa", ClientAuthenticationMethod::None), [])
            .unwrap();
        let dpop = configure(DpopVerifier::new(Arc::new(used.clone())));
        let server = Server::start(clients, &clock, Some(Arc::new(dpop)));
        Self { clock, used, key, server }
    }

    async fn assertion(&self) -> ClientAssertion {
        self.key.assertion(ISSUER).sign(at(NOW), &SystemEntropy).await.unwrap()
    }

    async fn with_assertion(&self, assertion: &ClientAssertion, more: Form<'_>) -> Reply {
        let own = [CLIENT_CREDENTIALS, ASSERTION_TYPE, ("client_assertion", assertion.expose())];
        let form: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
        self.server.token(&form, With::default()).await
    }

    async fn code(&self, client_id: &str) -> String {
        let approval = Approval::of(Subject::new("demo").unwrap()).with_scope("read".parse().unwrap());
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(Some(RedirectUri::new(REDIRECT).unwrap()))
            .with_code_challenge(Some(challenge(VERIFIER)));
        let client = able(client_id, ClientAuthenticationMethod::None);
        self.server.0.service().authorize(&client, request).await.unwrap().code.expose().to_owned()
    }

    async fn redeem(&self, code: &str, proof: Option<&str>) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.server.token(&form, With { dpop: proof, ..With::default() }).await
    }

    async fn refresh(&self, refresh_token: &str, proof: Option<&str>) -> Reply {
        let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", refresh_token)];
        self.server.token(&form, With { dpop: proof, ..With::default() }).await
    }

    async fn proof(&self, key: &DpopKey, nonce: Option<&str>) -> String {
        let now = regrant::clock::Clock::now(&self.clock);
        key.proof("POST", TOKEN_ENDPOINT).with_nonce(nonce).sign(now, &SystemEntropy).await.unwrap()
    }
}

fn able(id: &str, method: ClientAuthenticationMethod) -> Client {
    client(id, method)
        .with_redirect_uris([RedirectUri::new(REDIRECT).unwrap()])
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials])
        .with_scope("read".parse().unwrap())
}

fn dpop_key() -> DpopKey {
    DpopKey::new(key(Algorithm::EdDsa)).unwrap()
}

#[tokio::test]
async fn an_assertion_authenticates_once_and_for_its_client() {
    let fixture = Fixture::new(|verifier| verifier);
    let first = fixture.assertion().await;
    assert_eq!(fixture.with_assertion(&first, &[("client_id", "tls")]).await.outcome(), INVALID_CLIENT);
    assert_eq!(fixture.with_assertion(&first, &[("client_id", "unknown")]).await.outcome(), INVALID_CLIENT);
    assert_eq!(fixture.with_assertion(&first, &[]).await.outcome(), GRANTED, "client_id may be left out");
    assert_eq!(fixture.with_assertion(&first, &[]).await.outcome(), INVALID_CLIENT, "a replay");
    let second = fixture.assertion().await;
    assert_eq!(fixture.with_assertion(&second, &[("client_id", "jwt")]).await.outcome(), GRANTED);
    let third = fixture.assertion().await;
    fixture.used.set_down(true);
    assert_eq!(fixture.with_assertion(&third, &[]).await.outcome(), (503, "temporarily_unavailable"));
    fixture.used.set_down(false);
    assert_eq!(fixture.with_assertion(&third, &[]).await.outcome(), GRANTED);
}

// RFC 8705 section 2.
#[tokio::test]
async fn a_certificate_authenticates_its_client() {
    let fixture = Fixture::new(|verifier| verifier);
    let certificate = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        ClientCertificate::from_der(params.self_signed(&key).unwrap().der().to_vec())
    };
    let (own, other) = (certificate("tls"), certificate("other"));
    for (shown, expected) in [(None, INVALID_CLIENT), (Some(&other), INVALID_CLIENT), (Some(&own), GRANTED)] {
        let form = [CLIENT_CREDENTIALS, ("client_id", "tls")];
        let reply = fixture.server.token(&form, With { certificate: shown, ..With::default() }).await;
        assert_eq!(reply.outcome(), expected);
    }
}

// RFC 9449 sections 5 and 6.
#[tokio::test]
async fn the_refresh_token_of_a_public_client_is_bound_to_its_key() {
    let fixture = Fixture::new(|verifier| verifier);
    let (own, stranger) = (dpop_key(), dpop_key());
    let proof = fixture.proof(&own, None).await;
    let tokens = fixture.redeem(&fixture.code("spa").await, Some(&proof)).await;
    assert_eq!((tokens.outcome(), tokens.text("token_type")), (GRANTED, "DPoP"));
    let refresh_token = tokens.text("refresh_token");
    assert_eq!(fixture.refresh(refresh_token, Some(&proof)).await.outcome(), (400, "invalid_dpop_proof"), "a replay");
    assert_eq!(fixture.refresh(refresh_token, Some("x")).await.outcome(), (400, "invalid_dpop_proof"));
    assert_eq!(fixture.refresh(refresh_token, None).await.status(), 400);
    let foreign = fixture.proof(&stranger, None).await;
    assert_eq!(fixture.refresh(refresh_token, Some(&foreign)).await.outcome(), (400, "invalid_grant"));
    let proof = fixture.proof(&own, None).await;
    let refreshed = fixture.refresh(refresh_token, Some(&proof)).await;
    assert_eq!((refreshed.outcome(), refreshed.text("token_type")), (GRANTED, "DPoP"));

    let assertion = fixture.assertion().await;
    let form = [ASSERTION_TYPE, ("client_assertion", assertion.expose()), ("token", refreshed.text("access_token"))];
    let active = fixture.server.post(Endpoint::Introspection, &form, With::default()).await;
    assert_eq!(active.json["cnf"]["jkt"], json!(own.dpop_jkt()), "{active:?}");
    assert_eq!(active.text("token_type"), "DPoP");
}

// RFC 9449 section 8.
#[tokio::test]
async fn a_client_without_the_nonce_gets_it_and_loses_nothing() {
    let fixture = Fixture::new(|verifier| verifier.with_nonces(DpopNonces::new(&[7; 32])));
    let key = dpop_key();
    let code = fixture.code("spa").await;
    let reply = fixture.redeem(&code, Some(&fixture.proof(&key, None).await)).await;
    assert_eq!(reply.outcome(), (400, "use_dpop_nonce"));
    let nonce = reply.header("dpop-nonce").unwrap().to_owned();
    let proof = fixture.proof(&key, Some(&nonce)).await;
    let tokens = fixture.redeem(&code, Some(&proof)).await;
    assert_eq!(tokens.outcome(), GRANTED, "the code was not used up");
    assert_eq!(tokens.header("dpop-nonce"), Some(nonce.as_str()));

    fixture.clock.set(at(NOW + 3000));
    let refresh_token = tokens.text("refresh_token");
    let reply = fixture.refresh(refresh_token, Some(&fixture.proof(&key, Some(&nonce)).await)).await;
    assert_eq!(reply.outcome(), (400, "use_dpop_nonce"), "it has changed");
    let nonce = reply.header("dpop-nonce").unwrap();
    let refreshed = fixture.refresh(refresh_token, Some(&fixture.proof(&key, Some(nonce)).await)).await;
    assert_eq!(refreshed.outcome(), GRANTED, "the refresh token was not used up");
}

#[tokio::test]
async fn the_metadata_lists_the_supported_algorithms() {
    let fixture = Fixture::new(|verifier| verifier.with_algorithms([Algorithm::Es256]));
    let document = regrant::wire::Request::new("GET", "/.well-known/oauth-authorization-server", &[], b"");
    let response = fixture.server.0.handle(Endpoint::Metadata, &document).await;
    let metadata: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256"]));
    let algorithms = metadata["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.contains(&json!("ES256")) && !algorithms.contains(&json!("HS256")), "{algorithms:?}");
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    for method in ["private_key_jwt", "tls_client_auth"] {
        assert!(methods.contains(&json!(method)), "{methods:?}");
    }
}

// A full cache asks to try again and uses nothing up. A client that may not use the flow never fills it.
#[tokio::test]
async fn a_full_replay_cache_asks_to_try_again_and_only_permitted_clients_can_fill_it() {
    let (clock, dpop) = (clock(), DpopKey::new(key(Algorithm::EdDsa)).unwrap());
    let cache = Arc::new(ReplayCache::new(2, Arc::new(clock.clone())));
    // A public client may redeem codes; client credentials in its grant types have no effect.
    let clients = ClientRegistry::new().register(able("spa", ClientAuthenticationMethod::None), []).unwrap();
    let server = Server::start(clients, &clock, Some(Arc::new(DpopVerifier::new(cache.clone()))));
    let fixture = Fixture { clock, server, ..Fixture::new(|verifier| verifier) };
    let proof = async || dpop.proof("POST", TOKEN_ENDPOINT).sign(at(NOW), &SystemEntropy).await.unwrap();
    for _ in 0..10 {
        let proof = proof().await;
        let form = [CLIENT_CREDENTIALS, ("client_id", "spa")];
        let reply = fixture.server.token(&form, With { dpop: Some(&proof), ..With::default() }).await;
        assert_eq!(reply.outcome(), (400, "unauthorized_client"));
    }
    assert!(cache.is_empty());

    let codes = [fixture.code("spa").await, fixture.code("spa").await, fixture.code("spa").await];
    for code in &codes[..2] {
        assert_eq!(fixture.redeem(code, Some(&proof().await)).await.outcome(), GRANTED);
    }
    let full = fixture.redeem(&codes[2], Some(&proof().await)).await;
    assert_eq!(full.outcome(), (503, "temporarily_unavailable"));
    assert_eq!(full.header("retry-after"), Some("1"));
    fixture.clock.advance(std::time::Duration::from_secs(90));
    let later = dpop.proof("POST", TOKEN_ENDPOINT).sign(at(NOW + 90), &SystemEntropy).await.unwrap();
    assert_eq!(fixture.redeem(&codes[2], Some(&later)).await.outcome(), GRANTED, "nothing was consumed");
}
