//! Comparison with another implementation: each side verifies the tokens of the other.

use std::time::Duration;

use jsonwebtoken as oracle;
use regrant::jwt::{AccessTokenClaims, JwtIssuer as _};
use regrant::{Approval, Issuer, Subject};
use regrant_jose::jws::Jws;
use regrant_jose::{Algorithm, Jwk, JwtTokens, KeySet, PrivateKey, Signer as _};
use serde_json::{Value, json};

use crate::support::{ISSUER, NOW, at, client};

struct Pair {
    ours: Algorithm,
    theirs: oracle::Algorithm,
    pem: &'static str,
    encoding: fn(&[u8]) -> oracle::errors::Result<oracle::EncodingKey>,
}

const PAIRS: &[Pair] = &[
    Pair {
        ours: Algorithm::EdDsa,
        theirs: oracle::Algorithm::EdDSA,
        pem: include_str!("keys/ed25519.pem"),
        encoding: oracle::EncodingKey::from_ed_pem,
    },
    Pair {
        ours: Algorithm::Es256,
        theirs: oracle::Algorithm::ES256,
        pem: include_str!("keys/p256.pem"),
        encoding: oracle::EncodingKey::from_ec_pem,
    },
    #[cfg(feature = "aws-lc-rs")]
    Pair {
        ours: Algorithm::Rs256,
        theirs: oracle::Algorithm::RS256,
        pem: include_str!("keys/rsa2048.pem"),
        encoding: oracle::EncodingKey::from_rsa_pem,
    },
    #[cfg(feature = "aws-lc-rs")]
    Pair {
        ours: Algorithm::Ps256,
        theirs: oracle::Algorithm::PS256,
        pem: include_str!("keys/rsa2048.pem"),
        encoding: oracle::EncodingKey::from_rsa_pem,
    },
];

impl Pair {
    fn key(&self) -> PrivateKey {
        PrivateKey::from_pem(self.pem).expect("PEM").with_algorithm(self.ours).expect("fits")
    }
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": ["a", "b"], "exp": 4_000_000_000_u64, "iat": NOW, "nested": {"deep": [1, 2.5, null]}})
}

#[test]
fn tokens_of_the_oracle_verify_here() {
    for pair in PAIRS {
        let key = (pair.encoding)(pair.pem.as_bytes()).expect("the oracle reads the key");
        let mut header = oracle::Header::new(pair.theirs);
        header.kid = Some("k".to_owned());
        let token = oracle::encode(&header, &claims(), &key).expect("the oracle signs");
        let jws = Jws::parse(&token).expect("a JWS");
        assert_eq!((jws.alg(), jws.kid()), (pair.ours, Some("k")));
        let verified = jws.verify(&pair.key().public_key()).expect("a valid signature");
        assert_eq!(Value::Object(verified.into_map()), claims());
    }
}

#[tokio::test]
async fn the_oracle_verifies_access_tokens_with_the_published_set() {
    for pair in PAIRS {
        let keys = KeySet::new(pair.key(), Duration::from_secs(3600)).expect("a key set");
        let tokens = JwtTokens::new(Issuer::from_static(ISSUER), keys);
        let app = client("app", regrant::client::ClientAuthenticationMethod::None);
        let approval = Approval::of(Subject::new("demo").expect("a subject"));
        let issued = AccessTokenClaims::new("j1", &app, &approval, at(NOW), at(4_000_000_000));
        let token = tokens.access_token(&tokens.signing_key(&app, at(NOW)), &issued).await.expect("a token");

        let set: oracle::jwk::JwkSet =
            serde_json::from_value(Value::Object(tokens.jwks(at(NOW)))).expect("the oracle reads the set");
        let header = oracle::decode_header(&token).expect("a header");
        assert_eq!((header.alg, header.typ.as_deref()), (pair.theirs, Some("at+jwt")));
        let key = set.find(&header.kid.expect("a kid")).expect("the key of the token is in the set");
        let mut validation = oracle::Validation::new(pair.theirs);
        validation.set_audience(&[ISSUER]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let key = oracle::DecodingKey::from_jwk(key).expect("the oracle uses the key");
        let read = oracle::decode::<Value>(&token, &key, &validation).expect("the oracle accepts the token");
        assert_eq!(read.claims["jti"], "j1");
    }
}

#[test]
fn secrets_verify_what_the_oracle_signs_with_them() {
    let secret = [9; 64];
    for (ours, theirs) in [
        (Algorithm::Hs256, oracle::Algorithm::HS256),
        (Algorithm::Hs384, oracle::Algorithm::HS384),
        (Algorithm::Hs512, oracle::Algorithm::HS512),
    ] {
        let key = oracle::EncodingKey::from_secret(&secret);
        let token = oracle::encode(&oracle::Header::new(theirs), &claims(), &key).expect("the oracle signs");
        let key = Jwk::from_secret(&secret, ours).expect("long enough");
        Jws::parse(&token).expect("a JWS").verify(&key).expect("a valid MAC");
    }
}

#[test]
fn thumbprints_are_those_of_the_oracle() {
    use base64::Engine as _;
    for pair in PAIRS {
        let key = pair.key().public_key();
        let theirs: oracle::jwk::Jwk = serde_json::from_value(key.to_value()).expect("the oracle reads the key");
        let theirs = theirs.thumbprint(oracle::jwk::ThumbprintHash::SHA256).expect("a thumbprint");
        assert_eq!(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(key.thumbprint()), theirs);
    }
}
