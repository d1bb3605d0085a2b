//! The keys at the `jwks_uri` of a client in a directory.

use std::sync::Arc;

use regrant::authenticator::VerifyCredentials as _;
use regrant::client::{ClientAuthenticationMethod, ClientKeys};
use regrant::{ClientCredentials, Issuer, MemoryStore, SystemEntropy};
use regrant_jose::client_assertion::{ClientAssertions, ClientKey};
use regrant_jose::http::HttpClient;
use regrant_jose::{Algorithm, RegisteredKeys};
use serde_json::json;

use super::server::{TestServer, answer, certificate};
use crate::support::{self, ISSUER, NOW, at, client_id, clock, key};

#[tokio::test]
async fn clients_of_a_directory_authenticate_with_the_keys_at_their_jwks_uri() {
    let own = ClientKey::new(client_id("app"), key(Algorithm::EdDsa)).unwrap();
    let (certified, jwks) = (certificate("localhost"), json!({ "keys": [own.public_key().to_value()] }).to_string());
    let server = TestServer::start_tls(&certified, move |_| {
        let answer = answer(200, &[], jwks.clone());
        async move { answer }
    })
    .await;
    let http = HttpClient::trusting(certified.cert.pem().as_bytes()).unwrap();
    let assertions =
        ClientAssertions::new(Issuer::from_static(ISSUER), Arc::new(clock()), Arc::new(MemoryStore::new()));
    let keys = ClientKeys::published(format!("https://localhost:{}/jwks", server.port)).unwrap();
    let app = support::client("app", ClientAuthenticationMethod::PrivateKeyJwt).with_keys(keys);
    for (http, is_served) in [(http.clone(), true), (http.with_public_addresses_only(), false)] {
        let verifier = RegisteredKeys::new(assertions.clone(), Arc::new(clock())).with_http(http);
        let assertion = own.assertion(ISSUER).sign(at(NOW), &SystemEntropy).await.unwrap();
        let outcome = verifier.verify(&app, &ClientCredentials::Assertion(client_id("app"), assertion)).await;
        assert_eq!(outcome.is_ok(), is_served, "{outcome:?}");
    }
    assert_eq!(server.received().len(), 1);
}
