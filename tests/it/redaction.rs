//! No secret reaches logs, metrics, events, `Debug`, `Display`, error chains or the database.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fixtures::{
    APP, AUDITOR, Auth, Config, GateState, OTHER, PASSWORD, POSTER, REDIRECT, Reply, SCOPE, SPA, Secrets, Server,
    StubIssuer, StubVerifier, Tokens, USER, VERIFIER, basic, challenge, client, form, scope, seconds, subject,
};
use regrant::authenticator::{
    AssertionFault, AuthenticateError, ClientAssertion, ClientAuthenticator as _, ClientStore as _, CredentialError,
    CredentialRefusal, DirectoryAuthenticator, MemoryClients, RegisteredClient, VerifyCredentials,
};
use regrant::authorization::PushRequest;
use regrant::client::{ClientAuthenticationMethod, Registration};
use regrant::device::{DeviceAuthorizationRequest, DeviceCode, PollRequest, UserCode};
use regrant::event::{Event, EventSink, OwnedEvent};
use regrant::grant::Grant;
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::jwt::{AccessTokenClaims, IdTokenClaims};
use regrant::openid::UserInfoRequest;
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::proof::{ClientCertificate, DpopProof, PresentedKeys};
use regrant::store::{GrantOwner, GrantRecord, StoreError, StoredGrant, Version};
use regrant::token::{Realm, TokenPrefixes};
use regrant::wire::{self, AuthorizationRequest, Endpoint, Endpoints, Paths, Request};
use regrant::{
    Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret,
    CodeVerifier, Entropy, ExchangeRequest, GrantType, IssueRequest, Issuer, Key, KeyRing, RedeemRequest,
    RefreshRequest, SecretHash, SystemEntropy, TokenError, TokenService,
};

/// Collects everything that somebody might see.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<String>>);

impl Seen {
    fn note(&self, what: &str) {
        writeln!(self.0.lock().unwrap(), "{what}").unwrap();
    }

    fn debug(&self, value: &impl Debug) {
        self.note(&format!("{value:?} {value:#?}"));
    }

    fn error(&self, error: &dyn Error) {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.note(&format!("{error} {error:?}"));
            cause = error.source();
        }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

#[cfg(feature = "tracing")]
impl std::io::Write for Seen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl EventSink for Seen {
    fn record(&self, event: &Event<'_>) {
        self.debug(event);
        self.debug(&OwnedEvent::from(event));
        #[cfg(feature = "tracing")]
        regrant::event::TracingSink.record(event);
        #[cfg(feature = "metrics")]
        metrics::with_local_recorder(&Labels(self.clone()), || regrant::event::MetricsSink::new().record(event));
    }
}

/// Notes the name and labels of every metric.
#[cfg(feature = "metrics")]
struct Labels(Seen);

#[cfg(feature = "metrics")]
impl metrics::Recorder for Labels {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        self.0.note(&format!("metric {key}"));
        metrics::Counter::noop()
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        self.0.note(&format!("metric {key}"));
        metrics::Gauge::noop()
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        self.0.note(&format!("metric {key}"));
        metrics::Histogram::noop()
    }
}

/// Draws as the system does, and remembers it.
#[derive(Clone, Default)]
struct Remembering(Arc<Mutex<Vec<Vec<u8>>>>);

impl Entropy for Remembering {
    fn fill(&self, bytes: &mut [u8]) {
        SystemEntropy.fill(bytes);
        self.0.lock().unwrap().push(bytes.to_vec());
    }
}

/// The password flow, with a look at what the host is handed.
struct Curious(Seen);

#[async_trait]
impl GrantApprover for Curious {
    async fn approve(
        &self,
        client: &AuthenticatedClient,
        request: &ApproveRequest<'_>,
    ) -> Result<Approval, ApproveError> {
        self.0.debug(client);
        self.0.debug(request);
        self.0.debug(request.parameters);
        fixtures::Passwords.approve(client, request).await.inspect_err(|error| self.0.error(error))
    }
}

/// Accepts one assertion.
struct OneAssertion;

const ASSERTION: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJqd3QifQ.c2lnbmF0dXJlLW9mLXRoZS1hc3NlcnRpb24";
/// A proof of the stub: key and `jti`.
const PROOF: &str = "A.1f0e9c44-proof-of-the-canary";

