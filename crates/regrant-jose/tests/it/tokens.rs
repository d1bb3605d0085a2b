//! The claims of the tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use regrant::client::ClientAuthenticationMethod;
use regrant::grant::{Actor, Confirmation};
use regrant::host::{HostClaims, Unavailable};
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, IdTokenHint, JwtIssuer, UserInfoClaims};
use regrant::{Approval, AuthorizationDetails, Client, Issuer, Resource, Resources, Scope, Subject};
use regrant_jose::{Algorithm, Jwk, JwtTokens, KeySet, PrivateKey, Signer};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use crate::support::{ISSUER, NOW, at, client, client_id, key};

const END: i64 = NOW + 3600;

fn tokens_of(signer: impl Signer + 'static) -> JwtTokens {
    JwtTokens::new(Issuer::from_static(ISSUER), KeySet::new(signer, Duration::from_secs(3600)).expect("a key set"))
}

fn tokens(algorithm: Algorithm) -> JwtTokens {
    tokens_of(key(algorithm).with_kid("k1"))
}

fn app() -> Client {
    client("app", ClientAuthenticationMethod::None)
}

fn subject(name: &str) -> Subject {
    Subject::new(name).expect("a subject")
}

fn resources(names: &[&str]) -> Resources {
    names.iter().map(|name| Resource::new(name).expect("a resource")).collect::<Vec<_>>().into()
}

async fn access_token(tokens: &JwtTokens, approval: &Approval) -> Result<String, Unavailable> {
    let app = app();
    let claims = AccessTokenClaims::new("j1", &app, approval, at(NOW), at(END));
    tokens
        .access_token(&tokens.signing_key(&app, at(NOW)), &claims.with_confirmation(approval.confirmation.as_ref()))
        .await
}

async fn id_token(tokens: &JwtTokens, approval: &Approval, nonce: Option<&str>) -> Result<String, Unavailable> {
    let (app, demo) = (app(), subject("demo"));
    let claims = IdTokenClaims::new(&app, &demo, approval, at(NOW), at(END), "at_secret").with_nonce(nonce);
    tokens.id_token(&claims).await
}

/// The header and the payload, byte for byte.
fn texts(token: &str) -> (String, String) {
    let text = |part| String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("UTF-8");
    let parts: Vec<&str> = token.split('.').collect();
    (text(parts[0]), text(parts[1]))
}

fn payload(token: &str) -> Value {
    serde_json::from_str(&texts(token).1).expect("JSON")
}

fn full() -> Approval {
    Approval::of(subject("demo"))
        .with_scope(Scope::new("openid write").expect("a scope"))
        .with_resources(resources(&["https://api.example/b", "https://api.example/a"]))
        .with_authentication(at(NOW - 60), Some("urn:mace:silver".to_owned()), vec!["pwd".to_owned(), "otp".to_owned()])
        .with_confirmation(Some(Confirmation::DpopKey([7; 32])))
        .with_session_id(Some("s1".to_owned()))
        .with_actor(Some(Actor::new(subject("agent"), Some(Actor::new(subject("first"), None)))))
        .with_may_act(Some(subject("next")))
}

