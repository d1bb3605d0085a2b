//! Rotation of signing keys: no token becomes invalid on the way.

use std::time::Duration;

use regrant::client::ClientAuthenticationMethod;
use regrant::clock::Timestamp;
use regrant::jwt::{AccessTokenClaims, JwtIssuer, KeyId};
use regrant::{Approval, Client, Issuer, Subject};
use regrant_jose::jws::Jws;
use regrant_jose::key::KeySetError;
use regrant_jose::{Algorithm, Jwk, JwtTokens, KeySet, PrivateKey};
use serde_json::Value;

use crate::support::{ISSUER, client, key};

const HOUR: Duration = Duration::from_secs(3600);
/// The extra time of the set for clocks that differ.
const MINUTE: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

fn monday() -> Timestamp {
    "2026-11-23T00:00:00Z".parse().expect("a date")
}

fn named(algorithm: Algorithm, kid: &str) -> PrivateKey {
    key(algorithm).with_kid(kid)
}

fn app() -> Client {
    client("app", ClientAuthenticationMethod::None)
}

fn published(tokens: &JwtTokens, now: Timestamp) -> Vec<String> {
    let keys = tokens.jwks(now);
    let names = keys["keys"].as_array().expect("an array").iter();
    names.map(|key| key["kid"].as_str().expect("a kid").to_owned()).collect()
}

fn before(moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() - i64::try_from(span.as_millis()).expect("short"))
}

async fn issue(tokens: &JwtTokens, key: &KeyId, now: Timestamp) -> String {
    let (app, approval) = (app(), Approval::of(Subject::new("demo").expect("a subject")));
    let claims = AccessTokenClaims::new("j", &app, &approval, now, now + HOUR);
    tokens.access_token(key, &claims).await.expect("a token")
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_its_last_token_has_expired() {
    let keys = KeySet::new(named(Algorithm::EdDsa, "old"), HOUR).expect("a key set");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys.clone());
    let new = keys.add(named(Algorithm::EdDsa, "new"), monday()).expect("added");
    let end = monday() + HOUR + MINUTE;

    let eve = before(monday(), MS);
    assert_eq!(published(&tokens, eve), ["old", "new"]);
    let old = tokens.signing_key(&app(), eve);
    assert_eq!(old.as_str(), "old");
    let last = issue(&tokens, &old, eve).await;

    assert_eq!(tokens.signing_key(&app(), monday()), new);
    assert_eq!(published(&tokens, before(end, MS)), ["old", "new"]);
    assert!(tokens.holds(&old));
    assert_eq!(issue(&tokens, &old, eve).await, last, "a replay repeats the token of the former key");
    assert_eq!(tokens.read_access_token(&last).as_deref(), Some("j"));

    assert_eq!(published(&tokens, end), ["new"]);
    assert!(!tokens.holds(&old));
    assert_eq!(tokens.read_access_token(&last), None);
    assert_eq!(tokens.signing_key(&app(), end + HOUR), new, "the last of a line stays for ever");
}

#[test]
fn nodes_with_the_same_schedule_agree_at_each_moment() {
    let pems = [include_str!("keys/ed25519.pem"), include_str!("keys/p256.pem")];
    let first = || PrivateKey::from_pem(pems[0]).expect("PEM");
    let node = |schedule: &[(&str, Timestamp)]| {
        let keys = KeySet::new(first(), HOUR).expect("a key set");
        for (kid, from) in schedule {
            keys.add(named(Algorithm::EdDsa, kid), *from).expect("added");
        }
        JwtTokens::new(Issuer::from_static(ISSUER), keys)
    };
    let (a, b, c) = (("a", monday()), ("b", monday()), ("c", monday() + HOUR));
    let (one, other) = (node(&[a, b, c]), node(&[c, b, a]));
    for minutes in 0..300 {
        let now = before(monday(), HOUR) + MINUTE * minutes;
        assert_eq!(one.signing_key(&app(), now), other.signing_key(&app(), now));
        assert_eq!(published(&one, now), published(&other, now));
    }
}

#[test]
fn each_algorithm_has_its_own_sequence_of_keys() {
    let keys = KeySet::new(named(Algorithm::EdDsa, "ed"), HOUR).expect("a key set");
    keys.add(named(Algorithm::Es256, "es"), monday() + HOUR).expect("added");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys)
        .with_client_algorithm(|id| (id.as_str() == "legacy").then_some(Algorithm::Es256));
    let legacy = client("legacy", ClientAuthenticationMethod::None);
    assert_eq!(tokens.signing_key(&app(), monday() + 9 * HOUR).as_str(), "ed");
    assert_eq!(tokens.signing_key(&legacy, monday()).as_str(), "es", "the first of a line is in use at once");
    assert_eq!(published(&tokens, monday() + 9 * HOUR), ["ed", "es"]);
    assert_eq!(tokens.algorithms(), ["EdDSA", "ES256"]);
}

