//! `oauth-as` with its own adapter for axum and its defaults: opaque tokens, rotation, no retry window.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth_as::client::{Client, ClientAuth, ClientId, SecretHash};
use oauth_as::grant::GrantType;
use oauth_as::http::ServiceBuilder;
use oauth_as::scope::ScopeSet;
use oauth_as::server::{AuthorizationServer, ServerConfig};
use oauth_as::store::{MemoryStorage, Storage as _};
use oauth_as::token::{IssuedToken, RefreshTokenRecord};
use regrant::{Entropy as _, SystemEntropy};

use crate::clock::Moving;
use crate::seed::{API, APP, LIFETIME, SCOPE, SECRET, Seed, user};
use crate::{Size, serve_axum};

pub(crate) fn serve(size: Size) {
    crate::runtime(size).block_on(async {
        let mut config = ServerConfig::new("https://as.example", "https://as.example/device");
        config.token_endpoint = Some("https://as.example/token".to_owned());
        config.introspection_endpoint = Some("https://as.example/introspect".to_owned());
        config.access_token_ttl = Duration::from_secs(3600);
        let server = AuthorizationServer::with_clock(config, MemoryStorage::new(), Moving::new(size.grants));
        let secret = ClientAuth::ConfidentialSecretHash { hash: SecretHash::sha256(SECRET) };
        for (id, auth) in [(APP, ClientAuth::Public), (API, secret)] {
            server.register_client(client(id, auth)).await.expect("registered");
        }
        let mut seed = Seed::default();
        for number in 0..size.grants {
            seed.refresh.push(refresh_token(server.store(), number).await);
            seed.introspect.push(access_token(server.store(), API, number, None).await);
        }
        let service = ServiceBuilder::new(Arc::new(server)).build().expect("routable endpoints");
        serve_axum(Router::from(service), &seed).await;
    });
}

fn client(id: &str, auth: ClientAuth) -> Client {
    Client {
        client_id: ClientId::new(id),
        auth,
        grant_types: vec![GrantType::RefreshToken, GrantType::AuthorizationCode],
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        allowed_scopes: scope(),
        default_scopes: scope(),
        name: None,
        registration: None,
    }
}

/// Puts the records into the store that a redeemed code leaves there, except the code itself.
async fn refresh_token(store: &MemoryStorage, number: usize) -> String {
    let family = random();
    let token = random();
    let mut record = RefreshTokenRecord::new(&*token, ClientId::new(APP), Some(user(number)), scope(), &*family);
    record.grant_established_at = now();
    assert!(store.put_refresh_token(record).await.expect("no error").is_applied());
    access_token(store, APP, number, Some(family)).await;
    token
}

async fn access_token(store: &MemoryStorage, client: &str, number: usize, family_id: Option<String>) -> String {
    let token = random();
    let expires_at = now() + Duration::from_secs(LIFETIME);
    let client = ClientId::new(client);
    let mut record = IssuedToken::new(&*token, client, Some(user(number)), scope(), now(), expires_at);
    record.grant_established_at = now();
    record.family_id = family_id;
    assert!(store.put_token(record).await.expect("no error").is_applied());
    token
}

fn scope() -> ScopeSet {
    ScopeSet::parse(SCOPE).expect("valid")
}

fn random() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now() -> SystemTime {
    SystemTime::now()
}