#[tokio::test]
async fn an_access_token_has_the_claims_of_rfc_9068_in_fixed_order() {
    let token = access_token(&tokens(Algorithm::Es256), &full()).await.expect("a token");
    let (header, payload) = texts(&token);
    assert_eq!(header, r#"{"alg":"ES256","typ":"at+jwt","kid":"k1"}"#);
    let jkt = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
    assert_eq!(
        payload,
        format!(
            "{{\"iss\":\"https://as.example\",\"sub\":\"demo\",\
             \"aud\":[\"https://api.example/a\",\"https://api.example/b\"],\"client_id\":\"app\",\
             \"exp\":1800003600,\"iat\":1800000000,\"jti\":\"j1\",\"scope\":\"openid write\",\
             \"auth_time\":1799999940,\"acr\":\"urn:mace:silver\",\"amr\":[\"pwd\",\"otp\"],\
             \"cnf\":{{\"jkt\":\"{jkt}\"}},\
             \"act\":{{\"sub\":\"agent\",\"act\":{{\"sub\":\"first\"}}}},\"may_act\":{{\"sub\":\"next\"}}}}"
        )
    );
}

// RFC 9396 section 9.1.
#[tokio::test]
async fn an_access_token_with_the_largest_authorization_details_is_read() {
    let tokens = tokens(Algorithm::Es256);
    let nested = r#"{"type":"a","x":{"a":{"b":{"c":{"d":[1]}}}}}"#;
    let many = format!(r#"[{nested},{{"type":"b","x":[{}]}}]"#, vec!["1"; 490].join(","));
    let long = format!(r#"[{{"type":"{}"}}]"#, "a".repeat(4083));
    for text in [many, long] {
        let details = AuthorizationDetails::new(&text).expect("details");
        let token = access_token(&tokens, &full().with_authorization_details(details)).await.expect("a token");
        let told = &payload(&token)["authorization_details"];
        assert_eq!(*told, serde_json::from_str::<Value>(&text).expect("JSON"));
        assert_eq!(tokens.read_access_token(&token).as_deref(), Some("j1"));
        assert!(token.len() < 8 * 1024, "{}", token.len());
    }
}

#[tokio::test]
async fn unknown_values_are_omitted() {
    let token = access_token(&tokens(Algorithm::EdDsa), &Approval::default()).await.expect("a token");
    assert_eq!(
        payload(&token),
        json!({
            "iss": ISSUER, "sub": "app", "aud": ISSUER, "client_id": "app", "exp": END, "iat": NOW, "jti": "j1",
        }),
        "without a resource owner the client is the subject (RFC 9068 section 2.2)"
    );
}

#[tokio::test]
async fn one_resource_is_a_string_and_without_any_the_audience_is_the_issuer() {
    let tokens = tokens(Algorithm::EdDsa);
    let one = Approval::default().with_resources(resources(&["https://other.example/"]));
    assert_eq!(payload(&access_token(&tokens, &one).await.expect("a token"))["aud"], "https://other.example/");
    let none = Approval::default();
    assert_eq!(payload(&access_token(&tokens, &none).await.expect("a token"))["aud"], ISSUER);
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_has_its_thumbprint() {
    let bound = Approval::default().with_confirmation(Some(Confirmation::Certificate([9; 32])));
    let token = access_token(&tokens(Algorithm::EdDsa), &bound).await.expect("a token");
    assert_eq!(payload(&token)["cnf"], json!({"x5t#S256": BASE64_URL_SAFE_NO_PAD.encode([9; 32])}));
}

#[tokio::test]
async fn the_same_claims_under_the_same_key_are_the_same_text() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let tokens = tokens(algorithm);
        let first = access_token(&tokens, &full()).await.expect("a token");
        for _ in 0..5 {
            assert_eq!(access_token(&tokens, &full()).await.expect("a token"), first);
        }
    }
}

#[tokio::test]
async fn an_id_token_has_the_claims_of_openid_connect() {
    let token = id_token(&tokens(Algorithm::EdDsa), &full(), Some("n1")).await.expect("a token");
    assert_eq!(texts(&token).0, r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#);
    assert_eq!(
        payload(&token),
        json!({
            "iss": ISSUER, "sub": "demo", "aud": "app", "azp": "app", "exp": END, "iat": NOW, "auth_time": NOW - 60,
            "nonce": "n1", "acr": "urn:mace:silver", "amr": ["pwd", "otp"], "sid": "s1",
            "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&Sha512::digest("at_secret")[..32]),
        })
    );
    let renamed = id_token(&tokens(Algorithm::Ed25519), &full(), Some("n1")).await.expect("a token");
    assert_eq!(texts(&renamed).0, r#"{"alg":"Ed25519","typ":"JWT","kid":"k1"}"#);
    assert_eq!(payload(&renamed), payload(&token), "the hash of Ed25519 is SHA-512 under each name");
    let bare = payload(&id_token(&tokens(Algorithm::Es256), &Approval::default(), None).await.expect("a token"));
    assert_eq!(
        bare,
        json!({
            "iss": ISSUER, "sub": "demo", "aud": "app", "azp": "app", "exp": END, "iat": NOW,
            "at_hash": BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest("at_secret")[..16]),
        })
    );
}

#[tokio::test]
async fn an_introspection_answer_cannot_pass_for_an_access_token() {
    let tokens = tokens(Algorithm::EdDsa);
    let answer = json!({"active": true, "sub": "demo", "exp": END}).as_object().expect("an object").clone();
    let token = tokens.introspection(&client_id("api"), &answer, at(NOW)).await.expect("a token");
    assert_eq!(texts(&token).0, r#"{"alg":"EdDSA","typ":"token-introspection+jwt","kid":"k1"}"#);
    assert_eq!(payload(&token), json!({"iss": ISSUER, "aud": "api", "iat": NOW, "token_introspection": answer}));
    assert_eq!(tokens.read_access_token(&token), None);
}

#[tokio::test]
async fn only_access_tokens_of_the_issuer_are_read() {
    let keys = KeySet::new(key(Algorithm::EdDsa), Duration::from_secs(3600)).expect("a key set");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys.clone());
    let token = access_token(&tokens, &full()).await.expect("a token");
    assert_eq!(tokens.read_access_token(&token).as_deref(), Some("j1"), "expired or not, there is no clock here");
    let no_access_token = id_token(&tokens, &full(), None).await.expect("a token");
    assert_eq!(tokens.read_access_token(&no_access_token), None);
    let of_another_issuer =
        access_token(&JwtTokens::new(Issuer::from_static("https://other.example"), keys), &full()).await;
    assert_eq!(tokens.read_access_token(&of_another_issuer.expect("a token")), None);
    let of_another_key = access_token(&self::tokens(Algorithm::EdDsa), &full()).await.expect("a token");
    assert_eq!(tokens.read_access_token(&of_another_key), None);
    let key = || PrivateKey::from_pem(include_str!("keys/ed25519.pem")).expect("PEM").with_kid("k1");
    let tokens = tokens_of(key());
    let claims = payload(&access_token(&tokens, &full()).await.expect("a token"));
    for (typ, jti) in [("at+jwt", Some("j1")), ("JWT", None), ("token-introspection+jwt", None), ("dpop+jwt", None)] {
        let header = json!({"alg": "EdDSA", "typ": typ, "kid": "k1"});
        let token = crate::support::sign(&key(), &header, &claims).await;
        assert_eq!(tokens.read_access_token(&token).as_deref(), jti, "all but the kind is the same: {typ}");
    }
    let untyped = crate::support::sign(&key(), &json!({"alg": "EdDSA", "kid": "k1"}), &claims).await;
    assert_eq!(tokens.read_access_token(&untyped), None);
}

#[tokio::test]
async fn no_changed_character_of_an_access_token_is_read() {
    let tokens = tokens(Algorithm::EdDsa);
    let token = access_token(&tokens, &full()).await.expect("a token");
    for mutated in crate::support::mutations(&token) {
        assert_eq!(tokens.read_access_token(&mutated), None);
    }
}

#[tokio::test]
async fn an_access_token_cannot_be_forged_from_the_published_key() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = key(algorithm).with_kid("k1");
        let public = key.public_key();
        let tokens = tokens_of(key);
        let claims = payload(&access_token(&tokens, &full()).await.expect("a token"));
        for alg in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let header = json!({"alg": alg.as_str(), "typ": "at+jwt", "kid": "k1"});
            for secret in crate::support::public_bytes(&public) {
                assert_eq!(tokens.read_access_token(&crate::support::mac(&secret, alg, &header, &claims)), None);
            }
        }
        let theirs = crate::support::key(algorithm);
        for alg in ["none", "nOnE", algorithm.as_str()] {
            let header = json!({"alg": alg, "typ": "at+jwt", "kid": "k1"}).to_string();
            let token = format!("{}.{}.", crate::support::encoded(header), crate::support::encoded(claims.to_string()));
            assert_eq!(tokens.read_access_token(&token), None);
        }
        let header = json!({
            "alg": algorithm.as_str(), "typ": "at+jwt", "kid": "k1", "jwk": theirs.public_key().to_value(),
        });
        assert_eq!(tokens.read_access_token(&crate::support::sign(&theirs, &header, &claims).await), None);
    }
}

