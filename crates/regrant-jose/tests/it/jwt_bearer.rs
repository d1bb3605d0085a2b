//! The JWT bearer grant, RFC 7523 sections 2.1 and 3: tokens for the assertion of a trusted issuer.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fixtures::{Form, Reply};
use regrant::client::{ClientAuthenticationMethod, IntrospectionAccess};
use regrant::clock::ManualClock;
use regrant::store::PurgeExpired as _;
use regrant::wire::Endpoint;
use regrant::{ClientRegistry, ClientSecret, GrantType, Issuer, SecretHash, Subject};
use regrant_jose::bearer::{JwtBearerFlow, ResolveSubject, TrustedIssuer};
use regrant_jose::jws::Claims;
use regrant_jose::key::{PublishedKeys, ResolveKeys};
use regrant_jose::{Algorithm, JwkSet, KeySource, PrivateKey, Signer as _};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::server::{Server, With};
use crate::support::{
    ISSUER, NOW, TOKEN_ENDPOINT, WatchedUse, at, client, clock, jwks, key, mac, mutations, public_bytes, sign, with,
};

const PARTNER: &str = "https://idp.partner.example";
const SECRET: &str = "hD3kq0vX7ZrYc2LmN8sTpW";
const JWT_BEARER: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
const APP: [(&str, &str); 2] = [("client_id", "app"), ("client_secret", SECRET)];

const GRANTED: (u16, &str) = (200, "");
const DENIED: (u16, &str) = (400, "invalid_grant");
const OUTAGE: (u16, &str) = (503, "temporarily_unavailable");

/// A server that trusts one partner.
struct Fixture {
    clock: ManualClock,
    used: WatchedUse,
    key: PrivateKey,
    server: Server,
}

impl Fixture {
    fn new() -> Self {
        Self::trusting(partner_subject, |issuer| issuer)
    }

    fn trusting(
        subjects: impl ResolveSubject + 'static,
        configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer,
    ) -> Self {
        let key = key(Algorithm::Es256);
        let issuer = configure(TrustedIssuer::new(PARTNER, jwks([&key]), subjects));
        Self::with_issuers(key, [issuer])
    }

    fn with_issuers(key: PrivateKey, issuers: impl IntoIterator<Item = TrustedIssuer>) -> Self {
        let (clock, used) = (clock(), WatchedUse::default());
        let flow = JwtBearerFlow::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()))
            .with_audiences([TOKEN_ENDPOINT]);
        let flow = issuers.into_iter().fold(flow, JwtBearerFlow::with_issuer);
        let app = client("app", ClientAuthenticationMethod::ClientSecretPost)
            .with_grant_types([GrantType::JwtBearer])
            .with_introspection(IntrospectionAccess::Own)
            .with_scope("read write".parse().unwrap());
        let clients = ClientRegistry::new().register(app, [SecretHash::sha256(&ClientSecret::new(SECRET))]).unwrap();
        let Server(endpoints) = Server::start(clients, &clock, None);
        let server = Server(endpoints.with_approver(GrantType::JwtBearer, flow));
        Self { clock, used, key, server }
    }

    async fn signed(&self, claims: &Value) -> String {
        sign(&self.key, &json!({ "alg": "ES256", "typ": "JWT" }), claims).await
    }

    async fn ask(&self, more: Form<'_>) -> Reply {
        let form: Vec<_> = [JWT_BEARER].into_iter().chain(APP).chain(more.iter().copied()).collect();
        self.server.token(&form, With::default()).await
    }

    /// Returns true if the assertion is accepted. A denied one must not be used up.
    async fn accepts(&self, assertion: &str) -> bool {
        let before = self.used.calls();
        let reply = self.ask(&[("assertion", assertion)]).await;
        let is_accepted = reply.outcome() == GRANTED;
        assert!(is_accepted || reply.outcome() == DENIED, "{:?}", reply.outcome());
        assert_eq!(self.used.calls() - before, usize::from(is_accepted), "a denied assertion uses nothing up");
        is_accepted
    }
}

