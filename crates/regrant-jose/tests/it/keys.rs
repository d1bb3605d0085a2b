//! Accepted and refused keys.

use regrant::{Entropy, SystemEntropy};
use regrant_jose::key::KeyError;
use regrant_jose::{Algorithm, Jwk, JwkSet, PrivateKey, Signer as _};
use serde_json::{Value, json};

fn ed25519() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}

fn p256() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

fn refusal(key: &Value) -> Option<KeyError> {
    Jwk::from_value(key).err()
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_parsed_key_is_written_unchanged() {
    for (key, algorithm) in [(ed25519(), "EdDSA"), (ed25519(), "Ed25519"), (p256(), "ES256")] {
        let key = with(with(with(key, "kid", "k"), "use", "sig"), "alg", algorithm);
        assert_eq!(Jwk::from_value(&key).expect("a key").to_value(), key);
    }
}

// RFC 9864 section 5: `alg` of a key names one of the two.
#[test]
fn an_ed25519_key_is_for_the_name_in_its_alg_and_for_eddsa_without() {
    let algorithm_of = |key: Value| Jwk::from_value(&key).expect("a key").algorithm();
    assert_eq!(algorithm_of(ed25519()), Algorithm::EdDsa);
    assert_eq!(algorithm_of(with(ed25519(), "alg", "EdDSA")), Algorithm::EdDsa);
    assert_eq!(algorithm_of(with(ed25519(), "alg", "Ed25519")), Algorithm::Ed25519);

    let pem = || PrivateKey::from_pem(include_str!("keys/ed25519.pem")).expect("PEM");
    let renamed = pem().with_algorithm(Algorithm::Ed25519).expect("another name").public_key();
    assert_eq!(renamed.to_value()["alg"], "Ed25519");
    assert_eq!(renamed.thumbprint(), pem().public_key().thumbprint(), "RFC 7638 leaves alg out");
    assert_eq!(pem().with_algorithm(Algorithm::Es256).err(), Some(KeyError::Mismatch));
    let generated = PrivateKey::generate(Algorithm::Ed25519, &SystemEntropy).expect("a key");
    assert_eq!(generated.public_key().algorithm(), Algorithm::Ed25519);
}

#[test]
fn an_ed25519_key_is_found_under_either_name_the_exact_one_first() {
    let set = |keys: Value| JwkSet::from_value(&json!({ "keys": keys })).expect("a set");
    let one = set(json!([with(ed25519(), "kid", "a")]));
    assert!(one.find(None, Algorithm::EdDsa).is_some() && one.find(Some("a"), Algorithm::Ed25519).is_some());
    let named = |kid, alg: &str| with(with(ed25519(), "kid", kid), "alg", alg);
    let both = set(json!([named("a", "EdDSA"), named("b", "Ed25519")]));
    assert_eq!(both.find(None, Algorithm::EdDsa).and_then(Jwk::kid), Some("a"));
    assert_eq!(both.find(None, Algorithm::Ed25519).and_then(Jwk::kid), Some("b"));
}

#[test]
fn private_keys_and_secrets_are_refused_as_public_keys() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(refusal(&with(ed25519(), member, "AA")), Some(KeyError::Private), "{member}");
    }
    assert_eq!(refusal(&json!({"kty": "oct", "k": "AA"})), Some(KeyError::Private));
    assert_eq!(Jwk::from_pem(include_str!("keys/p256.pem")).err(), Some(KeyError::Private));
}

#[test]
fn keys_for_another_use_are_refused() {
    assert_eq!(refusal(&with(p256(), "use", "enc")), Some(KeyError::WrongUse));
    assert_eq!(refusal(&with(p256(), "key_ops", json!(["deriveKey"]))), Some(KeyError::WrongUse));
    assert_eq!(refusal(&with(p256(), "key_ops", "verify")), Some(KeyError::Malformed));
    assert_eq!(refusal(&with(p256(), "key_ops", json!(["verify"]))), None);
}

