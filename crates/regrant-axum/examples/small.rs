//! A whole authorization server: authorization code with PKCE, refresh tokens, and one client with a hashed secret. It
//! approves every request for the user "demo" at once. A real server signs the user in and asks first.
//!
//! ```text
//! cargo run --example small
//! ```

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use regrant::policy::RequirePkce;
use regrant::wire::{Endpoints, Paths};
use regrant::{Approval, Client, ClientRegistry, ClientSecret, GrantType, KeyRing, MemoryStore, Policy, SecretHash};
use regrant::{ClientId, Issuer, RedirectUri, Scope, Subject, SystemEntropy, TokenService};
use regrant_axum::{Answer, AuthorizationRequest};

type Server = Arc<Endpoints<MemoryStore>>;

async fn authorize(server: State<Server>, request: AuthorizationRequest) -> Result<Answer, Answer> {
    let ask = server.ask(&request.0).await?;
    Ok(ask.approve(Approval::of(Subject::from_static("demo"))).await?.into())
}

pub(crate) fn app(issuer: Issuer) -> Result<Router, Box<dyn std::error::Error>> {
    let client = Client::new(ClientId::from_static("app"))
        .with_redirect_uris([RedirectUri::from_static("http://127.0.0.1/callback")])
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_scope(Scope::from_static("read write"));
    let secret = SecretHash::sha256(&ClientSecret::new("hD3kq0vX7ZrYc2LmN8sTpW"));
    let clients = ClientRegistry::new().register(client, [secret])?;
    let service = TokenService::builder(MemoryStore::new(), clients, KeyRing::generate(&SystemEntropy))
        .policy(Policy::default().with_require_pkce(RequirePkce::Everybody))
        .build()?;
    let paths = Paths { authorization: Some("/oauth2/authorize".to_owned()), ..Paths::default() };
    let server = Arc::new(Endpoints::new(service, issuer)?.with_paths(paths));
    let pages = Router::new().route("/oauth2/authorize", get(authorize).post(authorize));
    Ok(pages.with_state(Arc::clone(&server)).merge(regrant_axum::router(server)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app(Issuer::from_static("http://127.0.0.1:8080"))?).await?)
}
