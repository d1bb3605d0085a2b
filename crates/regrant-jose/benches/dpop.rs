//! Verification of a DPoP proof, and a refresh with one, compared with the bare verification of the same signature.
//!
//! ```text
//! cargo bench -p regrant-jose --bench dpop
//! ```

#![expect(clippy::expect_used, reason = "a bench that cannot run shall stop")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt as _;
use p256::ecdsa::signature::Verifier as _;
use regrant::clock::{Clock as _, ManualClock, Timestamp};
use regrant::proof::{DpopProof, PresentedKeys, ProofVerifier as _};
use regrant::store::{SingleUse, StoreError, Use, UseId};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, GrantType, IssueRequest, KeyRing, MemoryStore,
    RefreshRequest, RefreshToken, Subject, SystemEntropy, TokenService,
};
use regrant_jose::dpop::{DpopKey, DpopNonces, ReplayCache};
use regrant_jose::{Algorithm, DpopVerifier, PrivateKey, Signer as _};

const URL: &str = "https://as.example/oauth2/token";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Accepts the same proof repeatedly, which a benchmark needs.
struct Forgetful;

#[async_trait]
impl SingleUse for Forgetful {
    async fn use_once(&self, _: &UseId, _: Timestamp) -> Result<Use, StoreError> {
        Ok(Use::First)
    }
}

fn dpop(criterion: &mut Criterion) {
    let clock = ManualClock::starting_at(NOW);
    let nonces = DpopNonces::new(&[7; 32]);
    let verifier = DpopVerifier::new(Arc::new(Forgetful));
    let verifier_with_nonces = DpopVerifier::new(Arc::new(Forgetful)).with_nonces(nonces);
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let key = PrivateKey::generate(algorithm, &SystemEntropy).expect("a key");
        let public = key.public_key().to_value();
        let key = DpopKey::new(key).expect("a key pair");
        let nonce = verifier_with_nonces.nonce(clock.now());
        let unsigned = key.proof("POST", URL).with_nonce(nonce.as_deref());
        let jwt = ready(unsigned.sign(clock.now(), &SystemEntropy)).expect("signed");
        let proof = DpopProof { jwt, method: "POST".to_owned(), url: URL.to_owned() };

        let mut group = criterion.benchmark_group(format!("dpop {algorithm}"));
        let bare = bare_verification(&public, &proof.jwt);
        group.bench_function("bare verification", |bencher| bencher.iter(|| assert!(bare())));
        for (name, verifier) in [("proof", &verifier), ("proof with nonce", &verifier_with_nonces)] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| ready(verifier.verify(black_box(&proof), clock.now())).expect("accepted"));
            });
        }
        group.bench_function("refresh with a proof", |bencher| {
            let (service, client, first) = bound_session(&proof);
            let mut refresh_token = first;
            bencher.iter(|| {
                let request = RefreshRequest::new(refresh_token.clone());
                let request = request.with_presented_keys(PresentedKeys::none().with_dpop(Some(proof.clone())));
                let tokens = ready(service.refresh(&client, &request)).expect("refreshed");
                refresh_token = tokens.refresh_token.expect("rotated");
            });
        });
        group.bench_function("proof made", |bencher| {
            bencher.iter(|| ready(unsigned.sign(clock.now(), &SystemEntropy)).expect("signed"));
        });
        group.finish();
    }

    let cache = ReplayCache::new(60_000, Arc::new(clock.clone()));
    let mut number = 0_u64;
    criterion.bench_function("replay cache, full", |bencher| {
        bencher.iter(|| {
            number += 1;
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
            clock.advance(Duration::from_millis(1));
            ready(cache.use_once(&UseId::from_bytes(id), clock.now())).expect("a cache does not fail")
        });
    });
}

/// A session of a public client, bound to the key of `proof`. The clock stands still, so that the proof stays fresh.
fn bound_session(proof: &DpopProof) -> (TokenService<MemoryStore>, AuthenticatedClient, RefreshToken) {
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), ClientRegistry::new(), keys)
        .clock(ManualClock::starting_at(NOW))
        .proof_verifier(DpopVerifier::new(Arc::new(Forgetful)))
        .build()
        .expect("a policy without contradiction");
    let client = Client::public(ClientId::new("spa").expect("a client id"))
        .with_grant_types([GrantType::Password, GrantType::RefreshToken]);
    let client = AuthenticatedClient::assertion(client.into());
    let approval = Approval::of(Subject::new("demo").expect("a subject"));
    let request = IssueRequest::new(GrantType::Password, approval);
    let request = request.with_presented_keys(PresentedKeys::none().with_dpop(Some(proof.clone())));
    let first = ready(service.issue(&client, request)).expect("issued").refresh_token.expect("a refresh token");
    (service, client, first)
}

/// Verifies the signature of `jwt` with the underlying library. The key is parsed from the JWK each time, as for a
/// proof.
fn bare_verification(jwk: &serde_json::Value, jwt: &str) -> Box<dyn Fn() -> bool> {
    let member = |name| -> [u8; 32] { decoded(jwk[name].as_str().expect("a member")).try_into().expect("32 bytes") };
    let (message, signature) = jwt.rsplit_once('.').expect("three parts");
    let (message, signature) = (message.to_owned(), decoded(signature));
    if jwk["kty"] == "OKP" {
        let (x, signature) = (member("x"), ed25519_dalek::Signature::from_slice(&signature).expect("64 bytes"));
        return Box::new(move || {
            let key = ed25519_dalek::VerifyingKey::from_bytes(black_box(&x)).expect("a point");
            key.verify_strict(message.as_bytes(), &signature).is_ok()
        });
    }
    let point = [[4].as_slice(), &member("x"), &member("y")].concat();
    let signature = p256::ecdsa::Signature::from_slice(&signature).expect("64 bytes");
    Box::new(move || {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(black_box(&point)).expect("a point");
        key.verify(message.as_bytes(), &signature).is_ok()
    })
}

fn decoded(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("nothing here waits")
}

criterion_group!(benches, dpop);
criterion_main!(benches);
