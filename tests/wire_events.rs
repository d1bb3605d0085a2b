//! What a host that watches for guessing is told of requests that never reach a grant.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall stop")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use regrant::wire::{Endpoint, Endpoints, Request};
use regrant::{
    Approval, ApproveError, ApproveRequest, AuthenticatedClient, Client, ClientId, ClientRegistry, ClientSecret, Event,
    EventKind, EventSink, GrantApprover, GrantType, KeyRing, MemoryStore, Operation, Refusal, SecretHash,
    SystemEntropy, TokenService,
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

/// Knows nobody's password.
struct Denies;

#[async_trait]
impl GrantApprover for Denies {
    async fn approve(&self, _: &AuthenticatedClient, _: &ApproveRequest<'_>) -> Result<Approval, ApproveError> {
        Err(ApproveError::Denied)
    }
}

/// What is told of a token request with `body`.
async fn told_of(body: &str) -> Vec<Told> {
    let secret = |text| [SecretHash::sha256(&ClientSecret::new(text))];
    let post = regrant::ClientAuthenticationMethod::ClientSecretPost;
    let client = |id| Client::new(ClientId::new(id).unwrap()).with_authentication_methods(post);
    let clients = ClientRegistry::new()
        .with(client("may").with_grant_types([GrantType::Password]), secret("right"))
        .and_then(|clients| clients.with(client("may-not"), secret("right")))
        .unwrap();
    let watch = Watch::default();
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .events(watch.clone())
        .build()
        .unwrap();
    let endpoints = Endpoints::new(service, "https://as.example").with_approver(GrantType::Password, Denies);
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
    let failed = Refusal::ClientAuthenticationFailed;
    let cases = [
        ("client_id=may&client_secret=right", refused(Operation::Issue, Refusal::ApprovalDenied, Some("may"))),
        (
            "client_id=may-not&client_secret=right",
            refused(Operation::Issue, Refusal::GrantTypeNotAllowed, Some("may-not")),
        ),
        ("client_id=may&client_secret=wrong", refused(Operation::Authenticate, failed, Some("may"))),
        // What stands in the place of a client id may be anything, a secret for instance.
        ("client_id=nobody&client_secret=right", refused(Operation::Authenticate, failed, None)),
    ];
    for (client, expected) in cases {
        let told = told_of(&format!("grant_type=password&username=u&password=p&{client}")).await;
        assert_eq!(told, expected, "{client}");
    }
}