/// Maps accounts of the partner to subjects with a prefix, so that they cannot collide with local ones.
fn partner_subject(claims: &Claims) -> Option<Subject> {
    let account = claims.text("sub").ok().filter(|account| *account != "stranger")?;
    Subject::new(format!("partner:{account}")).ok()
}

fn claims() -> Value {
    json!({ "iss": PARTNER, "sub": "alice", "aud": ISSUER, "jti": "8f0c", "exp": NOW + 60 })
}

#[tokio::test]
async fn an_assertion_yields_tokens_of_its_subject() {
    let fixture = Fixture::new();
    let assertion = fixture.signed(&claims()).await;
    let reply = fixture.ask(&[("assertion", &assertion), ("scope", "read")]).await;
    assert_eq!(reply.outcome(), GRANTED);
    let form: Vec<_> = APP.into_iter().chain([("token", reply.text("access_token"))]).collect();
    let active = fixture.server.post(Endpoint::Introspection, &form, With::default()).await;
    assert_eq!(active.json["active"], json!(true));
    assert_eq!((active.text("sub"), active.text("scope")), ("partner:alice", "read"));
    assert_eq!(fixture.ask(&[]).await.outcome(), (400, "invalid_request"), "no assertion");
}

#[tokio::test]
async fn an_assertion_with_one_wrong_claim_is_denied_and_not_used_up() {
    let fixture = Fixture::new();
    let mut cases = vec![
        ("iss", json!("https://idp.other.example")),
        ("iss", json!("https://idp.partner.example/")),
        ("sub", json!("stranger")),
        ("sub", json!("")),
        ("sub", json!("line\nbreak")),
        ("aud", json!("app")),
        ("aud", json!([])),
        ("aud", json!([ISSUER, 1])),
        ("exp", json!(NOW - 10)),
        ("exp", json!(NOW + 3611)),
        ("exp", json!((NOW + 60).to_string())),
        ("exp", json!(1e300)),
        ("nbf", json!(NOW + 11)),
        ("iat", json!(NOW + 11)),
        ("iat", json!("now")),
        ("jti", json!("")),
    ];
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        assert!(!fixture.accepts(&fixture.signed(&with(&claims(), name, None)).await).await, "without {name}");
        cases.extend([(name, Value::Null), (name, json!(7))]);
    }
    for (name, value) in cases {
        let denied = fixture.signed(&with(&claims(), name, Some(value.clone()))).await;
        assert!(!fixture.accepts(&denied).await, "{name}: {value}");
    }
    for audience in [json!(TOKEN_ENDPOINT), json!(["https://other.example", ISSUER])] {
        let claims = with(&with(&claims(), "jti", Some(audience.to_string().into())), "aud", Some(audience.clone()));
        assert!(fixture.accepts(&fixture.signed(&claims).await).await, "{audience}");
    }
    assert!(fixture.accepts(&fixture.signed(&claims()).await).await);
}

// RFC 8725 sections 3.1 and 3.11.
#[tokio::test]
async fn an_assertion_with_another_header_or_of_another_key_is_denied() {
    let fixture = Fixture::new();
    let attacker = key(Algorithm::Es256);
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "EdDSA" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES256", "typ": "at+jwt" }),
        json!({ "alg": "ES256", "typ": "client-authentication+jwt" }),
        json!({ "alg": "ES256", "kid": "unknown" }),
        json!({ "alg": "ES256", "crit": ["exp"] }),
    ] {
        assert!(!fixture.accepts(&sign(&fixture.key, &header, &claims()).await).await, "{header}");
    }
    let own = json!({ "alg": "ES256", "jwk": attacker.public_key().to_value(), "jku": "https://evil.example" });
    assert!(!fixture.accepts(&sign(&attacker, &own, &claims()).await).await);
    for bytes in public_bytes(&fixture.key.public_key()) {
        let denied = mac(&bytes, Algorithm::Hs256, &json!({ "alg": "HS256" }), &claims());
        assert!(!fixture.accepts(&denied).await);
    }
    for denied in ["x", "..", "null.null.null"] {
        assert!(!fixture.accepts(denied).await, "{denied}");
    }
    let typed = json!({ "alg": "ES256", "typ": "authorization-grant+jwt" });
    assert!(fixture.accepts(&sign(&fixture.key, &typed, &claims()).await).await);
}

