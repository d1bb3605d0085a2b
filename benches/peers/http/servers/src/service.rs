//! The endpoints of regrant over a `MemoryStore`, for all adapters.

use std::sync::Arc;
use std::time::Duration;

use regrant::policy::ClientPolicy;
use regrant::wire::{Endpoints, Paths};
use regrant::{
    Approval, AuthenticatedClient, Client, ClientId, ClientRegistry, ClientSecret, GrantType, IssueRequest, Issuer,
    KeyRing, MemoryStore, Scope, SecretHash, Subject, SystemEntropy, TokenResponse, TokenService,
};

use crate::Size;
use crate::clock::Moving;
use crate::seed::{API, APP, LIFETIME, SCOPE, SECRET, Seed, user};

/// Returns the endpoints and the first tokens.
pub(crate) async fn endpoints(size: Size) -> (Arc<Endpoints<MemoryStore>>, Seed) {
    let app = Client::public(ClientId::from_static(APP));
    let api = Client::new(ClientId::from_static(API));
    let [app, api] = [app, api].map(|client| {
        client.with_grant_types([GrantType::Password, GrantType::RefreshToken]).with_scope(Scope::from_static(SCOPE))
    });
    // The tokens that are introspected outlive the run.
    let api = api.with_policy(ClientPolicy::default().with_access_token_lifetime(Duration::from_secs(LIFETIME)));
    let clients = ClientRegistry::new().register(app.clone(), []).expect("the first client");
    let secret = SecretHash::sha256(&ClientSecret::new(SECRET));
    let clients = clients.register(api.clone(), [secret]).expect("the second client");
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), clients, keys).clock(Moving::new(size.grants));
    let service = service.build().expect("valid");

    let mut seed = Seed::default();
    let [app, api] = [app, api].map(|client| AuthenticatedClient::assertion(client.into()));
    for number in 0..size.grants {
        let tokens = issue(&service, &app, number).await;
        seed.refresh.push(tokens.refresh_token.expect("the client may refresh").expose().to_owned());
        seed.introspect.push(issue(&service, &api, number).await.access_token.expose().to_owned());
    }
    let mut paths = Paths::default();
    "/token".clone_into(&mut paths.token);
    "/introspect".clone_into(&mut paths.introspection);
    (
        Arc::new(Endpoints::new(service, Issuer::from_static("https://as.example")).expect("valid").with_paths(paths)),
        seed,
    )
}

async fn issue(service: &TokenService<MemoryStore>, client: &AuthenticatedClient, number: usize) -> TokenResponse {
    let approval = Approval::of(Subject::new(user(number)).expect("valid")).with_scope(Scope::from_static(SCOPE));
    service.issue(client, IssueRequest::new(GrantType::Password, approval)).await.expect("issued")
}
