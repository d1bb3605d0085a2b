//! Client assertions: a header line and claims, signed with the key or the secret of the client.

use std::sync::Arc;

use fixtures::{ISSUER, START, ready};
use regrant::authenticator::{AssertionFault, ClientAssertion, CredentialError, CredentialRefusal, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::ManualClock;
use regrant::{Client, ClientCredentials, ClientId, ClientSecret};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::{Algorithm, JwkSet};
use serde_json::Value;

use super::jose::{CountedUse, Kind, SECRET, TOKEN_ENDPOINT, encoded, header_and_claims, key, mac, public_key, sign};
use crate::product;

pub(crate) fn run(input: &[u8]) {
    let Some((mode, header, claims)) = header_and_claims(input) else { return };
    let used = CountedUse::default();
    let clock = Arc::new(ManualClock::starting_at(START));
    let assertions = ClientAssertions::new(ISSUER, clock, Arc::new(used.clone())).with_audiences([TOKEN_ENDPOINT]);
    let keys: JwkSet = [Kind::EdDsa, Kind::Es256].map(public_key).into_iter().collect();
    let secret = ClientSecret::new(SECRET);
    let (verifier, method, jwt) = match mode % 4 {
        0 => (Ok(assertions.private_key_jwt(keys)), true, sign(key(Kind::EdDsa), header, claims)),
        1 => (Ok(assertions.private_key_jwt(keys)), true, sign(key(Kind::Es256), header, claims)),
        2 => (assertions.client_secret_jwt(&secret, Algorithm::Hs256), false, mac(header, claims)),
        _ => {
            let forged = format!("{}.{}.{}", encoded(header), encoded(claims), encoded([7; 64]));
            (Ok(assertions.private_key_jwt(keys)), true, forged)
        }
    };
    let method =
        if method { ClientAuthenticationMethod::PrivateKeyJwt } else { ClientAuthenticationMethod::ClientSecretJwt };
    let id = ClientId::from_static("app");
    let client = Client::new(id.clone()).with_authentication_methods(method);
    let verifier = verifier.expect("a key");
    let credentials = ClientCredentials::Assertion(id, ClientAssertion::new(jwt.as_str()));
    let shown = product(jwt.len(), || ready(verifier.verify(&client, &credentials)));
    assert_eq!(used.calls(), usize::from(shown.is_ok()), "a refused assertion was used up");
    match shown {
        Ok(()) => {
            assert!(mode % 4 != 3, "a forged assertion was accepted");
            check_claims(claims);
            let again = ready(verifier.verify(&client, &credentials));
            let used = CredentialRefusal::Assertion(AssertionFault::Used);
            assert!(matches!(&again, Err(CredentialError::Refused(refusal)) if *refusal == used), "{again:?}");
        }
        Err(CredentialError::Refused(_)) => {}
        Err(failure) => panic!("{failure}"),
    }
}

/// RFC 7523 section 3, read by a lenient parser.
fn check_claims(claims: &str) {
    let claims: Value = serde_json::from_str(claims).expect("JSON");
    assert_eq!((&claims["iss"], &claims["sub"]), (&"app".into(), &"app".into()));
    let is_own = |audience: &Value| audience == ISSUER || audience == TOKEN_ENDPOINT;
    let audience = &claims["aud"];
    assert!(is_own(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_own)), "{claims}");
    assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_799_999_900.0), "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()), "{claims}");
}