#[tokio::test]
async fn the_claims_of_the_host_are_added() {
    let (tokens, app, demo, approval) = (tokens(Algorithm::EdDsa), app(), subject("demo"), full());
    let host = HostClaims::from_iter([("roles", json!(["admin"])), ("email", json!("d@e.example"))]);
    let claims = AccessTokenClaims::new("j1", &app, &approval, at(NOW), at(END)).with_host_claims(&host);
    let token = tokens.access_token(&tokens.signing_key(&app, at(NOW)), &claims).await.expect("a token");
    assert_eq!(payload(&token)["roles"], json!(["admin"]));
    let claims = IdTokenClaims::new(&app, &demo, &approval, at(NOW), at(END), "at_secret").with_host_claims(&host);
    assert_eq!(payload(&tokens.id_token(&claims).await.expect("a token"))["email"], "d@e.example");
}

#[tokio::test]
async fn oversized_claims_yield_no_access_token() {
    let (tokens, app, approval) = (tokens(Algorithm::EdDsa), app(), full());
    let host = HostClaims::from_iter([("groups", "g".repeat(20_000))]);
    let claims = AccessTokenClaims::new("j1", &app, &approval, at(NOW), at(END)).with_host_claims(&host);
    let token = tokens.access_token(&tokens.signing_key(&app, at(NOW)), &claims).await;
    token.expect_err("no reader would accept it");
}