#[test]
fn the_algorithm_must_fit_the_key() {
    assert_eq!(refusal(&with(p256(), "alg", "EdDSA")), Some(KeyError::Mismatch));
    assert_eq!(refusal(&with(p256(), "alg", "HS256")), Some(KeyError::Mismatch));
    assert_eq!(refusal(&with(ed25519(), "alg", "none")), Some(KeyError::Unsupported));
    assert_eq!(refusal(&with(ed25519(), "crv", "P-256")), Some(KeyError::Unsupported));
    assert_eq!(refusal(&with(p256(), "kty", "OKP")), Some(KeyError::Unsupported));
    assert_eq!(refusal(&with(p256(), "crv", "secp256k1")), Some(KeyError::Unsupported));
}

#[test]
fn points_off_the_curve_are_refused() {
    // One bit of y is flipped.
    let y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a8";
    assert_eq!(refusal(&with(p256(), "y", y)), Some(KeyError::InvalidPoint));
    let prime = [&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1][..], &[0; 12], &[0xff; 12]].concat();
    assert_eq!(refusal(&with(p256(), "x", base64(prime))), Some(KeyError::InvalidPoint), "x = p is x = 0");
    assert_eq!(refusal(&with(ed25519(), "x", base64([0x02; 32]))), Some(KeyError::InvalidPoint));
    // y = p + 1 is a second encoding of the neutral element.
    let mut twice = [0xff; 32];
    (twice[0], twice[31]) = (0xee, 0x7f);
    assert_eq!(refusal(&with(ed25519(), "x", base64(twice))), Some(KeyError::InvalidPoint));
}

#[test]
fn keys_of_small_order_are_refused() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(refusal(&with(ed25519(), "x", base64(neutral))), Some(KeyError::Weak));
    assert_eq!(refusal(&with(ed25519(), "x", base64([0; 32]))), Some(KeyError::Weak));
}

#[test]
fn coordinates_must_be_canonical_and_of_full_length() {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let spellings = [
        format!("{x}="),
        format!("{x} "),
        format!("{}p", &x[..42]),
        x.replace('_', "/"),
        x[..42].to_owned(),
        format!("AA{x}"),
        String::new(),
    ];
    for spelling in spellings {
        assert_eq!(refusal(&with(ed25519(), "x", spelling.as_str())), Some(KeyError::Malformed), "{spelling}");
    }
    assert_eq!(refusal(&with(ed25519(), "x", 7)), Some(KeyError::Malformed));
    assert_eq!(refusal(&with(ed25519(), "kid", 7)), Some(KeyError::Malformed));
    assert_eq!(refusal(&json!({"crv": "P-256"})), Some(KeyError::Malformed));
    assert_eq!(refusal(&json!("key")), Some(KeyError::Malformed));
}

#[test]
fn pem_and_json_are_the_same_key() {
    for (private, public) in [
        (include_str!("keys/ed25519.pem"), include_str!("keys/ed25519.pub.pem")),
        (include_str!("keys/p256.pem"), include_str!("keys/p256.pub.pem")),
        #[cfg(feature = "aws-lc-rs")]
        (include_str!("keys/rsa2048.pem"), include_str!("keys/rsa2048.pub.pem")),
    ] {
        let key = PrivateKey::from_pem(private).expect("PEM").public_key();
        let of_pem = Jwk::from_pem(public).expect("PEM");
        let of_json = Jwk::from_value(&key.to_value()).expect("JSON");
        assert_eq!(key.thumbprint(), of_pem.thumbprint());
        assert_eq!(key.thumbprint(), of_json.thumbprint());
        assert_eq!(key.algorithm(), of_pem.algorithm());
    }
}

#[test]
fn pem_of_another_kind_is_refused() {
    assert_eq!(PrivateKey::from_pem(include_str!("keys/p384.pem")).err(), Some(KeyError::Unsupported));
    assert_eq!(PrivateKey::from_pem("-----BEGIN OPENSSH PRIVATE KEY-----").err(), Some(KeyError::Unsupported));
    assert_eq!(Jwk::from_pem(include_str!("keys/p384.pub.pem")).err(), Some(KeyError::Unsupported));
    assert_eq!(Jwk::from_pem("ssh-ed25519 AAAA").err(), Some(KeyError::Malformed));
    let mangled = include_str!("keys/p256.pub.pem").replace("MFkw", "MFkx");
    assert_eq!(Jwk::from_pem(&mangled).err(), Some(KeyError::Malformed));
}

