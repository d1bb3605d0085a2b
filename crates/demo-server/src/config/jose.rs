use std::time::Duration;

use regrant::clock::Timestamp;
use regrant::{Issuer, KeyRing, Policy, Subject, SystemEntropy};
use regrant_jose::bearer::{JwtBearerFlow, TrustedIssuer};
use regrant_jose::dpop::DpopNonces;
use regrant_jose::jws::Claims;
use regrant_jose::key::KeyError;
use regrant_jose::{Algorithm, DpopVerifier, JwkSet, KeySet, PrivateKey};
use serde_json::Value;
use toml::Spanned;
use tracing::warn;

use super::error::Fault;
use super::setup::Environment;
use super::{DpopEntry, IssuerEntry, JwtEntry, KeyEntry, KeyTable};
use crate::paths;

/// The keys that sign JWTs, and their algorithms.
#[derive(Clone)]
pub(crate) struct SigningKeys(pub(crate) KeySet);

impl SigningKeys {
    /// The configured keys. The first one is the default. Without any, random keys.
    pub(super) fn of(entry: &JwtEntry, longest: Duration) -> Result<Self, Fault> {
        let Some((first, others)) = entry.keys.split_first() else {
            return Self::random(longest).map_err(|why| Fault::of_all(why, "jwt.keys"));
        };
        let keys = KeySet::new(private_key(first)?, longest).map_err(|why| Fault::at(first, "jwt.keys", why))?;
        for entry in others {
            let added = keys.add(private_key(entry)?, Timestamp::default());
            added.map_err(|why| Fault::at(entry, "jwt.keys", why))?;
        }
        Ok(Self(keys))
    }

    fn random(longest: Duration) -> Result<Self, Box<dyn std::error::Error>> {
        warn!("no signing keys configured: JWTs cannot be verified after this process");
        let key = |algorithm| PrivateKey::generate(algorithm, &SystemEntropy);
        let (first, others) = DEFAULT;
        let keys = KeySet::new(key(first)?, longest)?;
        for algorithm in others {
            keys.add(key(*algorithm)?, Timestamp::default())?;
        }
        Ok(Self(keys))
    }

    /// Returns true if tokens can be signed with `algorithm`.
    pub(super) fn have(&self, algorithm: Algorithm) -> bool {
        self.0.algorithms().contains(&algorithm)
    }

    /// Returns the algorithm of clients that name none.
    pub(super) fn default_algorithm(&self) -> Option<&'static str> {
        self.0.algorithms().first().map(|algorithm| algorithm.as_str())
    }

    /// Activates a new key of each algorithm. A production host adds a key a day before its start.
    pub(crate) fn rotate(&self, now: Timestamp) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let mut ids = Vec::new();
        for algorithm in self.0.algorithms() {
            ids.push(self.0.add(PrivateKey::generate(algorithm, &SystemEntropy)?, now)?.to_string());
        }
        Ok(ids)
    }
}

/// The algorithms of random keys, the default one first. RS256 is the algorithm of a client that asks for none (OpenID
/// Connect Registration 1.0 section 2), and many clients accept no other.
const DEFAULT: (Algorithm, &[Algorithm]) = if cfg!(feature = "aws-lc-rs") {
    (Algorithm::Rs256, &[Algorithm::Es256, Algorithm::EdDsa, Algorithm::Ed25519])
} else {
    (Algorithm::Es256, &[Algorithm::EdDsa, Algorithm::Ed25519])
};

fn private_key(entry: &Spanned<KeyEntry>) -> Result<PrivateKey, Fault> {
    let fault = |why| Fault::at(entry, "jwt.keys", why);
    match entry.get_ref() {
        KeyEntry::Pem(pem) => PrivateKey::from_pem(pem).map_err(fault),
        KeyEntry::Table(KeyTable { pem, alg, kid }) => {
            let mut key = PrivateKey::from_pem(pem).map_err(fault)?;
            if let Some(alg) = alg {
                let algorithm = Algorithm::from_name(alg).ok_or_else(|| fault(KeyError::Unsupported))?;
                key = key.with_algorithm(algorithm).map_err(fault)?;
            }
            Ok(match kid {
                Some(kid) => key.with_kid(kid.as_str()),
                None => key,
            })
        }
    }
}

/// The longest lifetime of a signed token.
pub(super) fn longest<'a>(policies: impl Iterator<Item = Policy> + 'a) -> Duration {
    let each = policies.map(|policy| policy.access_token_lifetime.max(policy.id_token_lifetime));
    each.max().unwrap_or_default()
}

/// The nonces follow from the key ring, so that all nodes accept the nonces of each other.
pub(super) fn proof_verifier(entry: &DpopEntry, keys: &KeyRing, environment: &Environment) -> DpopVerifier {
    let verifier = DpopVerifier::new(environment.used.clone());
    if entry.nonces { verifier.with_nonces(DpopNonces::from_key_ring(keys)) } else { verifier }
}

/// The flow for assertions of the trusted issuers. Their subjects are the users of this server with the same name.
pub(super) fn bearer_flow(
    entries: Vec<IssuerEntry>,
    issuer: &Issuer,
    environment: &Environment,
) -> Result<Option<JwtBearerFlow>, Fault> {
    if entries.is_empty() {
        return Ok(None);
    }
    let flow = JwtBearerFlow::new(issuer.clone(), environment.clock.clone(), environment.used.clone())
        .with_audiences(paths::audiences(issuer));
    let trust = |flow: JwtBearerFlow, entry: IssuerEntry| -> Result<JwtBearerFlow, Fault> {
        let keys = jwks(&entry.jwks, "trusted_issuers.jwks")?;
        let subject = |claims: &Claims| claims.text("sub").ok().and_then(|sub| Subject::new(sub).ok());
        Ok(flow.with_issuer(TrustedIssuer::new(entry.issuer, keys, subject)))
    };
    entries.into_iter().try_fold(flow, trust).map(Some)
}

pub(super) fn jwks(value: &Spanned<Value>, key: &str) -> Result<JwkSet, Fault> {
    JwkSet::from_value(value.get_ref()).map_err(|why| Fault::at(value, key, why))
}
