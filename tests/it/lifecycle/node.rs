//! A service with its ports, and the requests of a client.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use proptest::test_runner::Config as ProptestConfig;
use regrant::client::{ClientAuthenticationMethod, Registration};
use regrant::clock::Timestamp;
use regrant::device::{DeviceAuthorizationRequest, DeviceAuthorizationResponse, PollRequest};
use regrant::event::ErrorCode;
use regrant::{
    ActiveToken, Approval, AuthenticatedClient, AuthorizeRequest, Client, ClientId, CodeChallenge, CodeVerifier,
    GrantId, GrantType, IssueRequest, Policy, RedeemRequest, RedirectUri, RefreshRequest, Refusal, Resources, Scope,
    TokenError, TokenResponse, TokenService,
};

use fixtures::jwt::StubIssuer;
use fixtures::{Config, Seeded, WatchedStore};

pub(crate) use fixtures::{START, VERIFIER, ready as run, resources, scope, subject};

pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const API: &str = "https://api.example/";
pub(crate) const FILES: &str = "https://files.example/";

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// This many cases, or `PROPTEST_CASES`. A failure prints its input and writes no file.
pub(crate) fn cases(default: u32) -> ProptestConfig {
    let told = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: told.unwrap_or(default), failure_persistence: None, ..ProptestConfig::default() }
}

/// A confidential client that may use every flow.
pub(crate) fn client(id: &str) -> Client {
    Client::new(ClientId::new(id).unwrap())
        .with_redirect_uris([RedirectUri::new(CALLBACK).unwrap()])
        .with_grant_types([
            GrantType::AuthorizationCode,
            GrantType::Implicit,
            GrantType::Password,
            GrantType::ClientCredentials,
            GrantType::RefreshToken,
            GrantType::DeviceCode,
        ])
        .with_scope(scope("read write delete"))
        .with_resources(resources(&[API, FILES]))
}

/// The default policy with a grace period of a minute, for this client that authenticates too.
pub(crate) fn a_minute_of_grace() -> Policy {
    Policy::default().with_grace_period(MINUTE.into())
}

/// A public client that may use every flow.
pub(crate) fn public_client(id: &str) -> Client {
    client(id).with_authentication_methods(ClientAuthenticationMethod::None)
}

/// The secret of the ring's key of this number.
pub(crate) fn ring_secret(number: u8) -> [u8; 32] {
    let mut secret = [number; 32];
    secret[0] = !number;
    secret
}

/// The first registration of a client id, replaced by another one.
pub(crate) fn registered_anew(id: &str) -> Client {
    client(id).with_registration(Registration(1))
}

pub(crate) fn approval() -> Approval {
    Approval::of(subject("demo")).with_scope(scope("read write")).with_resources(resources(&[API, FILES]))
}

/// The tokens of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    pub(crate) expires_in: Duration,
    pub(crate) refresh_expires_at: Option<Timestamp>,
    pub(crate) scope: Scope,
    pub(crate) resources: Resources,
    pub(crate) grant_id: GrantId,
}

impl Tokens {
    pub(crate) fn refresh(&self) -> &str {
        self.refresh.as_deref().expect("a refresh token")
    }
}

impl From<TokenResponse> for Tokens {
    fn from(response: TokenResponse) -> Self {
        Self {
            access: response.access_token.expose().to_owned(),
            refresh: response.refresh_token.map(|token| token.expose().to_owned()),
            expires_in: response.expires_in,
            refresh_expires_at: response.refresh_token_expires_at,
            scope: response.scope,
            resources: response.resources,
            grant_id: response.grant_id,
        }
    }
}

pub(crate) type Answer = Result<Tokens, TokenError>;

