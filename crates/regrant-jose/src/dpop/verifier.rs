use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use regrant::AccessToken;
use regrant::clock::Timestamp;
use regrant::grant::Confirmation;
use regrant::proof::{DpopProof, ProofError, ProofFault, ProofVerifier};
use regrant::store::{SingleUse, Use, UseId};
use regrant::token::Realm;
use serde_json::{Value, json};

use super::{DpopNonces, access_token_hash, htu};
use crate::algorithm::Algorithm;
use crate::assertion::{Algorithms, jti, remembered_until};
use crate::base64url;
use crate::jwk::{Jwk, JwkSet};
use crate::jws::Claims;
use crate::jws::Jws;

/// The longest accepted proof, in bytes: twice that of an RSA key of 4096 bits.
const MAX_LENGTH: usize = 4096;

/// The longest accepted RSA modulus, in bytes. The sender chooses the key, and verification with 8192 bits costs
/// several times as much as with any other key.
const MAX_MODULUS: usize = 512;

/// Verifies DPoP proofs (RFC 9449 section 4.3), at the token endpoint and at resource servers.
///
/// A proof is accepted once. It is used up only if all other checks succeed, that of the nonce included: a client that
/// must use another nonce, or that sent the proof to the wrong server, loses nothing.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Entropy, MemoryStore, SystemEntropy};
/// use regrant_jose::dpop::DpopNonces;
/// use regrant_jose::DpopVerifier;
///
/// # let mut key = [0; 32];
/// # SystemEntropy.fill(&mut key);
/// let verifier = DpopVerifier::new(Arc::new(MemoryStore::new())).with_nonces(DpopNonces::new(&key));
/// ```
pub struct DpopVerifier {
    used: Arc<dyn SingleUse>,
    nonces: Option<DpopNonces>,
    max_age: Duration,
    leeway: Duration,
    algorithms: Algorithms,
    realm: Realm,
}

/// The access token of a request to a resource server, and the thumbprint of the key that the token is bound to.
#[derive(Clone, Copy)]
struct TokenBinding<'a> {
    access_token: &'a AccessToken,
    jkt: &'a [u8; 32],
}

/// A proof for this request with a valid signature.
struct ProofClaims {
    jkt: [u8; 32],
    jti: String,
    made_at: Timestamp,
    claims: Claims,
}

impl DpopVerifier {
    /// The default maximum age of a proof: one minute.
    pub const MAX_AGE: Duration = Duration::from_secs(60);
    /// The default tolerance for the clocks of clients: ten seconds.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts each proof once, without nonces. `used` remembers proofs while they are fresh. A
    /// [`ReplayCache`](super::ReplayCache) is enough for a single process.
    #[must_use]
    pub fn new(used: Arc<dyn SingleUse>) -> Self {
        let (max_age, leeway, algorithms) = (Self::MAX_AGE, Self::LEEWAY, Algorithms::asymmetric());
        Self { used, nonces: None, max_age, leeway, algorithms, realm: Realm::default() }
    }

    /// Requires nonces (section 8). The nonce then decides how fresh a proof is. `iat` must be present, but its value
    /// is ignored, since many devices have wrong clocks. `exp` and `nbf` are still checked if present.
    #[must_use]
    pub fn with_nonces(mut self, nonces: DpopNonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// Sets the maximum age of a proof by its `iat`. Default: 60 seconds.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets the tolerance for the clocks of clients: how far in the future `iat` and `nbf` may lie, and `exp` in the
    /// past. Default: ten seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Accepts only these algorithms. Default: all with a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.limit_to(algorithms);
        self
    }

