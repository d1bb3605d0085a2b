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
use crate::claims::Claims;
use crate::jwk::{Jwk, JwkSet};
use crate::jws::Jws;

/// The longest proof that is read, in bytes: twice that of an RSA key of 4096 bits.
const MAX_LENGTH: usize = 4096;

/// The longest RSA modulus that is verified with, in bytes: the key is the sender's choice, and one of 8192 bits costs
/// several times what any other does.
const MAX_MODULUS: usize = 512;

/// Verifies DPoP proofs (RFC 9449 section 4.3), at the token endpoint and at resource servers.
///
/// A proof is accepted once. It is used up only when everything else about it is right, its nonce included: a client that is told
/// to use another nonce, or sent here by mistake, loses nothing.
///
/// ```
/// use std::sync::Arc;
///
/// use regrant::{Entropy, MemoryStore, SystemEntropy};
/// use regrant_jose::{DpopNonces, DpopVerifier};
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

/// The access token that a proof comes with at a resource server, and the thumbprint of the key it is bound to.
#[derive(Clone, Copy)]
struct Bound<'a> {
    access_token: &'a AccessToken,
    jkt: &'a [u8; 32],
}

/// A proof whose signature holds and that was made for the request.
struct Verified {
    jkt: [u8; 32],
    jti: String,
    made_at: Timestamp,
    claims: Claims,
}

impl DpopVerifier {
    /// How old a proof may be by default.
    pub const MAX_AGE: Duration = Duration::from_secs(60);
    /// How far the clock of a client may be off by default.
    pub const LEEWAY: Duration = Duration::from_secs(10);

    /// Accepts proofs without nonces, each once: `used` remembers them while they are fresh. A [`ReplayCache`](super::ReplayCache)
    /// will do where there is one process.
    #[must_use]
    pub fn new(used: Arc<dyn SingleUse>) -> Self {
        let (max_age, leeway, algorithms) = (Self::MAX_AGE, Self::LEEWAY, Algorithms::of_key_pairs());
        Self { used, nonces: None, max_age, leeway, algorithms, realm: Realm::default() }
    }

    /// Requires nonces (section 8). It is then the nonce that says how fresh a proof is; `iat` must be there, but is compared with
    /// nothing, since the clock of many a device is wrong. `exp` and `nbf`, where a proof has them, hold all the same.
    #[must_use]
    pub fn with_nonces(mut self, nonces: DpopNonces) -> Self {
        self.nonces = Some(nonces);
        self
    }

    /// Sets how old a proof may be by its `iat`. Default 60 seconds.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets how far the clocks of clients may be off: how far in the future `iat` and `nbf` may lie, and `exp` in the
    /// past. Default ten seconds.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Accepts these algorithms alone. Default all that use a key pair; others are never accepted.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = self.algorithms.among(algorithms);
        self
    }

    /// Sets the realm: that of the service.
    #[must_use]
    pub fn with_realm(mut self, realm: Realm) -> Self {
        self.realm = realm;
        self
    }

    /// Verifies the proof of a request with `access_token` at a resource server (section 7): besides everything else it must
    /// be of this token (`ath`), and of the key with thumbprint `jkt` that the token is bound to (its `cnf`).
    ///
    /// # Errors
    /// When the proof is not accepted, or when that cannot be told.
    pub async fn verify_at_resource(
        &self,
        proof: &DpopProof,
        access_token: &AccessToken,
        jkt: &[u8; 32],
        now: Timestamp,
    ) -> Result<(), ProofError> {
        self.accept(proof, Some(Bound { access_token, jkt }), now).await.map(|_| ())
    }

    async fn accept(
        &self,
        proof: &DpopProof,
        bound: Option<Bound<'_>>,
        now: Timestamp,
    ) -> Result<[u8; 32], ProofError> {
        let verified = self.verified(proof)?;
        if let Some(bound) = bound {
            bound.check(&verified)?;
        }
        let fresh_until = self.fresh_until(&verified, now)?;
        // Last: whatever else is wrong with it, the client may send it again.
        // By the target that the proof names: a request may spell its path in many ways, and the proof fits them all.
        let htu = verified.claims.text("htu").map_err(ProofFault::from)?;
        let issuer = format!("{} {htu}", base64url::encode(verified.jkt));
        let id = UseId::new(&self.realm, "dpop", &issuer, &verified.jti);
        match self.used.use_once(&id, remembered_until(fresh_until)).await {
            Ok(Use::First) => Ok(verified.jkt),
            Ok(Use::Again) => Err(ProofFault::Used.into()),
            Err(cause) => Err(ProofError::Unavailable(cause.into())),
        }
    }

    /// What the proof says, if it is of the key that it carries, and was made for this request.
    fn verified(&self, proof: &DpopProof) -> Result<Verified, ProofFault> {
        if proof.jwt.len() > MAX_LENGTH {
            return Err(ProofFault::Malformed);
        }
        let jws = Jws::parse(&proof.jwt)?;
        if !jws.is_typ("dpop+jwt") {
            return Err(ProofFault::Malformed);
        }
        if !self.algorithms.accept(jws.alg()) {
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
        Ok(Verified { jkt: key.thumbprint(), jti, made_at, claims })
    }

    /// Until when the proof is accepted, apart from its being used.
    fn fresh_until(&self, proof: &Verified, now: Timestamp) -> Result<Timestamp, ProofError> {
        let time = |name| proof.claims.optional_time(name).map_err(ProofFault::from);
        let is_future = |begin: Timestamp| begin > now + self.leeway;
        // RFC 7519 sections 4.1.4 and 4.1.5: nobody has to set them, and who reads them over accepts what has expired.
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

impl Bound<'_> {
    /// Finds the proof to be of the key that the token is bound to, and for this token.
    fn check(&self, proof: &Verified) -> Result<(), ProofFault> {
        if proof.jkt != *self.jkt {
            return Err(ProofFault::OtherKey);
        }
        if proof.claims.text("ath") != Ok(&access_token_hash(self.access_token)) {
            return Err(ProofFault::AccessToken);
        }
        Ok(())
    }
}

/// The key that a proof carries. Read as a set, in which an RSA key without `alg` stands for both of its algorithms; one with
/// private members, or with a modulus that is too long, is refused.
fn public_key(jwk: &Value, algorithm: Algorithm) -> Option<Jwk> {
    let key = JwkSet::from_value(&json!({ "keys": [jwk] })).ok()?.find(None, algorithm)?.clone();
    (key.modulus_length() <= MAX_MODULUS).then_some(key)
}

#[async_trait]
impl ProofVerifier for DpopVerifier {
    async fn verify(&self, proof: &DpopProof, now: Timestamp) -> Result<Confirmation, ProofError> {
        self.accept(proof, None, now).await.map(Confirmation::DpopKey)
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
