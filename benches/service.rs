//! The service with the memory store, compared with the minimum work of any such library.
//!
//! ```text
//! cargo bench --bench service
//! ```

#![expect(clippy::expect_used, clippy::unreachable, reason = "a bench that cannot run must stop")]

mod common;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::LazyLock;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::{BETWEEN_REFRESHES, Bench, GRANTS, now};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use regrant::clock::Timestamp;
use regrant::device::{DeviceAuthorizationRequest, PollRequest};
use regrant::host::Unavailable;
use regrant::jwt::{AccessTokenClaims, IdTokenClaims, IdTokenHint, JwtIssuer, KeyId, UserInfoClaims};
use regrant::policy::AccessTokenFormat;
use regrant::{
    Client, ClientId, Entropy as _, Issuer, MemoryStore, Policy, RefreshRequest, RefreshToken, SystemEntropy,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

fn service(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("service");
    let bench = Bench::over(MemoryStore::new());
    let measured = bench.issue(0);
    let access_token = measured.access_token;
    let mut refresh_token = measured.refresh_token;

    let mut baseline = Baseline::new();
    group.bench_function("baseline", |bencher| bencher.iter(|| baseline.refresh()));
    group.bench_function("issue", |bencher| bencher.iter(|| black_box(bench.issue(1))));
    group.bench_function("introspect", |bencher| {
        bencher.iter(|| now(bench.service.introspect(&bench.client, black_box(access_token.expose()))));
    });
    group.bench_function("refresh", |bencher| {
        bencher.iter(|| {
            bench.clock.advance(BETWEEN_REFRESHES);
            refresh_token = refresh_token.take().map(|token| refresh(&bench, token));
        });
    });
    let spent = refresh_token.expect("a refresh token");
    let successor = refresh(&bench, spent.clone());
    group.bench_function("replay", |bencher| bencher.iter(|| black_box(refresh(&bench, spent.clone()))));
    let mut forged = successor.expose().to_owned();
    let last = if forged.ends_with('A') { 'B' } else { 'A' };
    forged.pop();
    forged.push(last);
    let forged = RefreshRequest::new(forged.as_str());
    group.bench_function("forged token refused", |bencher| {
        bencher.iter(|| now(bench.service.refresh(&bench.client, black_box(&forged))));
    });
    let garbage = RefreshRequest::new("rt_no-token-at-all");
    group.bench_function("garbage refused", |bencher| {
        bencher.iter(|| now(bench.service.refresh(&bench.client, black_box(&garbage))));
    });
    group.bench_function("issue and revoke", |bencher| {
        bencher.iter(|| {
            let tokens = bench.issue(2);
            let refresh_token = tokens.refresh_token.expect("a refresh token");
            now(bench.service.revoke(&bench.client, refresh_token.expose())).expect("revoked");
        });
    });
    group.bench_function("device poll, pending", |bencher| {
        bencher.iter_batched(
            || {
                let device = now(bench.service.authorize_device(&bench.client, &DeviceAuthorizationRequest::new()));
                PollRequest::new(device.expect("a device code").device_code)
            },
            |poll| now(bench.service.poll(&bench.client, &poll)).map(drop),
            BatchSize::SmallInput,
        );
    });

    // The cost of JWTs without their signatures.
    let policy = Policy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let bench = Bench::with(MemoryStore::new(), |service| service.policy(policy).jwt_issuer(Unsigned));
    let mut refresh_token = bench.issue(0).refresh_token;
    group.bench_function("refresh, JWTs unsigned", |bencher| {
        bencher.iter(|| {
            bench.clock.advance(BETWEEN_REFRESHES);
            refresh_token = refresh_token.take().map(|token| refresh(&bench, token));
        });
    });
    group.finish();
}

/// Returns the claims without signing them.
struct Unsigned;

#[async_trait]
impl JwtIssuer for Unsigned {
    fn issuer(&self) -> &Issuer {
        static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::from_static("https://as.example"));
        &ISSUER
    }

    fn signing_key(&self, _: &Client, _: Timestamp) -> KeyId {
        KeyId::new("none").expect("valid")
    }

    fn holds(&self, _: &KeyId) -> bool {
        true
    }

    async fn access_token(&self, _: &KeyId, claims: &AccessTokenClaims<'_>) -> Result<String, Unavailable> {
        Ok(claims.jti.to_owned())
    }

    async fn id_token(&self, claims: &IdTokenClaims<'_>) -> Result<String, Unavailable> {
        Ok(claims.subject.as_str().to_owned())
    }

    async fn introspection(&self, _: &ClientId, _: &Map<String, Value>, _: Timestamp) -> Result<String, Unavailable> {
        Err(Unavailable::new("no introspection is signed here"))
    }

    async fn user_info(&self, _: &UserInfoClaims<'_>) -> Result<String, Unavailable> {
        Err(Unavailable::new("no userinfo is signed here"))
    }

    fn read_id_token(&self, _: &str) -> Option<IdTokenHint> {
        None
    }

    fn read_access_token(&self, jwt: &str) -> Option<String> {
        Some(jwt.to_owned())
    }

    fn jwks(&self, _: Timestamp) -> Map<String, Value> {
        Map::new()
    }

    fn algorithms(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

fn refresh(bench: &Bench, refresh_token: RefreshToken) -> RefreshToken {
    let request = RefreshRequest::new(refresh_token);
    let tokens = now(bench.service.refresh(&bench.client, &request)).expect("refreshed");
    tokens.refresh_token.expect("a refresh token")
}

/// The least work that any such library has to do for one refresh: decode the token, hash it, look it up, draw 64
/// random bytes, encode and hash two new tokens, update the map.
struct Baseline {
    map: HashMap<[u8; 32], [u8; 32]>,
    token: String,
}

impl Baseline {
    fn new() -> Self {
        let random = || {
            let mut bytes = [0; 32];
            SystemEntropy.fill(&mut bytes);
            bytes
        };
        let mut map: HashMap<_, _> = (0..GRANTS).map(|_| (random(), random())).collect();
        let secret = random();
        map.insert(Sha256::digest(secret).into(), random());
        Self { map, token: URL_SAFE_NO_PAD.encode(secret) }
    }

    fn refresh(&mut self) {
        let presented = URL_SAFE_NO_PAD.decode(&self.token).expect("our own token");
        let key: [u8; 32] = Sha256::digest(presented).into();
        let mut random = [0; 64];
        SystemEntropy.fill(&mut random);
        let (refresh_token, access_token) = random.split_at(32);
        black_box((URL_SAFE_NO_PAD.encode(refresh_token), URL_SAFE_NO_PAD.encode(access_token)));
        black_box(Sha256::digest(refresh_token));
        let record = self.map.get_mut(&key).expect("the token is known");
        *record = Sha256::digest(access_token).into();
        black_box(record);
    }
}

criterion_group!(benches, service);
criterion_main!(benches);
