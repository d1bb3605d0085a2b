//! The parts of a refresh: open the token, read the record, decide, write the record. And how large the record is.
//!
//! ```text
//! cargo bench --bench engine
//! ```

#![expect(clippy::expect_used, clippy::unreachable, reason = "a bench that cannot run shall stop")]

mod common;

use std::hint::black_box;

use common::{BETWEEN_REFRESHES, Bench, now};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use regrant::engine::{self, Context};
use regrant::store::{GrantKey, TokenStore as _};
use regrant::{
    Grant, GrantId, Key, KeyRing, MemoryStore, Policy, Realm, RefreshRequest, SystemEntropy, TokenFormat, TokenKind,
    TokenPrefixes,
};

fn engine(criterion: &mut Criterion) {
    let store = MemoryStore::new();
    let bench = Bench::over(store.clone());
    let first = bench.issue(0);
    let id = first.grant_id;
    let mut refresh_token = first.refresh_token.expect("a refresh token");
    for rotation in 1..=100_000_u32 {
        bench.clock.advance(BETWEEN_REFRESHES);
        let tokens = now(bench.service.refresh(&bench.client, &RefreshRequest::new(refresh_token))).expect("refreshed");
        refresh_token = tokens.refresh_token.expect("a refresh token");
        if [1, 10, 100_000].contains(&rotation) {
            println!("record after {rotation} rotations: {} bytes", record(&store, id).len());
        }
    }

    let payload = record(&store, id);
    let grant = Grant::decode(id, &payload).expect("our own record");
    let mut group = criterion.benchmark_group("engine");
    group.bench_function("decode record", |bencher| bencher.iter(|| Grant::decode(id, black_box(&payload))));
    let request = RefreshRequest::new(refresh_token);
    let text = request.refresh_token.expose();
    let tokens = TokenFormat::new(
        KeyRing::new(Key::new(common::KEY).expect("random")),
        &Realm::default(),
        TokenPrefixes::default(),
    );
    group
        .bench_function("open token", |bencher| bencher.iter(|| tokens.open(TokenKind::RefreshToken, black_box(text))));
    let opened = tokens.open(TokenKind::RefreshToken, text).expect("our own token");
    let policy = Policy::default();
    let ctx = Context {
        client: &bench.client,
        policy: &policy,
        tokens: &tokens,
        entropy: &SystemEntropy,
        now: bench.service.now(),
        confirmation: None,
        signing_key: None,
        has_raced: false,
    };
    group.bench_function("decide rotation", |bencher| {
        bencher.iter_batched(
            || grant.clone(),
            |mut grant| engine::refresh(&mut grant, &opened, &request, &ctx),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("encode record", |bencher| bencher.iter(|| black_box(&grant).encode()));
    group.finish();
}

fn record(store: &MemoryStore, id: GrantId) -> Vec<u8> {
    let key = GrantKey { realm: Realm::default(), id };
    now(store.load(&key)).expect("loaded").expect("stored").record.payload
}

criterion_group!(benches, engine);
criterion_main!(benches);
