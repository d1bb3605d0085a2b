//! Issuing a JWT access token, compared with the bare signature of the same bytes in the same run.
//!
//! `cargo bench -p regrant-jose --bench jwt`, and again with `--features aws-lc-rs`.

#![expect(clippy::expect_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ed25519_dalek::Signer as _;
use futures_util::FutureExt as _;
use regrant::clock::Timestamp;
use regrant::jwt::{AccessTokenClaims, JwtIssuer};
use regrant::{Approval, Client, ClientId, Entropy, Issuer, Scope, Subject};
use regrant_jose::jws::Jws;
use regrant_jose::{Algorithm, JwkSet, JwtTokens, KeySet, PrivateKey};

/// The same key in each run, for this crate and the bare library.
struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Scene {
    tokens: JwtTokens,
    keys: KeySet,
    client: Client,
    approval: Approval,
}

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

impl Scene {
    fn of(algorithm: Algorithm) -> Self {
        let key = PrivateKey::generate(algorithm, &Sevens).expect("a key");
        let keys = KeySet::new(key, Duration::from_secs(3600)).expect("a key set");
        Self {
            tokens: JwtTokens::new(Issuer::from_static("https://as.example"), keys.clone()),
            keys,
            client: Client::new(ClientId::new("app").expect("a client id")),
            approval: Approval::of(Subject::new("demo").expect("a subject"))
                .with_scope(Scope::new("openid profile read write").expect("a scope")),
        }
    }

    fn issue(&self) -> String {
        let key = self.tokens.signing_key(&self.client, NOW);
        let jti = "0123456789abcdef0123456789abcdef";
        let expires_at = NOW + Duration::from_secs(3600);
        let claims = AccessTokenClaims::new(jti, &self.client, &self.approval, NOW, expires_at);
        self.tokens.access_token(&key, &claims).now_or_never().expect("no waiting").expect("a token")
    }

    fn bench(&self, c: &mut Criterion, name: &str) {
        let token = self.issue();
        let keys: JwkSet = self.keys.public_keys(NOW);
        c.bench_function(&format!("{name}/issue"), |b| b.iter(|| self.issue()));
        c.bench_function(&format!("{name}/verify"), |b| {
            b.iter(|| {
                let jws = Jws::parse(black_box(&token)).expect("a JWS");
                jws.verify(keys.find(jws.kid(), jws.alg()).expect("the key")).expect("a valid token")
            });
        });
    }

    /// The signing input, of the same length as in the token.
    fn message(&self) -> Vec<u8> {
        let token = self.issue();
        token.rsplit_once('.').expect("a signature").0.into()
    }
}

fn eddsa(c: &mut Criterion) {
    let scene = Scene::of(Algorithm::EdDsa);
    let message = scene.message();
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key();
    let signature = key.sign(&message);
    c.bench_function("EdDSA/bare dalek sign", |b| b.iter(|| key.sign(black_box(&message))));
    c.bench_function("EdDSA/bare dalek verify", |b| b.iter(|| public.verify_strict(black_box(&message), &signature)));
    #[cfg(feature = "aws-lc-rs")]
    {
        use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
        let public = ParsedPublicKey::new(&ED25519, public.as_bytes()).expect("a key");
        c.bench_function("EdDSA/bare aws-lc sign", |b| b.iter(|| key.sign(black_box(&message))));
        c.bench_function("EdDSA/bare aws-lc verify", |b| {
            b.iter(|| public.verify_sig(black_box(&message), &signature.to_bytes()));
        });
    }
    scene.bench(c, "EdDSA");
}

fn es256(c: &mut Criterion) {
    use p256::ecdsa::signature::Verifier as _;
    let scene = Scene::of(Algorithm::Es256);
    let message = scene.message();
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let public = *key.verifying_key();
    let signature: p256::ecdsa::Signature = key.sign(&message);
    c.bench_function("ES256/bare p256 sign", |b| {
        b.iter(|| -> p256::ecdsa::Signature { key.sign(black_box(&message)) });
    });
    c.bench_function("ES256/bare p256 verify", |b| b.iter(|| public.verify(black_box(&message), &signature)));
    #[cfg(feature = "aws-lc-rs")]
    {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
        let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.to_sec1_point(false)).expect("a key");
        c.bench_function("ES256/bare aws-lc verify", |b| {
            b.iter(|| public.verify_sig(black_box(&message), &signature.to_bytes()));
        });
    }
    scene.bench(c, "ES256");
}

criterion_group!(benches, eddsa, es256);
criterion_main!(benches);