#[tokio::test]
async fn an_assertion_with_any_changed_character_is_denied() {
    let fixture = Fixture::new();
    let good = fixture.signed(&claims()).await;
    for changed in mutations(&good) {
        assert!(!fixture.accepts(&changed).await, "{changed}");
    }
    assert!(fixture.accepts(&good).await);
}

#[tokio::test]
async fn an_issuer_cannot_speak_for_another() {
    let (partner, other) = (key(Algorithm::EdDsa), key(Algorithm::EdDsa));
    let trusted = [
        TrustedIssuer::new(PARTNER, jwks([&partner]), partner_subject),
        TrustedIssuer::new("https://idp.other.example", jwks([&other]), partner_subject),
    ];
    let fixture = Fixture::with_issuers(key(Algorithm::EdDsa), trusted);
    for (signer, issuer, expected) in [
        (&other, PARTNER, DENIED),
        (&partner, "https://idp.other.example", DENIED),
        (&partner, PARTNER, GRANTED),
        // The same `jti` from another issuer.
        (&other, "https://idp.other.example", GRANTED),
    ] {
        let assertion = sign(signer, &json!({ "alg": "EdDSA" }), &with(&claims(), "iss", Some(issuer.into()))).await;
        assert_eq!(fixture.ask(&[("assertion", &assertion)]).await.outcome(), expected, "{issuer}");
    }
}

#[tokio::test]
async fn an_issuer_s_assertion_is_accepted_once_until_it_expires() {
    let fixture = Fixture::new();
    let assertion = fixture.signed(&claims()).await;
    assert!(fixture.accepts(&assertion).await);
    for (second, forgets) in [(0, 0), (69, 0), (99, 0), (100, 1), (600, 0)] {
        fixture.clock.set(at(NOW + second));
        assert_eq!(fixture.used.store.purge_expired(at(NOW + second), 10).await.unwrap(), forgets, "{second} s");
        assert_eq!(fixture.ask(&[("assertion", &assertion)]).await.outcome(), DENIED, "{second} s");
    }
}

