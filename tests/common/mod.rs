//! A whole server in a test: endpoints over a watched store, on a clock that stands still until told to move.

#![allow(dead_code, unused_imports, reason = "each test file uses its part of it")]
#![expect(clippy::expect_used, reason = "a helper that cannot go on fails the test")]

mod events;
mod jwt;
mod ports;
mod proof;
mod reply;
mod store;

pub(crate) use events::Events;
pub(crate) use jwt::{StubIssuer, at_hash, claims, header};
pub(crate) use ports::{Gate, GateState, Passwords};
pub(crate) use proof::StubVerifier;
pub(crate) use reply::{Reply, Tokens};
pub(crate) use store::{Fault, WatchedStore};

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Approval, AuthenticationMethods, AuthorizeRequest, Client, ClientAuthenticationMethod, ClientCertificate, ClientId,
    ClientRegistry, ClientSecret, CodeChallenge, Entropy, GrantType, IntrospectionAccess, Key, KeyRing, ManualClock,
    Policy, Realm, RedirectUri, Resources, Scope, SecretHash, Subject, SystemEntropy, Timestamp, TokenService,
    VerifyCredentials,
};
use sha2::{Digest as _, Sha256};

pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const REDIRECT: &str = "https://app.example/cb";
pub(crate) const SCOPE: &str = "openid read write";
pub(crate) const ORDERS: &str = "https://api.example/orders";
pub(crate) const BILLING: &str = "https://api.example/billing";
pub(crate) const USER: &str = "demo";
pub(crate) const PASSWORD: &str = "Ch4ngeItNow-pw";
/// 43 characters, the least that RFC 7636 allows.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// Names and values, not yet encoded.
pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

/// Status and error word; the word is empty when there is no error.
pub(crate) type Outcome = (u16, &'static str);

/// How a request authenticates its client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Auth<'a> {
    Basic(&'a str, &'a str),
    Post(&'a str, &'a str),
    Public(&'a str),
    Nobody,
}

/// A confidential client that may do everything.
pub(crate) const APP: Auth<'static> = Auth::Basic("app", "hD3kq0vX7ZrYc2LmN8sTpW");
/// Another one of the same rights.
pub(crate) const OTHER: Auth<'static> = Auth::Basic("other", "Qx81LwPz-5nVbRt_0KdYgE");
/// A client that authenticates in the body.
pub(crate) const POSTER: Auth<'static> = Auth::Post("poster", "mZ7uTc3JfW9eXh2SaB4vQy");
/// A client of both secret methods, by either of them: it is [`either`].
pub(crate) const EITHER: [Auth<'static>; 2] =
    [Auth::Basic("either", "bT4Hn8VxKe2Wq6ZsLr0Yc5"), Auth::Post("either", "bT4Hn8VxKe2Wq6ZsLr0Yc5")];
/// A public client.
pub(crate) const SPA: Auth<'static> = Auth::Public("spa");
/// A resource server: the audience [`ORDERS`].
pub(crate) const ORDERS_API: Auth<'static> = Auth::Basic("orders-api", "pR6kDs1Nq8GyLw0HzXe5Mu");
/// May introspect every token.
pub(crate) const AUDITOR: Auth<'static> = Auth::Basic("auditor", "Ju4Cb9TfVi7oKx3PnZa2Wr");

impl<'a> Auth<'a> {
    pub(crate) const fn id(self) -> &'a str {
        match self {
            Self::Basic(id, _) | Self::Post(id, _) | Self::Public(id) => id,
            Self::Nobody => "",
        }
    }

    pub(crate) const fn secret(self) -> Option<&'a str> {
        match self {
            Self::Basic(_, secret) | Self::Post(_, secret) => Some(secret),
            Self::Public(_) | Self::Nobody => None,
        }
    }

    const fn method(self) -> ClientAuthenticationMethod {
        match self {
            Self::Basic(..) => ClientAuthenticationMethod::ClientSecretBasic,
            Self::Post(..) => ClientAuthenticationMethod::ClientSecretPost,
            Self::Public(_) | Self::Nobody => ClientAuthenticationMethod::None,
        }
    }

    /// The answer to credentials that fail: 401 to those in the header, and to all at introspection (RFC 6749 section
    /// 5.2, RFC 7662 section 2.3).
    pub(crate) fn refused_at(self, door: Endpoint) -> Outcome {
        let is_challenged = matches!(self, Self::Basic(..)) || door == Endpoint::Introspection;
        (if is_challenged { 401 } else { 400 }, "invalid_client")
    }

    fn header(self) -> Option<String> {
        match self {
            Self::Basic(id, secret) => Some(basic(id, secret)),
            _ => None,
        }
    }
}

