//! The negative corpus: each token is refused, with the right error, quickly and in little memory.

mod corpus;
use std::time::Duration;

use regrant::clock::Timestamp;
use regrant_jose::jws::{Claims, Jws, JwsError};
use regrant_jose::{Algorithm, Jwk, Signer as _};
use serde_json::json;

use self::corpus::{CLAIMS, EDDSA, Refused, corpus, decoded, sign};
use crate::support::{encoded, key};

/// The limits of the cost of one token.
const MAX_BYTES: u64 = 1024 * 1024;
const MAX_TIME: Duration = Duration::from_millis(10);

fn check(jws: &str, key: &Jwk) -> Result<Claims, JwsError> {
    Jws::parse(jws)?.verify(key)
}

#[test]
fn each_hostile_token_is_refused_with_the_right_error() {
    for Refused { name, token, key, error } in corpus() {
        assert_eq!(check(&token, &key).err(), Some(error), "{name}");
    }
}

#[test]
fn no_hostile_token_costs_a_megabyte() {
    let mut most = 0;
    for Refused { name, token, key, .. } in corpus() {
        let spent = allocation_counter::measure(|| {
            let _ = check(&token, &key);
        });
        assert!(spent.bytes_total < MAX_BYTES, "{name}: {} bytes", spent.bytes_total);
        most = most.max(spent.bytes_total);
    }
    assert!(most > 0, "the counter counts");
}

#[test]
fn no_accepted_token_costs_a_megabyte() {
    let key = key(Algorithm::EdDsa);
    for claims in [
        format!(r#"{{"a":[{}1]}}"#, "1,".repeat(1000)),
        format!(r#"{{"a":[{}1]}}"#, r#"{"a":1},"#.repeat(500)),
        format!(r#"{{"a":"{}"}}"#, "x".repeat(11_000)),
    ] {
        let (token, public) = (sign(&key, EDDSA, &claims), key.public_key());
        let spent = allocation_counter::measure(|| assert!(check(&token, &public).is_ok()));
        assert!(spent.bytes_total < MAX_BYTES, "{} bytes", spent.bytes_total);
    }
}

#[test]
fn no_hostile_token_takes_ten_milliseconds_of_cpu_time() {
    for Refused { name, token, key, .. } in corpus() {
        // The smallest of many CPU times: a busy machine can only add to them.
        let times = (0..50).map(|_| {
            let start = cpu_time();
            let _ = std::hint::black_box(check(&token, &key));
            cpu_time().saturating_sub(start)
        });
        let least = times.min().expect("many");
        assert!(least < MAX_TIME, "{name}: {least:?}");
    }
}

/// The CPU time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.try_into().expect("a time that is not negative")
}

#[test]
fn es256_signatures_of_either_s_are_accepted() {
    // RFC 7518 has no rule for s, and hardware produces both.
    let key = key(Algorithm::Es256);
    let good = sign(&key, r#"{"alg":"ES256"}"#, CLAIMS);
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    let signature = p256::ecdsa::Signature::from_slice(&decoded(signature)).expect("r || s");
    let other = p256::ecdsa::Signature::from_scalars(*signature.r(), -*signature.s()).expect("r || n - s");
    let other = format!("{input}.{}", encoded(other.to_bytes()));
    assert_ne!(other, good);
    check(&good, &key.public_key()).expect("valid");
    check(&other, &key.public_key()).expect("valid");
}

#[test]
fn a_mistyped_claim_counts_as_missing() {
    let key = key(Algorithm::EdDsa);
    let claims = |text: &str| check(&sign(&key, EDDSA, text), &key.public_key()).expect("valid");
    for value in ["1", "null", "true", "[]", "{}", "[\"a\"]"] {
        let claims = claims(&format!(r#"{{"iss":{value}}}"#));
        assert_eq!(claims.text("iss"), Err(JwsError::Claim("iss")));
        assert_eq!(claims.optional_text("iss"), Err(JwsError::Claim("iss")));
    }
    assert_eq!(claims("{}").text("iss"), Err(JwsError::Claim("iss")));
    assert_eq!(claims("{}").optional_text("iss"), Ok(None));
    for value in ["1", "null", "{}", "[]", "[1]", "[\"a\",null]", "[[\"a\"]]"] {
        assert_eq!(claims(&format!(r#"{{"aud":{value}}}"#)).audience(), Err(JwsError::Claim("aud")), "{value}");
    }
    assert_eq!(claims(r#"{"aud":"a"}"#).audience(), Ok(vec!["a"]));
    assert_eq!(claims(r#"{"aud":["a","b"]}"#).audience(), Ok(vec!["a", "b"]));
    for value in ["\"1\"", "null", "true", "[1]", "-1", "-0.5", "1e300", "253402300800", "18446744073709551615", "9e99"]
    {
        assert_eq!(claims(&format!(r#"{{"exp":{value}}}"#)).time("exp"), Err(JwsError::Claim("exp")), "{value}");
    }
    for (value, millis) in [("0", 0), ("1.5", 1500), ("1e3", 1_000_000), ("253402300799", 253_402_300_799_000)] {
        let expected = Ok(Timestamp::from_millis(millis));
        assert_eq!(claims(&format!(r#"{{"exp":{value}}}"#)).time("exp"), expected, "{value}");
    }
    assert_eq!(claims("{}").optional_time("exp"), Ok(None));
}

#[test]
fn the_kind_of_a_token_is_compared_as_a_media_type() {
    let key = key(Algorithm::EdDsa);
    let is_access_token = |typ: &str| {
        let header = json!({"alg": "EdDSA", "typ": typ}).to_string();
        Jws::parse(&sign(&key, &header, CLAIMS)).expect("a JWS").is_typ("at+jwt")
    };
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(is_access_token(typ), "{typ}");
    }
    for typ in ["jwt", "at+jwt ", "x/at+jwt", "application/x/at+jwt", "at+jwt;v=1", "", "application/"] {
        assert!(!is_access_token(typ), "{typ}");
    }
}

#[test]
fn neither_errors_nor_debug_output_repeat_the_token() {
    for Refused { token, key, .. } in corpus() {
        let Some(shown) = check(&token, &key).err().map(|error| format!("{error} {error:?}")) else { continue };
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!shown.contains(part));
        }
    }
    let key = key(Algorithm::EdDsa);
    let token = sign(&key, EDDSA, r#"{"sub":"demo-subject"}"#);
    let jws = Jws::parse(&token).expect("a JWS");
    assert!(!format!("{jws:?} {:?}", jws.claims_unverified()).contains("demo-subject"));
}