#[tokio::test]
async fn assertions_without_jti_are_accepted_only_if_the_host_allows_them() {
    let fixture = Fixture::trusting(partner_subject, TrustedIssuer::without_jti);
    let without = fixture.signed(&with(&claims(), "jti", None)).await;
    assert_eq!(fixture.ask(&[("assertion", &without)]).await.outcome(), GRANTED);
    assert_eq!(fixture.ask(&[("assertion", &without)]).await.outcome(), GRANTED);
    let with_jti = fixture.signed(&claims()).await;
    assert_eq!(fixture.ask(&[("assertion", &with_jti)]).await.outcome(), GRANTED);
    assert_eq!(fixture.ask(&[("assertion", &with_jti)]).await.outcome(), DENIED);
    let mistyped = fixture.signed(&with(&claims(), "jti", Some(json!(1)))).await;
    assert_eq!(fixture.ask(&[("assertion", &mistyped)]).await.outcome(), DENIED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_with_one_assertion_one_is_served() {
    let fixture = Arc::new(Fixture::new());
    for round in 0..4 {
        let assertion = fixture.signed(&with(&claims(), "jti", Some(json!(format!("round {round}"))))).await;
        let start = Arc::new(Semaphore::new(0));
        let racers: Vec<_> = (0..16)
            .map(|_| {
                let (fixture, assertion, start) = (Arc::clone(&fixture), assertion.clone(), Arc::clone(&start));
                tokio::spawn(async move {
                    let _go = start.acquire().await.unwrap();
                    fixture.ask(&[("assertion", &assertion)]).await.status()
                })
            })
            .collect();
        start.add_permits(racers.len());
        let mut served = 0;
        for racer in racers {
            served += usize::from(racer.await.unwrap() == 200);
        }
        assert_eq!(served, 1, "round {round}");
    }
}

#[tokio::test]
async fn an_issuer_obtains_no_more_than_its_scope() {
    let fixture = Fixture::trusting(partner_subject, |issuer| issuer.with_scope("read admin".parse().unwrap()));
    let mut scopes = Vec::new();
    for (number, asked) in [Some("read"), Some("read write"), None, Some("write")].into_iter().enumerate() {
        let assertion = fixture.signed(&with(&claims(), "jti", Some(json!(number.to_string())))).await;
        let form: Vec<_> =
            [("assertion", assertion.as_str())].into_iter().chain(asked.map(|text| ("scope", text))).collect();
        let reply = fixture.ask(&form).await;
        scopes.push((reply.status(), reply.json["scope"].as_str().map(str::to_owned)));
    }
    let read = (200, Some("read".to_owned()));
    assert_eq!(scopes, [read.clone(), read.clone(), read, (400, None)]);
}

#[tokio::test]
async fn algorithms_and_lifetime_are_set_for_each_issuer() {
    let fixture = Fixture::trusting(partner_subject, |issuer| issuer.with_algorithms([Algorithm::EdDsa]));
    assert!(!fixture.accepts(&fixture.signed(&claims()).await).await);
    let fixture = Fixture::trusting(partner_subject, |issuer| issuer.with_max_lifetime(Duration::from_secs(30)));
    assert!(!fixture.accepts(&fixture.signed(&claims()).await).await);
    let short = with(&claims(), "exp", Some(json!(NOW + 30)));
    assert!(fixture.accepts(&fixture.signed(&short).await).await);
    let fixture = Fixture::trusting(partner_subject, |issuer| issuer.with_max_lifetime(Duration::MAX));
    let year = with(&claims(), "exp", Some(json!(NOW + 365 * 86_400)));
    assert!(!fixture.accepts(&fixture.signed(&year).await).await, "a day at most");
}

/// Keys and accounts that are unreachable until a test enables them.
#[derive(Default)]
struct Remote {
    is_up: AtomicBool,
    keys: JwkSet,
}

impl Remote {
    fn check(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.is_up.load(Ordering::SeqCst) { Ok(()) } else { Err("connection refused".into()) }
    }
}

#[async_trait]
impl ResolveKeys for Remote {
    async fn resolve(&self) -> Result<PublishedKeys, Box<dyn Error + Send + Sync>> {
        self.check().map(|()| self.keys.clone().into())
    }
}

struct Directory(Arc<Remote>);

#[async_trait]
impl ResolveSubject for Directory {
    async fn resolve(&self, claims: &Claims) -> Result<Option<Subject>, Box<dyn Error + Send + Sync>> {
        self.0.check().map(|()| partner_subject(claims))
    }
}

// An outage is never reported as a refusal.
#[tokio::test]
async fn an_outage_is_reported_and_the_assertion_is_accepted_afterwards() {
    let own = key(Algorithm::Es256);
    let keys = Arc::new(Remote { is_up: AtomicBool::new(false), keys: jwks([&own]) });
    let directory = Arc::new(Remote::default());
    let source = KeySource::resolved_by(Arc::clone(&keys) as Arc<dyn ResolveKeys>).with_cooldown(Duration::ZERO);
    let fixture = Fixture::with_issuers(own, [TrustedIssuer::new(PARTNER, source, Directory(Arc::clone(&directory)))]);
    let assertion = fixture.signed(&claims()).await;
    let outcome = async || {
        let reply = fixture.ask(&[("assertion", &assertion)]).await;
        (reply.status(), reply.outcome().1.to_owned())
    };
    let is = |expected: (u16, &str)| (expected.0, expected.1.to_owned());
    assert_eq!(outcome().await, is(OUTAGE), "the keys");
    keys.is_up.store(true, Ordering::SeqCst);
    assert_eq!(outcome().await, is(OUTAGE), "the directory");
    directory.is_up.store(true, Ordering::SeqCst);
    fixture.used.set_down(true);
    assert_eq!(outcome().await, is(OUTAGE), "the store of used assertions");
    fixture.used.set_down(false);
    assert_eq!(outcome().await, is(GRANTED));
}
