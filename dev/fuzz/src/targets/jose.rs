//! Keys, signatures and used ids for the targets about JWTs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{Seeded, ready};
use hmac::{Hmac, KeyInit as _, Mac as _};
use regrant::MemoryStore;
use regrant::clock::Timestamp;
use regrant::store::{SingleUse, StoreError, Use, UseId};
use regrant_jose::{Algorithm, Jwk, PrivateKey, Signer as _};
use sha2::Sha256;

pub(crate) const TOKEN_ENDPOINT: &str = "https://as.example/oauth2/token";
pub(crate) const SECRET: &str = "a secret that is long enough for a MAC";

/// The two kinds of key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    EdDsa,
    Es256,
}

/// The keys of the clients.
pub(crate) fn key(kind: Kind) -> &'static PrivateKey {
    static KEYS: [OnceLock<PrivateKey>; 2] = [OnceLock::new(), OnceLock::new()];
    KEYS[kind as usize].get_or_init(|| generate(kind, 1))
}

pub(crate) fn generate(kind: Kind, seed: u64) -> PrivateKey {
    let algorithm = match kind {
        Kind::EdDsa => Algorithm::EdDsa,
        Kind::Es256 => Algorithm::Es256,
    };
    PrivateKey::generate(algorithm, &Seeded::new(seed)).expect("a key")
}

pub(crate) fn public_key(kind: Kind) -> Jwk {
    key(kind).public_key()
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs any texts with a key pair.
pub(crate) fn sign(key: &PrivateKey, header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = ready(key.sign(signed.as_bytes())).expect("signed");
    format!("{signed}.{}", encoded(signature))
}

/// Signs any texts with HS256 under [`SECRET`].
pub(crate) fn mac(header: &str, claims: &str) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encoded(mac.finalize().into_bytes()))
}

/// A store of used ids that counts its calls.
#[derive(Clone, Default)]
pub(crate) struct CountedUse {
    store: MemoryStore,
    calls: Arc<AtomicUsize>,
}

impl CountedUse {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SingleUse for CountedUse {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.store.use_once(id, expires_at).await
    }
}

/// Splits an input into a way of signing, a header and claims.
pub(crate) fn header_and_claims(input: &[u8]) -> Option<(u8, &str, &str)> {
    let (mode, text) = input.split_first()?;
    let (header, claims) = std::str::from_utf8(text).ok()?.split_once('\n')?;
    Some((*mode, header, claims))
}