/// Returns the reason of a final refusal.
pub(crate) fn refusal(answer: Answer) -> Refusal {
    match answer {
        Err(TokenError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Asserts that the client is asked to try again.
pub(crate) fn assert_retryable(answer: Answer) {
    let error = answer.expect_err("expected an error");
    assert_eq!(error.code(), ErrorCode::TemporarilyUnavailable, "{error:?}");
}

/// One node, on behalf of one client. [`Node::under`] and its like make further nodes on the same store and clock.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) service: TokenService<WatchedStore>,
    pub(crate) client: AuthenticatedClient,
    config: Config,
}

impl Deref for Node {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

impl Node {
    pub(crate) fn new(policy: Policy) -> Self {
        Self::seeded(policy, 1)
    }

    pub(crate) fn seeded(policy: Policy, seed: u64) -> Self {
        let (keys, entropy) = (vec![(1, ring_secret(1))], Arc::new(Seeded::new(seed)));
        let config = Config { policy, keys, entropy, clients: Vec::new(), ..Config::default() };
        let client = AuthenticatedClient::assertion(Arc::new(client("app")));
        Self { service: config.service(), client, config }
    }

    fn rebuilt(&self, config: Config) -> Self {
        Self { service: config.service(), client: self.client.clone(), config }
    }

    /// A node with another policy.
    pub(crate) fn under(&self, policy: Policy) -> Self {
        self.rebuilt(self.config.clone().policy(policy))
    }

    /// A node with these keys, the first one primary.
    pub(crate) fn with_keys(&self, keys: &[u8]) -> Self {
        let keys: Vec<(u8, [u8; 32])> = keys.iter().map(|number| (*number, ring_secret(*number))).collect();
        self.with_ring(&keys)
    }

    /// A node with keys of these ids and secrets.
    pub(crate) fn with_ring(&self, keys: &[(u8, [u8; 32])]) -> Self {
        let config = Config { keys: keys.to_vec(), ..self.config.clone() };
        Self { service: self.service.with_key_ring(config.ring()), client: self.client.clone(), config }
    }

    pub(crate) fn in_realm(&self, realm: &'static str) -> Self {
        self.rebuilt(Config { realm, ..self.config.clone() })
    }

    /// A node that makes JWTs where the policy asks for them.
    pub(crate) fn with_jwts(&self) -> Self {
        self.with_issuer(&StubIssuer::default())
    }

    /// A node that makes JWTs with this issuer.
    pub(crate) fn with_issuer(&self, issuer: &StubIssuer) -> Self {
        self.rebuilt(Config { jwt_issuer: Some(issuer.clone()), ..self.config.clone() })
    }

    pub(crate) fn acting_as(&self, client: Client) -> Self {
        Self { client: AuthenticatedClient::assertion(Arc::new(client)), ..self.clone() }
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Tokens for "demo", scope "read write", by a flow without a code.
    pub(crate) fn issue(&self) -> Tokens {
        self.try_issue(GrantType::Password, approval()).unwrap()
    }

    pub(crate) fn try_issue(&self, grant_type: GrantType, approval: Approval) -> Answer {
        run(self.service.issue(&self.client, IssueRequest::new(grant_type, approval))).map(Tokens::from)
    }

    pub(crate) fn authorize(&self) -> String {
        self.try_authorize().unwrap()
    }

    /// A code with redirect URI and challenge.
    pub(crate) fn try_authorize(&self) -> Result<String, TokenError> {
        let request = AuthorizeRequest::new(approval())
            .with_redirect_uri(Some(RedirectUri::new(CALLBACK).unwrap()))
            .with_code_challenge(Some(CodeChallenge::of(&CodeVerifier::new(VERIFIER)).unwrap()));
        run(self.service.authorize(&self.client, request)).map(|response| response.code.expose().to_owned())
    }

    /// A code without them, and the grant that waits for it.
    pub(crate) fn authorize_plainly(&self, approval: Approval) -> (String, GrantId) {
        let response = run(self.service.authorize(&self.client, AuthorizeRequest::new(approval))).unwrap();
        (response.code.expose().to_owned(), response.grant_id)
    }

    /// A device that asks for all it may have.
    pub(crate) fn authorize_device(&self) -> DeviceAuthorizationResponse {
        run(self
            .service
            .authorize_device(&self.client, &DeviceAuthorizationRequest::new().with_scope(scope("read write"))))
        .unwrap()
    }

    pub(crate) fn poll(&self, device_code: &str) -> Answer {
        run(self.service.poll(&self.client, &PollRequest::new(device_code))).map(Tokens::from)
    }

    pub(crate) fn redeem(&self, code: &str) -> Answer {
        self.redeem_with(&RedeemRequest::new(code).with_redirect_uri(CALLBACK).with_code_verifier(VERIFIER))
    }

    pub(crate) fn redeem_with(&self, request: &RedeemRequest) -> Answer {
        run(self.service.redeem(&self.client, request)).map(Tokens::from)
    }

    pub(crate) fn refresh(&self, token: &str) -> Answer {
        self.refresh_with(&RefreshRequest::new(token))
    }

    pub(crate) fn refresh_scoped(&self, token: &str, wanted: &str) -> Answer {
        self.refresh_with(&RefreshRequest::new(token).with_scope(scope(wanted)))
    }

    pub(crate) fn refresh_with(&self, request: &RefreshRequest) -> Answer {
        run(self.service.refresh(&self.client, request)).map(Tokens::from)
    }

    /// Rotates `times` times, a `pause` before each, and gives all answers.
    pub(crate) fn rotate(&self, from: &Tokens, times: usize, pause: Duration) -> Vec<Tokens> {
        let mut chain = vec![from.clone()];
        for _ in 0..times {
            self.advance(pause);
            let next = self.refresh(chain[chain.len() - 1].refresh()).unwrap();
            chain.push(next);
        }
        chain
    }

    /// Introspects as the client, or as its resource server if the client does not authenticate.
    pub(crate) fn introspect(&self, token: &str) -> Option<ActiveToken> {
        let caller =
            Client::clone(&self.client).with_authentication_methods(ClientAuthenticationMethod::ClientSecretBasic);
        run(self.service.introspect(&AuthenticatedClient::assertion(caller.into()), token)).unwrap()
    }

    pub(crate) fn is_active(&self, token: &str) -> bool {
        self.introspect(token).is_some()
    }

    /// Returns true when any of these tokens is active.
    pub(crate) fn is_any_active(&self, tokens: &[Tokens]) -> bool {
        tokens
            .iter()
            .any(|tokens| self.is_active(&tokens.access) || tokens.refresh.iter().any(|token| self.is_active(token)))
    }

    pub(crate) fn revoke(&self, token: &str) {
        run(self.service.revoke(&self.client, token)).unwrap();
    }

    /// The bytes of a record, to tell whether anything changed.
    pub(crate) fn bytes(&self, grant_id: GrantId) -> Vec<u8> {
        self.store.record(grant_id).unwrap().payload.to_vec()
    }

    /// Runs `work` and restores the record of before, like a failover that loses the last writes.
    pub(crate) fn rolled_back<T>(&self, grant_id: GrantId, work: impl FnOnce() -> T) -> T {
        let before = self.store.record(grant_id).unwrap();
        let outcome = work();
        self.store.overwrite(grant_id, before);
        outcome
    }
}
