//! Untrusted input causes no panic, and only signed tokens verify.

use futures_util::FutureExt as _;
use proptest::prelude::*;
use regrant_jose::jws::Jws;
use regrant_jose::{Algorithm, Jwk, JwkSet, PrivateKey, Signer as _};
use serde_json::Value;

use crate::support::{encoded, sign_text};

fn key(algorithm: Algorithm) -> PrivateKey {
    let pem = match algorithm {
        Algorithm::EdDsa => include_str!("keys/ed25519.pem"),
        _ => include_str!("keys/p256.pem"),
    };
    PrivateKey::from_pem(pem).expect("PEM")
}

fn good(algorithm: Algorithm) -> String {
    let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k"}}"#);
    sign_text(&key(algorithm), &header, r#"{"iss":"https://as.example","aud":["a"],"exp":1800000000,"jti":"j"}"#)
        .now_or_never()
        .expect("no waiting")
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![Just("alg".to_owned()), Just("kty".to_owned()), Just("x".to_owned()), ".{0,6}"];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(name.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reading_any_text_does_not_panic(text in ".{0,200}") {
        let _ = Jws::parse(&text);
        let _ = Jwk::from_pem(&text);
        let _ = PrivateKey::from_pem(&text);
    }

    #[test]
    fn reading_any_bytes_in_three_parts_does_not_panic(
        header in prop::collection::vec(any::<u8>(), 0..60),
        payload in prop::collection::vec(any::<u8>(), 0..60),
        signature in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let _ = Jws::parse(&format!("{}.{}.{}", encoded(&header), encoded(&payload), encoded(signature)));
        let _ = JwkSet::from_json(&payload);
    }

    #[test]
    fn claims_of_any_type_are_read_or_refused(payload in json()) {
        let payload = Value::Object([("exp".to_owned(), payload.clone()), ("aud".to_owned(), payload)].into_iter().collect());
        let token = sign_text(&key(Algorithm::EdDsa), r#"{"alg":"EdDSA"}"#, &payload.to_string()).now_or_never();
        if let Ok(claims) = Jws::parse(&token.expect("no waiting")).map(|jws| jws.claims_unverified().clone()) {
            if claims.time("exp").is_ok() {
                prop_assert!(payload["exp"].is_number());
            }
            if claims.audience().is_ok() {
                prop_assert!(payload["aud"].is_string() || payload["aud"].is_array());
            }
            prop_assert_eq!(claims.text("exp").is_ok(), payload["exp"].is_string());
        }
    }

    #[test]
    fn keys_of_any_json_are_read_or_refused(key in json()) {
        let _ = PrivateKey::from_value(&key);
        if let Ok(key) = Jwk::from_value(&key) {
            prop_assert!(Jwk::from_value(&key.to_value()).is_ok());
        }
    }

    #[test]
    fn no_changed_byte_of_a_token_verifies(at in any::<prop::sample::Index>(), byte in 0_u8..128, es256: bool) {
        let algorithm = if es256 { Algorithm::Es256 } else { Algorithm::EdDsa };
        let token = good(algorithm);
        let at = at.index(token.len());
        prop_assume!(token.as_bytes()[at] != byte);
        let mut changed = token.into_bytes();
        changed[at] = byte;
        let changed = String::from_utf8(changed).expect("ASCII");
        let verified = Jws::parse(&changed).and_then(|jws| jws.verify(&key(algorithm).public_key()));
        prop_assert!(verified.is_err(), "{changed}");
    }

    #[test]
    fn no_part_of_a_token_verifies(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
        let token = good(Algorithm::EdDsa);
        let (from, to) = (from.index(token.len() + 1), to.index(token.len() + 1));
        prop_assume!(from <= to && to - from < token.len());
        let verified = Jws::parse(&token[from..to]).and_then(|jws| jws.verify(&key(Algorithm::EdDsa).public_key()));
        prop_assert!(verified.is_err());
    }

    #[test]
    fn a_signed_token_verifies_with_the_same_claims(payload in json()) {
        let payload = Value::Object([("claim".to_owned(), payload)].into_iter().collect());
        let token = sign_text(&key(Algorithm::EdDsa), r#"{"alg":"EdDSA"}"#, &payload.to_string()).now_or_never();
        let token = token.expect("no waiting");
        let claims = Jws::parse(&token).and_then(|jws| jws.verify(&key(Algorithm::EdDsa).public_key()));
        // The text is compared after parsing: a double has more than one spelling.
        let read = Value::Object(claims.expect("valid").into_map());
        prop_assert_eq!(read.to_string(), serde_json::from_str::<Value>(&payload.to_string()).expect("JSON").to_string());
    }
}
