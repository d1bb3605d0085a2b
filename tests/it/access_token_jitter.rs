//! `access_token_lifetime_jitter`: access tokens that were issued together do not expire together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fixtures::{APP, Config, Reply, SPA, Seeded, Server, StubIssuer, claims, client, seconds};
use regrant::policy::{AccessTokenFormat, ClientPolicy};
use regrant::{GrantType, Policy};

const JITTER: Duration = seconds(300);

fn jittered() -> Policy {
    Policy::default().with_access_token_lifetime_jitter(JITTER)
}

fn expires_in(reply: &Reply) -> u64 {
    reply.json["expires_in"].as_u64().unwrap()
}

async fn own_token(server: &Server) -> Reply {
    server.token(APP, &[("grant_type", "client_credentials")]).await
}

fn seeded(policy: Policy) -> Server {
    Config { entropy: Arc::new(Seeded::new(7)), ..Config::default() }.policy(policy).start()
}

#[tokio::test]
async fn lifetimes_are_spread_evenly_between_the_shortest_and_the_longest() {
    let server = seeded(jittered());
    let mut lifetimes = Vec::new();
    for _ in 0..600 {
        lifetimes.push(expires_in(&own_token(&server).await));
    }
    assert!(lifetimes.iter().all(|lifetime| (3300..=3600).contains(lifetime)), "{lifetimes:?}");
    // Each fifth of the range has about a fifth of the tokens.
    for fifth in 0..5 {
        let range = 3300 + fifth * 60..3360 + fifth * 60;
        let count = lifetimes.iter().filter(|lifetime| range.contains(*lifetime)).count();
        assert!((60..=180).contains(&count), "{range:?}: {count} of 600");
    }
    // With the smallest range there are two lifetimes, the full one among them.
    let server = seeded(Policy::default().with_access_token_lifetime_jitter(seconds(1)));
    let mut lifetimes = BTreeSet::new();
    for _ in 0..50 {
        lifetimes.insert(expires_in(&own_token(&server).await));
    }
    assert_eq!(lifetimes, BTreeSet::from([3599, 3600]));
}

// The lifetime follows from the serial that each token has anyway: no random number more, and no other token.
#[tokio::test]
async fn the_tokens_are_those_without_jitter() {
    let (with, without) = (seeded(jittered()), seeded(Policy::default()));
    for _ in 0..3 {
        let (with, without) = (with.sign_in(APP).await, without.sign_in(APP).await);
        assert_eq!(with, without);
    }
    let (mut first, mut second) = (with.sign_in(SPA).await, without.sign_in(SPA).await);
    for _ in 0..3 {
        first = with.refresh(SPA, &first.refresh).await.tokens();
        second = without.refresh(SPA, &second.refresh).await.tokens();
        assert_eq!(first, second);
    }
}

#[tokio::test]
async fn a_replay_repeats_the_token_with_its_end_in_both_formats() {
    for format in [AccessTokenFormat::Opaque, AccessTokenFormat::Jwt] {
        let config = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default() };
        let server = config.policy(jittered().with_access_token_format(format)).start();
        for _ in 0..20 {
            server.advance(Duration::from_millis(3333));
            let first = server.sign_in(APP).await;
            let lost = server.refresh(APP, &first.refresh).await;
            server.advance(seconds(7));
            let replayed = server.refresh(APP, &first.refresh).await;
            assert_eq!(replayed.text("access_token"), lost.text("access_token"), "{format:?}");
            assert_eq!(expires_in(&replayed), expires_in(&lost) - 7, "{format:?}");
        }
    }
}

// RFC 6749 section 5.1, RFC 7662 section 2.2, RFC 9068 section 2.2: one end, named three times.
#[tokio::test]
async fn the_answer_introspection_and_the_jwt_name_one_end() {
    let jwt = ClientPolicy::default().with_access_token_format(AccessTokenFormat::Jwt);
    let config = Config { jwt_issuer: Some(StubIssuer::default()), ..Config::default() }.policy(jittered());
    let server = config.client(client(SPA).with_policy(jwt), SPA).start();
    for _ in 0..20 {
        for auth in [APP, SPA] {
            let first = server.sign_in(auth).await;
            let reply = server.refresh(auth, &first.refresh).await;
            let token = reply.text("access_token");
            let active = server.introspect(fixtures::AUDITOR, token).await.json;
            let [iat, exp] = ["iat", "exp"].map(|time| active[time].as_u64().unwrap());
            assert_eq!(exp - iat, expires_in(&reply));
            if token.contains('.') {
                assert_eq!(claims(token)["exp"], exp);
            }
        }
    }
}

#[tokio::test]
async fn the_longest_jitter_leaves_a_second_and_no_token_outlives_its_grant() {
    let policy = Policy::default().with_access_token_lifetime(seconds(3)).with_access_token_lifetime_jitter(seconds(2));
    let server = seeded(policy);
    let mut lifetimes = BTreeSet::new();
    for _ in 0..50 {
        lifetimes.insert(expires_in(&own_token(&server).await));
    }
    assert_eq!(lifetimes, BTreeSet::from([1, 2, 3]));
    let server = seeded(jittered().with_grant_lifetime(seconds(3400).into()));
    for _ in 0..50 {
        assert!((3300..=3400).contains(&expires_in(&own_token(&server).await)));
    }
}

// A client whose tokens are shorter than the jitter needs a jitter of its own.
#[test]
fn a_client_whose_lifetime_is_too_short_for_the_jitter_is_named() {
    let short = ClientPolicy::default().with_access_token_lifetime(seconds(60));
    let error = jittered().for_client(&short, &GrantType::ClientCredentials).unwrap_err();
    assert_eq!(error.field(), "access_token_lifetime_jitter");
    let own = short.with_access_token_lifetime_jitter(seconds(5));
    assert!(jittered().for_client(&own, &GrantType::ClientCredentials).is_ok());
}
