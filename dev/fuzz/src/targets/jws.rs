//! JWS in compact form: any text, or a header line and claims that a key of the target signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{ISSUER, START, ready};
use regrant::AccessToken;
use regrant_jose::jws::Jws;
use regrant_jose::resource_server::VerifyAccessToken as _;
use regrant_jose::{Algorithm, Jwk, JwkSet, JwtVerifier};
use serde_json::Value;

use super::jose::{Kind, SECRET, header_and_claims, key, mac, public_key, sign};
use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, rest)) = input.split_first() else { return };
    if mode % 4 == 3 {
        return any_text(&String::from_utf8_lossy(rest));
    }
    let Some((mode, header, claims)) = header_and_claims(input) else { return };
    let (own, token) = match mode % 4 {
        0 => (public_key(Kind::EdDsa), sign(key(Kind::EdDsa), header, claims)),
        1 => (public_key(Kind::Es256), sign(key(Kind::Es256), header, claims)),
        _ => (Jwk::from_secret(SECRET.as_bytes(), Algorithm::Hs256).expect("a key"), mac(header, claims)),
    };
    signed(&own, &token, claims);
}

/// A signature is accepted if the header is well-formed and names the algorithm of the key. The claims are those that
/// were signed.
fn signed(own: &Jwk, token: &str, claims: &str) {
    let Ok(jws) = product(token.len(), || Jws::parse(token)) else { return };
    let verified = product(token.len(), || jws.verify(own));
    assert_eq!(verified.is_ok(), jws.alg() == own.algorithm(), "{verified:?}");
    if let Ok(verified) = verified {
        let expected: Value = serde_json::from_str(claims).expect("accepted claims are JSON");
        assert_eq!(Value::Object(verified.into_map()), expected);
    }
    access_token(token, claims);
    let other = public_key(if own.algorithm() == Algorithm::EdDsa { Kind::Es256 } else { Kind::EdDsa });
    assert!(jws.verify(&other).is_err());
}

/// RFC 9068 section 4, read by a lenient parser.
fn access_token(token: &str, claims: &str) {
    let keys: JwkSet = [Kind::EdDsa, Kind::Es256].map(public_key).into_iter().collect();
    let verifier = JwtVerifier::new(ISSUER, "https://api.example", keys);
    let shown = product(token.len(), || ready(verifier.verify(&AccessToken::new(token), START)));
    if shown.is_err() {
        return;
    }
    let claims: Value = serde_json::from_str(claims).expect("JSON");
    assert_eq!(claims["iss"], ISSUER);
    let is_own = |audience: &Value| audience == "https://api.example";
    assert!(is_own(&claims["aud"]) || claims["aud"].as_array().is_some_and(|all| all.iter().any(is_own)), "{claims}");
    assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_799_999_980.0), "{claims}");
    assert!(["sub", "client_id", "jti"].iter().all(|name| claims[name].is_string()), "{claims}");
}

/// Only one text is a given token: each part is canonical base64url.
fn any_text(text: &str) {
    let Ok(jws) = product(text.len(), || Jws::parse(text)) else { return };
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    for part in parts {
        assert_eq!(URL_SAFE_NO_PAD.encode(URL_SAFE_NO_PAD.decode(part).expect("base64url")), part);
    }
    for kind in [Kind::EdDsa, Kind::Es256] {
        let _ = product(text.len(), || jws.verify(&public_key(kind)));
    }
    let _ = (jws.alg(), jws.typ(), jws.kid(), jws.jwk(), jws.claims_unverified().audience());
    for name in ["exp", "iat", "nbf"] {
        let _ = (jws.claims_unverified().time(name), jws.claims_unverified().optional_time(name));
    }
}