#[test]
fn a_file_of_another_format_is_refused_with_the_command_that_converts_it() {
    let convert = "openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem";
    for (pem, error, command) in [
        (include_str!("keys/p256.sec1.pem"), KeyError::NotPkcs8, convert),
        (include_str!("keys/p256.parameters.pem"), KeyError::NotPkcs8, convert),
        (include_str!("keys/rsa2048.pkcs1.pem"), KeyError::NotPkcs8, convert),
        (include_str!("keys/p256.encrypted.pem"), KeyError::Encrypted, convert),
        (include_str!("keys/p256.certificate.pem"), KeyError::Certificate, "openssl x509 -in certificate.pem -pubkey"),
        (include_str!("keys/ed25519.pub.pem"), KeyError::Public, "private key"),
    ] {
        let refused = PrivateKey::from_pem(pem).expect_err("another format");
        assert_eq!(refused, error);
        assert!(refused.to_string().contains(command), "{refused}");
        assert!(PrivateKey::from_pem(&pem[..40]).is_err(), "no panic on a part");
    }
    // RFC 7468 section 2: text before the document, as `openssl pkcs12 -nodes` writes it.
    let with_text = format!("Bag Attributes\n    friendlyName: x\n{}", include_str!("keys/p256.pem"));
    assert!(PrivateKey::from_pem(&with_text).is_ok());
    assert_eq!(Jwk::from_pem(include_str!("keys/p256.certificate.pem")).err(), Some(KeyError::Certificate));
    assert_eq!(Jwk::from_pem(include_str!("keys/p256.encrypted.pem")).err(), Some(KeyError::Private));
    assert_eq!(PrivateKey::from_pem("").err(), Some(KeyError::Malformed));
}

#[test]
fn a_private_key_with_the_public_half_of_another_is_refused() {
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    assert!(PrivateKey::from_value(&with(ed25519(), "d", d)).is_ok());
    let other = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy).expect("a key").public_key().to_value();
    let mixed = with(ed25519(), "x", other["x"].clone());
    assert_eq!(PrivateKey::from_value(&with(mixed, "d", d)).err(), Some(KeyError::Inconsistent));
    assert_eq!(PrivateKey::from_value(&with(p256(), "d", d)).err(), Some(KeyError::Inconsistent));
    for zero_or_order in [[0; 32], [0xff; 32]] {
        let key = with(p256(), "d", base64(zero_or_order));
        assert_eq!(PrivateKey::from_value(&key).err(), Some(KeyError::Malformed));
    }
}

#[test]
fn a_broken_source_of_randomness_yields_no_key() {
    struct Stuck;
    impl Entropy for Stuck {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }
    assert_eq!(PrivateKey::generate(Algorithm::Es256, &Stuck).err(), Some(KeyError::Weak));
    assert_eq!(PrivateKey::generate(Algorithm::Hs256, &Stuck).err(), Some(KeyError::Unsupported));
}

#[test]
fn secrets_are_at_least_as_long_as_their_hash() {
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        assert!(Jwk::from_secret(&vec![7; length], algorithm).is_ok());
        assert_eq!(Jwk::from_secret(&vec![7; length - 1], algorithm).err(), Some(KeyError::Weak));
    }
    assert_eq!(Jwk::from_secret(&[7; 64], Algorithm::Es256).err(), Some(KeyError::Mismatch));
}

#[test]
fn a_secret_is_not_shown() {
    let key = Jwk::from_secret(&[7; 32], Algorithm::Hs256).expect("long enough");
    let secret = base64([7; 32]);
    assert!(!key.to_value().to_string().contains(&secret));
    assert!(!format!("{key:?}").contains("7, 7"));
}

