use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use regrant::{Confirmation, DpopProof, ProofError, ProofFault, ProofVerifier, Timestamp};

/// Verifies proofs without signatures: `key.jti`, or `key.jti.nonce`. The key is its first byte, 32 times.
#[derive(Clone, Default)]
pub(crate) struct StubVerifier(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    used: BTreeSet<String>,
    seen: Vec<(String, String)>,
    nonce: Option<String>,
    is_down: bool,
}

impl StubVerifier {
    /// A proof of `key` that was never used before.
    pub(crate) fn proof(key: &str) -> String {
        static JTI: AtomicUsize = AtomicUsize::new(0);
        format!("{key}.{}", JTI.fetch_add(1, Ordering::Relaxed))
    }

    /// What tokens are bound to by a proof of `key`.
    pub(crate) fn confirmation(key: &str) -> Confirmation {
        Confirmation::DpopKey([key.as_bytes()[0]; 32])
    }

    /// From now on proofs need this nonce.
    pub(crate) fn require(&self, nonce: Option<&str>) {
        self.state().nonce = nonce.map(str::to_owned);
    }

    /// From now on nothing can be told, or it can again.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Method and URL of each proof it was asked about since the last call.
    pub(crate) fn seen(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.state().seen)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under the lock")
    }
}

#[async_trait]
impl ProofVerifier for StubVerifier {
    async fn verify(&self, proof: &DpopProof, _: Timestamp) -> Result<Confirmation, ProofError> {
        let mut state = self.state();
        state.seen.push((proof.method.clone(), proof.url.clone()));
        if state.is_down {
            return Err(ProofError::Unavailable("the store of used proofs is down".into()));
        }
        let parts: Vec<&str> = proof.jwt.split('.').collect();
        let ([key, _] | [key, _, _]) = parts[..] else { return Err(ProofFault::Malformed.into()) };
        if key.len() != 1 {
            return Err(ProofFault::Key.into());
        }
        if state.nonce.is_some() && state.nonce.as_deref() != parts.get(2).copied() {
            return Err(ProofError::NonceRequired);
        }
        if !state.used.insert(proof.jwt.clone()) {
            return Err(ProofFault::Used.into());
        }
        Ok(Self::confirmation(key))
    }

    fn nonce(&self, _: Timestamp) -> Option<String> {
        self.state().nonce.clone()
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}
