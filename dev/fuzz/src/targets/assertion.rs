//! Assertions and request objects: a header line and claims, signed with the key or the secret of a client, or by an
//! issuer that is trusted for `jwt-bearer`.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use fixtures::{ISSUER, Reply, START, ready};
use regrant::authenticator::{
    AssertionFault, ClientAssertion, CredentialError, CredentialRefusal, VerifyCredentials, VerifyRequestObject as _,
};
use regrant::client::ClientAuthenticationMethod;
use regrant::clock::ManualClock;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, MemoryStore, Scope, Subject,
    TokenService,
};
use regrant_jose::bearer::{JwtBearerFlow, ResolveSubject, TrustedIssuer};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::jws::Claims;
use regrant_jose::request_object::RequestObjects;
use regrant_jose::{Algorithm, JwkSet, KeySource};
use serde_json::Value;

use super::jose::{CountedUse, Kind, SECRET, TOKEN_ENDPOINT, encoded, header_and_claims, key, mac, public_key, sign};
use crate::product;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

pub(crate) fn run(input: &[u8]) {
    let Some((mode, header, claims)) = header_and_claims(input) else { return };
    if mode & 8 != 0 {
        return request_object(mode, header, claims);
    }
    if mode & 4 != 0 {
        return bearer(if mode & 1 == 0 { Kind::EdDsa } else { Kind::Es256 }, header, claims);
    }
    let used = CountedUse::default();
    let clock = Arc::new(ManualClock::starting_at(START));
    let assertions = ClientAssertions::new(Issuer::from_static(ISSUER), clock, Arc::new(used.clone()))
        .with_audiences([TOKEN_ENDPOINT]);
    let keys: JwkSet = [Kind::EdDsa, Kind::Es256].map(public_key).into_iter().collect();
    let secret = ClientSecret::new(SECRET);
    let (verifier, method, jwt) = match mode % 4 {
        0 => (Ok(assertions.private_key_jwt(keys)), true, sign(key(Kind::EdDsa), header, claims)),
        1 => (Ok(assertions.private_key_jwt(keys)), true, sign(key(Kind::Es256), header, claims)),
        2 => (assertions.client_secret_jwt(&secret, Algorithm::Hs256), false, mac(header, claims)),
        _ => (Ok(assertions.private_key_jwt(keys)), true, forged(header, claims)),
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

fn forged(header: &str, claims: &str) -> String {
    format!("{}.{}.{}", encoded(header), encoded(claims), encoded([7; 64]))
}

/// RFC 9101 section 4: the parameters of an accepted object are its claims, read by a lenient parser.
fn request_object(mode: u8, header: &str, claims: &str) {
    let client = Client::new(ClientId::from_static("app"));
    let keys = KeySource::from([Kind::EdDsa, Kind::Es256].map(public_key).into_iter().collect::<JwkSet>());
    let clock = Arc::new(ManualClock::starting_at(START));
    let keys = HashMap::from([(client.id.clone(), keys)]);
    let verifier = RequestObjects::new(Issuer::from_static(ISSUER), clock, keys);
    let jwt = match mode % 4 {
        0 | 2 => sign(key(Kind::EdDsa), header, claims),
        1 => sign(key(Kind::Es256), header, claims),
        _ => forged(header, claims),
    };
    match product(jwt.len(), || ready(verifier.verify(&client, &jwt))) {
        Ok(parameters) => {
            assert!(mode % 4 != 3, "a forged request was accepted");
            let claims: Value = serde_json::from_str(claims).expect("JSON");
            assert_eq!(claims["iss"], "app");
            let audience = &claims["aud"];
            assert!(
                audience == ISSUER || audience.as_array().is_some_and(|all| all.contains(&ISSUER.into())),
                "{claims}"
            );
            assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_799_999_900.0), "{claims}");
            assert_eq!(Value::Object(parameters), claims);
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

/// RFC 7523 section 2.1: an assertion as a grant, at the token endpoint.
fn bearer(kind: Kind, header: &str, claims: &str) {
    let used = CountedUse::default();
    let clock = ManualClock::starting_at(START);
    let issuer = TrustedIssuer::new("app", JwkSet::from_iter([public_key(kind)]), SameSubject);
    let flow = JwtBearerFlow::new(Issuer::from_static(ISSUER), Arc::new(clock.clone()), Arc::new(used.clone()))
        .with_issuer(issuer);
    let scope = Scope::from_static("read");
    let client = Client::public(ClientId::from_static("app")).with_grant_types([GrantType::JwtBearer]);
    let client = client.with_scope(scope.clone()).with_default_scope(scope);
    let clients = ClientRegistry::new().register(client, []).expect("a client");
    let service = TokenService::builder(MemoryStore::new(), clients, super::ring()).clock(clock).build();
    let endpoints = Endpoints::new(service.expect("a policy"), Issuer::from_static(ISSUER))
        .expect("one issuer")
        .with_approver(GrantType::JwtBearer, flow);
    let jwt = sign(key(kind), header, claims);
    let body = fixtures::form(&[("grant_type", JWT_BEARER), ("client_id", "app"), ("assertion", &jwt)]);
    let headers = [("Content-Type", &b"application/x-www-form-urlencoded"[..])];
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
    let send = || {
        let response = product(jwt.len(), || ready(endpoints.handle(Endpoint::Token, &request)));
        Reply::checked(Endpoint::Token, &request, response).status()
    };
    let status = send();
    assert!([200, 400].contains(&status), "{status}");
    assert_eq!(used.calls(), usize::from(status == 200), "a refused assertion was used up");
    if status == 200 {
        let claims: Value = serde_json::from_str(claims).expect("JSON");
        assert_eq!(claims["iss"], "app");
        assert!(claims["exp"].as_f64().is_some_and(|exp| exp > 1_799_999_900.0), "{claims}");
        assert_eq!(send(), 400, "used twice");
    }
}

/// Takes the subject of the issuer for one of the host.
struct SameSubject;

#[async_trait]
impl ResolveSubject for SameSubject {
    async fn resolve(&self, claims: &Claims) -> Result<Option<Subject>, Box<dyn Error + Send + Sync>> {
        Ok(claims.text("sub").ok().and_then(|subject| Subject::new(subject).ok()))
    }
}
