//! `oxide-auth` on axum: `RefreshFlow`, and `ResourceFlow` behind an introspection endpoint, since it has none.
//!
//! The secret is compared by its SHA-256, as regrant does. The default of `oxide-auth` is Argon2, which would be the
//! whole cost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{Duration, Utc};
use oxide_auth::frontends::simple::endpoint::{refresh_flow, resource_flow};
use oxide_auth::frontends::simple::request::{Request, Status};
use oxide_auth::primitives::grant::{Extensions, Grant};
use oxide_auth::primitives::issuer::{IssuedToken, Issuer as _, TokenMap};
use oxide_auth::primitives::prelude::{ClientMap, RandomGenerator, Scope};
use oxide_auth::primitives::registrar::{Client, PasswordPolicy, RegisteredUrl, Registrar as _, RegistrarError};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::seed::{API, APP, LIFETIME, SCOPE, SECRET, Seed, user};
use crate::{Size, serve_axum};

struct Server {
    registrar: ClientMap,
    issuer: Mutex<TokenMap<RandomGenerator>>,
    scopes: Vec<Scope>,
}

pub(crate) fn serve(size: Size) {
    let scope: Scope = SCOPE.parse().expect("valid");
    let mut registrar = ClientMap::new();
    registrar.set_password_policy(Sha256Policy);
    registrar.register_client(Client::public(APP, redirect_uri(), scope.clone()));
    registrar.register_client(Client::confidential(API, redirect_uri(), scope.clone(), SECRET.as_bytes()));
    let mut issuer = TokenMap::new(RandomGenerator::new(16));
    let mut seed = Seed::default();
    for number in 0..size.grants {
        let mut issue = |client| issuer.issue(grant(client, number, &scope)).expect("issued");
        seed.refresh.push(issue(APP).refresh.expect("with a refresh token"));
        let IssuedToken { token, .. } = issue(API);
        seed.introspect.push(token);
    }
    let server = Arc::new(Server { registrar, issuer: Mutex::new(issuer), scopes: vec![scope] });
    let app = Router::new().route("/token", post(refresh)).route("/introspect", post(introspect)).with_state(server);
    crate::runtime(size).block_on(serve_axum(app, &seed));
}

async fn refresh(State(server): State<Arc<Server>>, Form(urlbody): Form<HashMap<String, String>>) -> Response {
    let mut issuer = server.issuer.lock().expect("no panic");
    let request = Request { urlbody, ..Request::default() };
    let response = refresh_flow(&server.registrar, &mut *issuer).execute(request);
    drop(issuer);
    let response = response.expect("simple requests do not fail");
    assert!(matches!(response.status, Status::Ok), "{response:?}");
    ok(response.body.expect("has a body").as_str().to_owned())
}

async fn introspect(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if !is_authenticated(&server.registrar, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let token = form.get("token").map_or("", String::as_str);
    let request = Request { auth: Some(format!("Bearer {token}")), ..Request::default() };
    let mut issuer = server.issuer.lock().expect("no panic");
    let grant = resource_flow(&mut *issuer, &server.scopes).execute(request);
    drop(issuer);
    let body = grant.map_or_else(
        |_| json!({ "active": false }),
        |grant| {
            json!({
                "active": true, "scope": grant.scope.to_string(), "client_id": grant.client_id,
                "token_type": "Bearer", "exp": grant.until.timestamp(), "sub": grant.owner_id,
                "iss": "https://as.example",
            })
        },
    );
    ok(body.to_string())
}

fn is_authenticated(registrar: &ClientMap, headers: &HeaderMap) -> bool {
    let credentials = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let credentials = credentials.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
    let parts = credentials.as_deref().and_then(|text| text.split_once(':'));
    parts.is_some_and(|(id, secret)| registrar.check(id, Some(secret.as_bytes())).is_ok())
}

fn ok(body: String) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    (headers, body).into_response()
}

fn grant(client_id: &str, number: usize, scope: &Scope) -> Grant {
    Grant {
        owner_id: user(number),
        client_id: client_id.to_owned(),
        scope: scope.clone(),
        redirect_uri: redirect_uri().to_url(),
        until: Utc::now() + Duration::seconds(LIFETIME.cast_signed()),
        extensions: Extensions::new(),
    }
}

fn redirect_uri() -> RegisteredUrl {
    RegisteredUrl::Semantic("https://app.example/callback".parse().expect("a URL"))
}

struct Sha256Policy;

impl PasswordPolicy for Sha256Policy {
    fn store(&self, _: &str, passphrase: &[u8]) -> Vec<u8> {
        Sha256::digest(passphrase).to_vec()
    }

    fn check(&self, _: &str, passphrase: &[u8], stored: &[u8]) -> Result<(), RegistrarError> {
        // The comparison of two hashes reveals nothing of use by its time.
        if Sha256::digest(passphrase)[..] == *stored { Ok(()) } else { Err(RegistrarError::Unspecified) }
    }
}
