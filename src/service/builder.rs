//! The parts of a service, and their defaults.

use std::sync::Arc;

use super::{Inner, TokenService};
use crate::outcome::{EventSink, Timings};
use crate::policy::{Policy, PolicyError};
use crate::ports::authenticator::ClientAuthenticator;
use crate::ports::host::{EverySubject, SubjectGate};
use crate::ports::jwt::JwtIssuer;
use crate::ports::proof::ProofVerifier;
use crate::token::{KeyRing, TokenFormat, TokenPrefixes};
use crate::vocabulary::{Clock, Entropy, Realm, SystemClock, SystemEntropy};

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
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    gate: Arc<dyn SubjectGate>,
    events: Vec<Arc<dyn EventSink>>,
    timings: Option<Arc<dyn Timings>>,
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
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            gate: Arc::new(EverySubject),
            events: Vec::new(),
            timings: None,
            jwt_issuer: None,
            proof_verifier: None,
        }
    }

    /// Sets the tenant. Default: the empty realm.
    #[must_use]
    pub fn realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Sets the prefixes of tokens. Default `ac_`, `rt_`, `at_`. After a change earlier tokens are unknown.
    #[must_use]
    pub fn prefixes(mut self, prefixes: TokenPrefixes) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// Sets the policy of the provider. Default [`Policy::default`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the clock. Default [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the source of randomness. Default [`SystemEntropy`].
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Sets the gate that decides about resource owners. Default [`EverySubject`].
    #[must_use]
    pub fn gate(mut self, gate: impl SubjectGate + 'static) -> Self {
        self.gate = Arc::new(gate);
        self
    }

    /// Adds a sink for events. Default none.
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

    /// Sets the issuer of JWT access tokens and `id_token`s. Default none: access tokens are opaque, and `openid` is a
    /// scope like any other.
    #[must_use]
    pub fn jwt_issuer(mut self, issuer: impl JwtIssuer + 'static) -> Self {
        self.jwt_issuer = Some(Arc::new(issuer));
        self
    }

    /// Sets the verifier of DPoP proofs. Default none: proofs are ignored, as a server without RFC 9449 ignores them.
    #[must_use]
    pub fn proof_verifier(mut self, verifier: impl ProofVerifier + 'static) -> Self {
        self.proof_verifier = Some(Arc::new(verifier));
        self
    }

    /// Builds the service.
    ///
    /// # Errors
    /// [`PolicyError`] when the policy, or that of a registered client, is out of range or contradicts itself, or
    /// demands JWTs or proofs and there is no issuer or verifier.
    pub fn build(self) -> Result<TokenService<S>, PolicyError> {
        let (has_jwt_issuer, has_proof_verifier) = (self.jwt_issuer.is_some(), self.proof_verifier.is_some());
        self.policy.validate()?;
        self.policy.require_ports(has_jwt_issuer, has_proof_verifier)?;
        self.authenticator.check_policies(&|client| {
            client.validate(&self.policy)?;
            let every_flow = client.grant_types.keys().map(|flow| self.policy.for_client(client, flow));
            let mut policies = std::iter::once(self.policy.for_client_alone(client)).chain(every_flow);
            policies.try_for_each(|policy| policy?.require_ports(has_jwt_issuer, has_proof_verifier))
        })?;
        Ok(TokenService(Arc::new(Inner {
            tokens: TokenFormat::new(self.keys, &self.realm, self.prefixes),
            store: self.store,
            authenticator: self.authenticator,
            realm: self.realm,
            policy: self.policy,
            clock: self.clock,
            entropy: self.entropy,
            gate: self.gate,
            events: self.events,
            timings: self.timings,
            jwt_issuer: self.jwt_issuer,
            proof_verifier: self.proof_verifier,
        })))
    }
}
