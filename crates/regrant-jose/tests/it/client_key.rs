//! Assertions that a client makes with its key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fixtures::jwt::{claims, header};
use regrant::authenticator::{AssertionFault, CredentialError, CredentialRefusal, VerifyCredentials as _};
use regrant::client::ClientAuthenticationMethod;
use regrant::host::Unavailable;
use regrant::{ClientCredentials, Issuer, SystemEntropy};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::key::KeyError;
use regrant_jose::{Algorithm, Jwk, JwkSet, Signer};
use serde_json::json;

use crate::support::{ISSUER, NOW, WatchedUse, at, client, client_id, clock, key};

const APP: &str = "app";

fn client_key(algorithm: Algorithm) -> ClientKey {
    ClientKey::new(client_id(APP), key(algorithm).with_kid("2026-11")).unwrap()
}

// RFC 7523 section 3, and FAPI 2.0 section 5.3.2.1: the issuer as the only audience.
#[tokio::test]
async fn an_assertion_of_a_client_key_is_accepted_once_by_the_strictest_verifier() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Ed25519, Algorithm::Es256] {
        let (clock, used, key) = (clock(), WatchedUse::default(), client_key(algorithm));
        let verifier = ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used))
            .with_issuer_as_only_audience()
            .with_leeway(Duration::ZERO)
            .with_max_lifetime(Duration::from_secs(60))
            .private_key_jwt(JwkSet::from_iter([key.public_key()]));
        let client = client(APP, ClientAuthenticationMethod::PrivateKeyJwt);
        let shown = async |assertion| {
            let outcome = verifier.verify(&client, &ClientCredentials::Assertion(client_id(APP), assertion)).await;
            match outcome {
                Ok(()) => None,
                Err(CredentialError::Refused(CredentialRefusal::Assertion(fault))) => Some(fault),
                Err(other) => panic!("{other}"),
            }
        };
        let (first, second) = (key.assertion(ISSUER), key.assertion(ISSUER));
        let first = first.sign(at(NOW), &SystemEntropy).await.unwrap();
        assert_eq!(shown(first.clone()).await, None, "{algorithm}");
        assert_eq!(shown(first).await, Some(AssertionFault::Used));
        assert_eq!(shown(second.sign(at(NOW), &SystemEntropy).await.unwrap()).await, None, "each has another jti");
        let elsewhere = key.assertion("https://other.example").sign(at(NOW), &SystemEntropy).await.unwrap();
        assert_eq!(shown(elsewhere).await, Some(AssertionFault::Audience));
        let long = key.assertion(ISSUER).with_lifetime(Duration::from_secs(61));
        assert_eq!(shown(long.sign(at(NOW), &SystemEntropy).await.unwrap()).await, Some(AssertionFault::Lifetime));
    }
}

#[tokio::test]
async fn an_assertion_names_client_key_and_time() {
    let key = client_key(Algorithm::Es256);
    let assertion = key.assertion(ISSUER).with_lifetime(Duration::from_secs(30));
    let assertion = assertion.sign(at(NOW), &SystemEntropy).await.unwrap();
    assert_eq!(header(assertion.expose()), json!({ "alg": "ES256", "typ": "JWT", "kid": "2026-11" }));
    let mut claims = claims(assertion.expose());
    assert_eq!(claims["jti"].as_str().map(str::len), Some(22), "16 random bytes");
    claims.as_object_mut().unwrap().remove("jti");
    assert_eq!(claims, json!({ "iss": APP, "sub": APP, "aud": ISSUER, "iat": NOW, "exp": NOW + 30 }));
    for text in
        [format!("{key:?}"), format!("{:?}", key.assertion(ISSUER)), format!("{:?}", key.request_object(ISSUER))]
    {
        assert!(text.contains(APP) && text.len() < 120, "{text}");
    }
}

/// Signs with a secret, or not at all.
struct Broken(Jwk);

#[async_trait]
impl Signer for Broken {
    fn public_key(&self) -> Jwk {
        self.0.clone()
    }

    async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Unavailable> {
        Err(Unavailable::new("the key service is out of reach"))
    }
}

#[tokio::test]
async fn a_shared_secret_is_no_client_key_and_an_outage_of_the_signer_is_reported() {
    let secret = Jwk::from_secret(&[7; 32], Algorithm::Hs256).unwrap();
    assert_eq!(ClientKey::new(client_id(APP), Broken(secret)).err(), Some(KeyError::Mismatch));
    let key = ClientKey::new(client_id(APP), Broken(key(Algorithm::EdDsa).public_key())).unwrap();
    let outage = key.assertion(ISSUER).sign(at(NOW), &SystemEntropy).await.unwrap_err();
    assert_eq!(outage.to_string(), "the key service is out of reach");
}
