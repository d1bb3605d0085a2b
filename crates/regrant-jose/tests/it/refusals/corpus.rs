//! Hostile tokens, each with one fault.

use futures_util::FutureExt as _;
use regrant_jose::jws::{Jws, JwsError};
use regrant_jose::{Algorithm, Jwk, PrivateKey, Signer as _};
use serde_json::{Value, json};

use crate::support::{self, encoded, key, sign_text};

pub(crate) struct Refused {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) key: Jwk,
    pub(crate) error: JwsError,
}

pub(crate) const EDDSA: &str = r#"{"alg":"EdDSA"}"#;
pub(crate) const CLAIMS: &str = r#"{"iss":"https://as.example","jti":"j"}"#;

pub(crate) fn corpus() -> Vec<Refused> {
    let key = key(Algorithm::EdDsa);
    let mut corpus = Vec::new();
    for cases in [algorithms(&key), headers(&key), payloads(&key), sizes(&key), forms(&key), signatures(&key)] {
        corpus.extend(cases.into_iter().map(|(name, token, error)| Refused {
            name,
            token,
            key: key.public_key(),
            error,
        }));
    }
    corpus.extend(brought_along(&key));
    corpus.extend([&key, &support::key(Algorithm::Es256)].into_iter().flat_map(public_keys_as_secrets));
    corpus.extend(of_es256());
    corpus
}

pub(crate) fn sign(key: &PrivateKey, header: &str, claims: &str) -> String {
    sign_text(key, header, claims).now_or_never().expect("no waiting")
}

pub(crate) fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

type Case = (String, String, JwsError);