#[test]
fn a_set_skips_unusable_keys() {
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        {"kty": "ML-DSA"},
        with(p256(), "use", "enc"),
        with(p256(), "y", "AA"),
        "not a key",
        with(p256(), "kid", "one"),
    ]});
    let set = JwkSet::from_value(&set).expect("a set");
    assert_eq!((set.iter().count(), set.skipped()), (1, 5));
    assert!(set.find(Some("one"), Algorithm::Es256).is_some());
}

#[test]
fn a_set_with_a_private_key_is_refused() {
    let set = json!({"keys": [p256(), with(ed25519(), "d", "AA")]});
    assert_eq!(JwkSet::from_value(&set).err(), Some(KeyError::Private));
}

#[test]
fn a_token_without_kid_finds_the_only_key_of_its_algorithm() {
    let one = json!({"keys": [with(p256(), "kid", "a"), with(ed25519(), "kid", "b")]});
    let one = JwkSet::from_value(&one).expect("a set");
    assert_eq!(one.find(None, Algorithm::Es256).and_then(Jwk::kid), Some("a"));
    assert!(one.find(Some("b"), Algorithm::Es256).is_none(), "the algorithm is the key's");
    assert!(one.find(Some("c"), Algorithm::Es256).is_none());
    assert!(one.find(None, Algorithm::Hs256).is_none());
    let two = JwkSet::from_value(&json!({"keys": [with(p256(), "kid", "a"), with(p256(), "kid", "b")]}));
    assert!(two.expect("a set").find(None, Algorithm::Es256).is_none(), "which one is not said");
}

#[test]
fn a_set_is_parsed_from_plain_json_of_limited_size() {
    let text = json!({"keys": [p256()]}).to_string();
    assert!(JwkSet::from_json(text.as_bytes()).is_ok());
    let padded = format!("{text}{}", " ".repeat(JwkSet::MAX_LENGTH));
    assert_eq!(JwkSet::from_json(padded.as_bytes()).err(), Some(KeyError::TooLarge));
    for text in [&b"{}"[..], b"[]", b"{\"keys\":{}}", b"{\"keys\":[],\"keys\":[]}", b"\xff"] {
        assert_eq!(JwkSet::from_json(text).err(), Some(KeyError::Malformed));
    }
}

#[test]
fn certificates_of_unsupported_keys_are_kept() {
    let der = [1, 2, 3];
    let x5c = {
        use base64::Engine as _;
        json!([base64::prelude::BASE64_STANDARD.encode(der), "AAAA"])
    };
    let expected: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(der).into();
    let key = with(with(p256(), "x5c", x5c.clone()), "x5t#S256", base64(expected));
    assert_eq!(Jwk::from_value(&key).expect("a key").certificates(), [expected]);
    let unsupported = json!({"kty": "EC", "crv": "P-521", "x5c": x5c});
    let set = JwkSet::from_value(&json!({"keys": [unsupported]})).expect("a set");
    assert_eq!((set.iter().count(), set.certificates()), (0, &[expected][..]));
    assert_eq!(refusal(&with(p256(), "x5c", json!([]))), Some(KeyError::Malformed));
}

#[cfg(feature = "aws-lc-rs")]
mod rsa {
    use super::*;

    #[expect(clippy::expect_used, reason = "a helper that cannot go on fails the test")]
    fn rsa() -> Value {
        let mut key = Jwk::from_pem(include_str!("keys/rsa2048.pub.pem")).expect("PEM").to_value();
        key.as_object_mut().expect("an object").remove("alg");
        key
    }

    #[test]
    fn short_and_unusual_rsa_keys_are_refused() {
        assert_eq!(Jwk::from_pem(include_str!("keys/rsa1024.pub.pem")).err(), Some(KeyError::Weak));
        assert_eq!(PrivateKey::from_pem(include_str!("keys/rsa1024.pem")).err(), Some(KeyError::Weak));
        for exponent in ["AQ", "Ag", "AQAC", "AQAAAAAB"] {
            assert_eq!(refusal(&with(rsa(), "e", exponent)), Some(KeyError::Weak), "{exponent}");
        }
        assert_eq!(refusal(&with(rsa(), "e", "")), Some(KeyError::Malformed));
        assert_eq!(
            refusal(&with(rsa(), "e", "AAEAAQ")),
            Some(KeyError::Malformed),
            "a leading zero is another spelling"
        );
        assert_eq!(refusal(&with(rsa(), "n", base64([0xff; 1025]))), Some(KeyError::Weak), "8200 bits");
        assert_eq!(refusal(&with(rsa(), "n", base64([0xfe; 256]))), Some(KeyError::Weak), "an even modulus");
    }

