use std::hint::black_box;
use std::sync::LazyLock;

use serde_json::json;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::jwk::{Jwk, JwkSet};
use crate::jws::Jws;

/// Verifies a signature and ignores the result. Without a key to verify with, the answer would come sooner and show
/// that there is none.
pub(super) fn verify(jws: &Jws<'_>) {
    if let Some(key) = KEYS.find(None, jws.alg()) {
        black_box(jws.verify(key).is_ok());
    }
}

/// One key for each algorithm. The private halves are published, which does no harm here.
static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    // RFC 8037 appendix A.2 and RFC 7515 appendix A.3. The modulus is as long as the usual one.
    let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let p256 = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
    let rsa =
        |alg: Algorithm| json!({ "kty": "RSA", "alg": alg.as_str(), "n": base64url::encode([0xff; 256]), "e": "AQAB" });
    let pairs = [ed25519, p256, rsa(Algorithm::Rs256), rsa(Algorithm::Ps256)];
    let secret = |alg| Jwk::from_secret(&[0; 64], alg);
    let secrets = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512].map(secret);
    pairs.iter().map(Jwk::from_value).chain(secrets).flatten().collect()
});

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use regrant::authenticator::{ClientAssertion, VerifyCredentials as _};
    use regrant::client::ClientAuthenticationMethod as Method;
    use regrant::clock::ManualClock;
    use regrant::{Client, ClientCredentials, ClientId, ClientSecret, Issuer, MemoryStore};

    use super::*;
    use crate::client_assertion::ClientAssertions;
    use crate::jwk::VERIFIED;

    #[test]
    fn there_is_a_decoy_for_each_algorithm_of_this_build() {
        for algorithm in Algorithm::ALL {
            assert!(KEYS.find(None, *algorithm).is_some(), "{algorithm}");
        }
    }

    // The time of a refusal must not show which keys a client has.
    #[tokio::test]
    async fn a_forged_assertion_costs_one_verification_whatever_key_it_names() {
        let assertions = ClientAssertions::new(
            Issuer::from_static("https://as.example"),
            Arc::new(ManualClock::default()),
            Arc::new(MemoryStore::new()),
        );
        let key = KEYS.find(None, Algorithm::EdDsa).unwrap().clone().with_kid("one");
        let by_key = assertions.private_key_jwt([key].into_iter().collect::<JwkSet>());
        let secret = ClientSecret::new("a secret that is long enough for a MAC");
        let by_secret = assertions.client_secret_jwt(&secret, Algorithm::Hs256).unwrap();
        for (method, verifier) in [(Method::PrivateKeyJwt, by_key), (Method::ClientSecretJwt, by_secret)] {
            let id = ClientId::new("app").unwrap();
            let client = Client::new(id.clone()).with_authentication_methods(method);
            for header in [
                json!({ "alg": "EdDSA", "kid": "one" }),
                json!({ "alg": "EdDSA", "kid": "other" }),
                json!({ "alg": "EdDSA" }),
                json!({ "alg": "ES256", "kid": "one" }),
                json!({ "alg": "ES256" }),
                json!({ "alg": "HS256" }),
                json!({ "alg": "HS512" }),
            ] {
                let signature = base64url::encode([7; 64]);
                let forged = format!("{}.e30.{signature}", base64url::encode(header.to_string()));
                let shown = ClientCredentials::Assertion(id.clone(), ClientAssertion::new(forged));
                VERIFIED.set(0);
                assert!(verifier.verify(&client, &shown).await.is_err(), "{method}: {header}");
                assert_eq!(VERIFIED.get(), 1, "{method}: {header}");
            }
        }
    }
}
