//! RFC 7519 sections 4.1.4 to 4.1.6: `exp`, `nbf` and `iat` are enforced in each JWT that is read, and a value of the
//! wrong type is never ignored.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use regrant::authenticator::{ClientAssertion, VerifyCredentials as _};
use regrant::client::ClientAuthenticationMethod;
use regrant::proof::{DpopProof, ProofVerifier as _};
use regrant::{
    AccessToken, ClientCredentials, ClientRegistry, ClientSecret, GrantType, Issuer, MemoryStore, SecretHash, Subject,
};
use regrant_jose::bearer::{JwtBearerFlow, TrustedIssuer};
use regrant_jose::client_assertion::ClientAssertions;
use regrant_jose::jws::Claims;
use regrant_jose::resource_server::{Introspect, IntrospectionResponse, IntrospectionVerifier, VerifyAccessToken as _};
use regrant_jose::{Algorithm, DpopVerifier, JwtVerifier, PrivateKey, Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::server::{Server, With};
use crate::support::{ISSUER, NOW, TOKEN_ENDPOINT, at, client, client_id, clock, encoded, jwks, key, sign, with};

const PARTNER: &str = "https://idp.partner.example";
const RESOURCE: &str = "https://api.example";
const SECRET: &str = "s3cret";

/// The kinds of JWT that are read, and the JSON of introspection, which has the same claims.
const KINDS: [&str; 6] = [
    "proof",
    "proof at a resource",
    "client assertion",
    "JWT bearer assertion",
    "access token",
    "introspection answer",
];

struct Says(String);

#[async_trait]
impl Introspect for Says {
    async fn introspect(&self, _: &str) -> Result<IntrospectionResponse, Box<dyn Error + Send + Sync>> {
        Ok(IntrospectionResponse { status: 200, body: self.0.clone().into_bytes() })
    }
}

/// Returns true if a valid token of this kind is accepted after the change of one claim.
async fn is_accepted(kind: &str, key: &PrivateKey, name: &str, value: Option<Value>) -> bool {
    static JTI: AtomicUsize = AtomicUsize::new(0);
    let jti = JTI.fetch_add(1, Ordering::Relaxed).to_string();
    let changed = |claims: Value| with(&with(&claims, "jti", Some(json!(jti))), name, value.clone());
    let (clock, used) = (Arc::new(clock()), Arc::new(MemoryStore::new()));
    let times = json!({ "iat": NOW, "nbf": NOW, "exp": NOW + 60 });
    let of = |more: Value| {
        let mut claims = times.as_object().unwrap().clone();
        claims.extend(more.as_object().unwrap().clone());
        changed(Value::Object(claims))
    };
    let jwt = json!({ "alg": "EdDSA", "typ": "JWT" });
    let token = AccessToken::new("at_one");
    match kind {
        "proof" | "proof at a resource" => {
            let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.public_key().to_value() });
            let ath = encoded(Sha256::digest("at_one"));
            let jwt = sign(key, &header, &of(json!({ "htm": "POST", "htu": TOKEN_ENDPOINT, "ath": ath }))).await;
            let proof = DpopProof { jwt, method: "POST".to_owned(), url: TOKEN_ENDPOINT.to_owned() };
            let verifier = DpopVerifier::new(used);
            if kind == "proof" {
                return verifier.verify(&proof, at(NOW)).await.is_ok();
            }
            verifier.verify_at_resource(&proof, &token, &key.public_key().thumbprint(), at(NOW)).await.is_ok()
        }
        "client assertion" => {
            let assertion = sign(key, &jwt, &of(json!({ "iss": "app", "sub": "app", "aud": ISSUER }))).await;
            let shown = ClientCredentials::Assertion(client_id("app"), ClientAssertion::new(assertion));
            let verifier = ClientAssertions::new(Issuer::from_static(ISSUER), clock, used).private_key_jwt(jwks([key]));
            verifier.verify(&client("app", ClientAuthenticationMethod::PrivateKeyJwt), &shown).await.is_ok()
        }
        "JWT bearer assertion" => {
            let resolve = |claims: &Claims| Subject::new(claims.text("sub").ok()?).ok();
            let flow = JwtBearerFlow::new(Issuer::from_static(ISSUER), clock.clone(), used);
            let flow = flow.with_issuer(TrustedIssuer::new(PARTNER, jwks([key]), resolve));
            let app =
                client("app", ClientAuthenticationMethod::ClientSecretPost).with_grant_types([GrantType::JwtBearer]);
            let app = app.with_scope("read".parse().unwrap());
            let secret = SecretHash::sha256(&ClientSecret::new(SECRET));
            let server = Server::start(ClientRegistry::new().register(app, [secret]).unwrap(), &clock, None);
            let server = Server(server.0.with_approver(GrantType::JwtBearer, flow));
            let assertion = sign(key, &jwt, &of(json!({ "iss": PARTNER, "sub": "alice", "aud": ISSUER }))).await;
            let form = [
                ("grant_type", GrantType::JwtBearer.as_str()),
                ("client_id", "app"),
                ("client_secret", SECRET),
                ("assertion", &assertion),
            ];
            let reply = server.token(&form, With::default()).await;
            assert!([(200, ""), (400, "invalid_grant")].contains(&reply.outcome()), "{reply:?}");
            reply.status() == 200
        }
        "access token" => {
            let claims = of(json!({ "iss": ISSUER, "sub": "demo", "aud": RESOURCE, "client_id": "app" }));
            let token = sign(key, &json!({ "alg": "EdDSA", "typ": "at+jwt" }), &claims).await;
            JwtVerifier::new(ISSUER, RESOURCE, jwks([key])).verify(&AccessToken::new(token), at(NOW)).await.is_ok()
        }
        _ => {
            let answer = of(json!({ "active": true, "token_type": "Bearer", "client_id": "app" }));
            IntrospectionVerifier::new(Says(answer.to_string())).verify(&token, at(NOW)).await.is_ok()
        }
    }
}

#[tokio::test]
async fn no_jwt_is_accepted_before_or_after_its_time_nor_with_a_time_of_the_wrong_type() {
    let key = key(Algorithm::EdDsa);
    for kind in KINDS {
        for (name, value) in [("exp", json!(NOW + 60)), ("nbf", json!(NOW)), ("iat", json!(NOW))] {
            assert!(is_accepted(kind, &key, name, Some(value)).await, "{kind}: {name}");
        }
        assert!(is_accepted(kind, &key, "nbf", None).await, "{kind} without nbf");
        for (name, value) in [("exp", json!(NOW - 3600)), ("exp", json!(0)), ("nbf", json!(NOW + 3600))] {
            assert!(!is_accepted(kind, &key, name, Some(value.clone())).await, "{kind}: {name} {value}");
        }
        for name in ["exp", "nbf", "iat"] {
            let text = (NOW + 5).to_string();
            let mistyped =
                [json!("soon"), json!(text), json!([1]), json!(null), json!(true), json!({}), json!(-1), json!(1e300)];
            for value in mistyped {
                assert!(!is_accepted(kind, &key, name, Some(value.clone())).await, "{kind}: {name} {value}");
            }
        }
    }
}
