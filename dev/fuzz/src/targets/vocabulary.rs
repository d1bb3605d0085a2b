//! Values of the protocol: the first byte chooses the type, the others are its text. Lines are several values.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use regrant::clock::Timestamp;
use regrant::device::UserCode;
use regrant::policy::{ClientPolicy, GracePeriod, Lifetime};
use regrant::token::Realm;
use regrant::{
    ClientId, CodeChallenge, CodeVerifier, GrantId, GrantType, Key, Policy, RedirectUri, Resource, Resources, Scope,
    Subject,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((first, rest)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    match first % 8 {
        0 => scopes(one, other),
        1 => resources(text),
        2 => redirect_uris(one, other),
        3 => user_code(text),
        4 => timestamp(text),
        5 => identifiers(text),
        6 => policy(text),
        _ => pkce(one, other),
    }
}

/// Parses within the bounds of memory and time.
fn parsed<T, E>(text: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
    product(text.len(), || parse(text).ok())
}

/// A value that is printed is read as the same value.
fn printed<T: FromStr + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let value = parsed(text, T::from_str)?;
    let again = T::from_str(&value.to_string()).ok();
    assert_eq!(again.as_ref(), Some(&value), "{text:?}");
    Some(value)
}

fn scopes(one: &str, other: &str) {
    let (Some(left), Some(right)) = (printed::<Scope>(one), printed::<Scope>(other)) else { return };
    // The oracle reads the text, not the value.
    let (expected_left, expected_right) = (scope_tokens(one), scope_tokens(other));
    assert!(left.iter().eq(expected_left.iter().copied()));
    assert_eq!(left.is_subset_of(&right), expected_left.is_subset(&expected_right));
    let both = product(one.len() + other.len(), || left.intersection(&right));
    assert!(both.iter().eq(expected_left.intersection(&expected_right).copied()));
    assert!(both.is_subset_of(&left) && both.is_subset_of(&right));
    assert_eq!(left == right, expected_left == expected_right);
}

fn scope_tokens(text: &str) -> BTreeSet<&str> {
    text.split(' ').filter(|token| !token.is_empty()).collect()
}

fn resources(text: &str) {
    let all: Option<Vec<Resource>> = text.lines().map(printed::<Resource>).collect();
    let Some(all) = all else { return };
    let (left, right) = all.split_at(all.len() / 2);
    let sets: [BTreeSet<&Resource>; 2] = [left.iter().collect(), right.iter().collect()];
    let [left, right] = [left, right].map(|half| Resources::from(half.to_vec()));
    assert!(left.iter().eq(sets[0].iter().copied()));
    // Two spellings are one resource.
    let is_in = |set: &Resources, resource: &Resource| set.iter().any(|own| own.names_same_as(resource));
    assert_eq!(left.is_subset_of(&right), left.iter().all(|resource| is_in(&right, resource)));
    assert_eq!(left.intersects(&right), left.iter().any(|resource| is_in(&right, resource)));
    let both = left.intersection(&right);
    assert!(both.iter().all(|resource| sets[1].contains(resource) && is_in(&left, resource)));
    assert!(left.iter().all(|resource| is_in(&both, resource) == is_in(&right, resource)));
    assert!(sets[0].intersection(&sets[1]).all(|resource| both.iter().any(|other| other == *resource)));
    let json = serde_json::to_string(&left).unwrap();
    assert_eq!(serde_json::from_str::<Resources>(&json).unwrap(), left);
}

/// A URI that is admitted differs at most in the port of a loopback address (RFC 8252 section 7.3).
fn redirect_uris(one: &str, other: &str) {
    let (Some(registered), Some(requested)) = (printed::<RedirectUri>(one), printed::<RedirectUri>(other)) else {
        return;
    };
    assert!(registered.admits(&registered));
    assert!(!registered.as_str().contains(|letter: char| letter.is_whitespace() || letter.is_control()));
    let is_admitted = product(one.len() + other.len(), || registered.admits(&requested));
    assert_eq!(is_admitted, requested.admits(&registered));
    if is_admitted && registered != requested {
        let [registered, requested] = [&registered, &requested].map(|uri| without_port(uri.as_str()));
        assert_eq!(registered, requested);
    }
}

/// Splits an `http` URI of a loopback address into host and the part after the port.
fn without_port(uri: &str) -> (&str, &str) {
    let rest = uri.strip_prefix("http://").expect("an admitted URI is http");
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    assert!(["127.0.0.1", "[::1]"].contains(&host), "{uri} is no loopback address");
    (host, path)
}

fn user_code(text: &str) {
    let Some(code) = parsed(text, UserCode::parse) else { return };
    let shown = code.expose();
    assert_eq!(shown.len(), 9);
    assert!(UserCode::parse(&shown).is_ok_and(|again| again == code));
    assert!(UserCode::parse(&shown.to_lowercase().replace('-', " ")).is_ok_and(|again| again == code));
}

fn timestamp(text: &str) {
    let Some(at) = parsed(text, Timestamp::from_str) else { return };
    assert_eq!(at.to_string().parse(), Ok(at), "{text:?}");
    // The `time` crate reads a subset: no year 0 with some offsets, and leap seconds in another way.
    if let Ok(expected) = OffsetDateTime::parse(text, &Rfc3339)
        && !text.contains(":60")
    {
        assert_eq!(i128::from(at.as_millis()), expected.unix_timestamp_nanos().div_euclid(1_000_000), "{text:?}");
    }
}

fn identifiers(text: &str) {
    printed::<ClientId>(text);
    printed::<Subject>(text);
    printed::<Realm>(text);
    printed::<GrantType>(text);
    printed::<GrantId>(text);
    printed::<Lifetime>(text);
    printed::<GracePeriod>(text);
    let _ = parsed(text, Key::from_base64url);
}

fn policy(text: &str) {
    if let Some(policy) = parsed(text, |text| serde_json::from_str::<Policy>(text)) {
        let again = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&again).unwrap(), policy);
        let _ = policy.validate();
    }
    if let Some(policy) = parsed(text, |text| serde_json::from_str::<ClientPolicy>(text)) {
        let again = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<ClientPolicy>(&again).unwrap(), policy);
        let _ = policy.validate(&Policy::default());
    }
}

/// Only the verifier of a challenge meets it.
fn pkce(challenge: &str, verifier: &str) {
    let verifier = CodeVerifier::new(verifier);
    let is_met = |challenge: &CodeChallenge| challenge.is_met_by(&verifier);
    if let Ok(own) = CodeChallenge::of(&verifier) {
        assert!(is_met(&own));
    }
    let plain = parsed(challenge, CodeChallenge::dangerous_plain);
    assert!(!plain.as_ref().is_some_and(is_met) || verifier.expose() == challenge);
    let hashed = parsed(challenge, CodeChallenge::s256);
    assert!(!hashed.as_ref().is_some_and(is_met) || hashed == CodeChallenge::of(&verifier).ok());
    let _ = parsed(challenge, |text| CodeChallenge::from_request(text, Some("S256")));
}
