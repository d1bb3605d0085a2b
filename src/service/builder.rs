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

/// Makes a [`TokenService`]. What is not set has the default named at each setter.
#[expect(missing_debug_implementations, reason = "ports have nothing to show")]
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

    /// The tenant. Default: the empty realm.
    #[must_use]
    pub fn realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// What tokens begin with. Default `ac_`, `rt_`, `at_`. Changing them makes earlier tokens unknown.
    #[must_use]
    pub fn prefixes(mut self, prefixes: TokenPrefixes) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// The provider's policy. Default [`Policy::default`].
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Where the time is read. Default [`SystemClock`].
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where secrets are drawn. Default [`SystemEntropy`].
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Whether resource owners may still be served. Default [`EverySubject`].
    #[must_use]
    pub fn gate(mut self, gate: impl SubjectGate + 'static) -> Self {
        self.gate = Arc::new(gate);
        self
    }

    /// Adds a sink that events go to. Default none.
    #[must_use]
    pub fn events(mut self, events: impl EventSink + 'static) -> Self {
        self.events.push(Arc::new(events));
        self
    }

    /// Sets the receiver of the durations of calls. Default none, and nothing is measured.
    #[must_use]
    pub fn timings(mut self, timings: impl Timings + 'static) -> Self {
        self.timings = Some(Arc::new(timings));
        self
    }

    /// Who makes JWT access tokens and `id_token`s. Default nobody: access tokens are opaque, and `openid` is a scope like any
    /// other.
    #[must_use]
    pub fn jwt_issuer(mut self, issuer: impl JwtIssuer + 'static) -> Self {
        self.jwt_issuer = Some(Arc::new(issuer));
        self
    }

    /// Who verifies DPoP proofs. Default nobody: proofs are ignored, as RFC 9449 has it for servers that do not know them.
    #[must_use]
    pub fn proof_verifier(mut self, verifier: impl ProofVerifier + 'static) -> Self {
        self.proof_verifier = Some(Arc::new(verifier));
        self
    }

    /// The service.
    ///
    /// # Errors
    /// When the policy, or that of a registered client, leaves its range or contradicts itself, or asks for JWTs or proofs
    /// that nobody is there to make or to verify.
    pub fn build(self) -> Result<TokenService<S>, PolicyError> {
        let (has_jwt_issuer, has_proof_verifier) = (self.jwt_issuer.is_some(), self.proof_verifier.is_some());
        self.policy.validate()?;
        self.policy.is_served(has_jwt_issuer, has_proof_verifier)?;
        self.authenticator.check_policies(&|client| {
            client.validate(&self.policy)?;
            let every_flow = client.grant_types.keys().map(|flow| self.policy.for_client(client, flow));
            let mut policies = std::iter::once(self.policy.for_client_alone(client)).chain(every_flow);
            policies.try_for_each(|policy| policy?.is_served(has_jwt_issuer, has_proof_verifier))
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
