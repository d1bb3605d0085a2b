//! Clients that authenticate with a key: assertions (RFC 7521, RFC 7523) and certificates (RFC 8705 section 2). Stubs
//! verify them; `regrant-jose` has tests of real ones.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::{APP, Auth, Config, Form, Outcome, POSTER, Reply, SPA, Server, basic, client, form};
use regrant::authenticator::{AssertionFault, CertificateFault, CredentialError, RegistryError, VerifyCredentials};
use regrant::client::ClientAuthenticationMethod;
use regrant::proof::ClientCertificate;
use regrant::wire::Endpoint;
use regrant::{Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret, SecretHash};

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection];
const INVALID_CLIENT: Outcome = (400, "invalid_client");
const INVALID_REQUEST: Outcome = (400, "invalid_request");
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A request that needs nothing but a client to succeed, with any Authorization header and any more parameters.
async fn ask(server: &Server, endpoint: Endpoint, authorization: &[&[u8]], more: Form<'_>) -> Reply {
    let needed: Form<'_> = match endpoint {
        Endpoint::Token => &[("grant_type", "client_credentials")],
        _ => &[("token", "garbage")],
    };
    let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
    headers.extend(authorization.iter().map(|value| ("authorization", *value)));
    server.raw(endpoint, "POST", &headers, form(&[needed, more].concat())).await
}

/// Accepts the assertion `x.<claims>.good` whose subject is the client, and the one certificate.
#[derive(Clone, Default)]
struct Stub {
    is_down: bool,
}

