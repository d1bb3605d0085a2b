//! A whole server in a test: endpoints over a watched store, on a clock that stands still until told to move.

#![allow(dead_code, reason = "each test file uses its part of it")]
#![expect(clippy::expect_used, reason = "a helper that cannot go on fails the test")]

mod reply;
mod store;

pub(crate) use reply::{Reply, Tokens};
pub(crate) use store::WatchedStore;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Approval, ApproveError, ApproveRequest, AuthenticatedClient, AuthorizeRequest, Client, ClientAuthenticationMethod,
    ClientId, ClientRegistry, ClientSecret, CodeChallenge, GrantApprover, GrantType, IntrospectionAccess, Key, KeyRing,
    ManualClock, Policy, Realm, RedirectUri, Resources, Scope, SecretHash, Subject, SubjectGate, Timestamp,
    TokenService,
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
        .with_authentication_method(auth.method())
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

/// What a server is made of. Start another one from the same parts to see what a restart or a new configuration does.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) store: WatchedStore,
    pub(crate) clock: ManualClock,
    pub(crate) policy: Policy,
    pub(crate) key: [u8; 32],
    pub(crate) realm: &'static str,
    pub(crate) gate: Gate,
    pub(crate) clients: Vec<(Client, Vec<String>)>,
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
            key: [0x5a; 32],
            realm: "",
            gate: Gate::default(),
            clients: Vec::new(),
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

    pub(crate) fn without(mut self, id: &str) -> Self {
        self.clients.retain(|(client, _)| client.id.as_str() != id);
        self
    }

    pub(crate) fn registry(&self) -> ClientRegistry {
        self.clients.iter().fold(ClientRegistry::new(), |registry, (client, secrets)| {
            let hashes = secrets.iter().map(|secret| SecretHash::sha256(&ClientSecret::new(secret.as_str())));
            registry.with(client.clone(), hashes).expect("client")
        })
    }

    pub(crate) fn start(self) -> Server {
        let service =
            TokenService::builder(self.store.clone(), self.registry(), KeyRing::new(Key::with_id(1, self.key)))
                .policy(self.policy.clone())
                .clock(self.clock.clone())
                .realm(Realm::new(self.realm).expect("realm"))
                .gate(self.gate.clone())
                .build()
                .expect("policy");
        let endpoints = Endpoints::new(service, ISSUER).with_approver(GrantType::Password, Passwords);
        Server { endpoints, config: self }
    }
}

/// Serves everybody until told otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<std::sync::Mutex<GateState>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum GateState {
    #[default]
    Open,
    Closed,
    Broken,
}

impl Gate {
    pub(crate) fn set(&self, state: GateState) {
        *self.0.lock().expect("no panic") = state;
    }
}

#[async_trait]
impl SubjectGate for Gate {
    async fn may_be_served(&self, _: &Subject) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        match *self.0.lock().expect("no panic") {
            GateState::Open => Ok(true),
            GateState::Closed => Ok(false),
            GateState::Broken => Err("directory unreachable".into()),
        }
    }
}

/// The password flow, with one user.
pub(crate) struct Passwords;

#[async_trait]
impl GrantApprover for Passwords {
    async fn approve(&self, _: &AuthenticatedClient, request: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        let username = request.parameters.required("username")?;
        match request.parameters.required("password")? {
            PASSWORD if username == USER => Ok(request.approve_for(subject(username))),
            "unreachable" => Err(ApproveError::Unavailable("directory unreachable".into())),
            _ => Err(ApproveError::Denied),
        }
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
        let request = Request { method, headers, body: body.as_ref() };
        Reply::checked(endpoint, &request, self.endpoints.handle(endpoint, &request).await)
    }

    /// A form of the right content type, as `auth`.
    pub(crate) async fn post(&self, endpoint: Endpoint, auth: Auth<'_>, parameters: Form<'_>) -> Reply {
        let mut parameters = parameters.to_vec();
        match auth {
            Auth::Post(id, secret) => parameters.extend([("client_id", id), ("client_secret", secret)]),
            Auth::Public(id) => parameters.push(("client_id", id)),
            Auth::Basic(..) | Auth::Nobody => {}
        }
        let authorization = auth.header();
        let mut headers: Vec<(&str, &[u8])> = vec![("Content-Type", b"application/x-www-form-urlencoded")];
        headers.extend(authorization.as_ref().map(|value| ("Authorization", value.as_bytes())));
        self.raw(endpoint, "POST", &headers, form(&parameters)).await
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