// OpenID Connect Core section 5.3.2.
#[tokio::test]
async fn a_userinfo_answer_is_for_its_client_and_is_no_id_token() {
    let (tokens, app, demo) = (tokens(Algorithm::EdDsa), app(), subject("demo"));
    let host = HostClaims::from_iter([("email", "d@e.example")]);
    let claims = UserInfoClaims::new(&app, &demo, at(NOW), &host);
    let answer = tokens.user_info(&claims).await.expect("a token");
    let expected = json!({ "iss": ISSUER, "sub": "demo", "aud": "app", "iat": NOW, "email": "d@e.example" });
    assert_eq!(payload(&answer), expected);
    assert_eq!(texts(&answer).0, r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#);
    assert_eq!((tokens.read_id_token(&answer), tokens.read_access_token(&answer)), (None, None));
}

// OpenID Connect RP-Initiated Logout 1.0 section 4: an expired hint is accepted.
#[tokio::test]
async fn an_id_token_is_read_again_by_its_issuer_alone() {
    let tokens = tokens(Algorithm::EdDsa);
    let id_token = id_token(&tokens, &full(), None).await.expect("a token");
    let hint = IdTokenHint::new(client_id("app"), subject("demo"), Some("s1".to_owned()));
    assert_eq!(tokens.read_id_token(&id_token), Some(hint));
    let access_token = access_token(&tokens, &full()).await.expect("a token");
    let (signed, _) = id_token.rsplit_once('.').expect("a signature");
    for other in [access_token, format!("{signed}."), format!("{signed}.AAAA"), "garbage".to_owned(), String::new()] {
        assert_eq!(tokens.read_id_token(&other), None, "{other}");
    }
    let theirs = key(Algorithm::EdDsa);
    let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": "k1" });
    assert_eq!(tokens.read_id_token(&crate::support::sign(&theirs, &header, &payload(&id_token)).await), None);
}

/// A key service that takes a while, or fails.
struct Remote {
    key: PrivateKey,
    is_down: Arc<AtomicBool>,
}

#[async_trait]
impl Signer for Remote {
    fn public_key(&self) -> Jwk {
        self.key.public_key()
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        tokio::task::yield_now().await;
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Unavailable::new("out of reach"));
        }
        self.key.sign(message).await
    }
}

#[tokio::test]
async fn a_key_service_signs() {
    let is_down = Arc::new(AtomicBool::new(false));
    let tokens = tokens_of(Remote { key: key(Algorithm::Es256), is_down: Arc::clone(&is_down) });
    let token = access_token(&tokens, &full()).await.expect("a token");
    assert_eq!(tokens.read_access_token(&token).as_deref(), Some("j1"));
    is_down.store(true, Ordering::SeqCst);
    access_token(&tokens, &full()).await.expect_err("the service is out of reach");
}

#[cfg(feature = "aws-lc-rs")]
#[tokio::test]
async fn rsa_keys_sign() {
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let key = PrivateKey::from_pem(include_str!("keys/rsa2048.pem")).expect("PEM");
        let tokens = tokens_of(key.with_algorithm(algorithm).expect("an RSA key"));
        let token = access_token(&tokens, &full()).await.expect("a token");
        assert_eq!(regrant_jose::jws::Jws::parse(&token).expect("a JWS").alg(), algorithm);
        assert_eq!(tokens.read_access_token(&token).as_deref(), Some("j1"));
        let again = access_token(&tokens, &full()).await.expect("a token");
        assert_eq!(texts(&again), texts(&token), "PS256 repeats its claims, RS256 its text, too");
        assert_eq!(again == token, algorithm == Algorithm::Rs256);
    }
}