    /// Sets the realm of the service.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    async fn verify_once(
        &self,
        proof: &DpopProof,
        binding: Option<TokenBinding<'_>>,
        now: Timestamp,
    ) -> Result<[u8; 32], ProofError> {
        let verified = self.check_proof(proof)?;
        if let Some(binding) = binding {
            binding.check(&verified)?;
        }
        let fresh_until = self.fresh_until(&verified, now)?;
        // Comes last: a client may send a proof again after any other failure. The id contains the target of the proof,
        // not of the request: a request can spell its path in many ways, and the proof matches all of them.
        let htu = verified.claims.text("htu").map_err(ProofFault::from)?;
        let issuer = format!("{} {htu}", base64url::encode(verified.jkt));
        let id = UseId::new(&self.realm, "dpop", &issuer, &verified.jti);
        match self.used.use_once(&id, remembered_until(fresh_until)).await {
            Ok(Use::First) => Ok(verified.jkt),
            Ok(Use::Again) => Err(ProofFault::Used.into()),
            Err(cause) => Err(ProofError::Unavailable(cause.into())),
        }
    }

    /// Checks the proof except for freshness: signature by the key in its header, method and URL.
    fn check_proof(&self, proof: &DpopProof) -> Result<ProofClaims, ProofFault> {
        if proof.jwt.len() > MAX_LENGTH {
            return Err(ProofFault::Malformed);
        }
        let jws = Jws::parse(&proof.jwt)?;
        if !jws.is_typ("dpop+jwt") {
            return Err(ProofFault::Malformed);
        }
        if !self.algorithms.allows(jws.alg()) {
            return Err(ProofFault::Algorithm);
        }
        let key = jws.jwk().and_then(|jwk| public_key(jwk, jws.alg())).ok_or(ProofFault::Key)?;
        let claims = jws.verify(&key).map_err(|_| ProofFault::Signature)?;
        if claims.text("htm")? != proof.method {
            return Err(ProofFault::Method);
        }
        if !htu::is_target(claims.text("htu")?, &proof.url) {
            return Err(ProofFault::Url);
        }
        let (jti, made_at) = (jti(&claims).ok_or(ProofFault::Malformed)?.to_owned(), claims.time("iat")?);
        Ok(ProofClaims { jkt: key.thumbprint(), jti, made_at, claims })
    }

    /// Checks the times or the nonce. Returns the end of the time in which the proof is accepted.
    fn fresh_until(&self, proof: &ProofClaims, now: Timestamp) -> Result<Timestamp, ProofError> {
        let time = |name| proof.claims.optional_time(name).map_err(ProofFault::from);
        let is_future = |begin: Timestamp| begin > now + self.leeway;
        // RFC 7519 sections 4.1.4 and 4.1.5: `exp` and `nbf` are optional, but must be honored if present.
        if time("exp")?.is_some_and(|end| now >= end + self.leeway) {
            return Err(ProofFault::Expired.into());
        }
        if time("nbf")?.is_some_and(is_future) {
            return Err(ProofFault::NotYetValid.into());
        }
        if let Some(nonces) = &self.nonces {
            let nonce = proof.claims.optional_text("nonce").map_err(ProofFault::from)?;
            return nonce.and_then(|nonce| nonces.accepted_until(nonce, now)).ok_or(ProofError::NonceRequired);
        }
        let end = proof.made_at + self.max_age;
        if now >= end {
            Err(ProofFault::Expired.into())
        } else if is_future(proof.made_at) {
            Err(ProofFault::NotYetValid.into())
        } else {
            Ok(end)
        }
    }
}

impl TokenBinding<'_> {
    /// Checks that the proof uses the key that the token is bound to, and is for this token.
    fn check(&self, proof: &ProofClaims) -> Result<(), ProofFault> {
        if proof.jkt != *self.jkt {
            return Err(ProofFault::OtherKey);
        }
        if proof.claims.text("ath") != Ok(&access_token_hash(self.access_token)) {
            return Err(ProofFault::AccessToken);
        }
        Ok(())
    }
}

/// The key in the header of a proof. It is parsed as a set, in which an RSA key without `alg` serves both of its
/// algorithms. Keys with private members or a too long modulus are refused.
fn public_key(jwk: &Value, algorithm: Algorithm) -> Option<Jwk> {
    let key = JwkSet::from_value(&json!({ "keys": [jwk] })).ok()?.find(None, algorithm)?.clone();
    (key.modulus_length() <= MAX_MODULUS).then_some(key)
}

#[async_trait]
impl ProofVerifier for DpopVerifier {
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError> {
        self.verify_once(proof, None, now).await.map(Confirmation::DpopKey)
    }

    async fn verify_at_resource(
        &self,
        proof: &DpopProof,
        access_token: &AccessToken,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        self.verify_once(proof, Some(TokenBinding { access_token, jkt }), now).await.map(|_| ())
    }

    fn nonce(&self, now: Timestamp) -> Option<String> {
        self.nonces.as_ref().map(|nonces| nonces.current(now))
    }

    fn algorithms(&self) -> Vec<&'static str> {
        self.algorithms.names()
    }
}

impl fmt::Debug for DpopVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DpopVerifier")
            .field("nonces", &self.nonces)
            .field("max_age", &self.max_age)
            .field("leeway", &self.leeway)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}
