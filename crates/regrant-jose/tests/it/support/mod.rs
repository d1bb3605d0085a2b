//! Tokens with arbitrary headers and claims, and the surroundings of the verifiers.

pub(crate) mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::{ManualClock, Timestamp};
use regrant::store::{SingleUse, StoreError, Use, UseId};
use regrant::{Client, ClientId, MemoryStore, SystemEntropy};
use regrant_jose::{Algorithm, Jwk, JwkSet, PrivateKey, Signer as _};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const TOKEN_ENDPOINT: &str = "https://as.example/oauth2/token";

/// The start time of the tests, in seconds since the epoch.
pub(crate) const NOW: i64 = 1_800_000_000;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::starting_at(at(NOW))
}

pub(crate) fn client_id(id: &str) -> ClientId {
    ClientId::new(id).expect("client id")
}

pub(crate) fn client(id: &str, method: ClientAuthenticationMethod) -> Client {
    Client::new(client_id(id)).with_authentication_methods(method)
}

pub(crate) fn key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::generate(algorithm, &SystemEntropy).expect("a key")
}

pub(crate) fn jwks<'a>(keys: impl IntoIterator<Item = &'a PrivateKey>) -> JwkSet {
    keys.into_iter().map(PrivateKey::public_key).collect()
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs arbitrary texts.
pub(crate) async fn sign_text(key: &PrivateKey, header: &str, claims: &str) -> String {
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(input.as_bytes()).await.expect("signed");
    format!("{input}.{}", encoded(signature))
}

pub(crate) async fn sign(key: &PrivateKey, header: &Value, claims: &Value) -> String {
    sign_text(key, &header.to_string(), &claims.to_string()).await
}

/// A token with a MAC under these bytes, even if they are no valid key.
pub(crate) fn mac(secret: &[u8], algorithm: Algorithm, header: &Value, claims: &Value) -> String {
    use hmac::{Hmac, Mac};
    fn tag<M: Mac + hmac::KeyInit>(secret: &[u8], input: &str) -> Vec<u8> {
        let mut mac = <M as hmac::KeyInit>::new_from_slice(secret).expect("any length");
        mac.update(input.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }
    let input = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    let tag = match algorithm {
        Algorithm::Hs256 => tag::<Hmac<sha2::Sha256>>(secret, &input),
        Algorithm::Hs384 => tag::<Hmac<sha2::Sha384>>(secret, &input),
        _ => tag::<Hmac<sha2::Sha512>>(secret, &input),
    };
    format!("{input}.{}", encoded(tag))
}

/// The public key as bytes: a confused verifier would use them as a secret.
pub(crate) fn public_bytes(key: &Jwk) -> Vec<Vec<u8>> {
    let value = key.to_value();
    let raw = BASE64_URL_SAFE_NO_PAD.decode(value["x"].as_str().expect("x")).expect("base64url");
    vec![raw, value.to_string().into_bytes()]
}

/// The members with `name` set to `value`, or removed if `value` is `None`.
pub(crate) fn with(members: &Value, name: &str, value: Option<Value>) -> Value {
    let mut members = members.as_object().expect("an object").clone();
    match value {
        Some(value) => members.insert(name.to_owned(), value),
        None => members.remove(name),
    };
    Value::Object(members)
}

/// All texts that differ from `token` in one character.
pub(crate) fn mutations(token: &str) -> impl Iterator<Item = String> + '_ {
    (0..token.len()).map(|at| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    })
}

/// A real store of used ids, which counts calls and can be switched off.
#[derive(Clone, Default)]
pub(crate) struct WatchedUse {
    pub(crate) store: MemoryStore,
    calls: Arc<AtomicUsize>,
    is_down: Arc<AtomicBool>,
}

impl WatchedUse {
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }
}

#[async_trait]
impl SingleUse for WatchedUse {
    async fn use_once(&self, id: &UseId, expires_at: Timestamp) -> Result<Use, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store is down for this test"));
        }
        self.store.use_once(id, expires_at).await
    }
}