fn algorithms(key: &PrivateKey) -> Vec<Case> {
    let unknown =
        ["none", "None", "NONE", "nOnE", "", "none ", "HS1", "eddsa", "es256", "ES256K", "RS1", "RSA1_5", "dir"];
    let header = |alg: &str| json!({ "alg": alg }).to_string();
    let signed = unknown.map(|alg| (format!("alg {alg:?}"), sign(key, &header(alg), CLAIMS)));
    let unsigned =
        unknown.map(|alg| (format!("alg {alg:?}, unsigned"), format!("{}.{}.", encoded(header(alg)), encoded(CLAIMS))));
    let unsupported =
        signed.into_iter().chain(unsigned).map(|(name, token)| (name, token, JwsError::UnsupportedAlgorithm));
    let mistyped = ["{}", r#"{"alg":null}"#, r#"{"alg":1}"#, r#"{"alg":["EdDSA"]}"#]
        .map(|header| (format!("header {header}"), sign(key, header, CLAIMS), JwsError::Header("alg")));
    unsupported.chain(mistyped).collect()
}

fn headers(key: &PrivateKey) -> Vec<Case> {
    [
        (r#"{"alg":"EdDSA","typ":1}"#, JwsError::Header("typ")),
        (r#"{"alg":"EdDSA","kid":["../k"]}"#, JwsError::Header("kid")),
        (r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#, JwsError::Extension),
        (r#"{"alg":"EdDSA","crit":[]}"#, JwsError::Extension),
        (r#"{"alg":"EdDSA","crit":true}"#, JwsError::Extension),
        (r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#, JwsError::Extension),
        (r#"{"alg":"EdDSA","b64":false}"#, JwsError::Extension),
        (r#"{"alg":"EdDSA","alg":"none"}"#, JwsError::Json),
        (r#"{"alg":"EdDSA","\u0061lg":"none"}"#, JwsError::Json),
        (r#"["EdDSA"]"#, JwsError::Json),
        (r#""EdDSA""#, JwsError::Json),
        (r#"{"alg":"EdDSA""#, JwsError::Json),
        (r#"{"alg":"EdDSA"}{}"#, JwsError::Json),
        ("", JwsError::Json),
    ]
    .map(|(header, error)| (format!("header {header}"), sign(key, header, CLAIMS), error))
    .into()
}

fn payloads(key: &PrivateKey) -> Vec<Case> {
    let members: Vec<String> = (0..1100).map(|n| format!("\"{n}\":1")).collect();
    let nested = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let mut cases: Vec<Case> = [
        ("a claim twice", r#"{"sub":"a","sub":"b"}"#.to_owned()),
        ("a claim twice, inside", r#"{"act":{"sub":"a","sub":"b"}}"#.to_owned()),
        ("an array", "[]".to_owned()),
        ("text", "demo".to_owned()),
        ("nothing", String::new()),
        ("NaN", r#"{"exp":NaN}"#.to_owned()),
        ("Infinity", r#"{"exp":Infinity}"#.to_owned()),
        ("1e400", r#"{"exp":1e400}"#.to_owned()),
        ("a comment", "{}//".to_owned()),
        ("a lone surrogate", r#"{"sub":"\ud800"}"#.to_owned()),
        ("nested 33 deep", nested(32)),
        ("nested 5000 deep", nested(5000)),
        ("nested objects", format!("{}1{}", r#"{"a":"#.repeat(1500), "}".repeat(1500))),
        ("many values", format!(r#"{{"a":[{}1]}}"#, "1,".repeat(5000))),
        ("many objects", format!(r#"{{"a":[{}1]}}"#, r#"{"a":1},"#.repeat(1400))),
        ("many arrays", format!(r#"{{"a":[{}1]}}"#, "[1],".repeat(2900))),
        ("many members", format!("{{{}}}", members.join(","))),
    ]
    .map(|(name, payload)| (format!("payload: {name}"), sign(key, EDDSA, &payload), JwsError::Json))
    .into();
    let not_utf8 = format!("{}.{}.{}", encoded(EDDSA), encoded(b"{\"a\":\"\xff\"}"), encoded([7; 64]));
    cases.push(("payload: not UTF-8".to_owned(), not_utf8, JwsError::Json));
    cases
}

fn sizes(key: &PrivateKey) -> Vec<Case> {
    let header = |name: &str| format!(r#"{{"alg":"EdDSA","{name}":"{}"}}"#, "x".repeat(4000));
    let body = |length: usize| sign(key, EDDSA, &format!(r#"{{"a":"{}"}}"#, "x".repeat(length)));
    let input = format!("{}.{}", encoded(EDDSA), encoded(CLAIMS));
    [
        ("huge header", sign(key, &header("x"), CLAIMS)),
        ("huge key id", sign(key, &header("kid"), CLAIMS)),
        ("huge body", body(13_000)),
        ("huge body of a megabyte", body(1 << 20)),
        ("huge signature", format!("{input}.{}", "A".repeat(Jws::MAX_LENGTH))),
        ("a million dots", ".".repeat(1 << 20)),
    ]
    .map(|(name, token)| (name.to_owned(), token, JwsError::TooLarge))
    .into()
}

fn forms(key: &PrivateKey) -> Vec<Case> {
    let good = sign(key, EDDSA, CLAIMS);
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    let (header, claims) = input.split_once('.').expect("three parts");
    let not_compact = [
        ("nothing", String::new()),
        ("one part", header.to_owned()),
        ("two parts", input.to_owned()),
        ("four parts", format!("{good}.AA")),
        ("trailing dot", format!("{good}.")),
        ("leading dot", format!(".{good}")),
        ("five parts, as a JWE", format!("{good}.AA.AA")),
        ("dots", ".".repeat(16_000)),
        ("JSON serialization", format!(r#"{{"payload":"{claims}","signature":"{signature}"}}"#)),
    ]
    .map(|(name, token)| (name.to_owned(), token, JwsError::NotCompact));
    let encoding = [
        ("padding", format!("{good}==")),
        ("white space behind", format!("{good} ")),
        ("white space before", format!(" {good}")),
        ("a line break", format!("{good}\n")),
        ("standard alphabet", format!("{input}.{}", "+/".repeat(43))),
        ("stray bits", format!("{input}.{}", stray_bits(signature))),
        ("cut in a quantum", format!("{input}.{}", &signature[..85])),
        ("percent-encoded", good.replace('.', "%2E.")),
        ("NUL", format!("{header}\0.{claims}.{signature}")),
        ("not ASCII", format!("{input}.\u{e9}")),
    ]
    .map(|(name, token)| (name.to_owned(), token, JwsError::Encoding));
    not_compact.into_iter().chain(encoding).collect()
}

/// The same bytes, with an unused bit set in the last character.
fn stray_bits(signature: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (front, last) = signature.split_at(signature.len() - 1);
    let value = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).expect("base64url");
    format!("{front}{}", char::from(ALPHABET[value | 1]))
}

fn signatures(key: &PrivateKey) -> Vec<Case> {
    let good = sign(key, EDDSA, CLAIMS);
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    [
        ("no signature", format!("{input}.")),
        ("half a signature", format!("{input}.{}", encoded([7; 32]))),
        ("zero signature", format!("{input}.{}", encoded([0; 64]))),
        ("a long signature", format!("{input}.{}", encoded([7; 9000]))),
        ("signature of other claims", format!("{}.{}.{signature}", encoded(EDDSA), encoded("{}"))),
        ("S beyond the order", format!("{input}.{}", malleable(signature))),
    ]
    .map(|(name, token)| (name.to_owned(), token, JwsError::Signature))
    .into()
}

/// The signature with the order of the group added to S. The equation still holds, but the text is another one (RFC
/// 8032 section 8.4).
fn malleable(signature: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = decoded(signature);
    let mut carry = 0;
    for (digit, order) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        [*digit, _] = sum.to_le_bytes();
        carry = sum >> 8;
    }
    encoded(bytes)
}

/// Tokens that contain the key of their signature.
fn brought_along(ours: &PrivateKey) -> Vec<Refused> {
    let theirs = key(Algorithm::EdDsa);
    [
        ("jwk", theirs.public_key().to_value()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("kid", json!("../../../dev/null")),
        ("kid", json!("' UNION SELECT 'k")),
    ]
    .map(|(name, value)| {
        let token = sign(&theirs, &json!({"alg": "EdDSA", name: value}).to_string(), CLAIMS);
        Refused { name: format!("{name} brought along"), token, key: ours.public_key(), error: JwsError::Signature }
    })
    .into()
}

/// Tokens with a MAC under public data.
fn public_keys_as_secrets(ours: &PrivateKey) -> Vec<Refused> {
    let public = ours.public_key();
    let pem = include_bytes!("../keys/ed25519.pub.pem").to_vec();
    let claims: Value = serde_json::from_str(CLAIMS).expect("JSON");
    let mut corpus = Vec::new();
    for secret in support::public_bytes(&public).into_iter().chain([pem]) {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let token = support::mac(&secret, algorithm, &json!({"alg": algorithm.as_str()}), &claims);
            let name = format!("{algorithm} with the public key of {}", public.algorithm());
            corpus.push(Refused { name, token, key: public.clone(), error: JwsError::WrongAlgorithm });
        }
    }
    corpus
}

fn of_es256() -> Vec<Refused> {
    let key = key(Algorithm::Es256);
    let good = sign(&key, r#"{"alg":"ES256"}"#, CLAIMS);
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    let signature = decoded(signature);
    let (r, s) = signature.split_at(32);
    let order = decoded("_____wAAAAD__________7zm-q2nF56E87nKwvxjJVE");
    assert_eq!(order.len(), 32);
    let der = p256::ecdsa::Signature::from_slice(&signature).expect("r || s").to_der();
    let zero = [0; 32];
    let forged = [
        ("DER instead of r || s", der.as_bytes().to_vec()),
        ("r zero", [&zero, s].concat()),
        ("s zero", [r, &zero].concat()),
        ("both zero", [zero, zero].concat()),
        ("r the order", [&order, s].concat()),
        ("s the order", [r, &order].concat()),
        ("r beyond the order", [&[0xff; 32], s].concat()),
        ("r and s exchanged", [s, r].concat()),
        ("a byte too long", [&signature[..], &[0]].concat()),
        ("a byte too short", signature[..63].to_vec()),
    ]
    .map(|(name, signature)| (name, format!("{input}.{}", encoded(signature)), JwsError::Signature));
    let rs256 = if Algorithm::ALL.contains(&Algorithm::Rs256) {
        JwsError::WrongAlgorithm
    } else {
        JwsError::UnsupportedAlgorithm
    };
    let renamed = [
        ("EdDSA", JwsError::WrongAlgorithm),
        ("Ed25519", JwsError::WrongAlgorithm),
        ("HS256", JwsError::WrongAlgorithm),
        ("RS256", rs256),
    ]
    .map(|(alg, error)| (alg, sign(&key, &json!({ "alg": alg }).to_string(), CLAIMS), error));
    let cases = forged.into_iter().chain(renamed);
    cases
        .map(|(name, token, error)| Refused { name: format!("ES256: {name}"), token, key: key.public_key(), error })
        .collect()
}
