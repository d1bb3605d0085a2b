//! The parts of a service, and their defaults.
//!
//! The required parts are arguments of [`TokenService::builder`]. They are the store, the authenticator and the key
//! ring: no default of theirs would be safe.

use std::sync::Arc;

use super::{Inner, TokenService};
use crate::outcome::{EventSink, Timings};
use crate::policy::{Policy, PolicyError};
use crate::ports::authenticator::ClientAuthenticator;
use crate::ports::host::{ClaimsSource, RateLimit, SubjectGate};
use crate::ports::jwt::JwtIssuer;
use crate::ports::proof::ProofVerifier;
use crate::token::{KeyRing, TokenFormat, TokenPrefixes};
use crate::vocabulary::{Clock, Entropy, Realm, Resource, SystemClock, SystemEntropy};

/// Builds a [`TokenService`]. Each setter names its default.
///
/// ```
/// use std::time::Duration;
/// use regrant::{ClientRegistry, KeyRing, MemoryStore, Policy, SystemEntropy, TokenService};
///
/// let keys = KeyRing::generate(&SystemEntropy); // in production: the same ring on every node, and after a restart
/// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys)
///     .policy(Policy::default().with_access_token_lifetime(Duration::from_secs(600)))
///     .build()?;
/// # Ok::<(), regrant::policy::PolicyError>(())
/// ```
#[expect(missing_debug_implementations, reason = "ports have no debug output")]
pub struct TokenServiceBuilder<S> {
    store: S,
    authenticator: Arc<dyn ClientAuthenticator>,
    keys: KeyRing,
    realm: Realm,
    prefixes: TokenPrefixes,
    policy: Policy,
    default_audience: Option<Resource>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    gate: Option<Arc<dyn SubjectGate>>,
    rate_limit: Option<Arc<dyn RateLimit>>,
    events: Vec<Arc<dyn EventSink>>,
    timings: Option<Arc<dyn Timings>>,
    claims_source: Option<Arc<dyn ClaimsSource>>,
    jwt_issuer: Option<Arc<dyn JwtIssuer>>,
    proof_verifier: Option<Arc<dyn ProofVerifier>>,
}

impl<S> TokenServiceBuilder<S> {
    pub(super) fn new(store: S, authenticator: Arc<dyn ClientAuthenticator>, keys: KeyRing) -> Self {
        Self {
            store,
            authenticator,
            keys,
            realm: Realm::default(),
            prefixes: TokenPrefixes::default(),
            policy: Policy::default(),
            default_audience: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            gate: None,
            rate_limit: None,
            events: Vec::new(),
            timings: None,
            claims_source: None,
            jwt_issuer: None,
            proof_verifier: None,
        }
    }

