//! An MCP server with one tool, and the authorization server that protects it. Nobody registers MCP clients by hand. A
//! client finds the authorization server by the metadata of the resource (RFC 9728), registers itself (RFC 7591), and
//! gets tokens that are for this resource alone (RFC 8707).
//!
//! ```text
//! cargo run -p regrant-axum --example mcp_host --features resource-server [ADDRESS]
//! ```
//!
//! The user is always "demo" here. `host.rs` has the sign-in.

use std::sync::Arc;
use std::{env, error::Error, time::Duration};

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::{Json, Router, extract::State, routing::get, routing::post};
use maud::{DOCTYPE, html};
use regrant::authenticator::{DirectoryAuthenticator, MemoryClients};
use regrant::client::RegistrationRules;
use regrant::clock::{Clock as _, SystemClock};
use regrant::policy::{AccessTokenFormat, RequirePkce};
use regrant::wire::{ClientRegistration, Endpoints, Paths};
use regrant::{Approval, Client, ClientId, GrantType, Issuer, KeyRing, MemoryStore, Policy, Resource, Resources};
use regrant::{Scope, Subject, SystemEntropy, TokenService};
use regrant_axum::{Answer, AuthorizationRequest, RequireToken, Verified, resource_metadata};
use regrant_jose::resource_server::ResourceMetadata;
use regrant_jose::{Algorithm, JwtTokens, JwtVerifier, KeySet, PrivateKey, ResourceServer};
use serde_json::{Value, json};

struct Host {
    endpoints: Arc<Endpoints<MemoryStore>>,
    issuer: String,
}

/// Asks before each authorization. Anyone can register a client under any name: the page shows where the answer goes.
async fn authorize(
    host: State<Arc<Host>>,
    headers: HeaderMap,
    request: AuthorizationRequest,
) -> Result<Response, Answer> {
    let ask = host.endpoints.ask(&request.0).await?;
    // Another site must not approve in the user's name.
    let is_own_form = headers.get(header::ORIGIN).is_some_and(|origin| *origin == *host.issuer);
    match request.0.form().and_then(|form| form.get("decision")).filter(|_| is_own_form) {
        Some("allow") => Ok(Answer(ask.approve(Approval::of(Subject::from_static("demo"))).await?).into_response()),
        Some(_) => Err(ask.deny().into()),
        None => {
            let page = html! { (DOCTYPE) html lang="en" { head { title { "Allow access?" } } body {
                p { b { (ask.client().name.as_deref().unwrap_or("An application")) } " at " b { (ask.redirect_uri()) }
                    " wants to use: " (ask.scope()) }
                form method="post" action={ "/authorize?" (request.0.query_without(&[])) } {
                    button name="decision" value="allow" { "Allow" } " " button name="decision" value="deny" { "Deny" }
                }
            } } };
            let policy = (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
            Ok(([policy], Html(page.into_string())).into_response())
        }
    }
}

/// Answers one message of the Model Context Protocol (JSON-RPC over HTTP). The tool says who calls.
async fn mcp(Verified(token): Verified, Json(message): Json<Value>) -> Response {
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "regrant", "version": "0.1.0" },
        }),
        Some("tools/list") => json!({ "tools": [{ "name": "whoami", "inputSchema": { "type": "object" } }] }),
        Some("tools/call") => {
            let user = token.subject().map_or("nobody", Subject::as_str);
            json!({ "content": [{ "type": "text", "text": user }] })
        }
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

fn app(issuer: &str) -> Result<Router, Box<dyn Error>> {
    let (clock, scope) = (Arc::new(SystemClock), Scope::from_static("tools"));
    let resource = Resource::new(format!("{issuer}/mcp"))?;
    let signing_key = PrivateKey::generate(Algorithm::EdDsa, &SystemEntropy)?;
    let signing_keys = KeySet::new(signing_key, Duration::from_secs(3600))?;

    // What a client can get that registers itself.
    let most = Client::public(ClientId::from_static("most"))
        .with_grant_types([GrantType::AuthorizationCode, GrantType::RefreshToken])
        .with_any_localhost_port(true)
        .with_resources(Resources::from(vec![resource.clone()]))
        .with_scope(scope.clone());
    let clients = MemoryClients::new();
    let registration = ClientRegistration::new(clients.clone(), RegistrationRules::within(most));
    let verifier = JwtVerifier::new(issuer, resource.as_str(), signing_keys.public_keys(clock.now()));
    let policy =
        Policy::default().with_require_pkce(RequirePkce::Everybody).with_access_token_format(AccessTokenFormat::Jwt);
    let keys = KeyRing::generate(&SystemEntropy);
    let service = TokenService::builder(MemoryStore::new(), DirectoryAuthenticator::new(clients), keys)
        .policy(policy)
        .jwt_issuer(JwtTokens::new(Issuer::new(issuer)?, signing_keys))
        .build()?;
    let paths = Paths { authorization: Some("/authorize".to_owned()), ..Paths::default() };
    let endpoints = Endpoints::new(service, Issuer::new(issuer)?)?.with_paths(paths).with_registration(registration);
    let endpoints = Arc::new(endpoints);

    // The resource server: its challenges name the document in which clients find the authorization server.
    let metadata = ResourceMetadata::new(&resource)?.with_authorization_servers([issuer]).with_scope(&scope);
    let server = Arc::new(ResourceServer::new(issuer, verifier, clock).with_metadata(metadata));
    let tools = Router::new().route("/mcp", post(mcp)).layer(RequireToken::new(Arc::clone(&server)).with_scope(scope));
    let host = Host { endpoints: Arc::clone(&endpoints), issuer: issuer.to_owned() };
    let pages = Router::new().route("/authorize", get(authorize).post(authorize)).with_state(Arc::new(host));
    Ok(pages.merge(tools).merge(resource_metadata(server)).merge(regrant_axum::router(endpoints)))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    println!("listening on {issuer}");
    Ok(axum::serve(listener, app(&issuer)?).await?)
}