/// The client that all of [`APP`], [`OTHER`], [`POSTER`] and [`SPA`] are, but for id and method.
pub(crate) fn client(auth: Auth<'_>) -> Client {
    Client::new(ClientId::new(auth.id()).expect("client id"))
        .with_authentication_methods(auth.method())
        .with_redirect_uris([RedirectUri::new(REDIRECT).expect("URI")])
        .with_grant_types([
            GrantType::AuthorizationCode,
            GrantType::RefreshToken,
            GrantType::ClientCredentials,
            GrantType::Password,
        ])
        .with_scope(scope(SCOPE))
        .with_resources(resources(&[ORDERS, BILLING]))
}

/// The same of both secret methods, as every new client with a secret.
pub(crate) fn either() -> Client {
    client(EITHER[0]).with_authentication_methods(AuthenticationMethods::Secret)
}

pub(crate) fn scope(text: &str) -> Scope {
    text.parse().expect("scope")
}

pub(crate) fn resources(uris: &[&str]) -> Resources {
    uris.iter().map(|uri| uri.parse().expect("resource")).collect()
}

pub(crate) fn subject(name: &str) -> Subject {
    Subject::new(name).expect("subject")
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An Authorization header of RFC 7617, id and secret form-encoded (RFC 6749 section 2.3.1).
pub(crate) fn basic(id: &str, secret: &str) -> String {
    unencoded_basic(&encode(id), &encode(secret))
}

/// The same as curl and many others send it.
pub(crate) fn unencoded_basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// `application/x-www-form-urlencoded`, everything but letters and digits escaped.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a string"),
        }
        encoded
    })
}

pub(crate) fn form(parameters: Form<'_>) -> String {
    parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

/// The S256 challenge of `verifier`.
pub(crate) fn challenge(verifier: &str) -> CodeChallenge {
    CodeChallenge::s256(&URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))).expect("challenge")
}

/// The output of a future that has nothing to wait for.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
    .expect("nothing here waits")
}

/// What a server is made of. Start another one from the same parts to see what a restart or a new configuration does.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) store: WatchedStore,
    pub(crate) clock: ManualClock,
    pub(crate) policy: Policy,
    /// Ids and secrets of the key ring, the primary one first.
    pub(crate) keys: Vec<(u8, [u8; 32])>,
    pub(crate) realm: &'static str,
    pub(crate) gate: Gate,
    pub(crate) clients: Vec<(Client, Vec<String>)>,
    /// Clients that authenticate with an assertion or a certificate.
    pub(crate) verified_clients: Vec<(Client, Arc<dyn VerifyCredentials>)>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) events: Events,
    pub(crate) jwt_issuer: Option<StubIssuer>,
    pub(crate) proof_verifier: Option<StubVerifier>,
    /// What the endpoints are besides.
    pub(crate) endpoints: fn(Endpoints<WatchedStore>) -> Endpoints<WatchedStore>,
}

impl Default for Config {
    fn default() -> Self {
        let resource_server = client(ORDERS_API)
            .with_grant_types([])
            .with_introspection(IntrospectionAccess::Audiences(resources(&[ORDERS])));
        let auditor = client(AUDITOR).with_grant_types([]).with_introspection(IntrospectionAccess::Any);
        let config = Self {
            store: WatchedStore::default(),
            clock: ManualClock::starting_at(Timestamp::from_millis(1_800_000_000_000)),
            policy: Policy::default(),
            keys: vec![(1, *b"a test key of thirty-two bytes..")],
            realm: "",
            gate: Gate::default(),
            clients: Vec::new(),
            verified_clients: Vec::new(),
            entropy: Arc::new(SystemEntropy),
            events: Events::default(),
            jwt_issuer: None,
            proof_verifier: None,
            endpoints: |endpoints| endpoints,
        };
        [APP, OTHER, POSTER, SPA]
            .into_iter()
            .fold(config, |config, auth| config.client(client(auth), auth))
            .client(resource_server, ORDERS_API)
            .client(auditor, AUDITOR)
    }
}

impl Config {
    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Registers a client, in the place of the one that has its id.
    pub(crate) fn client(self, client: Client, auth: Auth<'_>) -> Self {
        let secrets: Vec<&str> = auth.secret().into_iter().collect();
        self.client_with(client, &secrets)
    }