    /// Sets the tenant. Default: the empty realm.
    ///
    /// Services of several realms may share keys and a store. A token of one realm is unknown in every other one.
    #[must_use]
    pub fn realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Sets the prefixes of tokens. Default `ac_`, `rt_`, `at_`, and `dc_` for device codes. After a change earlier
    /// tokens are unknown, so every user signs in again.
    ///
    /// ```
    /// use regrant::token::TokenPrefixes;
    /// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
    ///
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys)
    ///     .prefixes(TokenPrefixes::new("acme_ac_", "acme_rt_", "acme_at_", "acme_dc_")?)
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn prefixes(mut self, prefixes: TokenPrefixes) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// Sets the policy of the provider. Default [`Policy::default`]. Clients may override it
    /// ([`Client::with_policy`](crate::Client::with_policy)), and override it again for a single flow.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the audience of access tokens for requests that name no resource (RFC 9068 section 3), for clients that
    /// registered no resources. Default none. A client with registered resources has a default of its own:
    /// [`Client::default_audience_or`](crate::Client::default_audience_or) has the rule.
    ///
    /// The audience is recorded with each access token. Opaque tokens, JWTs and introspection therefore agree. A change
    /// takes effect with the next token of a grant, and ends no session.
    ///
    /// ```
    /// use regrant::{ClientRegistry, KeyRing, MemoryStore, Resource, SystemEntropy, TokenService};
    ///
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys)
    ///     .default_audience(Resource::from_static("https://api.example"))
    ///     .build()?;
    /// # Ok::<(), regrant::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn default_audience(mut self, resource: impl Into<Option<Resource>>) -> Self {
        self.default_audience = resource.into();
        self
    }

    /// Sets the clock. Default [`SystemClock`]. Tests pass a [`ManualClock`](crate::clock::ManualClock) and move it
    /// instead of sleeping.
    ///
    /// The clocks of two nodes may differ by up to 5 s. With a larger difference some refreshes are answered 503.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of randomness. Default [`SystemEntropy`]. Every secret comes from it: another source must be as
    /// unpredictable, or be used in tests only.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Sets the gate that decides about resource owners. Default none: then every one of them is served.
    ///
    /// The gate is asked at each redemption, refresh, exchange, introspection and userinfo request of a token with a
    /// resource owner, so it should be quick. If it fails the request gets 503, and no token is used up.
    #[must_use]
    pub fn gate(mut self, gate: impl SubjectGate + 'static) -> Self {
        self.gate = Some(Arc::new(gate));
        self
    }

    /// Sets the limit of attempts to guess client secrets, passwords and user codes. Default none.
    /// [`AttemptLimit`](crate::host::AttemptLimit) is an implementation in memory.
    ///
    /// The limit counts by the sender of a request. The host names the sender:
    /// [`Request::with_peer`](crate::wire::Request::with_peer), [`TokenService::for_peer`].
    #[must_use]
    pub fn rate_limit(mut self, limit: impl RateLimit + 'static) -> Self {
        self.rate_limit = Some(Arc::new(limit));
        self
    }

    /// Adds a sink for events. Default none. Each sink gets every event. They are called within the request, in the
    /// order in which they were added.
    ///
    /// ```
    /// use regrant::event::{Event, EventKind, EventSink};
    /// use regrant::{ClientRegistry, KeyRing, MemoryStore, SystemEntropy, TokenService};
    ///
    /// struct Alarm;
    ///
    /// impl EventSink for Alarm {
    ///     fn record(&self, event: &Event<'_>) {
    ///         if matches!(event.kind, EventKind::ReuseDetected { .. }) {
    ///             eprintln!("suspected theft: {event:?}");
    ///         }
    ///     }
    /// }
    ///
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).events(Alarm).build()?;
    /// # Ok::<(), regrant::policy::PolicyError>(())
    /// ```
    #[must_use]
    pub fn events(mut self, events: impl EventSink + 'static) -> Self {
        self.events.push(Arc::new(events));
        self
    }

    /// Sets the receiver of the durations of calls. Default none: then no duration is measured.
    #[must_use]
    pub fn timings(mut self, timings: impl Timings + 'static) -> Self {
        self.timings = Some(Arc::new(timings));
        self
    }

    /// Sets the source of claims that only the host knows. Default none: then tokens, introspection and userinfo have
    /// the claims of the protocol alone.
    ///
    /// If the source fails, or sets a claim of the protocol, the request gets 503 or 500, and no token is used up.
    #[must_use]
    pub fn claims(mut self, source: impl ClaimsSource + 'static) -> Self {
        self.claims_source = Some(Arc::new(source));
        self
    }

    /// Sets the issuer of JWT access tokens and `id_token`s. Default none: access tokens are opaque, and `openid` is a
    /// scope like any other. The crate `regrant-jose` has an implementation.
    ///
    /// An issuer alone changes no access token. The policy decides:
    /// [`access_token_format`](Policy::access_token_format).
    #[must_use]
    pub fn jwt_issuer(mut self, issuer: impl JwtIssuer + 'static) -> Self {
        self.jwt_issuer = Some(Arc::new(issuer));
        self
    }

    /// Sets the verifier of DPoP proofs. Default none: proofs are ignored, as a server without RFC 9449 ignores them.
    ///
    /// The crate `regrant-jose` has an implementation. It needs a store for used proofs that all nodes share: a proof
    /// is accepted once (RFC 9449 section 11.1).
    #[must_use]
    pub fn proof_verifier(mut self, verifier: impl ProofVerifier + 'static) -> Self {
        self.proof_verifier = Some(Arc::new(verifier));
        self
    }

    /// Builds the service.
    ///
    /// A configuration that would fail every request is rejected here. The policies of clients that an authenticator
    /// looks up later are checked at their first call ([`TokenError::Policy`](crate::TokenError::Policy)).
    ///
    /// # Errors
    /// [`PolicyError`] when the policy, or that of a registered client, is out of range or contradicts itself, or
    /// demands JWTs or proofs and there is no issuer or verifier, or lets JWTs live longer than the issuer keeps their
    /// keys published ([`JwtIssuer::max_token_lifetime`]).
    ///
    /// ```
    /// use std::time::Duration;
    /// use regrant::{ClientRegistry, KeyRing, MemoryStore, Policy, SystemEntropy, TokenService};
    ///
    /// let keys = KeyRing::generate(&SystemEntropy);
    /// let a_day = Policy::default().with_authorization_code_lifetime(Duration::from_secs(24 * 3600));
    /// let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys).policy(a_day).build();
    /// assert!(service.is_err());
    /// ```
    pub fn build(self) -> Result<TokenService<S>, PolicyError> {
        let inner = Inner {
            tokens: Arc::new(TokenFormat::new(self.keys, &self.realm, self.prefixes)),
            store: self.store,
            authenticator: self.authenticator,
            realm: self.realm,
            policy: self.policy,
            default_audience: self.default_audience,
            clock: self.clock,
            entropy: self.entropy,
            gate: self.gate,
            rate_limit: self.rate_limit,
            events: self.events,
            timings: self.timings,
            claims_source: self.claims_source,
            jwt_issuer: self.jwt_issuer,
            proof_verifier: self.proof_verifier,
        };
        let (policy, ports) = (&inner.policy, inner.ports());
        policy.validate()?;
        policy.require(ports)?;
        inner.authenticator.check_policies(&|client| {
            client.validate(policy)?;
            let every_flow = client.grant_types.keys().map(|flow| policy.for_client(client, flow));
            let mut policies = std::iter::once(policy.for_client_alone(client)).chain(every_flow);
            policies.try_for_each(|policy| policy?.require(ports))
        })?;
        Ok(TokenService(Arc::new(inner), None))
    }
}