// RFC 9864: two names of one algorithm. A key set serves clients of each name.
#[tokio::test]
async fn a_set_signs_under_both_names_of_ed25519() {
    let pem = || PrivateKey::from_pem(include_str!("keys/ed25519.pem")).expect("PEM").with_kid("old");
    let keys = KeySet::new(pem(), HOUR).expect("a key set");
    let same = pem().with_algorithm(Algorithm::Ed25519).expect("another name");
    assert_eq!(keys.add(same, monday()), Err(KeySetError::Duplicate), "the two names of one key need two ids");
    let same = pem().with_algorithm(Algorithm::Ed25519).expect("another name").with_kid("new");
    keys.add(same, monday()).expect("added");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys)
        .with_client_algorithm(|id| (id.as_str() == "new").then_some(Algorithm::Ed25519));
    assert_eq!(tokens.algorithms(), ["EdDSA", "Ed25519"]);
    let new = client("new", ClientAuthenticationMethod::None);
    let key = tokens.signing_key(&new, monday());
    assert_eq!(key.as_str(), "new");

    let jwks = tokens.jwks(monday());
    let published: Vec<&Value> = jwks["keys"].as_array().expect("an array").iter().map(|key| &key["alg"]).collect();
    assert_eq!(published, ["EdDSA", "Ed25519"]);
    for (key, alg) in [(tokens.signing_key(&app(), monday()), "EdDSA"), (key, "Ed25519")] {
        let token = issue(&tokens, &key, monday()).await;
        assert_eq!(Jws::parse(&token).expect("a JWT").alg().as_str(), alg);
        assert_eq!(tokens.read_access_token(&token).as_deref(), Some("j"));
    }
}

#[test]
fn the_default_algorithm_replaces_one_without_a_key() {
    let tokens = JwtTokens::new(
        Issuer::from_static(ISSUER),
        KeySet::new(named(Algorithm::EdDsa, "ed"), HOUR).expect("a key set"),
    )
    .with_client_algorithm(|_| Some(Algorithm::Rs256));
    assert_eq!(tokens.signing_key(&app(), monday()).as_str(), "ed");
}

#[tokio::test]
async fn a_leaked_key_is_withdrawn_at_once() {
    let keys = KeySet::new(named(Algorithm::EdDsa, "leaked"), HOUR).expect("a key set");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys.clone());
    let leaked = tokens.signing_key(&app(), monday());
    let token = issue(&tokens, &leaked, monday()).await;
    assert_eq!(keys.withdraw(&leaked), Err(KeySetError::Last));
    assert!(tokens.read_access_token(&token).is_some());

    keys.add(named(Algorithm::EdDsa, "next"), monday() + HOUR).expect("added");
    keys.withdraw(&leaked).expect("another one is there");
    assert_eq!(tokens.signing_key(&app(), monday()).as_str(), "next", "no gap until its time comes");
    assert_eq!(tokens.read_access_token(&token), None);
    let (app, approval) = (app(), Approval::default());
    let claims = AccessTokenClaims::new("j", &app, &approval, monday(), monday() + HOUR);
    tokens.access_token(&leaked, &claims).await.expect_err("a key that is gone signs nothing");
}

#[test]
fn the_kid_is_the_thumbprint_unless_set() {
    use base64::Engine as _;
    let key = PrivateKey::from_pem(include_str!("keys/ed25519.pem")).expect("PEM");
    let thumbprint = Jwk::from_pem(include_str!("keys/ed25519.pub.pem")).expect("PEM").thumbprint();
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), KeySet::new(key, HOUR).expect("a key set"));
    let expected = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(thumbprint);
    assert_eq!(tokens.signing_key(&app(), monday()).as_str(), expected);
    assert_eq!(published(&tokens, monday()), [expected]);
}

#[test]
fn key_ids_are_valid_and_unique() {
    let keys = KeySet::new(named(Algorithm::EdDsa, "one"), HOUR).expect("a key set");
    assert_eq!(keys.add(named(Algorithm::Es256, "one"), monday()), Err(KeySetError::Duplicate));
    assert_eq!(keys.add(named(Algorithm::EdDsa, "caf\u{e9}"), monday()), Err(KeySetError::InvalidKid));
    assert_eq!(KeySet::new(named(Algorithm::EdDsa, ""), HOUR).err(), Some(KeySetError::InvalidKid));
}

#[test]
fn the_published_set_and_debug_output_contain_no_private_key() {
    let pem = PrivateKey::from_pem(include_str!("keys/p256.pem")).expect("PEM");
    let shown = format!("{pem:?}");
    let keys = KeySet::new(pem, HOUR).expect("a key set");
    let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys.clone());
    let shown = format!("{shown} {keys:?} {tokens:?} {}", Value::Object(tokens.jwks(monday())));
    // The scalar of the file, as bytes, hexadecimal and base64url.
    for private in ["23, 54, 192, 142", "1736c08e", "FzbAjkWAQK2C"] {
        assert!(!shown.contains(private), "{private} is shown");
    }
    assert!(shown.contains("ES256"));
    for member in ["\"d\"", "\"k\""] {
        assert!(!shown.contains(member));
    }
}