    pub(crate) fn client_with(self, client: Client, secrets: &[&str]) -> Self {
        let mut config = self.without(client.id.as_str());
        config.clients.push((client, secrets.iter().map(ToString::to_string).collect()));
        config
    }

    /// Registers a client whose credentials `verifier` knows.
    pub(crate) fn verified_client(self, client: Client, verifier: impl VerifyCredentials + 'static) -> Self {
        let mut config = self.without(client.id.as_str());
        config.verified_clients.push((client, Arc::new(verifier)));
        config
    }

    /// Changes one client.
    pub(crate) fn with_client(mut self, auth: Auth<'_>, change: impl Fn(Client) -> Client) -> Self {
        for (client, _) in &mut self.clients {
            if client.id.as_str() == auth.id() {
                *client = change(client.clone());
            }
        }
        self
    }

    pub(crate) fn without(mut self, id: &str) -> Self {
        self.clients.retain(|(client, _)| client.id.as_str() != id);
        self.verified_clients.retain(|(client, _)| client.id.as_str() != id);
        self
    }

    pub(crate) fn registry(&self) -> ClientRegistry {
        let registry = self.clients.iter().fold(ClientRegistry::new(), |registry, (client, secrets)| {
            let hashes = secrets.iter().map(|secret| SecretHash::sha256(&ClientSecret::new(secret.as_str())));
            registry.with(client.clone(), hashes).expect("client")
        });
        self.verified_clients.iter().fold(registry, |registry, (client, verifier)| {
            registry.with_verifier(client.clone(), Arc::clone(verifier)).expect("client")
        })
    }

    fn ring(&self) -> KeyRing {
        let mut keys = self.keys.iter().map(|(id, secret)| Key::with_id(*id, *secret).expect("random"));
        let primary = KeyRing::new(keys.next().expect("a key"));
        keys.fold(primary, |ring, key| ring.with_former(key).expect("a free id"))
    }

    pub(crate) fn start(self) -> Server {
        let mut service = TokenService::builder(self.store.clone(), self.registry(), self.ring())
            .policy(self.policy.clone())
            .clock(self.clock.clone())
            .realm(Realm::new(self.realm).expect("realm"))
            .entropy(Arc::clone(&self.entropy))
            .events(self.events.clone())
            .gate(self.gate.clone());
        if let Some(issuer) = &self.jwt_issuer {
            service = service.jwt_issuer(issuer.clone());
        }
        if let Some(verifier) = &self.proof_verifier {
            service = service.proof_verifier(verifier.clone());
        }
        let endpoints = Endpoints::new(service.build().expect("policy"), ISSUER);
        let endpoints = (self.endpoints)(endpoints.with_approver(GrantType::Password, Passwords));
        Server { endpoints, config: self }
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) endpoints: Endpoints<WatchedStore>,
    pub(crate) config: Config,
}

impl Server {
    pub(crate) fn start() -> Self {
        Config::default().start()
    }

    pub(crate) fn with_policy(policy: Policy) -> Self {
        Config::default().policy(policy).start()
    }

    /// Another server on the same store, keys and clock.
    pub(crate) fn restarted(&self, change: impl FnOnce(Config) -> Config) -> Self {
        change(self.config.clone()).start()
    }

    pub(crate) fn store(&self) -> &WatchedStore {
        &self.config.store
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.config.clock.advance(span);
    }

    pub(crate) fn service(&self) -> &TokenService<WatchedStore> {
        self.endpoints.service()
    }

    /// Any request at all. What comes back has passed the checks that every response must pass.
    pub(crate) async fn raw(
        &self,
        endpoint: Endpoint,
        method: &str,
        headers: &[(&str, &[u8])],
        body: impl AsRef<[u8]>,
    ) -> Reply {
        let request = Request::new(method, "/oauth2/token", headers, body.as_ref());
        Reply::checked(endpoint, &request, self.endpoints.handle(endpoint, &request).await)
    }

    /// A form of the right content type, as `auth`.
    pub(crate) async fn post(&self, endpoint: Endpoint, auth: Auth<'_>, parameters: Form<'_>) -> Reply {
        self.post_with(endpoint, auth, parameters, &[], None).await
    }