#[async_trait]
impl VerifyCredentials for Stub {
    async fn verify(&self, client: &Client, shown: &ClientCredentials) -> Result<(), CredentialError> {
        if self.is_down {
            return Err(CredentialError::unavailable("the keys of the client are out of reach"));
        }
        match shown {
            ClientCredentials::Assertion(_, assertion) if assertion.expose() == good_assertion(client.id.as_str()) => {
                Ok(())
            }
            ClientCredentials::Assertion(..) => Err(AssertionFault::Signature.into()),
            ClientCredentials::Certificate(_, certificate) if *certificate == own_certificate() => Ok(()),
            _ => Err(CertificateFault::Unregistered.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

fn own_certificate() -> ClientCertificate {
    ClientCertificate::from_der(&b"\x30\x03own"[..])
}

fn assertion(claims: &str) -> String {
    format!("x.{}.good", URL_SAFE_NO_PAD.encode(claims))
}

fn good_assertion(id: &str) -> String {
    assertion(&format!("{{\"iss\":\"{id}\",\"sub\":\"{id}\"}}"))
}

/// A client for each method, named like it.
fn with_every_method() -> Server {
    use ClientAuthenticationMethod::{ClientSecretJwt, PrivateKeyJwt, SelfSignedTlsClientAuth, TlsClientAuth};
    let methods = [ClientSecretJwt, PrivateKeyJwt, TlsClientAuth, SelfSignedTlsClientAuth];
    let config = methods.into_iter().fold(Config::default(), |config, method| {
        let named = client(Auth::Basic(method.as_str(), "")).with_authentication_methods(method);
        config.verified_client(named, Stub::default())
    });
    config.start()
}

// RFC 7521 section 4.2, RFC 7523 section 2.2.
#[tokio::test]
async fn an_assertion_is_taken_whole_and_by_its_type() {
    let server = with_every_method();
    let good = good_assertion("private_key_jwt");
    let no_subject = assertion("{\"iss\":\"private_key_jwt\"}");
    let two_subjects = assertion("{\"sub\":\"private_key_jwt\",\"sub\":\"app\"}");
    let number = assertion("{\"sub\":7}");
    let long = assertion(&format!("{{\"sub\":\"{}\"}}", "a".repeat(256)));
    let typed = ("client_assertion_type", JWT_BEARER);
    let cases: [(&str, Form<'_>, Outcome); 18] = [
        ("whole", &[typed, ("client_assertion", &good)], (200, "")),
        ("with its client", &[typed, ("client_assertion", &good), ("client_id", "private_key_jwt")], (200, "")),
        ("with an empty client", &[typed, ("client_assertion", &good), ("client_id", "")], (200, "")),
        (
            "of another client",
            &[typed, ("client_assertion", &good), ("client_id", "client_secret_jwt")],
            INVALID_CLIENT,
        ),
        ("of a client with a secret", &[typed, ("client_assertion", &good), ("client_id", "app")], INVALID_CLIENT),
        ("of a public client", &[typed, ("client_assertion", &good), ("client_id", "spa")], INVALID_CLIENT),
        ("of nobody", &[typed, ("client_assertion", &good), ("client_id", "nobody")], INVALID_CLIENT),
        ("without its type", &[("client_assertion", &good)], INVALID_REQUEST),
        ("the type alone", &[typed, ("client_id", "private_key_jwt")], INVALID_REQUEST),
        (
            "of SAML",
            &[
                ("client_assertion", &good),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"),
            ],
            INVALID_CLIENT,
        ),
        ("of no known type", &[("client_assertion", &good), ("client_assertion_type", "x")], INVALID_CLIENT),
        ("garbage", &[typed, ("client_assertion", "garbage")], INVALID_CLIENT),
        ("no subject", &[typed, ("client_assertion", &no_subject)], INVALID_CLIENT),
        ("two subjects", &[typed, ("client_assertion", &two_subjects)], INVALID_CLIENT),
        ("a subject that is a number", &[typed, ("client_assertion", &number)], INVALID_CLIENT),
        ("a subject that no client has", &[typed, ("client_assertion", &long)], INVALID_CLIENT),
        ("twice", &[typed, ("client_assertion", &good), ("client_assertion", &good)], INVALID_REQUEST),
        ("with a malformed client", &[typed, ("client_assertion", &good), ("client_id", "a\n")], INVALID_REQUEST),
    ];
    for endpoint in ENDPOINTS {
        for (name, parameters, expected) in &cases {
            let reply = ask(&server, endpoint, &[], parameters).await;
            let expected = if *expected == INVALID_CLIENT { Auth::Missing.refused_at(endpoint) } else { *expected };
            assert_eq!(reply.outcome(), expected, "{endpoint:?}: {name}");
            // A failed verification and a missing subject get the same answer.
            if expected.1 == INVALID_CLIENT.1 {
                assert_eq!(reply.text("error_description"), "Client authentication failed.", "{name}");
            }
        }
    }
    assert!(server.store().snapshot().1.len() <= 3, "only what succeeded was stored");
}

// RFC 6749 section 2.3: never two. RFC 6749 section 5.2: a 401 to who used the header names its scheme, as `Reply`
// checks.
#[tokio::test]
async fn an_assertion_beside_another_method_is_refused_whatever_it_is() {
    let server = with_every_method();
    let good = good_assertion("private_key_jwt");
    let header = basic("app", APP.secret().unwrap());
    let secret = APP.secret().unwrap();
    for endpoint in ENDPOINTS {
        for (kind, text) in [(JWT_BEARER, good.as_str()), ("x", "garbage"), ("x", ""), ("", "x"), (JWT_BEARER, "")] {
            let beside = [("client_assertion_type", kind), ("client_assertion", text)];
            let reply = ask(&server, endpoint, &[header.as_bytes()], &beside).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{endpoint:?} {kind} {text}");
            let posted = [beside[0], beside[1], ("client_id", "app"), ("client_secret", secret)];
            let reply = ask(&server, endpoint, &[], &posted).await;
            assert_eq!(reply.outcome(), INVALID_REQUEST, "{endpoint:?} {kind} {text}");
        }
    }
    assert_eq!(server.store().calls(), 0);
}

// RFC 8705 section 2. Keycloak accepted the certificate of another client: CVE-2023-2422.
#[tokio::test]
async fn a_certificate_is_a_credential_of_clients_that_are_registered_for_it() {
    let server = with_every_method();
    let (own, other) = (own_certificate(), ClientCertificate::from_der(&b"\x30\x05other"[..]));
    for (id, certificate, expected) in [
        ("tls_client_auth", Some(&own), (200, "")),
        ("self_signed_tls_client_auth", Some(&own), (200, "")),
        ("tls_client_auth", Some(&other), INVALID_CLIENT),
        ("self_signed_tls_client_auth", Some(&other), INVALID_CLIENT),
        ("tls_client_auth", None, INVALID_CLIENT),
        ("private_key_jwt", Some(&own), INVALID_CLIENT),
        ("app", Some(&own), INVALID_CLIENT),
        ("poster", Some(&own), INVALID_CLIENT),
        ("nobody", Some(&own), INVALID_CLIENT),
        // Section 2: "MUST include the client_id".
        ("", Some(&own), INVALID_REQUEST),
    ] {
        let parameters = [("grant_type", "client_credentials"), ("client_id", id)];
        let reply = server.post_with(Endpoint::Token, Auth::Missing, &parameters, &[], certificate).await;
        assert_eq!(reply.outcome(), expected, "{id} {certificate:?}");
    }
    // A connection that has one does not keep a client from its own method.
    for auth in [APP, POSTER] {
        let parameters = [("grant_type", "client_credentials")];
        let reply = server.post_with(Endpoint::Token, auth, &parameters, &[], Some(&own)).await;
        assert_eq!(reply.status(), 200, "{auth:?}");
    }
    let tokens = server.sign_in(SPA).await;
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    assert_eq!(
        server.post_with(Endpoint::Token, SPA, &refresh, &[], Some(&own)).await.status(),
        200,
        "a public client"
    );
}

#[tokio::test]
async fn a_client_of_a_key_or_a_certificate_never_gets_in_by_a_secret() {
    let server = with_every_method();
    for id in ["client_secret_jwt", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
        for endpoint in ENDPOINTS {
            for auth in [Auth::Basic(id, "secret"), Auth::Post(id, "secret"), Auth::Basic(id, ""), Auth::Public(id)] {
                let needed: Form<'_> = if endpoint == Endpoint::Token {
                    &[("grant_type", "client_credentials")]
                } else {
                    &[("token", "garbage")]
                };
                let reply = server.post(endpoint, auth, needed).await;
                assert_eq!(reply.outcome(), auth.refused_at(endpoint), "{id} {endpoint:?} {auth:?}");
            }
        }
    }
}

// RFC 8414 section 2: what the metadata lists is what is accepted.
#[tokio::test]
async fn the_methods_that_are_listed_are_those_of_registered_clients() {
    let metadata = with_every_method().document(Endpoint::Metadata).await.json;
    let all = [
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none",
    ];
    assert_eq!(metadata["token_endpoint_auth_methods_supported"], serde_json::json!(all));
    assert_eq!(metadata["introspection_endpoint_auth_methods_supported"], serde_json::json!(all[..6]));
    for endpoint in ["token", "revocation", "introspection"] {
        let list = &metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(*list, serde_json::json!(["ES256"]), "{endpoint}");
    }
    let plain = Server::start().document(Endpoint::Metadata).await.json;
    assert_eq!(plain["token_endpoint_auth_methods_supported"], serde_json::json!([all[0], all[1], all[6]]));
    assert_eq!(plain.get("token_endpoint_auth_signing_alg_values_supported"), None);
}

#[tokio::test]
async fn a_verifier_that_cannot_tell_asks_to_try_again() {
    let named = client(Auth::Basic("jwt", "")).with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
    let server = Config::default().verified_client(named, Stub { is_down: true }).start();
    let good = good_assertion("jwt");
    for endpoint in ENDPOINTS {
        let reply =
            ask(&server, endpoint, &[], &[("client_assertion_type", JWT_BEARER), ("client_assertion", &good)]).await;
        assert_eq!(reply.outcome(), (503, "temporarily_unavailable"), "{endpoint:?}");
    }
}

#[test]
fn a_registry_takes_each_client_in_the_way_its_method_needs() {
    let named = |method| Client::new(ClientId::new("app").unwrap()).with_authentication_methods(method);
    let wrong = Err(RegistryError::Method(ClientId::new("app").unwrap()));
    for (method, is_plain) in [
        (ClientAuthenticationMethod::ClientSecretBasic, true),
        (ClientAuthenticationMethod::None, true),
        (ClientAuthenticationMethod::PrivateKeyJwt, false),
        (ClientAuthenticationMethod::ClientSecretJwt, false),
        (ClientAuthenticationMethod::TlsClientAuth, false),
    ] {
        let added = ClientRegistry::new().register_with_verifier(named(method), Arc::new(Stub::default())).map(drop);
        assert_eq!(added, if is_plain { wrong.clone() } else { Ok(()) }, "{method}");
        if !is_plain {
            let hash = SecretHash::sha256(&ClientSecret::new("secret"));
            assert_eq!(ClientRegistry::new().register(named(method), [hash]).map(drop), wrong, "{method}");
        }
    }
}
