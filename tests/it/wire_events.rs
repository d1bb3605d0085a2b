//! Events of requests that never reach a grant, for hosts that watch for guessing.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fixtures::{APP, Config, OTHER, Server, WatchedStore};
use regrant::authenticator::CredentialRefusal;
use regrant::event::{Event, EventKind, EventSink, Operation};
use regrant::host::{ApproveError, ApproveRequest, GrantApprover};
use regrant::wire::{Endpoint, Endpoints, MalformedRequest, Request};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, ClientSecret, GrantType, Issuer, KeyRing,
    MemoryStore, Refusal, SecretHash, SystemEntropy, TokenService,
};

type Told = (Operation, EventKind, Option<String>);

#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Vec<Told>>>);

impl EventSink for Watch {
    fn record(&self, event: &Event<'_>) {
        let client_id = event.client_id.map(ToString::to_string);
        self.0.lock().unwrap().push((event.operation, event.kind, client_id));
    }
}

/// Denies every password.
struct Denies;

#[async_trait]
impl GrantApprover for Denies {
    async fn approve(&self, _: &AuthenticatedClient, _: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        Err(ApproveError::Denied)
    }
}

/// Returns the events of a token request with `body`.
async fn told_of(body: &str) -> Vec<Told> {
    let secret = |text| [SecretHash::sha256(&ClientSecret::new(text))];
    let post = regrant::client::ClientAuthenticationMethod::ClientSecretPost;
    let client = |id| Client::new(ClientId::new(id).unwrap()).with_authentication_methods(post);
    let clients = ClientRegistry::new()
        .register(client("may").with_grant_types([GrantType::Password]), secret("right"))
        .and_then(|clients| clients.register(client("may-not"), secret("right")))
        .unwrap();
    let watch = Watch::default();
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .events(watch.clone())
        .build()
        .unwrap();
    let endpoints = Endpoints::new(service, Issuer::from_static("https://as.example"))
        .unwrap()
        .with_approver(GrantType::Password, Denies);
    let headers: [(&str, &[u8]); 1] = [("content-type", b"application/x-www-form-urlencoded")];
    let request = Request::new("POST", "/oauth2/token", &headers, body.as_bytes());
    endpoints.handle(Endpoint::Token, &request).await;
    let told = watch.0.lock().unwrap();
    told.clone()
}

#[tokio::test]
async fn whoever_guesses_is_reported() {
    let refused = |operation, refusal, client_id: Option<&str>| {
        vec![(operation, EventKind::Refused(refusal), client_id.map(str::to_owned))]
    };
    let failed = |reason| Refusal::ClientAuthenticationFailed(reason);
    let cases = [
        ("client_id=may&client_secret=right", refused(Operation::Issue, Refusal::ApprovalDenied, Some("may"))),
        (
            "client_id=may-not&client_secret=right",
            refused(Operation::Issue, Refusal::GrantTypeNotAllowed, Some("may-not")),
        ),
        (
            "client_id=may&client_secret=wrong",
            refused(Operation::Authenticate, failed(CredentialRefusal::WrongSecret), Some("may")),
        ),
        // The client id of a malformed request may be anything, such as a secret.
        (
            "client_id=nobody&client_secret=right",
            refused(Operation::Authenticate, failed(CredentialRefusal::UnknownClient), None),
        ),
    ];
    for (client, expected) in cases {
        let told = told_of(&format!("grant_type=password&username=u&password=p&{client}")).await;
        assert_eq!(told, expected, "{client}");
    }
}

/// Endpoint, method, headers, body; operation and fault of the event.
type Case<'a> = (Endpoint, &'a str, &'a [(&'a str, &'a [u8])], &'a str, Operation, MalformedRequest);

#[tokio::test]
async fn malformed_requests_are_told_by_name_and_never_by_what_was_in_them() {
    let server = Server::start();
    let form = ("content-type", &b"application/x-www-form-urlencoded"[..]);
    let json = ("content-type", &b"application/json"[..]);
    let basic = ("authorization", &b"Basic canary!"[..]);
    let (token, revoke) = (Endpoint::Token, Endpoint::Revocation);
    let cases: [Case<'_>; 12] = [
        (token, "GET", &[], "", Operation::Token, MalformedRequest::Method("POST")),
        (token, "POST", &[json], "{}", Operation::Token, MalformedRequest::ContentType),
        (token, "POST", &[form], "scope=%ff", Operation::Token, MalformedRequest::Encoding),
        (token, "POST", &[form], "code=canary&code=canary", Operation::Token, MalformedRequest::Repeated),
        (token, "POST", &[form], "grant_type=password", Operation::Token, MalformedRequest::NoClient),
        (token, "POST", &[form, basic], "", Operation::Token, MalformedRequest::Authorization),
        (token, "POST", &[form], "client_id=a", Operation::Token, MalformedRequest::Missing("grant_type")),
        (token, "POST", &[form], "client_id=a&grant_type=canary", Operation::Token, MalformedRequest::GrantType),
        (revoke, "POST", &[form], "client_id=a", Operation::Revoke, MalformedRequest::Missing("token")),
        (Endpoint::Introspection, "POST", &[form], "token=canary", Operation::Introspect, MalformedRequest::NoClient),
        (
            Endpoint::DeviceAuthorization,
            "POST",
            &[form],
            "client_id=a",
            Operation::AuthorizeDevice,
            MalformedRequest::UnknownEndpoint,
        ),
        (Endpoint::Metadata, "PUT", &[], "", Operation::Publish, MalformedRequest::Method("GET, HEAD")),
    ];
    for (endpoint, method, headers, body, operation, malformed) in cases {
        let reply = server.raw(endpoint, method, headers, body).await;
        let events = server.config.events.take();
        assert_eq!(events.len(), 1, "{reply:?} {events:?}");
        let event = &events[0];
        assert_eq!((event.operation, event.kind), (operation, EventKind::Malformed(malformed)), "{reply:?}");
        assert_eq!(event.kind.cause(), Some(malformed.as_str()));
        assert!(event.client_id.is_none() && event.failure.is_none() && !format!("{event:?}").contains("canary"));
    }
}

#[tokio::test]
async fn to_log_out_what_is_dead_is_no_refusal_and_to_log_out_others_is_one() {
    let server = Server::start();
    let (tokens, code) = (server.sign_in(APP).await, server.code(APP).await);
    // The same keys on an empty store.
    let forgotten = Config { store: WatchedStore::default(), ..server.config.clone() }.start();
    server.revoke(APP, &tokens.refresh).await;
    server.config.events.operations();
    for token in [&*tokens.refresh, &tokens.access, &code, "garbage"] {
        assert_eq!(server.revoke(APP, token).await.status(), 200);
        assert_eq!(forgotten.revoke(APP, token).await.status(), 200);
    }
    assert_eq!(server.config.events.operations(), []);
    server.revoke(OTHER, &tokens.refresh).await;
    assert_eq!(server.config.events.operations(), [(Operation::Revoke, EventKind::Refused(Refusal::OtherClient))]);
}