    /// The same with more headers, over a connection that has a certificate or not.
    pub(crate) async fn post_with(
        &self,
        endpoint: Endpoint,
        auth: Auth<'_>,
        parameters: Form<'_>,
        more: &[(&str, &[u8])],
        certificate: Option<&ClientCertificate>,
    ) -> Reply {
        let mut parameters = parameters.to_vec();
        match auth {
            Auth::Post(id, secret) => parameters.extend([("client_id", id), ("client_secret", secret)]),
            Auth::Public(id) => parameters.push(("client_id", id)),
            Auth::Basic(..) | Auth::Nobody => {}
        }
        let authorization = auth.header();
        let mut headers: Vec<(&str, &[u8])> = vec![("Content-Type", b"application/x-www-form-urlencoded")];
        headers.extend(authorization.as_ref().map(|value| ("Authorization", value.as_bytes())));
        headers.extend(more);
        let body = form(&parameters);
        let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
        let request = request.with_client_certificate(certificate);
        Reply::checked(endpoint, &request, self.endpoints.handle(endpoint, &request).await)
    }

    /// A token request with a DPoP proof, unless it is empty.
    pub(crate) async fn token_with(&self, auth: Auth<'_>, proof: &str, parameters: Form<'_>) -> Reply {
        let header = [("DPoP", proof.as_bytes())];
        let headers = if proof.is_empty() { &[][..] } else { &header };
        self.post_with(Endpoint::Token, auth, parameters, headers, None).await
    }

    pub(crate) async fn refresh_with(&self, auth: Auth<'_>, proof: &str, refresh_token: &str) -> Reply {
        self.token_with(auth, proof, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// With [`VERIFIER`], which a public client's code asks for.
    pub(crate) async fn redeem_with(&self, auth: Auth<'_>, proof: &str, code: &str) -> Reply {
        let mut parameters = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
        if auth.secret().is_none() {
            parameters.push(("code_verifier", VERIFIER));
        }
        self.token_with(auth, proof, &parameters).await
    }

    /// A document that is read with GET.
    pub(crate) async fn document(&self, endpoint: Endpoint) -> Reply {
        self.raw(endpoint, "GET", &[], "").await
    }

    pub(crate) async fn token(&self, auth: Auth<'_>, parameters: Form<'_>) -> Reply {
        self.post(Endpoint::Token, auth, parameters).await
    }

    pub(crate) async fn refresh(&self, auth: Auth<'_>, refresh_token: &str) -> Reply {
        self.token(auth, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    pub(crate) async fn redeem(&self, auth: Auth<'_>, code: &str) -> Reply {
        self.token(auth, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)]).await
    }

    pub(crate) async fn revoke(&self, auth: Auth<'_>, token: &str) -> Reply {
        self.post(Endpoint::Revocation, auth, &[("token", token)]).await
    }

    pub(crate) async fn introspect(&self, auth: Auth<'_>, token: &str) -> Reply {
        self.post(Endpoint::Introspection, auth, &[("token", token)]).await
    }

    /// Whether a token is active, asked by one who may know of all tokens.
    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let reply = self.introspect(AUDITOR, token).await;
        assert_eq!(reply.status(), 200, "{reply:?}");
        reply.json["active"] == true
    }

    /// First tokens for the whole scope, by the password flow.
    pub(crate) async fn sign_in(&self, auth: Auth<'_>) -> Tokens {
        self.sign_in_for(auth, &[]).await
    }

    /// The same, with more parameters.
    pub(crate) async fn sign_in_for(&self, auth: Auth<'_>, more: Form<'_>) -> Tokens {
        let mut parameters = vec![("grant_type", "password"), ("username", USER), ("password", PASSWORD)];
        parameters.extend(more);
        self.token(auth, &parameters).await.tokens()
    }

    /// An authorization code for the whole scope, with [`REDIRECT`] and without PKCE.
    pub(crate) async fn code(&self, auth: Auth<'_>) -> String {
        self.code_for(auth, |request| request).await
    }

    /// The same, for another authorization request.
    pub(crate) async fn code_for(
        &self,
        auth: Auth<'_>,
        change: impl FnOnce(AuthorizeRequest) -> AuthorizeRequest,
    ) -> String {
        let client = self.config.clients.iter().find(|(client, _)| client.id.as_str() == auth.id()).expect("client");
        let approval = Approval::of(subject(USER)).with_scope(scope(SCOPE));
        let request = AuthorizeRequest::new(approval)
            .with_redirect_uri(Some(RedirectUri::new(REDIRECT).expect("URI")))
            .with_code_challenge((!client.0.is_confidential()).then(|| challenge(VERIFIER)));
        let response = self.service().authorize(&client.0, change(request)).await.expect("a code");
        response.code.expose().to_owned()
    }
}
