//! Failed client authentication: equal work and equal answers, with the reason for the host alone.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use fixtures::{APP, Auth, Config, POSTER, SPA, client};
use regrant::authenticator::{
    AssertionFault, AuthenticateError, CertificateFault, ClientAssertion, ClientAuthenticator, CredentialError,
    CredentialRefusal, VerifyCredentials, VerifySecret,
};
use regrant::client::ClientAuthenticationMethod;
use regrant::event::{EventKind, Operation};
use regrant::proof::ClientCertificate;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    AuthenticatedClient, Client, ClientCredentials, ClientId, ClientRegistry, ClientSecret, Issuer, KeyRing,
    MemoryStore, Refusal, SecretHash, SystemEntropy, TokenService,
};

const GENUINE: &str = "e30.e30.genuine";

/// The number of comparisons of secrets, of verifications of assertions, and of verifications of certificates.
#[derive(Clone, Default)]
struct Work(Arc<[AtomicUsize; 3]>);

impl Work {
    fn done(&self, kind: usize) {
        self.0[kind].fetch_add(1, Ordering::SeqCst);
    }

    /// Returns the work that was asked for since the last call.
    fn take(&self) -> [usize; 3] {
        [0, 1, 2].map(|kind| self.0[kind].swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl VerifySecret for Work {
    async fn verify(&self, _: &ClientSecret) -> bool {
        self.done(0);
        false
    }
}

/// Accepts [`GENUINE`] in anybody's name, as a verifier may that is asked about its own client alone.
#[async_trait]
impl VerifyCredentials for Work {
    async fn verify(&self, _: &Client, shown: &ClientCredentials) -> Result<(), CredentialError> {
        match shown {
            ClientCredentials::Assertion(_, assertion) => {
                self.done(1);
                if assertion.expose() == GENUINE { Ok(()) } else { Err(AssertionFault::Signature.into()) }
            }
            ClientCredentials::Certificate(..) => {
                self.done(2);
                Err(CertificateFault::Subject.into())
            }
            _ => Err(CredentialRefusal::MethodNotRegistered.into()),
        }
    }

    fn algorithms(&self) -> Vec<&'static str> {
        vec!["ES256"]
    }
}

const BY_KEY: [ClientAuthenticationMethod; 4] = [
    ClientAuthenticationMethod::PrivateKeyJwt,
    ClientAuthenticationMethod::ClientSecretJwt,
    ClientAuthenticationMethod::TlsClientAuth,
    ClientAuthenticationMethod::SelfSignedTlsClientAuth,
];

/// A client of each method, those by key named like it.
fn registry(work: &Work) -> ClientRegistry {
    let hash = || SecretHash::custom(Arc::new(work.clone()));
    let clients = ClientRegistry::new().with_decoy(hash());
    let clients =
        clients.register(client(APP), [hash()]).and_then(|clients| clients.register(client(POSTER), [hash(), hash()]));
    let clients = clients.and_then(|clients| clients.register(client(SPA), [])).unwrap();
    BY_KEY.into_iter().fold(clients, |clients, method| {
        let named = client(Auth::Basic(method.as_str(), "")).with_authentication_methods(method);
        clients.register_with_verifier(named, Arc::new(work.clone())).unwrap()
    })
}

fn id(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

fn assertion(name: &str, text: &str) -> ClientCredentials {
    ClientCredentials::Assertion(id(name), ClientAssertion::new(text))
}

fn certificate(name: &str) -> ClientCredentials {
    ClientCredentials::Certificate(id(name), ClientCertificate::from_der(&b"\x30\x00"[..]))
}

// Otherwise the time of the answer reveals which ids are registered, and for which method.
#[tokio::test]
async fn wrong_credentials_cost_the_same_work_whoever_they_name() {
    let work = Work::default();
    let clients = registry(&work);
    let ids = ["nobody", "app", "poster", "spa"].into_iter().chain(BY_KEY.map(ClientAuthenticationMethod::as_str));
    for name in ids {
        let secret = || ClientSecret::new("guess");
        for (credentials, expected) in [
            (ClientCredentials::Basic(id(name), secret()), [2, 0, 0]),
            (ClientCredentials::Post(id(name), secret()), [2, 0, 0]),
            (assertion(name, "e30.e30.forged"), [0, 1, 0]),
            (certificate(name), [0, 0, 1]),
            (ClientCredentials::Public(id(name)), [0, 0, 0]),
        ] {
            let outcome = clients.authenticate(&credentials).await;
            let done = work.take();
            // A public client has nothing that could be wrong, be there a certificate or not.
            let is_public = name == "spa" && done == [0, 0, 0];
            assert_eq!(outcome.is_ok(), is_public, "{credentials:?}");
            assert!(is_public || done == expected, "{credentials:?}: {done:?}");
        }
    }
}

#[tokio::test]
async fn what_is_verified_for_the_sake_of_equal_work_authenticates_nobody() {
    let work = Work::default();
    let clients = registry(&work);
    for (name, reason) in [
        ("nobody", CredentialRefusal::UnknownClient),
        ("app", CredentialRefusal::MethodNotRegistered),
        ("spa", CredentialRefusal::MethodNotRegistered),
        ("tls_client_auth", CredentialRefusal::MethodNotRegistered),
    ] {
        let error = clients.authenticate(&assertion(name, GENUINE)).await.unwrap_err();
        assert_eq!(error.refusal(), Some(reason), "{name}");
        assert_eq!(work.take(), [0, 1, 0], "{name}");
    }
    assert_eq!(clients.authenticate(&assertion("private_key_jwt", GENUINE)).await.unwrap().id, id("private_key_jwt"));
    // A registry without keys has no client to reveal.
    let plain = ClientRegistry::new().register(client(SPA), []).unwrap();
    let error = plain.authenticate(&assertion("nobody", GENUINE)).await.unwrap_err();
    assert_eq!(error.refusal(), Some(CredentialRefusal::UnknownClient));
}

/// A decoy that cannot tell must not make an outage of a refusal.
#[tokio::test]
async fn an_outage_behind_the_work_for_nobody_is_no_outage() {
    struct Down;

    #[async_trait]
    impl VerifyCredentials for Down {
        async fn verify(&self, _: &Client, _: &ClientCredentials) -> Result<(), CredentialError> {
            Err(CredentialError::unavailable("the keys are out of reach"))
        }

        fn algorithms(&self) -> Vec<&'static str> {
            Vec::new()
        }
    }
    let named = client(Auth::Basic("jwt", "")).with_authentication_methods(ClientAuthenticationMethod::PrivateKeyJwt);
    let clients = ClientRegistry::new().register_with_verifier(named, Arc::new(Down)).unwrap();
    assert!(clients.authenticate(&assertion("nobody", GENUINE)).await.unwrap_err().is_refused());
    assert!(!clients.authenticate(&assertion("jwt", GENUINE)).await.unwrap_err().is_refused());
}

const ASSERTION_FAULTS: [AssertionFault; 11] = [
    AssertionFault::Malformed,
    AssertionFault::Type,
    AssertionFault::Algorithm,
    AssertionFault::Key,
    AssertionFault::Signature,
    AssertionFault::Issuer,
    AssertionFault::Audience,
    AssertionFault::Expired,
    AssertionFault::NotYetValid,
    AssertionFault::Lifetime,
    AssertionFault::Used,
];
const CERTIFICATE_FAULTS: [CertificateFault; 4] = [
    CertificateFault::Malformed,
    CertificateFault::Validity,
    CertificateFault::Subject,
    CertificateFault::Unregistered,
];

fn every_reason() -> Vec<CredentialRefusal> {
    let plain = [
        CredentialRefusal::UnknownClient,
        CredentialRefusal::WrongSecret,
        CredentialRefusal::MethodNotRegistered,
        CredentialRefusal::Other("attestation_expired"),
    ];
    let assertions = ASSERTION_FAULTS.map(CredentialRefusal::Assertion);
    let certificates = CERTIFICATE_FAULTS.map(CredentialRefusal::Certificate);
    plain.into_iter().chain(assertions).chain(certificates).collect()
}

/// Refuses every client for one reason, with the client known or unknown.
struct Refuses(CredentialRefusal, bool);

#[async_trait]
impl ClientAuthenticator for Refuses {
    async fn authenticate(&self, shown: &ClientCredentials) -> Result<AuthenticatedClient, AuthenticateError> {
        let Self(reason, is_known) = *self;
        Err(if is_known {
            AuthenticateError::refused_known(shown.client_id().clone(), reason)
        } else {
            AuthenticateError::refused(reason)
        })
    }
}

#[tokio::test]
async fn the_host_is_told_the_reason_and_the_client_the_same_bytes_for_each() {
    let basic = fixtures::basic("app", "guess");
    for endpoint in [Endpoint::Token, Endpoint::Revocation, Endpoint::Introspection] {
        for header in [None, Some(basic.as_bytes())] {
            let mut answers = HashSet::new();
            for (reason, is_known) in every_reason().into_iter().flat_map(|reason| [(reason, true), (reason, false)]) {
                let events = fixtures::Events::default();
                let keys = KeyRing::generate(&SystemEntropy);
                let service = TokenService::builder(MemoryStore::new(), Refuses(reason, is_known), keys)
                    .events(events.clone())
                    .build()
                    .unwrap();
                let mut headers: Vec<(&str, &[u8])> = vec![("content-type", b"application/x-www-form-urlencoded")];
                headers.extend(header.map(|value| ("authorization", value)));
                let body = "grant_type=client_credentials&token=x&client_id=app";
                let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
                let response = Endpoints::new(service, Issuer::from_static(fixtures::ISSUER))
                    .unwrap()
                    .handle(endpoint, &request)
                    .await;
                answers.insert((response.status, response.headers, response.body));
                let told = EventKind::Refused(Refusal::ClientAuthenticationFailed(reason));
                assert_eq!(events.operations(), [(Operation::Authenticate, told)]);
                assert_eq!(Refusal::ClientAuthenticationFailed(reason).code().as_str(), "invalid_client");
            }
            assert_eq!(answers.len(), 1, "{endpoint:?}: {answers:?}");
        }
    }
}

#[test]
fn every_reason_has_a_name_of_its_own_for_logs_and_labels() {
    let reasons = every_reason();
    let names: HashSet<_> = reasons.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), reasons.len());
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
    }
    // A new reason must be entered here: each has a text.
    let source = include_str!("../../src/ports/authenticator/credential_error.rs");
    let (_, source) = source.split_once("pub enum CredentialRefusal").unwrap();
    // Two of them are the texts of the faults within.
    assert_eq!(source.matches("#[error(").count(), reasons.len() + 2);
}

#[tokio::test]
async fn a_registry_says_why_it_refuses_and_never_repeats_an_unknown_id() {
    let server = Config::default().start();
    let refused = |reason| EventKind::Refused(Refusal::ClientAuthenticationFailed(reason));
    for (auth, reason) in [
        (Auth::Basic("nobody", "guess"), CredentialRefusal::UnknownClient),
        (Auth::Public("nobody"), CredentialRefusal::UnknownClient),
        (Auth::Basic("app", "guess"), CredentialRefusal::WrongSecret),
        (Auth::Public("app"), CredentialRefusal::MethodNotRegistered),
        (Auth::Basic("spa", "guess"), CredentialRefusal::MethodNotRegistered),
    ] {
        server.config.events.operations();
        server.token(auth, &[("grant_type", "client_credentials")]).await;
        assert_eq!(server.config.events.operations(), [(Operation::Authenticate, refused(reason))], "{auth:?}");
    }
    let id = "my-secret-in-the-wrong-field";
    let credentials = ClientCredentials::Basic(ClientId::new(id).unwrap(), ClientSecret::new("guess"));
    let error = server.config.registry().authenticate(&credentials).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(id));
}