#[async_trait]
impl VerifyCredentials for OneAssertion {
    async fn verify(&self, _: &Client, shown: &ClientCredentials) -> Result<(), CredentialError> {
        match shown {
            ClientCredentials::Assertion(_, assertion) if assertion.expose().ends_with("down") => {
                Err(CredentialError::unavailable("no keys"))
            }
            ClientCredentials::Assertion(_, assertion) if assertion.expose() == ASSERTION => Ok(()),
            _ => Err(AssertionFault::Signature.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

/// Every flow for every client, JWTs for [`OTHER`], and a client that authenticates with an assertion.
fn config() -> Config {
    let with_flows = |client: Client| {
        let more = [GrantType::DeviceCode, GrantType::TokenExchange];
        let flows: Vec<_> = client.grant_types.iter().cloned().chain(more).collect();
        client.with_grant_types(flows)
    };
    let jwt = ClientPolicy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let by_assertion =
        client(Auth::Basic("jwt", "")).with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
    [APP, OTHER, POSTER, SPA]
        .into_iter()
        .fold(Config::default(), |config, auth| config.with_client(auth, with_flows))
        .with_client(OTHER, |client| client.with_policy(jwt.clone()))
        .verified_client(by_assertion, OneAssertion)
}

fn add_tokens(secrets: &mut Secrets, name: &str, tokens: &Tokens) {
    secrets.add(format!("access token, {name}"), &tokens.access);
    secrets.add(format!("refresh token, {name}"), &tokens.refresh);
}

struct Lifecycle {
    server: Server,
    seen: Seen,
    secrets: Secrets,
    drawn: Remembering,
}

const KEY: [u8; 32] = *b"\xd1\x0c\x9e\x07\x42\xaa\xf3\x65\x18\x8b\xe0\x5d\x94\x2f\xc6\x71\x3a\xb7\x59\xed\x04\x83\xfc\x26\x9b\x60\xd5\x1e\x77\xc8\x32\xaf";
const OLD_KEY: [u8; 32] = *b"\x5f\x93\x0a\xe8\x6c\x21\xbd\x74\x09\xd6\x4a\xf1\x87\x3e\xc0\x58\xa5\x1b\x62\xdf\x90\x37\xee\x4c\x13\xba\x79\x06\xfd\x81\x2e\x95";

fn ring() -> KeyRing {
    KeyRing::new(Key::from_parts(1, KEY).unwrap()).add_former(Key::from_parts(2, OLD_KEY).unwrap()).unwrap()
}

/// All that is logged by all tests of this file. One global subscriber: what a callsite is allowed to say is settled by
/// the first thread that comes by, so one subscriber for each test would miss what another test said first.
#[cfg(feature = "tracing")]
fn log() -> Seen {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::util::SubscriberInitExt as _;
    static LOG: std::sync::OnceLock<Seen> = std::sync::OnceLock::new();
    LOG.get_or_init(|| {
        let log = Seen::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
        subscriber.with_writer(move || writer.clone()).finish().init();
        log
    })
    .clone()
}

/// A whole life of tokens, with all that can go well and much that can go wrong.
async fn live() -> Lifecycle {
    #[cfg(feature = "tracing")]
    log();
    let (seen, drawn) = (Seen::default(), Remembering::default());
    let config =
        Config { jwt_issuer: Some(StubIssuer::default()), proof_verifier: Some(StubVerifier::default()), ..config() };
    let service = TokenService::builder(config.store.clone(), config.registry(), ring())
        .jwt_issuer(config.jwt_issuer.clone().unwrap())
        .proof_verifier(config.proof_verifier.clone().unwrap())
        .clock(config.clock.clone())
        .gate(config.gate.clone())
        .entropy(drawn.clone())
        .events(seen.clone())
        .build()
        .unwrap();
    let endpoints = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
        .unwrap()
        .with_approver(GrantType::Password, Curious(seen.clone()))
        .with_paths(Paths {
            authorization: Some("/authorize".to_owned()),
            device_verification: Some("/device".to_owned()),
            ..Paths::default()
        })
        .with_token_exchange();
    let mut life = Lifecycle { server: Server { endpoints, config }, seen, secrets: Secrets::default(), drawn };
    life.secrets.add("key", KEY);
    life.secrets.add("old key", OLD_KEY);
    life.secrets.add("password", PASSWORD);
    life.secrets.add("verifier", VERIFIER);
    for auth in [APP, OTHER, POSTER, AUDITOR] {
        life.secrets.add("client secret", auth.secret().unwrap());
    }
    life.secrets.add("client assertion", ASSERTION);
    life.secrets.add("proof", PROOF);
    life.succeed().await;
    life.authorize().await;
    life.branch_out().await;
    life.fail().await;
    life.break_down().await;
    life
}

impl Lifecycle {
    async fn succeed(&mut self) {
        for auth in [APP, POSTER, SPA] {
            let pkce = |request: AuthorizeRequest| request.with_code_challenge(Some(challenge(VERIFIER)));
            let code = self.server.code_for(auth, pkce).await;
            self.secrets.add("code", &code);
            let redeem = [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", REDIRECT),
                ("code_verifier", VERIFIER),
            ];
            let first = self.server.token(auth, &redeem).await.tokens();
            add_tokens(&mut self.secrets, "redeemed", &first);
            let second = self.server.refresh(auth, &first.refresh).await.tokens();
            add_tokens(&mut self.secrets, "refreshed", &second);
            assert_eq!(self.server.refresh(auth, &first.refresh).await.tokens(), second);
            for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
                self.server.introspect(AUDITOR, token).await;
            }
            self.server.revoke(auth, &first.access).await;
            assert_eq!(self.server.revoke(auth, &second.refresh).await.status(), 200);
        }
        let credentials = self.server.token(APP, &[("grant_type", "client_credentials")]).await;
        self.secrets.add("access token, client credentials", credentials.text("access_token"));
    }

    /// Authorization requests: pushed, judged, approved and refused.
    async fn authorize(&mut self) {
        let asked = [
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("code_challenge", fixtures::CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for auth in [APP, POSTER, SPA] {
            let pushed = self.server.post(Endpoint::PushedAuthorizationRequest, auth, &asked).await;
            let request_uri = pushed.text("request_uri").to_owned();
            self.secrets.add("request_uri", request_uri.rsplit(':').next().unwrap());
            let query = form(&[("client_id", auth.id()), ("request_uri", &request_uri)]);
            let http = Request::new("GET", "/authorize", &[], b"").with_query(query.as_str());
            let request = AuthorizationRequest::read(&http, 0);
            let ask = self.server.endpoints.ask(&request).await.unwrap();
            self.seen.debug(&request);
            self.seen.debug(&ask);
            let response = ask.approve(Approval::of(subject(USER))).await.unwrap();
            let code = response.headers[0].1.split(['=', '&']).nth(1).unwrap().to_owned();
            assert!(code.starts_with("ac_"));
            self.secrets.add("code of a pushed request", &code);
            self.seen.debug(&response);
            let used = self.server.endpoints.ask(&request).await.unwrap_err();
            self.seen.error(&used);
            self.seen.debug(&used);
            let shown = used.response();
            self.seen.note(&format!("{:?} {}", shown.headers, String::from_utf8(shown.body).unwrap()));
        }
    }

    /// Devices, JWTs, `id_token`s, exchanges, proofs and assertions: what goes well with them, and what goes wrong.
    async fn branch_out(&mut self) {
        let mut replies = Vec::new();
        let device = self.server.post(Endpoint::DeviceAuthorization, SPA, &[]).await;
        let (code, typed) = (device.text("device_code").to_owned(), device.text("user_code").to_owned());
        self.secrets.add("device code", &code);
        self.secrets.add("user code", &typed);
        self.secrets.add("user code without its hyphen", typed.replace('-', ""));
        let poll = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.as_str())];
        replies.extend([self.server.token(SPA, &poll).await, self.server.token(SPA, &poll).await]);
        let typed = UserCode::parse(&typed).unwrap();
        let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
        self.seen.debug(&self.server.service().device(&typed).await.unwrap());
        self.server.service().approve_device(&typed, approval.clone()).await.unwrap();
        self.seen.error(&self.server.service().approve_device(&typed, approval).await.unwrap_err());
        let answered = self.server.token_with(SPA, PROOF, &poll).await;
        self.secrets.add("id_token of a device", answered.text("id_token"));
        let bound = answered.tokens();
        add_tokens(&mut self.secrets, "of a device", &bound);
        for proof in [PROOF, "B.1f0e9c44-proof-of-another", "no proof at all"] {
            replies.push(self.server.refresh_with(SPA, proof, &bound.refresh).await);
        }
        replies.push(self.server.token(OTHER, &poll).await);

        let jwt = self.server.sign_in(OTHER).await;
        add_tokens(&mut self.secrets, "in the form of a JWT", &jwt);
        let again = self.server.refresh(OTHER, &jwt.refresh).await;
        self.secrets.add("id_token of a refresh", again.text("id_token"));
        add_tokens(&mut self.secrets, "in the form of a JWT, refreshed", &again.tokens());
        for auth in [OTHER, AUDITOR, APP] {
            replies.push(self.server.introspect(auth, &jwt.access).await);
            replies.push(self.server.revoke(auth, &jwt.access).await);
        }
        let signed = [("accept", &b"application/token-introspection+jwt"[..])];
        let token = [("token", bound.access.as_str())];
        let signed = self.server.post_with(Endpoint::Introspection, AUDITOR, &token, &signed, None).await;
        self.seen.debug(&signed.response);

        let access_token = "urn:ietf:params:oauth:token-type:access_token";
        let own = self.server.sign_in(APP).await;
        add_tokens(&mut self.secrets, "to exchange", &own);
        for subject_token in [&own.access, &own.refresh, &bound.access] {
            let exchange = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("subject_token", subject_token.as_str()),
                ("subject_token_type", access_token),
            ];
            let reply = self.server.token(APP, &exchange).await;
            if reply.status() == 200 {
                self.secrets.add("exchanged", reply.text("access_token"));
            }
            replies.push(reply);
        }

        let jwt_bearer = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        for assertion in [ASSERTION.to_owned(), format!("{ASSERTION}x"), format!("{ASSERTION}down")] {
            let body = [("grant_type", "client_credentials"), jwt_bearer, ("client_assertion", assertion.as_str())];
            let reply = self.server.token(Auth::Missing, &body).await;
            if reply.status() == 200 {
                self.secrets.add("by an assertion", reply.text("access_token"));
            }
            replies.push(reply);
            // A secret in the wrong place.
            replies.push(self.server.refresh(Auth::Public(&assertion), &own.refresh).await);
        }
        for reply in replies {
            self.seen.debug(&reply.response);
            if reply.status() != 200 {
                self.seen.note(&String::from_utf8(reply.response.body).unwrap());
                self.seen.note(&format!("{:?}", reply.response.headers));
            }
        }
        self.server.advance(seconds(1));
    }

    async fn fail(&mut self) {
        let tokens = self.server.sign_in(APP).await;
        add_tokens(&mut self.secrets, "of the failures", &tokens);
        let code = self.server.code(APP).await;
        self.secrets.add("code of the failures", &code);
        let wrong = [("grant_type", "password"), ("username", USER), ("password", "wr0ng-Passw0rd")];
        self.secrets.add("wrong password", "wr0ng-Passw0rd");
        self.secrets.add("wrong secret", "wr0ng-S3cret-guess");

        let mut replies: Vec<Reply> = vec![self.server.token(APP, &wrong).await];
        for auth in [
            OTHER,
            SPA,
            Auth::Basic("app", "wr0ng-S3cret-guess"),
            Auth::Post("app", "wr0ng-S3cret-guess"),
            Auth::Missing,
        ] {
            replies.push(self.server.redeem(auth, &code).await);
            replies.push(self.server.refresh(auth, &tokens.refresh).await);
            replies.push(self.server.refresh(auth, &tokens.access).await);
            replies.push(self.server.introspect(auth, &tokens.access).await);
            replies.push(self.server.revoke(auth, &tokens.access).await);
        }
        replies.push(self.server.token(APP, &[("grant_type", &tokens.refresh)]).await);
        replies.push(
            self.server
                .token(
                    APP,
                    &[
                        ("grant_type", "refresh_token"),
                        ("refresh_token", &tokens.refresh),
                        ("scope", &tokens.access),
                        ("resource", &tokens.access),
                    ],
                )
                .await,
        );
        // Secrets where none belong: id and secret swapped, a token for a client id, a token for the name of a
        // parameter.
        let secret = APP.secret().unwrap();
        for auth in [Auth::Basic(secret, "app"), Auth::Post(secret, "app"), Auth::Public(&tokens.refresh)] {
            replies.push(self.server.refresh(auth, &tokens.refresh).await);
        }
        let misplaced = [
            ("grant_type", "password"),
            ("username", USER),
            ("password", "wr0ng-Passw0rd"),
            (tokens.refresh.as_str(), ""),
            (secret, "x"),
        ];
        replies.push(self.server.token(APP, &misplaced).await);
        self.server.config.gate.set(GateState::Broken);
        replies.push(self.server.refresh(APP, &tokens.refresh).await);
        self.server.config.gate.set(GateState::Open);
        self.server.store().set_down(true);
        replies.push(self.server.refresh(APP, &tokens.refresh).await);
        self.server.store().set_down(false);

        // Reuse, of a token and of a code.
        let next = self.server.refresh(APP, &tokens.refresh).await.tokens();
        add_tokens(&mut self.secrets, "before reuse", &next);
        let last = self.server.refresh(APP, &next.refresh).await.tokens();
        add_tokens(&mut self.secrets, "the last before reuse", &last);
        self.server.advance(seconds(61));
        replies.push(self.server.refresh(APP, &tokens.refresh).await);
        let redeemed = self.server.redeem(APP, &code).await.tokens();
        add_tokens(&mut self.secrets, "before code reuse", &redeemed);
        replies.push(self.server.redeem(APP, &code).await);

        for reply in replies {
            self.seen.debug(&reply.response);
            if reply.status() != 200 {
                self.seen.note(&String::from_utf8(reply.response.body).unwrap());
                self.seen.note(&format!("{:?}", reply.response.headers));
            }
        }
    }
}

impl Lifecycle {
    /// Every port fails under requests that are full of secrets.
    async fn break_down(&mut self) {
        let own = self.server.sign_in(OTHER).await;
        add_tokens(&mut self.secrets, "of the breakdown", &own);
        let code = self.server.code(OTHER).await;
        self.secrets.add("code of the breakdown", &code);
        self.secrets.add("another proof", "A.77c1-proof-of-the-breakdown");
        let (issuer, verifier) = (self.server.config.jwt_issuer.clone(), self.server.config.proof_verifier.clone());
        let (issuer, verifier, store) = (issuer.unwrap(), verifier.unwrap(), self.server.store().clone());
        let undecided = [("grant_type", "password"), ("username", USER), ("password", "unreachable")];
        let mut replies = vec![self.server.token(OTHER, &undecided).await];
        let faults: [&(dyn Fn() + Sync); 5] = [
            &|| issuer.set_down(true),
            &|| verifier.set_down(true),
            &|| store.overwrite_all(|_, record| GrantRecord { payload: [7; 9].into(), ..record }),
            &|| store.set_down(true),
            &|| store.reject(),
        ];
        for fault in faults {
            fault();
            replies.push(self.server.refresh_with(OTHER, "A.77c1-proof-of-the-breakdown", &own.refresh).await);
            replies.push(self.server.redeem(OTHER, &code).await);
            replies.push(self.server.introspect(OTHER, &own.access).await);
            replies.push(self.server.revoke(OTHER, &own.refresh).await);
            issuer.set_down(false);
            verifier.set_down(false);
        }
        store.calm();
        for reply in replies {
            self.seen.debug(&reply.response);
            if reply.status() != 200 {
                self.seen.note(&String::from_utf8(reply.response.body).unwrap());
            }
        }
    }
}

// Tokens were logged by kanidm (kanidm/kanidm#3742) and Keycloak (CVE-2026-7571).
#[tokio::test]
async fn no_log_event_metric_or_error_body_shows_a_secret() {
    let life = live().await;

    let text = life.seen.text();
    for word in ["ReuseDetected", "CodeReuse", "Rotated", "Replayed", "Unavailable", "ClientAuthenticationFailed"] {
        assert!(text.contains(word), "the lifecycle did not come to {word}");
    }
    for word in ["Rejected", "RecordCorrupt", "Malformed(", "port: Store", "port: Authenticator"] {
        assert!(text.contains(word), "the lifecycle did not come to {word}");
    }
    for port in ["SubjectGate", "ProofVerifier", "JwtIssuer", "GrantApprover"] {
        assert!(text.contains(&format!("port: {port}")), "{port} did not fail");
    }
    life.secrets.assert_absent_from(&text);
    #[cfg(feature = "metrics")]
    assert!(text.contains("metric Key(regrant_events_total"), "no metric was seen");
    #[cfg(feature = "tracing")]
    {
        let log = log().text();
        for word in ["DEBUG regrant: rotated", "INFO regrant: refused", "WARN regrant: reuse", "ERROR regrant: unavail"]
        {
            assert!(log.contains(word), "not logged: {word}");
        }
        life.secrets.assert_absent_from(&log);
    }
}

// Every public value that can hold a secret.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a line or two for each type")]
async fn no_public_value_shows_its_secret() {
    let mut life = live().await;
    let (server, seen) = (&life.server, &life.seen);
    let service = server.service();
    let app = server.config.registry().client(&ClientId::new("app").unwrap()).unwrap();
    let app = AuthenticatedClient::assertion(app);
    let secret = APP.secret().unwrap();

    let request = AuthorizeRequest::new(Approval::of(subject(USER)).with_scope(scope(SCOPE)))
        .with_redirect_uri(Some(REDIRECT.parse().unwrap()))
        .with_code_challenge(Some(challenge(VERIFIER)));
    seen.debug(&request);
    let push = PushRequest::new("login_hint=canary-of-a-person", request.clone());
    seen.debug(&push);
    let pushed = service.push_authorization_request(&app, push).await.unwrap();
    life.secrets.add("request_uri", pushed.request_uri.expose().rsplit(':').next().unwrap());
    life.secrets.add("pushed parameters", "canary-of-a-person");
    seen.debug(&pushed);
    seen.debug(&service.pushed_request(&app, pushed.request_uri.expose()).await.unwrap());
    seen.debug(&request.clone().with_pushed_request(pushed.request_uri));
    let code = service.authorize(&app, request).await.unwrap();
    life.secrets.add("code", code.code.expose());
    seen.debug(&code);
    let redemption = RedeemRequest::new(code.code.clone()).with_redirect_uri(REDIRECT).with_code_verifier(VERIFIER);
    seen.debug(&redemption);
    let tokens = service.redeem(&app, &redemption).await.unwrap();
    let refresh_token = tokens.refresh_token.clone().unwrap();
    life.secrets.add("access token", tokens.access_token.expose());
    life.secrets.add("refresh token", refresh_token.expose());
    seen.debug(&tokens);
    let refresh = RefreshRequest::new(refresh_token.clone());
    seen.debug(&refresh);
    seen.debug(&IssueRequest::new(GrantType::Password, Approval::of(subject(USER))));
    seen.debug(&service.introspect(&app, tokens.access_token.expose()).await.unwrap());
    seen.debug(&service.introspect(&app, refresh_token.expose()).await.unwrap());
    seen.debug(&service.grants(&GrantOwner::Subject(subject(USER)), None, 100).await.unwrap());

    let poll = PollRequest::new(DeviceCode::new("dc_canary-canary-canary"));
    let device = service.authorize_device(&app, &DeviceAuthorizationRequest::new()).await.unwrap();
    let exchange = ExchangeRequest::new(tokens.access_token.clone()).with_actor_token(tokens.access_token.clone());
    life.secrets.add("device code", device.device_code.expose());
    life.secrets.add("another device code", poll.device_code.expose());
    life.secrets.add("user code", device.user_code.expose());
    life.secrets.add("id_token", tokens.id_token.as_ref().unwrap().expose());
    life.secrets.add("certificate", b"\x30\x82canary-q7XzW2-of-TLS");
    let (proof, certificate) = (
        DpopProof {
            jwt: PROOF.to_owned(),
            method: "POST".to_owned(),
            url: "https://as.example/oauth2/token".to_owned(),
        },
        ClientCertificate::from_der(&b"\x30\x82canary-q7XzW2-of-TLS"[..]),
    );
    seen.debug(&proof);
    seen.debug(&PresentedKeys::none().with_dpop(Some(proof)).with_certificate(Some(certificate.clone())));
    seen.debug(&(&device, &device.user_code, &poll, &exchange, &tokens.id_token));
    seen.debug(&service.exchange(&app, &exchange).await.err());
    let user_info = UserInfoRequest::new(tokens.access_token.clone());
    seen.debug(&user_info);
    seen.debug(&service.user_info(&user_info).await);
    let query = form(&[("id_token_hint", tokens.id_token.as_ref().unwrap().expose()), ("state", secret)]);
    let request = Request::new("GET", "/oauth2/end_session", &[], b"").with_query(query.as_str());
    seen.debug(&request);
    seen.debug(&wire::query(&request).unwrap());
    seen.debug(&server.endpoints.handle(Endpoint::EndSession, &request).await);
    let (approval, now, user) = (Approval::of(subject(USER)), service.now(), subject(USER));
    seen.debug(&IdTokenClaims::new(&app, &user, &approval, now, now, tokens.access_token.expose()));
    seen.debug(&AccessTokenClaims::new("a-jti", &app, &approval, now, now));
    seen.debug(&ClientCredentials::Assertion(ClientId::new("jwt").unwrap(), ClientAssertion::new(ASSERTION)));
    seen.debug(&ClientCredentials::Certificate(ClientId::new("tls").unwrap(), certificate));

    let id = ClientId::new("app").unwrap();
    seen.debug(&ClientCredentials::Basic(id.clone(), ClientSecret::new(secret)));
    seen.debug(&ClientCredentials::Post(id.clone(), ClientSecret::new(secret)));
    seen.debug(&ClientCredentials::Public(id));
    seen.debug(&SecretHash::sha256(&ClientSecret::new(secret)));
    let hash = SecretHash::sha256(&ClientSecret::new(secret));
    life.secrets.add("hash of a secret", &hash.expose().unwrap()["sha256:".len()..]);
    let registered = RegisteredClient::new(client(APP), [hash]).unwrap();
    let stored = registered.to_stored().unwrap();
    let damaged = RegisteredClient::from_stored(Registration(0), &stored.metadata, &format!("{}]", stored.secrets));
    seen.debug(&damaged.err());
    let clients = MemoryClients::new();
    clients.put(&registered).await.unwrap();
    seen.debug(&(&registered, &stored, &clients));
    seen.debug(&DirectoryAuthenticator::new(clients));
    seen.debug(&server.config.registry());
    seen.debug(&app);
    seen.debug(&ring());
    seen.debug(&Key::new(KEY).unwrap());
    seen.error(&ring().add_former(Key::from_parts(1, OLD_KEY).unwrap()).unwrap_err());
    seen.error(&Key::from_base64url(&STANDARD.encode(KEY)).unwrap_err());
    seen.debug(service);
    seen.debug(&server.endpoints);
    for (key, record) in server.store().written() {
        seen.debug(&key);
        seen.debug(&Grant::decode(key.id, &record.payload).unwrap());
        seen.error(&Grant::decode(key.id, &record.payload[1..]).unwrap_err());
        seen.debug(&StoredGrant { version: Version(1), record });
    }

    let authorization = basic("app", secret);
    let body = form(&[("token", tokens.access_token.expose()), ("client_secret", secret)]);
    let headers = [("authorization", authorization.as_bytes())];
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
    let request = request.with_client_certificate(None);
    seen.debug(&request);
    seen.debug(&server.endpoints.handle(Endpoint::Introspection, &request).await);

    life.secrets.assert_absent_from(seen.text());
}

// No error repeats its input, down the whole chain of sources.
#[tokio::test]
async fn no_error_shows_a_secret_down_its_chain_of_causes() {
    let life = live().await;
    let (server, seen) = (&life.server, Seen::default());
    let app = AuthenticatedClient::assertion(client(APP).into());
    let wrong = ClientCredentials::Basic(ClientId::new("app").unwrap(), ClientSecret::new(OTHER.secret().unwrap()));
    let mut errors: Vec<TokenError> = vec![server.service().authenticate(&wrong).await.unwrap_err()];
    for token in life.secrets.iter().filter_map(|(_, secret)| std::str::from_utf8(secret).ok()) {
        errors.extend(server.service().refresh(&app, &RefreshRequest::new(token)).await.err());
        let redemption = RedeemRequest::new(token).with_code_verifier(VERIFIER).with_redirect_uri(token);
        errors.extend(server.service().redeem(&app, &redemption).await.err());
        errors.extend(server.service().poll(&app, &PollRequest::new(token)).await.err());
        errors.extend(server.service().exchange(&app, &ExchangeRequest::new(token)).await.err());
        for error in [
            ClientId::new(format!("{token}\n")).map(drop),
            regrant::Subject::new(format!("{token}\n")).map(drop),
            regrant::RedirectUri::new(token).map(drop),
            regrant::Resource::new(token).map(drop),
            regrant::Scope::new(&format!("{token}\"")).map(drop),
            Realm::new(format!("{token}\n")).map(drop),
            token.parse::<GrantType>().map(drop),
            UserCode::parse(&format!("{token}{token}")).map(drop),
            regrant::jwt::KeyId::new(format!("{token}\n")).map(drop),
            token.parse::<regrant::GrantId>().map(drop),
            token.parse::<regrant::clock::Timestamp>().map(drop),
            token.parse::<regrant::policy::Lifetime>().map(drop),
            TokenPrefixes::new(token, token, token, token).map(drop),
            regrant::CodeChallenge::s256(token).map(drop),
            regrant::CodeChallenge::of(&CodeVerifier::new(format!("{token}\n"))).map(drop),
        ] {
            if let Err(error) = error {
                seen.error(&error);
            }
        }
        if let Err(error) = Key::from_base64url(token) {
            seen.error(&error);
        }
    }
    server.store().set_down(true);
    let genuine = life.secrets.iter().filter_map(|(_, secret)| std::str::from_utf8(secret).ok());
    for token in genuine.filter(|token| token.starts_with("rt_")) {
        errors.push(server.service().refresh(&app, &RefreshRequest::new(token)).await.unwrap_err());
    }
    assert!(errors.iter().any(|error| matches!(error, TokenError::Store(_))), "no store error was seen");
    for error in &errors {
        seen.error(error);
    }
    seen.error(&StoreError::unavailable("connection refused"));
    seen.error(&AuthenticateError::refused(CredentialRefusal::UnknownClient));
    let duplicate = ClientRegistry::new().register(client(SPA), []).unwrap().register(client(SPA), []);
    seen.error(&duplicate.unwrap_err());

    assert!(seen.text().len() > 1000);
    life.secrets.assert_absent_from(seen.text());
}

// A client that mixes up its fields sends its secret as its id.
#[tokio::test]
async fn no_reason_for_a_failed_authentication_shows_what_was_sent() {
    let (seen, config, mut secrets) = (Seen::default(), config(), Secrets::default());
    let service = TokenService::builder(config.store.clone(), config.registry(), ring()).events(seen.clone());
    let service = service.jwt_issuer(StubIssuer::default()).build().unwrap();
    let sent = ["9vKx2-guessed-secret-Zr7", "jwt", "app", "spa", "tR5wQ8-the-secret-as-the-id"];
    secrets.add("secret", sent[0]);
    secrets.add("the id of nobody", sent[4]);
    secrets.add("assertion", ASSERTION);
    let id = |id: &str| ClientId::new(id).unwrap();
    for name in &sent[1..] {
        for credentials in [
            ClientCredentials::Basic(id(name), ClientSecret::new(sent[0])),
            ClientCredentials::Post(id(name), ClientSecret::new(sent[0])),
            ClientCredentials::Assertion(id(name), ClientAssertion::new(format!("{ASSERTION}A"))),
            ClientCredentials::Certificate(id(name), ClientCertificate::from_der(sent[0].as_bytes())),
        ] {
            if let Err(error) = service.authenticate(&credentials).await {
                seen.error(&error);
                seen.error(&config.registry().authenticate(&credentials).await.unwrap_err());
            }
        }
    }
    let text = seen.text();
    for reason in ["unknown client", "wrong secret", "method not registered", "wrong signature"] {
        assert!(text.contains(reason), "{reason}: {text}");
    }
    secrets.assert_absent_from(&text);
}

// RFC 6819 section 5.1.4.1.3: a stolen database is worthless.
#[tokio::test]
async fn no_record_ever_written_holds_a_token_or_a_secret_in_any_form() {
    let life = live().await;
    let written = life.server.store().written();
    assert!(written.len() > 15, "{} writes", written.len());

    let drawn = life.drawn.0.lock().unwrap().clone();
    let token_secrets: Vec<_> = drawn.iter().filter(|bytes| bytes.len() == 32).collect();
    assert!(token_secrets.len() > 5, "{} secrets drawn", token_secrets.len());

    // A token's bytes behind prefix and key id: nonce, ciphertext, tag.
    let sealed_part = |(_, secret): (_, &[u8])| {
        let text = std::str::from_utf8(secret).unwrap_or_default();
        let sealed = URL_SAFE_NO_PAD.decode(text.get(3..)?).ok()?;
        Some(sealed.get(1..)?.to_vec())
    };
    let sealed: Vec<_> = life.secrets.iter().filter_map(sealed_part).collect();
    let raw = || token_secrets.iter().copied().chain(&sealed).map(Vec::as_slice);
    let search = life.secrets.search();
    for (_, record) in &written {
        let eights: HashSet<&[u8]> = record.payload.windows(8).collect();
        for secret in raw().chain(life.secrets.iter().map(|(_, secret)| secret)) {
            assert!(!secret.windows(8).any(|window| eights.contains(window)), "a part of a secret");
        }
        search.assert_absent_from("a record", &record.payload);
        // The fields beside the payload are for finding records, and tell no more than who.
        assert!(["app", "other", "poster", "spa", "jwt"].contains(&record.client_id.as_str()));
        assert!(record.subject.as_ref().is_none_or(|subject| subject.as_str() == USER));
    }
}

// The checker itself: it must find what it is there to find.
#[test]
fn the_search_finds_a_secret_in_every_spelling() {
    let mut secrets = Secrets::default();
    secrets.add("key", KEY);
    secrets.add("secret", APP.secret().unwrap());
    let search = secrets.search();
    assert!(search.sightings(b"nothing to see").is_empty());
    for secret in [&KEY[..], APP.secret().unwrap().as_bytes()] {
        for (spelling, spelled) in fixtures::secrets::spellings(secret) {
            let times = if spelling.ends_with("hex") { 2 } else { 1 };
            // Where `count` characters of the secret end; of base64, characters of the spelling.
            let after = |count: usize| match spelling {
                "escaped" => fixtures::encode_bytes(&secret[..count]).len(),
                _ => count * times,
            };
            let count = if spelling == "escaped" { secret.len() } else { spelled.len() / times };
            let (second, end) = (after(1), after(count - 12));
            for part in [&spelled[..], &spelled[..after(8)], &spelled[second..after(13)], &spelled[end..]] {
                let text = [b"log line with ", part, b" in it"].concat();
                assert!(!search.sightings(&text).is_empty(), "{spelling}: {part:?}");
            }
        }
        // Inside of a longer text, such as the header of HTTP Basic, at each alignment.
        for before in ["", "a", "ab"] {
            let longer = [before.as_bytes(), secret, b":"].concat();
            for text in [STANDARD.encode(&longer), URL_SAFE_NO_PAD.encode(&longer)] {
                assert!(!search.sightings(text.as_bytes()).is_empty(), "{text}");
            }
        }
    }
}

// A run has thousands of secrets, so chance finds two bytes of one in any log.
#[test]
fn eight_escaped_bytes_of_a_beginning_count_as_seen_and_fewer_do_not() {
    let mut secrets = Secrets::default();
    secrets.add("secret", b"/\xc3\xa9\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6");
    let found = |text: &str| secrets.search().sightings(text.as_bytes()).len();
    assert_eq!(found("state=d%2F%C3%A9&x=%FF%FE"), 0);
    assert_eq!(found("state=d%2F%C3%A9%FF%FE%FD%FC%FA"), 0);
    assert_eq!(found("state=d%2F%C3%A9%FF%FE%FD%FC%FB%00"), 1);
}