    #[test]
    fn an_rsa_key_is_generated_for_either_padding() {
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            let key = PrivateKey::generate(algorithm, &SystemEntropy).expect("a key").public_key();
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.to_value()["n"].as_str().expect("n").len(), 342, "2048 bits in base64url");
        }
    }

    #[test]
    fn an_rsa_key_without_algorithm_serves_both_in_a_set() {
        let set = JwkSet::from_value(&json!({"keys": [rsa()]})).expect("a set");
        assert!(set.find(None, Algorithm::Rs256).is_some() && set.find(None, Algorithm::Ps256).is_some());
        let set = JwkSet::from_value(&json!({"keys": [with(rsa(), "alg", "PS256")]})).expect("a set");
        assert!(set.find(None, Algorithm::Rs256).is_none() && set.find(None, Algorithm::Ps256).is_some());
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn rsa_needs_its_feature() {
    assert_eq!(Jwk::from_pem(include_str!("keys/rsa2048.pub.pem")).err(), Some(KeyError::RsaDisabled));
    assert_eq!(PrivateKey::from_pem(include_str!("keys/rsa2048.pem")).err(), Some(KeyError::RsaDisabled));
    assert_eq!(PrivateKey::generate(Algorithm::Rs256, &SystemEntropy).err(), Some(KeyError::RsaDisabled));
    assert_eq!(refusal(&json!({"kty": "RSA", "n": "AQ", "e": "AQAB"})), Some(KeyError::RsaDisabled));
    assert!(KeyError::RsaDisabled.to_string().contains("feature `aws-lc-rs`"));
}

#[test]
fn a_new_key_is_written_as_pem_that_other_programs_read() {
    use jsonwebtoken::EncodingKey;

    let pem = |algorithm| PrivateKey::generate_pem(algorithm, &SystemEntropy).expect("a key");
    let (ed25519, p256) = (pem(Algorithm::EdDsa), pem(Algorithm::Es256));
    assert!(EncodingKey::from_ed_pem(ed25519.expose().as_bytes()).is_ok());
    assert!(EncodingKey::from_ec_pem(p256.expose().as_bytes()).is_ok());
    let algorithm_of = |pem: &str| PrivateKey::from_pem(pem).expect("PEM").public_key().algorithm();
    assert_eq!(algorithm_of(ed25519.expose()), Algorithm::EdDsa);
    assert_eq!(algorithm_of(p256.expose()), Algorithm::Es256);
    assert_ne!(ed25519.expose(), pem(Algorithm::EdDsa).expose());
    assert_eq!(format!("{p256:?}"), "PrivateKeyPem([redacted])");
    assert_eq!(PrivateKey::generate_pem(Algorithm::Hs256, &SystemEntropy).err(), Some(KeyError::Unsupported));
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_new_rsa_key_is_written_as_pem_that_other_programs_read() {
    let pem = PrivateKey::generate_pem(Algorithm::Ps256, &SystemEntropy).expect("a key");
    assert!(jsonwebtoken::EncodingKey::from_rsa_pem(pem.expose().as_bytes()).is_ok());
    let key = PrivateKey::from_pem(pem.expose()).expect("PEM").with_algorithm(Algorithm::Ps256).expect("its name");
    assert_eq!(key.public_key().algorithm(), Algorithm::Ps256);
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn a_new_rsa_key_needs_the_feature() {
    let pem = PrivateKey::generate_pem(Algorithm::Rs256, &SystemEntropy);
    assert_eq!(pem.err(), Some(KeyError::RsaDisabled));
}
